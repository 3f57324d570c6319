"""What protects less: deletion, public access, encryption, versions, the account, and limits.

In: an old and a new plan. Out: findings, see `rule`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from framework.plan.resource import Plan, Resource, Value
from framework.plan.widening.rule import (
    Finding,
    at,
    listed,
    lost,
    maps,
    number,
    pairs,
    text,
    texts,
)

BUCKET = "aws:s3/bucket:Bucket"
PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
PARAMETER = "aws:ssm/parameter:Parameter"
STAGE = "aws:apigatewayv2/stage:Stage"
FUNCTION = "aws:lambda/function:Function"


def protect(old: Plan, new: Plan) -> Iterator[Finding]:
    """A resource that Pulumi refused to delete may be deleted, or is."""
    for before in old.resources:
        after = new.by_key.get(before.key)
        if before.protect and after is None:
            yield before, "was protected, and is removed"
        elif before.protect and after is not None and not after.protect:
            yield after, "is no longer protected from being deleted"


def public_access_block(old: Plan, new: Plan) -> Iterator[Finding]:
    """A bucket has one of the four blocks of public access no more."""
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    for before, block in pairs(old, new, PUBLIC_ACCESS_BLOCK):
        gone = [flag for flag in flags if at(before, flag) is True and at(block, flag) is not True]
        if gone:
            yield block, f"no longer blocks public access: {listed(gone)}"
    for block in lost(old, new, PUBLIC_ACCESS_BLOCK, BUCKET):
        yield block, "is removed: nothing in this stack keeps the bucket from being public"


def object_ownership(old: Plan, new: Plan) -> Iterator[Finding]:
    """Access control lists work again in a bucket: whoever writes an object may share it."""
    enforced = "BucketOwnerEnforced"
    for before, rule in pairs(old, new, OWNERSHIP):
        was, now = (text(each, "rule", "objectOwnership") for each in (before, rule))
        if was == enforced != now:
            yield rule, f"lets access control lists work again: {now or 'not said'}"
    for rule in lost(old, new, OWNERSHIP, BUCKET):
        yield rule, "is removed: whether access control lists work is no longer said"


def encryption(old: Plan, new: Plan) -> Iterator[Finding]:
    """A bucket is no longer encrypted with a key of one's own, or its encryption is not said."""
    for before, configuration in pairs(old, new, ENCRYPTION):
        was, now = (_strength(each) for each in (before, configuration))
        if now < was:
            yield (
                configuration,
                f"encrypts with {_algorithm(configuration) or 'what S3 chooses'}"
                + (f" instead of {_algorithm(before)}"),
            )
    for configuration in lost(old, new, ENCRYPTION, BUCKET):
        yield (
            configuration,
            f"is removed: the bucket was encrypted with {_algorithm(configuration)}",
        )


_STRENGTHS = ("", "AES256", "aws:kms", "aws:kms:dsse")


def _algorithm(configuration: Resource) -> str:
    for rule in maps(at(configuration, "rules")):
        default = rule.get("applyServerSideEncryptionByDefault")
        if isinstance(default, Mapping):
            return str(default.get("sseAlgorithm", ""))
    return ""


def _strength(configuration: Resource) -> int:
    algorithm = _algorithm(configuration)
    return _STRENGTHS.index(algorithm) if algorithm in _STRENGTHS else 0


def encryption_keys(old: Plan, new: Plan) -> Iterator[Finding]:
    """What was encrypted with a KMS key of one's own is left to the service's key."""
    names = ("kmsKeyId", "kmsKeyArn", "kmsMasterKeyId", "keyId")
    for before in old.resources:
        after = new.by_key.get(before.key)
        if after is None:
            continue
        for name in names:
            if text(before, name) and not text(after, name):
                yield after, f"is no longer encrypted with the key {text(before, name)}"


def secure_parameters(old: Plan, new: Plan) -> Iterator[Finding]:
    """A parameter was a secret and is plain text."""
    for before, parameter in pairs(old, new, PARAMETER):
        if text(before, "type") == "SecureString" != text(parameter, "type"):
            yield parameter, "is no longer encrypted: it was a SecureString"


