"""What Pulumi knows of the stack: its name, configuration and credentials.

In: Pulumi's settings. Out: the provider, the target's account and region, and the secrets' values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

import pulumi
from pulumi.runtime.config import CONFIG

from framework.kinds.parameter import setting
from framework.language.document import Document
from framework.language.problems import Located, Problem, Rejected
from framework.plan.resource import Secret, Value
from framework.plan.target import home_first

_PROVIDER_DEFAULTS = {"skipCredentialsValidation": "false", "skipRegionValidation": "true"}
"""What pulumi-aws's own Provider class sets where nothing is said."""


def home_regions(document: Document) -> tuple[str, ...]:
    """The regions of services.yaml or, without them, the stack's. Raises `Rejected` without any."""
    region = pulumi.Config("aws").get("region")
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


def provider(settings: Mapping[str, Value]) -> pulumi.ProviderResource:
    """The one AWS provider: the plan's settings over the stack's aws:... configuration.

    Providers take their nested settings as JSON text, as pulumi-aws's Provider class sends them.
    """
    inputs = {**_PROVIDER_DEFAULTS, **_configured(), "region": settings["region"]}
    if "allowedAccountIds" in settings:
        inputs["allowedAccountIds"] = json.dumps(settings["allowedAccountIds"])
    inputs["defaultTags"] = _tags(inputs.get("defaultTags"), settings["defaultTags"])
    options = pulumi.ResourceOptions(
        version=version("pulumi-aws"),
        additional_secret_outputs=["accessKey", "secretKey", "token"],
    )
    return pulumi.ProviderResource("aws", "aws", inputs, options)


def _configured() -> Mapping[str, object]:
    """The stack's aws:... settings; an explicit provider does not read them by itself."""
    prefix = "aws:"
    config = pulumi.Config("aws")
    names = [key.removeprefix(prefix) for key in CONFIG.get() if key.startswith(prefix)]
    return {name: _setting(config, name) for name in names}


def _setting(config: pulumi.Config, name: str) -> object:
    secret = name in ("accessKey", "secretKey", "token")
    return config.get_secret(name) if secret else config.get(name)


def _tags(configured: object, ours: Value) -> str:
    """Tags of the configuration stay beside ours; where both have a key, ours holds."""
    theirs = json.loads(configured) if isinstance(configured, str) else {}
    tags = ours.get("tags") if isinstance(ours, Mapping) else None
    merged = {**theirs.get("tags", {}), **(tags if isinstance(tags, Mapping) else {})}
    return json.dumps({**theirs, "tags": merged}, sort_keys=True)


def account(document: Document, provider: pulumi.ProviderResource) -> str:
    """The account that the provider's credentials belong to, twelve digits.

    Raises `Rejected` where the environment is pinned to another. The provider refuses it too, in
    words that do not say where the pin is written.
    """
    try:
        found = _caller(provider)
    except Exception as error:
        if not document.account or "account" not in str(error).lower():
            raise
        raise Rejected([_other_account(document, "another account")]) from None
    if document.account and found != document.account:
        raise Rejected([_other_account(document, f"account {found}")])
    return found


def _caller(provider: pulumi.ProviderResource) -> str:
    options = pulumi.InvokeOptions(provider=provider)
    answer = pulumi.runtime.invoke("aws:index/getCallerIdentity:getCallerIdentity", {}, options)
    return str(answer.value["accountId"])


def _other_account(document: Document, found: str) -> Located:
    path = ("environments", document.environment, "account")
    message = f"stack '{pulumi.get_stack()}' is pinned to it, and the credentials are of {found}"
    return document.written.locate(Problem(message, path, rule="account"))


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


def secrets_in(value: Value) -> Iterator[Secret]:
    """The secrets that a value holds."""
    match value:
        case Secret():
            yield value
        case Mapping():
            for item in value.values():
                yield from secrets_in(item)
        case list() | tuple():
            for item in value:
                yield from secrets_in(item)
        case _:
            return
