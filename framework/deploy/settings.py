"""What Pulumi knows of the stack: its name, configuration and credentials.

In: Pulumi's settings. Out: the provider, the target's account and region, and the secrets' values.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import version

import pulumi
from pulumi.runtime.config import CONFIG

from framework.kinds.parameter import setting
from framework.language.document import Document
from framework.language.problems import Located, Problem, Rejected
from framework.plan.resource import Secret, Value
from framework.plan.target import home_first

MANY_RESOURCES = 500
_FILES = ("file", "s3", "gs", "azblob")

_PREFIX = "aws:"
_CREDENTIALS = ("accessKey", "secretKey", "token")

_PROVIDER_DEFAULTS = {"skipCredentialsValidation": "false", "skipRegionValidation": "true"}
"""What pulumi-aws's own Provider class sets where nothing is said."""


def home_regions(document: Document) -> tuple[str, ...]:
    """The regions of services.yaml or, without them, the stack's. Raises `Rejected` without any."""
    region = pulumi.Config("aws").get("region")
    if len(document.regions) > 1 and region not in document.regions:
        raise Rejected([_no_home(document)])
    if document.regions:
        return home_first(document.regions, region)
    if region:
        return (region,)
    stack = pulumi.get_stack()
    message = (
        f"stack '{stack}' has no region: run  pulumi config set aws:region REGION  "
        "or write  regions: [REGION]"
    )
    raise Rejected([document.source.locate(Problem(message, ("service",), "key", "no-region"))])


def _no_home(document: Document) -> Located:
    """Which region is home must not hang on the order of a list: all keys would change with it."""
    message = (
        f"stack '{pulumi.get_stack()}' has to say which of these regions is its home: "
        f"run  pulumi config set aws:region {document.regions[0]}"
    )
    return document.source.locate(Problem(message, ("regions",), "key", "no-home"))


def provider(settings: Mapping[str, Value]) -> pulumi.ProviderResource:
    """The one AWS provider: the plan's settings over the stack's aws:... configuration.

    Providers take their nested settings as JSON text, as pulumi-aws's Provider class sends them.
    """
    inputs = {**_PROVIDER_DEFAULTS, **_configured(), "region": settings["region"]}
    if "allowedAccountIds" in settings:
        inputs["allowedAccountIds"] = json.dumps(settings["allowedAccountIds"])
    inputs["defaultTags"] = _tags(settings["defaultTags"])
    options = pulumi.ResourceOptions(
        version=version("pulumi-aws"),
        additional_secret_outputs=[
            *_CREDENTIALS,
            *(name for name in _setting_names() if _is_secret(name)),
        ],
    )
    return pulumi.ProviderResource("aws", "aws", inputs, options)


def _configured() -> Mapping[str, object]:
    """The stack's aws:... settings; an explicit provider does not read them by itself."""
    return {name: _setting(name) for name in _setting_names()}


def _setting_names() -> list[str]:
    return [key.removeprefix(_PREFIX) for key in CONFIG.get() if key.startswith(_PREFIX)]


def _is_secret(name: str) -> bool:
    return name in _CREDENTIALS or pulumi.runtime.is_config_secret(f"{_PREFIX}{name}")


def _setting(name: str) -> object:
    config = pulumi.Config("aws")
    return config.get_secret(name) if _is_secret(name) else config.get(name)


def _tags(ours: Value) -> str:
    """Tags of the configuration stay beside ours; where both have a key, ours holds."""
    theirs = pulumi.Config("aws").get_object("defaultTags") or {}
    said = theirs.get("tags", {}) if isinstance(theirs, dict) else None
    tags = ours.get("tags") if isinstance(ours, Mapping) else {}
    own = tags if isinstance(tags, Mapping) else {}
    if not isinstance(said, dict):
        raise pulumi.RunError("aws:defaultTags of the stack is no map with a map of tags in it")
    return json.dumps({**theirs, "tags": {**said, **own}}, sort_keys=True)


def account(document: Document, provider: pulumi.ProviderResource) -> str:
    """The account that the provider's credentials belong to, twelve digits.

    Raises `Rejected` where the environment is pinned to another. The provider refuses it too, in
    words that do not say where the pin is written.
    """
    try:
        found = _caller(provider)
    except Exception as error:
        raise _no_answer(document, error) from None
    if document.account and found != document.account:
        raise Rejected([_other_account(document, f"account {found}")])
    return found


def _no_answer(document: Document, error: Exception) -> Exception:
    """What the provider says, in a line: it has no credentials, or those of another account."""
    said = str(error).strip()
    if document.account and "AWS account ID not allowed" in said:
        return Rejected([_other_account(document, "another account")])
    return pulumi.RunError(f"nothing is deployed: AWS does not say which account this is: {said}")


def _caller(provider: pulumi.ProviderResource) -> str:
    options = pulumi.InvokeOptions(provider=provider)
    answer = pulumi.runtime.invoke("aws:index/getCallerIdentity:getCallerIdentity", {}, options)
    return str(answer.value["accountId"])


def _other_account(document: Document, found: str) -> Located:
    path = ("environments", document.environment, "account")
    message = f"stack '{pulumi.get_stack()}' is pinned to it, and the credentials are of {found}"
    return document.written.locate(Problem(message, path, rule="account"))


def warn_of_size(resources: int) -> None:
    """Says so where the state is a file that is written anew at every step, and grows large.

    Pulumi tells a program of its backend only where the variable names it.
    """
    backend = os.environ.get("PULUMI_BACKEND_URL", "").partition("://")[0]
    if resources > MANY_RESOURCES and backend in _FILES:
        pulumi.log.warn(
            f"{resources:,} resources, kept in one file of the {backend} backend that is written "
            "anew at every step: PULUMI_SKIP_CHECKPOINTS=true writes it once, at the end"
        )


def secrets(document: Document, needed: Iterable[Secret]) -> Mapping[Secret, str]:
    """The values of secrets. Raises `Rejected` with the command for every one that is not there."""
    values: dict[Secret, str] = {}
    problems: list[Located] = []
    for secret in dict.fromkeys(needed):
        found = _secret(secret)
        if isinstance(found, Problem):
            problems.append(document.source.locate(found))
        else:
            values[secret] = found
    if problems:
        raise Rejected(sorted(problems))
    return values


def _secret(secret: Secret) -> str | Problem:
    section, name = secret.path
    command = f"{setting(name)} --stack {pulumi.get_stack()}"
    key = f"{pulumi.get_project()}:{section}"
    value = _object(section).get(name)
    if value is None or value == "":
        message = f"has no value in stack '{pulumi.get_stack()}': run  {command}"
        return Problem(message, secret.path, "key", "no-secret")
    if not pulumi.runtime.is_config_secret(key):
        message = f"its value is not encrypted in stack '{pulumi.get_stack()}': run  {command}"
        return Problem(message, secret.path, "key", "plain-secret")
    return value if isinstance(value, str) else json.dumps(value)


def _object(section: str) -> Mapping[str, object]:
    found = pulumi.Config().get_object(section)
    return found if isinstance(found, Mapping) else {}
