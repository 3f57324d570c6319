"""What AWS and its Pulumi provider make of a resource: ids, computed outputs, replacement, order.

In: a Pulumi type token and plain inputs. Out: the id and outputs that AWS would answer, the
properties that cannot change in place, and what must exist first. A table, used by the in-process
monitor and by the stand-in provider. Texts hold `{name}` fields: an input, or one of account,
region, partition, id, invented (ten letters and digits) and the few of `_fields`.
Replacement follows the provider's schema ("forces new resource" in its documentation).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support.wire import Plain, Properties, comparable

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
API = "aws:apigatewayv2/api:Api"
STAGE = "aws:apigatewayv2/stage:Stage"
INTEGRATION = "aws:apigatewayv2/integration:Integration"
ROUTE = "aws:apigatewayv2/route:Route"
AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
BUCKET = "aws:s3/bucket:Bucket"
BUCKET_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
BUCKET_PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
PARAMETER = "aws:ssm/parameter:Parameter"
METRIC_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
LOG_METRIC_FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
TOPIC = "aws:sns/topic:Topic"
TOPIC_SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
GET_CALLER_IDENTITY = "aws:index/getCallerIdentity:getCallerIdentity"

NO_REGION: Final = (
    "Missing region information\nMake sure you have set your AWS region, "
    "e.g. `pulumi config set aws:region us-west-2`."
)


@dataclass(frozen=True)
class Need:
    """Something that must exist first.

    `path` leads to an input naming it (dots go into maps), `pattern`'s group is its id where the
    input is more than that, `error` is AWS's answer with {} for the input.
    """

    path: str
    type: str
    error: str
    pattern: str = "(.*)"


@dataclass(frozen=True)
class Kind:
    """One type: its id, what makes it unique in a region (default: its id), computed outputs.

    `fixed` inputs cannot change in place; `named` is the autonamable one, which makes the provider
    delete before it creates when it was written out and stays. `everywhere` means unique across
    regions, though the resource lies in one; `overwritten`, that creating it again is no mistake.
    """

    id: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    named: str = ""
    unique: str = "{id}"
    regional: bool = True
    everywhere: bool = False
    overwritten: bool = False
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Account:
    """Where things are made: twelve digits, and the provider's own region."""

    id: str
    region: str


_NO_FUNCTION = "ResourceNotFoundException: Function not found: {}"
_NO_API = "NotFoundException: Invalid API identifier specified: {}"
_NO_BUCKET = "NoSuchBucket: The specified bucket does not exist: {}"
_NO_LOG_GROUP = "ResourceNotFoundException: The specified log group does not exist: {}"
_NO_TOPIC = "NotFound: Topic does not exist: {}"
_ROLE_OF_ARN = r"(?:arn:[^:]*:iam::\d*:role/(?:.*/)?)?([^/]*)"
_LOG_GROUP_OF_ARN = r"(?:arn:[^:]*:logs:[^:]*:\d*:log-group:)?([^:]*)(?::\*)?"
_FUNCTION_OF_ARN = r"(?:.*:function:)?([^:/]*).*"

_API_OF = Need("apiId", API, _NO_API)
_BUCKET_OF = Need("bucket", BUCKET, _NO_BUCKET)
_EXECUTE_API = "{apiId}.execute-api.{region}.{suffix}"
_BUCKET_COMPANION = Kind("{bucket}", fixed=("bucket",), needs=(_BUCKET_OF,))