def versioning(old: Plan, new: Plan) -> Iterator[Finding]:
    """A bucket no longer keeps what is overwritten or deleted."""
    status = ("versioningConfiguration", "status")
    for before, resource in pairs(old, new, VERSIONING):
        if text(before, *status) == "Enabled" != text(resource, *status):
            yield resource, "no longer keeps what is overwritten or deleted"
    for resource in lost(old, new, VERSIONING, BUCKET):
        yield resource, "is removed: what is overwritten or deleted is no longer kept"


def data_retention(old: Plan, new: Plan) -> Iterator[Finding]:
    """Objects, or their old versions, are deleted sooner, or at all."""
    for before, lifecycle in pairs(old, new, LIFECYCLE):
        was, now = _days(before), _days(lifecycle)
        for what, days in sorted(now.items()):
            if days < was.get(what, float("inf")):
                sooner = f" instead of {was[what]:g}" if what in was else ""
                yield lifecycle, f"deletes {what} after {days:g} days{sooner}"


def _days(lifecycle: Resource) -> Mapping[str, float]:
    """What the enabled rules delete -> the days after which they do."""
    found: dict[str, float] = {}
    for rule in maps(at(lifecycle, "rules")):
        for what, name, field in _DELETED:
            inner = rule.get(name)
            days = number(inner.get(field)) if isinstance(inner, Mapping) else None
            if days is not None and rule.get("status") == "Enabled":
                found[what] = min(days, found.get(what, days))
    return found


_DELETED = (
    ("objects", "expiration", "days"),
    ("old versions", "noncurrentVersionExpiration", "noncurrentDays"),
)


def account_pin(old: Plan, new: Plan) -> Iterator[Finding]:
    """The stack may be deployed to an account that it was kept from."""
    was, now = (texts(each.provider.get("allowedAccountIds")) for each in (old, new))
    provider = Resource("provider", "pulumi:providers:aws", new.provider)
    if was and not now:
        yield provider, f"is no longer pinned to the account {listed(was)}"
    elif was and (added := set(now) - set(was)):
        yield provider, f"may also deploy to the account {listed(sorted(added))}"


_LIMITS = {"throttlingRateLimit": "a second", "throttlingBurstLimit": "at the same moment"}


def throttles(old: Plan, new: Plan) -> Iterator[Finding]:
    """More requests are let through, by the API or by a route that had a limit of its own."""
    for before, stage in pairs(old, new, STAGE):
        was, now = (_throttles(each) for each in (before, stage))
        for route in dict.fromkeys((*was, *now)):
            about = f"{route}: " if route else ""
            old_limits, new_limits = was.get(route, was[""]), now.get(route, now[""])
            if route and (old_limits, new_limits) == (was[""], now[""]):
                continue
            for name, unit in _LIMITS.items():
                if raised := _raised(old_limits.get(name), new_limits.get(name)):
                    yield stage, f"{about}lets through {raised} {unit}"


def _throttles(stage: Resource) -> Mapping[str, Mapping[str, Value]]:
    """The limits by route key; those of the stage itself under an empty one."""
    default = at(stage, "defaultRouteSettings")
    found = {"": default if isinstance(default, Mapping) else {}}
    for settings in maps(at(stage, "routeSettings")):
        found[str(settings.get("routeKey", ""))] = settings
    return found


def _raised(old: Value, new: Value) -> str:
    """In words, where a limit is higher or gone; empty where it is not."""
    was, now = number(old), number(new)
    if was is None or (now is not None and now <= was):
        return ""
    return (
        f"any number of requests instead of {was:g}"
        if now is None
        else f"{now:g} requests instead of {was:g}"
    )


def concurrency(old: Plan, new: Plan) -> Iterator[Finding]:
    """More calls of a function may run at the same time than its reservation allowed."""
    for before, function in pairs(old, new, FUNCTION):
        name = "reservedConcurrentExecutions"
        was, now = number(at(before, name)), number(at(function, name))
        if was is not None and now is None:
            yield (
                function,
                f"runs as often at the same time as the account allows, not {was:g} times",
            )
        elif was is not None and now is not None and now > was:
            yield function, f"runs {now:g} times at the same time instead of {was:g}"
