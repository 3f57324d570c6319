"""Every control of docs/security.md, over every golden plan: one test each, named in its table.

In: the plans of the sample and of all cases. What an entry has turned down (`relaxed`) is the only
exception there is, and the case that has everything turned down says so in its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from framework import Json, Plan, Resource, Secret, Text
from framework.plan.resource import Value
from framework.plan.target import Target
from tests.support.projects import ROOT, TARGET, planned

CASES = [ROOT / "services.yaml", *sorted((ROOT / "tests" / "cases").glob("*/services.yaml"))]


def plan_of(file: Path) -> Plan:
    target = file.parent / "target.yaml"
    said = yaml.safe_load(target.read_text("utf-8")) if target.is_file() else None
    chosen = Target(said["stack"], said["account"], tuple(said["regions"])) if said else TARGET
    return planned(file, chosen)


PLANS = {file.parent.name: plan_of(file) for file in CASES}

every_plan = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
strict_plan = pytest.mark.parametrize(
    "plan",
    [plan for name, plan in PLANS.items() if name != "every-field"],
    ids=[name for name in PLANS if name != "every-field"],
)


def of(plan: Plan, *types: str) -> Iterator[Resource]:
    return (each for each in plan.resources if each.type.rpartition(":")[2] in types)


def inside(value: Value, *path: str) -> Value:
    for step in path:
        assert isinstance(value, Mapping), step
        value = value[step]
    return value


def statements(value: Value) -> list[Mapping[str, Value]]:
    assert isinstance(value, Json)
    found = inside(value.document, "Statement")
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, Mapping)]


def texts(value: Value) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]  # type: ignore[union-attr]


def companions(plan: Plan, type_name: str) -> dict[tuple[Value, Value], Resource]:
    """The companions of buckets by the bucket's name and region."""
    found = of(plan, type_name)
    return {(each.inputs["bucket"], each.inputs.get("region")): each for each in found}


def buckets(plan: Plan) -> set[tuple[Value, Value]]:
    return {(each.inputs["bucket"], each.inputs.get("region")) for each in of(plan, "Bucket")}


@every_plan
def test_only_this_api_may_call_a_function(plan: Plan) -> None:
    for permission in of(plan, "Permission"):
        source = permission.inputs["sourceArn"]
        assert permission.inputs["principal"] == "apigateway.amazonaws.com"
        assert permission.inputs["action"] == "lambda:InvokeFunction"
        assert isinstance(source, Text)
        prefix, api, path = source.parts
        assert re.fullmatch(r"arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]{12}:", str(prefix))
        assert not isinstance(api, str)
        assert re.match(r"/[^/*]+/", str(path)), "the stage is exact"


@every_plan
def test_functions_have_roles_of_their_own(plan: Plan) -> None:
    roles = [each.inputs["role"] for each in of(plan, "Function")]
    assert len(roles) == len(set(map(str, roles)))


@every_plan
def test_roles_trust_lambda_alone(plan: Plan) -> None:
    for role in of(plan, "Role"):
        (trust,) = statements(role.inputs["assumeRolePolicy"])
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"


@every_plan
def test_policies_have_no_wildcard_action_and_exact_arns(plan: Plan) -> None:
    pattern = re.compile(r"arn:(aws|aws-cn|aws-us-gov):[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+")
    for policy in of(plan, "RolePolicy"):
        for statement in statements(policy.inputs["policy"]):
            actions = texts(statement["Action"])
            assert not any("*" in action for action in actions)
            if statement["Resource"] == ["*"]:
                assert all(action.startswith("xray:Put") for action in actions)
                continue
            for arn in texts(statement["Resource"]):
                assert pattern.fullmatch(arn), arn
                assert "*" not in arn.rstrip("*")
    assert not list(of(plan, "RolePolicyAttachment", "Policy"))


@every_plan
def test_nothing_may_create_log_groups_at_run_time(plan: Plan) -> None:
    for policy in of(plan, "RolePolicy"):
        for statement in statements(policy.inputs["policy"]):
            assert "logs:CreateLogGroup" not in texts(statement["Action"])


@strict_plan
def test_calls_are_traced(plan: Plan) -> None:
    for function in of(plan, "Function"):
        assert inside(function.inputs, "tracingConfig", "mode") == "Active"


