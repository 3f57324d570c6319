"""The stand-in provider under the real engine, with a small program that uses no framework."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.stack import Stack
from tests.support import aws

SECRET = "the signing key nobody may read"

PROGRAM = '''
"""A function behind one route, its settings in settings.json."""

import json
from pathlib import Path

import pulumi

settings = json.loads(Path("settings.json").read_text())


class Entry(pulumi.ComponentResource):
    def __init__(self, name, provider):
        options = pulumi.ResourceOptions(providers=[provider])
        super().__init__("services:index:Entry", name, {}, options)


def make(token, name, properties, after=(), **options):
    entry = entries[name.split("/")[0]]
    options = pulumi.ResourceOptions(parent=entry, depends_on=list(after), **options)
    return pulumi.CustomResource(token, name, properties, options)


provider_settings = {
    "region": pulumi.Config("aws").require("region"),
    "allowedAccountIds": json.dumps(settings["allowed"]),
}
aws = pulumi.ProviderResource("aws", "aws", provider_settings)
caller = pulumi.runtime.invoke(
    "aws:index/getCallerIdentity:getCallerIdentity", {}, pulumi.InvokeOptions(provider=aws)
)
account = caller.value["accountId"]
entries = {name: Entry(name, aws) for name in ("functions", "api", "parameters", "buckets")}

role = make("aws:iam/role:Role", "functions/role", {"name": "r", "assumeRolePolicy": "{}"})
policy = make(
    "aws:iam/rolePolicy:RolePolicy",
    "functions/policy",
    {"name": "p", "role": "r", "policy": "{}"},
    [role],
)
logs = make(
    "aws:cloudwatch/logGroup:LogGroup",
    "functions/logs",
    {"name": "/aws/lambda/f", "logGroupClass": settings["log_class"]},
)
function = make(
    "aws:lambda/function:Function",
    "functions/function",
    {
        "name": "f",
        "role": f"arn:aws:iam::{account}:role/r",
        "code": pulumi.FileArchive("code"),
        "timeout": settings["timeout"],
        "loggingConfig": {"logGroup": "/aws/lambda/f", "logFormat": "JSON"},
    },
    [policy, logs],
)
api = make(
    "aws:apigatewayv2/api:Api",
    "api/api",
    {"name": "a", "protocolType": "HTTP", "apiEndpoint": None},
)
integration = make(
    "aws:apigatewayv2/integration:Integration",
    "api/integration",
    {
        "apiId": api.id,
        "integrationType": "AWS_PROXY",
        "integrationUri": f"arn:aws:lambda:eu-west-1:{account}:function:f",
    },
    [function],
)
for route in settings["routes"]:
    make(
        "aws:apigatewayv2/route:Route",
        f"api/{route}",
        {
            "apiId": api.id,
            "routeKey": route,
            "target": integration.id.apply(lambda id: f"integrations/{id}"),
        },
    )
make(
    "aws:ssm/parameter:Parameter",
    "parameters/key",
    {
        "name": "/notes/key",
        "type": "SecureString",
        "value": pulumi.Config().require_secret_object("parameters")["key"],
    },
    additional_secret_outputs=["value"],
)
if settings["bucket"]:
    make("aws:s3/bucket:Bucket", "buckets/notes", {"bucket": settings["bucket"]}, protect=True)

pulumi.export("url", api.apiEndpoint)
pulumi.export("account", account)
'''

SETTINGS: dict[str, object] = {
    "allowed": ["123456789012"],
    "timeout": 10,
    "routes": ["GET /notes", "PUT /notes/{id}"],
    "bucket": "notes-dev",
    "log_class": "STANDARD",
}

CUSTOM = [
    "aws",
    "functions/role",
    "functions/policy",
    "functions/logs",
    "functions/function",
    "api/api",
    "api/integration",
    "api/GET /notes",
    "api/PUT /notes/{id}",
    "parameters/key",
    "buckets/notes",
]


@pytest.fixture
def stack(stack: Stack) -> Stack:
    stack.write_project("notes", PROGRAM)
    (stack.project / "code").mkdir()
    (stack.project / "code" / "main.py").write_text("pass\n")
    stack.config_set("parameters.key", SECRET, secret=True, path=True)
    configure(stack)
    return stack


def configure(stack: Stack, **changes: object) -> None:
    (stack.project / "settings.json").write_text(json.dumps({**SETTINGS, **changes}))


def test_preview_with_nothing_deployed(stack: Stack) -> None:
    previewed = stack.preview()

    assert previewed.inputs("api/GET /notes")["routeKey"] == "GET /notes"
    assert previewed.inputs("parameters/key")["value"] != SECRET
    assert previewed.changed() == dict.fromkeys(previewed.changed(), "create")
    assert sorted(previewed.changed()) == sorted(CUSTOM)
    assert "url    : [unknown]" in previewed.output
    assert 'account: "123456789012"' in previewed.output
    assert (previewed.errors, previewed.warnings) == ((), ())
    assert stack.cloud.resources() == {}


def test_up_then_nothing_then_one_change_then_one_removal_then_destroy(stack: Stack) -> None:
    first = stack.up()
    assert sorted(first.changed()) == sorted(CUSTOM)
    assert {first.changed()[name] for name in CUSTOM} == {"create"}
    assert (first.errors, first.warnings) == ((), ())
    assert sorted(made.name for made in stack.cloud.resources().values()) == sorted(CUSTOM[1:])
    (api,) = (made for made in stack.cloud.resources().values() if made.type == aws.API)
    url = f"https://{api.id}.execute-api.eu-west-1.amazonaws.com"
    assert stack.outputs() == {"url": url, "account": "123456789012"}
    assert SECRET not in json.dumps(stack.export())

    assert stack.up("--expect-no-changes").changed() == {}

    (stack.project / "code" / "main.py").write_text("raise SystemExit\n")
    assert stack.up().changed() == {"functions/function": "update"}

    configure(stack, routes=["GET /notes"])
    assert stack.up().changed() == {"api/PUT /notes/{id}": "delete"}

    configure(stack, routes=["GET /notes"], timeout=20)
    assert stack.preview().changed() == {"functions/function": "update"}
    assert stack.up().changed() == {"functions/function": "update"}

    refused = stack.destroy(succeeds=False)
    assert "it is protected" in refused.output
    stack.pulumi("state", "unprotect", "--all", "--yes")
    assert set(stack.destroy().changed().values()) == {"delete"}
    assert stack.cloud.resources() == {}
    assert stack.resources() == {}


def test_dependencies_are_in_the_state(stack: Stack) -> None:
    stack.up()

    resources = stack.resources()
    (function,) = (urn for urn in resources if urn.endswith("::functions/function"))
    dependencies = resources[function]["dependencies"]

    assert isinstance(dependencies, list)
    assert sorted(str(urn).rpartition("::")[2] for urn in dependencies) == [
        "functions/logs",
        "functions/policy",
    ]


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        (
            {"log_class": "INFREQUENT_ACCESS"},
            "functions/logs",
            ["delete-replaced", "replace", "create-replacement"],
        ),
        (
            {"bucket": "other"},
            "buckets/notes",
            ["create-replacement", "replace", "delete-replaced"],
        ),
    ],
    ids=["the name stays", "the name changes"],
)
def test_a_replacement_deletes_first_where_the_written_name_stays(
    stack: Stack, changes: dict[str, object], name: str, words: list[str]
) -> None:
    stack.up()
    stack.pulumi("state", "unprotect", "--all", "--yes")
    configure(stack, **changes)

    replaced = stack.up()

    assert replaced.changed() == {name: "replace"}
    assert [word for word, urn in replaced.operations if urn.endswith(f"::{name}")] == words


def test_a_failed_create_is_said_and_the_next_up_converges(stack: Stack) -> None:
    stack.cloud.fail("create", "api/api", "TooManyRequestsException: Rate exceeded")

    failed = stack.up(succeeds=False)
    assert "TooManyRequestsException: Rate exceeded" in failed.errors
    assert "api/api" not in [made.name for made in stack.cloud.resources().values()]

    stack.cloud.heal()
    stack.up()
    assert sorted(made.name for made in stack.cloud.resources().values()) == sorted(CUSTOM[1:])


def test_refresh_finds_what_was_deleted_behind_its_back(stack: Stack) -> None:
    stack.up()
    stack.cloud.forget(aws.LOG_GROUP, "/aws/lambda/f")

    assert stack.refresh().changed() == {"functions/logs": "delete"}
    assert stack.up().changed() == {"functions/logs": "create"}
    assert stack.up("--refresh").changed() == {}


def test_a_foreign_account_is_refused(stack: Stack) -> None:
    configure(stack, allowed=["000000000001"])

    refused = stack.preview(succeeds=False)

    assert "AWS account ID not allowed: 123456789012" in refused.output
    assert stack.cloud.resources() == {}


def test_unknown_types_are_refused(stack: Stack) -> None:
    program = stack.project / "__main__.py"
    program.write_text(
        "import pulumi\npulumi.CustomResource('aws:sqs/queue:Queue', 'queue', {'name': 'q'})\n"
    )

    refused = stack.preview(succeeds=False)

    assert (
        "the stand-in provider does not know aws:sqs/queue:Queue: add it to tests/support/aws.py"
        in refused.output
    )


def test_a_project_is_copied_in_part(stack: Stack, tmp_path: Path) -> None:
    source, other = tmp_path / "source", Stack(tmp_path / "other", name="prod")
    for name in ("handlers", "node_modules"):
        (source / name).mkdir(parents=True)
        (source / name / "file").touch()
    (source / "Pulumi.yaml").write_text("name: copied\nruntime: python\n")
    (source / "__main__.py").write_text("import pulumi\npulumi.export('stack', pulumi.get_stack())")

    other.copy_project(source, "Pulumi.yaml", "__main__.py", "handlers")
    other.up()

    assert other.outputs() == {"stack": "prod"}
    assert sorted(path.name for path in other.project.iterdir()) == [
        "Pulumi.prod.yaml",
        "Pulumi.yaml",
        "__main__.py",
        "handlers",
    ]
