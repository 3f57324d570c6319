"""What of a plan local mode does not have: said at the start, never passed over.

In: the resources of one region. Out: `refuse`, which lets nothing start that would behave otherwise
than on AWS without a word, and `lines`, one for each resource that nothing stands for here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from framework.local.errors import LocalError
from framework.local.values import Inputs, Plain
from framework.plan.resource import Resource

_ONLY: Mapping[str, Mapping[str, Sequence[Plain]]] = {
    "aws:apigatewayv2/api:Api": {
        "protocolType": ("HTTP",),
        "disableExecuteApiEndpoint": (None, False),
    },
    "aws:apigatewayv2/integration:Integration": {
        "integrationType": ("AWS_PROXY",),
        "payloadFormatVersion": ("2.0",),
        "requestParameters": (None,),
        "responseParameters": (None,),
    },
    "aws:apigatewayv2/stage:Stage": {"stageVariables": (None,)},
    "aws:lambda/function:Function": {"packageType": (None, "Zip"), "snapStart": (None,)},
}
"""By type and property: what local mode can do. None is an absent property."""

_KNOWN = frozenset({
    *_ONLY,
    "aws:apigatewayv2/authorizer:Authorizer",
    "aws:apigatewayv2/route:Route",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:lambda/permission:Permission",
    "aws:s3/bucket:Bucket",
    "aws:ssm/parameter:Parameter",
})  # fmt: skip

_COMPANIONS = frozenset({
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLogging:BucketLogging",
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:sns/topic:Topic",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
})  # fmt: skip
"""Beside an entry that runs here: alarms, logs, settings of buckets, who is told of alarms. Each by
its whole name: what sends events (rules, notifications of buckets) has names that begin alike."""


def refuse(resources: Iterable[Resource]) -> None:
    """Raises `LocalError` with every property that local mode would not honour."""
    found = [line for resource in resources for line in _refused(resource)]
    if found:
        raise LocalError("\n".join(found))


def lines(resources: Iterable[Resource]) -> Iterator[str]:
    """A line for each resource of a type that nothing stands for here."""
    for resource in resources:
        if resource.type not in _KNOWN | _COMPANIONS:
            yield f"NOT SIMULATED: local mode has nothing for {resource.key} ({resource.type})"


def _refused(resource: Resource) -> Iterator[str]:
    values = Inputs.of(resource).values
    for name, possible in _ONLY.get(resource.type, {}).items():
        if values.get(name) not in possible:
            known = ", ".join(str(each) for each in possible if each is not None)
            what = f"only {known} runs here" if known else "local mode does not have that"
            yield f"{resource.key}: {name} is {_shown(values.get(name))}: {what}"


def _shown(value: Plain) -> str:
    """A value in a line; what is no short word is not repeated."""
    if value is None:
        return "not set"
    return str(value) if isinstance(value, (str, bool)) and len(str(value)) < 40 else "set"