@every_plan
def test_functions_log_json_to_a_group_with_retention(plan: Plan) -> None:
    groups = {
        (each.inputs["name"], each.inputs.get("region")): each for each in of(plan, "LogGroup")
    }
    for function in of(plan, "Function"):
        name = inside(function.inputs, "loggingConfig", "logGroup")
        assert inside(function.inputs, "loggingConfig", "logFormat") == "JSON"
        group = groups[(name, function.inputs.get("region"))]
        assert group.inputs["retentionInDays"]
        assert group.key in function.after


@every_plan
def test_memory_and_timeout_are_explicit(plan: Plan) -> None:
    for function in of(plan, "Function"):
        assert function.inputs["memorySize"]
        assert function.inputs["timeout"]


@every_plan
def test_secrets_are_never_in_the_environment(plan: Plan) -> None:
    for function in of(plan, "Function"):
        environment = function.inputs.get("environment", {"variables": {}})
        variables = inside(environment, "variables")
        assert isinstance(variables, Mapping)
        assert not any(isinstance(value, Secret) for value in variables.values())


@every_plan
def test_everything_is_tagged_with_service_and_stack(plan: Plan) -> None:
    tags = inside(plan.provider, "defaultTags", "tags")
    assert isinstance(tags, Mapping)
    assert {"service", "stack"} <= set(tags)


@every_plan
def test_every_route_says_who_may_call(plan: Plan) -> None:
    for route in of(plan, "Route"):
        assert route.inputs["authorizationType"] in ("NONE", "AWS_IAM", "JWT")
        assert ("authorizerId" in route.inputs) == (route.inputs["authorizationType"] == "JWT")


@every_plan
def test_stages_write_access_logs_as_json(plan: Plan) -> None:
    fields = {
        "requestId", "routeKey", "status", "responseLatency", "integrationError",
        "authorizerError", "sourceIp",
    }  # fmt: skip
    for stage in of(plan, "Stage"):
        document = inside(stage.inputs, "accessLogSettings", "format")
        assert isinstance(document, Json)
        assert isinstance(document.document, Mapping)
        assert fields <= set(document.document)


@every_plan
def test_stages_limit_requests(plan: Plan) -> None:
    for stage in of(plan, "Stage"):
        limits = [inside(stage.inputs, "defaultRouteSettings")]
        more = stage.inputs.get("routeSettings", [])
        assert isinstance(more, list)
        for each in (*limits, *more):
            assert inside(each, "throttlingRateLimit")
            assert inside(each, "throttlingBurstLimit")


@every_plan
def test_cors_names_its_origins(plan: Plan) -> None:
    for api in of(plan, "Api"):
        cors = api.inputs.get("corsConfiguration")
        if isinstance(cors, Mapping):
            assert not any("*" in text for name in cors for text in texts_of(cors[name]))
    for bucket in of(plan, "BucketCorsConfiguration"):
        assert "*" not in repr(bucket.inputs["corsRules"])


def texts_of(value: Value) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


@every_plan
def test_buckets_block_public_access(plan: Plan) -> None:
    blocks = companions(plan, "BucketPublicAccessBlock")
    assert blocks.keys() == buckets(plan)
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(block.inputs[flag] is True for block in blocks.values() for flag in flags)


@every_plan
def test_buckets_know_no_acls(plan: Plan) -> None:
    owners = companions(plan, "BucketOwnershipControls")
    assert owners.keys() == buckets(plan)
    for owner in owners.values():
        assert inside(owner.inputs, "rule", "objectOwnership") == "BucketOwnerEnforced"
    assert not list(of(plan, "BucketAcl"))


@every_plan
def test_buckets_refuse_plain_http_and_grant_nobody(plan: Plan) -> None:
    policies = companions(plan, "BucketPolicy")
    assert policies.keys() == buckets(plan)
    for policy in policies.values():
        (deny,) = statements(policy.inputs["policy"])
        assert deny["Effect"] == "Deny"
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(texts(deny["Resource"])) == 2


@every_plan
def test_buckets_are_encrypted(plan: Plan) -> None:
    assert companions(plan, "BucketServerSideEncryptionConfiguration").keys() == buckets(plan)