KINDS: Final[Mapping[str, Kind]] = {
    ROLE: Kind(
        "{name}",
        {"arn": "arn:{partition}:iam::{account}:role{path}{id}", "uniqueId": "AROA{invented}"},
        fixed=("name", "path"),
        named="name",
        regional=False,
    ),
    ROLE_POLICY: Kind(
        "{role}:{name}",
        fixed=("name", "role"),
        named="name",
        regional=False,
        needs=(Need("role", ROLE, "NoSuchEntity: The role with name {} cannot be found."),),
    ),
    LOG_GROUP: Kind(
        "{name}",
        {"arn": "arn:{partition}:logs:{region}:{account}:log-group:{id}"},
        fixed=("name", "logGroupClass"),
        named="name",
    ),
    FUNCTION: Kind(
        "{name}",
        {
            "arn": "arn:{partition}:lambda:{region}:{account}:function:{id}",
            "invokeArn": "arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/"
            "arn:{partition}:lambda:{region}:{account}:function:{id}/invocations",
            "qualifiedArn": "arn:{partition}:lambda:{region}:{account}:function:{id}:$LATEST",
            "version": "$LATEST",
        },
        fixed=("name", "packageType"),
        named="name",
        needs=(
            Need(
                "role",
                ROLE,
                "InvalidParameterValueException: The role defined for the function cannot be "
                "assumed by Lambda: {}",
                _ROLE_OF_ARN,
            ),
            Need("loggingConfig.logGroup", LOG_GROUP, _NO_LOG_GROUP),
            Need(
                "s3Key",
                BUCKET_OBJECT,
                "InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: "
                "NoSuchKey. S3 Error Message: The specified key does not exist: {}",
            ),
        ),
    ),
    PERMISSION: Kind(
        "{statementId}",
        fixed=(
            "action",
            "function",
            "principal",
            "qualifier",
            "sourceAccount",
            "sourceArn",
            "statementId",
        ),
        named="statementId",
        unique="{function}/{id}",
        needs=(Need("function", FUNCTION, _NO_FUNCTION, _FUNCTION_OF_ARN),),
    ),
    API: Kind(
        "{invented}",
        {
            "apiEndpoint": "https://{id}.execute-api.{region}.{suffix}",
            "arn": "arn:{partition}:apigateway:{region}::/apis/{id}",
            "executionArn": "arn:{partition}:execute-api:{region}:{account}:{id}",
        },
        fixed=("protocolType",),
    ),
    STAGE: Kind(
        "{name}",
        {
            "arn": "arn:{partition}:apigateway:{region}::/apis/{apiId}/stages/{id}",
            "executionArn": "arn:{partition}:execute-api:{region}:{account}:{apiId}/{id}",
            "invokeUrl": f"https://{_EXECUTE_API}/{{stage_path}}",
        },
        fixed=("apiId", "name"),
        named="name",
        unique="{apiId}/{id}",
        needs=(
            _API_OF,
            Need("accessLogSettings.destinationArn", LOG_GROUP, _NO_LOG_GROUP, _LOG_GROUP_OF_ARN),
        ),
    ),
    INTEGRATION: Kind(
        "{invented}",
        fixed=("apiId", "integrationType", "integrationSubtype"),
        needs=(
            _API_OF,
            Need("integrationUri", FUNCTION, _NO_FUNCTION, _FUNCTION_OF_ARN),
        ),
    ),
    ROUTE: Kind(
        "{invented}",
        fixed=("apiId",),
        unique="{apiId}/{routeKey}",
        needs=(
            _API_OF,
            Need(
                "target",
                INTEGRATION,
                "NotFoundException: Unable to find Integration by {}",
                "integrations/(.*)",
            ),
            Need(
                "authorizerId", AUTHORIZER, "NotFoundException: Unable to find Authorizer by id {}"
            ),
        ),
    ),
    AUTHORIZER: Kind(
        "{invented}", fixed=("apiId",), named="name", unique="{apiId}/{name}", needs=(_API_OF,)
    ),
    BUCKET: Kind(
        "{bucket}",
        {
            "arn": "arn:{partition}:s3:::{id}",
            "bucketDomainName": "{id}.s3.{suffix}",
            "bucketRegionalDomainName": "{id}.s3.{region}.{suffix}",
        },
        fixed=("bucket", "bucketNamespace", "objectLockEnabled"),
        named="bucket",
        everywhere=True,
    ),
    BUCKET_OBJECT: Kind(
        "{key}",
        {"arn": "arn:{partition}:s3:::{bucket}/{key}", "versionId": "{invented}"},
        fixed=("bucket", "key"),
        unique="{bucket}/{key}",
        overwritten=True,
        needs=(_BUCKET_OF,),
    ),
    BUCKET_PUBLIC_ACCESS_BLOCK: _BUCKET_COMPANION,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _BUCKET_COMPANION,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _BUCKET_COMPANION
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _BUCKET_COMPANION,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _BUCKET_COMPANION,
    "aws:s3/bucketPolicy:BucketPolicy": _BUCKET_COMPANION,
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _BUCKET_COMPANION,
    "aws:s3/bucketLogging:BucketLogging": _BUCKET_COMPANION,
    PARAMETER: Kind(
        "{name}",
        {"arn": "arn:{partition}:ssm:{region}:{account}:parameter/{bare_name}"},
        fixed=("name",),
        named="name",
    ),
    METRIC_ALARM: Kind(
        "{name}",
        {"arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}"},
        fixed=("name",),
        named="name",
    ),
    DASHBOARD: Kind(
        "{dashboardName}",
        {"dashboardArn": "arn:{partition}:cloudwatch::{account}:dashboard/{id}"},
        fixed=("dashboardName",),
        everywhere=True,
    ),
    LOG_METRIC_FILTER: Kind(
        "{name}",
        fixed=("logGroupName", "name"),
        named="name",
        unique="{logGroupName}/{id}",
        needs=(Need("logGroupName", LOG_GROUP, _NO_LOG_GROUP),),
    ),
    TOPIC: Kind(
        "arn:{partition}:sns:{region}:{account}:{name}",
        {"arn": "{id}", "owner": "{account}"},
        fixed=("fifoTopic", "name"),
        named="name",
    ),
    TOPIC_SUBSCRIPTION: Kind(
        "{topic}:{invented}",
        {"arn": "{id}", "ownerId": "{account}"},
        fixed=("endpoint", "protocol", "topic"),
        unique="{topic}/{protocol}/{endpoint}",
        needs=(Need("topic", TOPIC, _NO_TOPIC),),
    ),
    TOPIC_POLICY: Kind(
        "{arn}",
        {"owner": "{account}"},
        fixed=("arn",),
        needs=(Need("arn", TOPIC, _NO_TOPIC),),
    ),
}
"""The types that are known; nothing is assumed of another."""

