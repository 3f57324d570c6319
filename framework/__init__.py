"""A serverless service on AWS from one file: services.yaml.

    import framework
    framework.deploy()          # the whole of a project's __main__.py; run by `pulumi up`

The house, in the order in which data passes through it:

    language    services.yaml -> a checked Document, every value with its place
    kinds       one file per section of services.yaml: its model, its resources, its grants
    plan        what will exist, as plain data: Resource, Plan, names, policies, Target
    compiler    the pipeline: read, shape, link, settle, build
    packaging   a source folder -> the same zip everywhere
    deploy      Plan -> Pulumi
    local       Plan -> a running local cloud
    commands    the command line `services`
    data        facts with dates

Checking, planning and packaging import neither pulumi nor boto3.
"""

from framework.deploy import deploy
from framework.plan.resource import (
    Attr,
    Code,
    CodeFile,
    CodeKey,
    Json,
    Plan,
    Resource,
    Secret,
    Text,
    Value,
)

__all__ = [
    "Attr",
    "Code",
    "CodeFile",
    "CodeKey",
    "Json",
    "Plan",
    "Resource",
    "Secret",
    "Text",
    "Value",
    "deploy",
]