@strict_plan
def test_buckets_are_versioned(plan: Plan) -> None:
    versioned = companions(plan, "BucketVersioning")
    assert versioned.keys() == buckets(plan)
    for each in versioned.values():
        assert inside(each.inputs, "versioningConfiguration", "status") == "Enabled"


@every_plan
def test_buckets_are_tidied_up(plan: Plan) -> None:
    lifecycles = companions(plan, "BucketLifecycleConfiguration")
    assert lifecycles.keys() == buckets(plan)
    for each in lifecycles.values():
        assert "abortIncompleteMultipartUpload" in repr(each.inputs["rules"])
        assert "noncurrentVersionExpiration" in repr(each.inputs["rules"])


@every_plan
def test_buckets_are_not_emptied_by_destroy(plan: Plan) -> None:
    """But for the one of packages, all of which can be built again."""
    packages = {function.inputs.get("s3Bucket") for function in of(plan, "Function")}
    for bucket in of(plan, "Bucket"):
        assert ("forceDestroy" in bucket.inputs) == (bucket.inputs["bucket"] in packages)


def test_data_is_protected_where_the_environment_says_so() -> None:
    data = list(of(PLANS["environments-prod"], "Bucket", "Parameter"))
    assert data
    assert all(each.protect for each in data)
    assert not any(each.protect for each in of(PLANS["environments-pattern"], "Bucket"))


@every_plan
def test_parameters_are_secure_strings_unless_said(plan: Plan) -> None:
    for parameter in of(plan, "Parameter"):
        secret = isinstance(parameter.inputs.get("value"), Secret)
        assert (parameter.inputs["type"] == "SecureString") == secret
        assert secret != ("insecureValue" in parameter.inputs)


@strict_plan
def test_alarms_watch_every_function_and_api(plan: Plan) -> None:
    if not list(of(plan, "Dashboard")):
        pytest.skip("this case turns its alarms off, with a reason")
    watched = {each.key for each in of(plan, "MetricAlarm")}
    for function in of(plan, "Function"):
        entry, at, region = function.key.partition("@")
        wanted = ("errors", "throttles", "duration", "logs")
        assert {f"{entry}/{part}-alarm{at}{region}" for part in wanted} <= watched
    for api in of(plan, "Api"):
        _, at, region = api.key.partition("@")
        assert {f"api/{part}-alarm{at}{region}" for part in ("5xx", "latency")} <= watched


@every_plan
def test_missing_data_raises_no_alarm(plan: Plan) -> None:
    for alarm in of(plan, "MetricAlarm"):
        assert alarm.inputs["treatMissingData"] == "notBreaching"


@every_plan
def test_alarms_tell_their_topic(plan: Plan) -> None:
    topics = list(of(plan, "Topic"))
    for alarm in of(plan, "MetricAlarm") if topics else ():
        (topic,) = texts(alarm.inputs["alarmActions"])
        assert topic.endswith("-alarms")


@every_plan
def test_only_alarms_of_this_account_publish_to_the_topic(plan: Plan) -> None:
    policies = list(of(plan, "TopicPolicy"))
    assert len(policies) == len(list(of(plan, "Topic")))
    for policy in policies:
        allow, deny = statements(policy.inputs["policy"])
        assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert inside(allow["Condition"], "StringEquals", "aws:SourceAccount") == "123456789012"
        assert deny["Effect"] == "Deny"


def test_production_keeps_logs_for_a_year() -> None:
    groups = {
        each.key: each.inputs["retentionInDays"]
        for each in of(PLANS["environments-prod"], "LogGroup")
    }
    assert groups["api/logs"] == 365
    assert groups["functions.order/logs"] == 90, "what is said holds"
    others = of(PLANS["environments-pattern"], "LogGroup")
    assert {each.inputs["retentionInDays"] for each in others} == {30}


TABLE = re.compile(r"\| `(test_[a-z_]+)` \|$", re.MULTILINE)


def test_the_table_of_controls_names_every_test_of_this_file() -> None:
    named = TABLE.findall((ROOT / "docs" / "security.md").read_text("utf-8"))
    here = {name for name in globals() if name.startswith("test_")} - {
        "test_the_table_of_controls_names_every_test_of_this_file"
    }
    assert set(named) == here