_OTHER: Final = Kind("{invented}")


def kind_of(type: str) -> Kind:
    """What is known of a type; of an unknown one, that AWS gives it an id."""
    return KINDS.get(type, _OTHER)


def region_of(type: str, inputs: Mapping[str, Plain], home: str) -> str:
    """The region a resource is in; empty for a global service."""
    if not kind_of(type).regional:
        return ""
    region = inputs.get("region")
    return region if isinstance(region, str) and region else home


def id_of(type: str, inputs: Mapping[str, Plain], account: Account, seed: str) -> str:
    """The id that AWS gives; `seed` makes invented ones differ."""
    return _filled(kind_of(type).id, _fields(type, inputs, account, seed))


def outputs_of(
    type: str, inputs: Mapping[str, Plain], account: Account, seed: str, id: str
) -> Properties:
    """All properties of the resource once it exists: the inputs, those computed, the region."""
    kind, fields = kind_of(type), {**_fields(type, inputs, account, seed), "id": id}
    computed = {name: _filled(text, fields) for name, text in kind.outputs.items()}
    region = region_of(type, inputs, account.region)
    return {**inputs, **computed, **({"region": region} if region else {})}


def unique_of(type: str, inputs: Mapping[str, Plain], account: Account, id: str) -> str:
    """What no two resources of a type share in one region (or, globally, in the account)."""
    kind, fields = kind_of(type), {**_fields(type, inputs, account, ""), "id": id}
    region = "" if kind.everywhere else region_of(type, inputs, account.region)
    return f"{type}|{region}|{_filled(kind.unique, fields)}"


def _fields(type: str, inputs: Mapping[str, Plain], account: Account, seed: str) -> dict[str, str]:
    texts = {name: value for name, value in inputs.items() if isinstance(value, str)}
    name = texts.get("name", "")
    return {
        "path": "/",
        **texts,
        "account": account.id,
        "region": region_of(type, inputs, account.region),
        "partition": _partition(account.region),
        "suffix": "amazonaws.com" + (".cn" if account.region.startswith("cn-") else ""),
        "invented": hashlib.sha256(seed.encode()).hexdigest()[:10],
        "stage_path": "" if name == "$default" else name,
        "bare_name": name.removeprefix("/"),
    }


def _partition(region: str) -> str:
    starts = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for start, name in starts.items() if region.startswith(start)), "aws")


def _filled(text: str, fields: Mapping[str, str]) -> str:
    """The text with its fields; a missing input is an error of AWS, not of Python."""
    missing = [name for name in re.findall(r"\{(\w+)\}", text) if name not in fields]
    if missing:
        raise AwsError(f"ValidationException: Missing required property '{missing[0]}'")
    return re.sub(r"\{(\w+)\}", lambda found: fields[found[1]], text)


class AwsError(Exception):
    """An answer of AWS that is not success; the text is what the person reads."""


def changed(old: Mapping[str, Plain], new: Mapping[str, Plain]) -> list[str]:
    """The top-level properties that differ, sorted; see `comparable`."""
    names = sorted({*old, *new})
    return [name for name in names if comparable(old.get(name)) != comparable(new.get(name))]


def forcing(type: str, names: list[str]) -> list[str]:
    """Those of the changed properties that a resource cannot change in place."""
    fixed = (*kind_of(type).fixed, "region")
    return [name for name in names if name in fixed]


def deletes_first(type: str, old: Mapping[str, Plain], new: Mapping[str, Plain]) -> bool:
    """Whether a replacement deletes before it creates: the written name stays the same."""
    named = kind_of(type).named
    return bool(named) and new.get(named) is not None and old.get(named) == new.get(named)


def needed(type: str, inputs: Mapping[str, Plain]) -> Iterator[tuple[str, str, str]]:
    """What must exist first: the target's type, its id, and AWS's answer when it does not."""
    for need in kind_of(type).needs:
        if text := _text_at(inputs, need.path):
            found = re.fullmatch(need.pattern, text)
            yield need.type, found[1] if found else text, need.error.format(text)


def _text_at(value: Plain | Mapping[str, Plain], path: str) -> str:
    first, _, rest = path.partition(".")
    if isinstance(value, Mapping) and path:
        return _text_at(value.get(first), rest)
    return value if isinstance(value, str) and not path else ""


def check_provider(inputs: Mapping[str, Plain], account: str) -> None:
    """What the provider refuses in its own settings; raises `AwsError`.

    Settings other than text arrive as JSON text, as pulumi_aws's Provider class sends them.
    """
    for name in ("allowedAccountIds", "defaultTags"):
        if not isinstance(inputs.get(name, ""), str):
            raise AwsError(f"{name}: a provider takes lists and maps as JSON text")
    allowed = json.loads(str(inputs.get("allowedAccountIds", "[]")))
    if allowed and account not in allowed:
        raise AwsError(f"AWS account ID not allowed: {account}")


def caller_identity(account: str) -> Properties:
    """What getCallerIdentity answers in an account."""
    arn = f"arn:aws:iam::{account}:user/deployer"
    return {"accountId": account, "arn": arn, "id": account, "userId": "AIDADEPLOYER"}
