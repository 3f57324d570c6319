"""The written program takes over what this framework deployed: names and aliases are the same."""

from __future__ import annotations

import json
from pathlib import Path

import framework
from framework.plan.pulumi_yaml import PROVIDER, program
from tests.support.monitor import Run, run
from tests.support.projects import planned, project
from tests.support.pulumi_yaml import mapping, read

SERVICE = """\
service: notes
functions:
  hello:
    handler: app.main
    uses: {parameters.key: read, buckets.files: read}
routes:
  GET /: {function: hello, auth: jwt.main}
  $default: {function: hello, auth: none}
buckets:
  files: {}
parameters:
  key: {}
api:
  authorizers: {main: {issuer: "https://login.example.com/", audience: [notes]}}
"""


def deployed(file: Path) -> Run:
    return run(
        lambda: framework.deploy(file),
        config={
            "aws:region": "eu-west-1",
            "notes:parameters": json.dumps({"key": "hunter2"}),
        },
        secret_keys=("notes:parameters",),
    )


def test_every_resource_was_where_its_alias_says(tmp_path: Path) -> None:
    file = project(tmp_path, SERVICE)
    ran, plan = deployed(file), planned(file)
    written = read(tmp_path, program(plan, "notes", "7.51.0"), {}, lambda name, attribute: "")
    declared = {str(written.value(each.get("name"))): each for each in written.resources.values()}
    for key in plan.by_key:
        aliases = mapping(declared[key]["options"])["aliases"]
        assert written.value(aliases) == [{"parent": ran.registered[key].parent}]
    assert ran.registered[PROVIDER].urn == (
        f"urn:pulumi:dev::notes::pulumi:providers:{PROVIDER}::{PROVIDER}"
    )
