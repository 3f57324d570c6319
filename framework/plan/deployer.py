"""The smallest IAM policy with which a plan can be deployed, changed, refreshed and destroyed.

In: a `Plan` and its `Target`. Out: policy documents for the role that runs `pulumi up`, each small
enough for a managed policy. Statements are on exact ARNs wherever AWS has them; only where that
makes more documents than a role may have do names become the prefix that all names of the service
and stack share, one AWS service after the other, and the answer says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from framework.data.deployer import Grant, Needs, deployer_needs
from framework.plan.iam import Statement, combined, policy
from framework.plan.names import Names
from framework.plan.plain import plain
from framework.plan.resource import Json, Plan, PlanError, Resource
from framework.plan.target import Target, partition_of

MOST_CHARACTERS = 6144
"""Of a managed policy, white space aside (IAM quotas, "Managed policy size")."""

MOST_DOCUMENTS = 10
"""Managed policies that a role may have (IAM quotas, "Managed policies per role")."""

PREFIXABLE = ("cloudwatch", "logs", "lambda", "sns", "ssm", "s3", "iam")
"""AWS services whose names may become prefixes, those where it gives least away first."""

_FIELD = re.compile(r"\{(\w+)\}")


class DeployerPolicy(NamedTuple):
    """Policy documents that belong together, and what in them is wider than it has to be.

    `by_prefix` are the AWS services whose resources are allowed by `prefix` instead of one by one.
    """

    documents: tuple[Json, ...]
    prefix: str = ""
    by_prefix: tuple[str, ...] = ()


def deployer_policy(plan: Plan, target: Target, by_prefix: bool = False) -> DeployerPolicy:
    """What the role that deploys `plan` has to be allowed.

    With `by_prefix` all names become the prefix that they share, so that the policy stays right
    when entries come and go. Raises `PlanError` for a type that nothing is known of.
    """
    names = Names(_service(plan), target, target.home)
    statements = combined(_statements(plan, target))
    widened: list[str] = []
    for service in PREFIXABLE:
        if not by_prefix and len(_documents(statements)) <= MOST_DOCUMENTS:
            break
        before = statements
        statements = combined(_prefixed(each, service, names) for each in statements)
        widened += [service] if statements != before else []
    prefix = f"{names.name('', MOST_CHARACTERS)}-" if widened else ""
    return DeployerPolicy(_documents(statements), prefix, tuple(widened))


def _service(plan: Plan) -> str:
    """The service's name, which every plan's provider has for a tag."""
    match plan.provider:
        case {"defaultTags": {"tags": {"service": str(name)}}}:
            return name
        case _:
            raise PlanError("the plan's provider does not tag resources with their service")


def _statements(plan: Plan, target: Target) -> Iterator[Statement]:
    for resource in plan.resources:
        for grant in _needs(resource).grants:
            if (not grant.given or grant.given in resource.inputs) and _actions(resource, grant):
                yield _statement(resource, grant, target)


def _needs(resource: Resource) -> Needs:
    needs = deployer_needs().get(resource.type)
    if needs is None:
        raise PlanError(f"framework/data/deployer.toml does not know what {resource.type} takes")
    return needs


def _statement(resource: Resource, grant: Grant, target: Target) -> Statement:
    arns = {arn for template in grant.on for arn in _arns(template, resource, target)}
    conditions = grant.conditions
    if "*" in arns:
        regions = ("StringEquals", "aws:RequestedRegion", tuple(sorted(target.regions)))
        conditions = (*conditions, regions)
    actions = sorted(_actions(resource, grant))
    return Statement(tuple(actions), tuple(sorted(arns)), tuple(sorted(conditions)))


def _actions(resource: Resource, grant: Grant) -> frozenset[str]:
    """Those of a grant: what is protected or retained is never deleted, and nobody has to."""
    stays = resource.protect or resource.retain
    return grant.actions - grant.deleting if stays else grant.actions


def _arns(template: str, resource: Resource, target: Target) -> Iterator[str]:
    """The ARNs of a template: one for each combination of what its fields hold."""
    fields = sorted(set(_FIELD.findall(template)))
    for values in product(*(_values(field, resource, target) for field in fields)):
        yield template.format_map(dict(zip(fields, values, strict=True)))


def _values(field: str, resource: Resource, target: Target) -> tuple[str, ...]:
    region = str(resource.inputs.get("region", target.home))
    of_target = {"account": target.account, "region": region, "partition": partition_of(region)}
    value = of_target.get(field, resource.inputs.get(field))
    values = value if isinstance(value, list | tuple) else (value,)
    texts = tuple(each for each in values if isinstance(each, str))
    if len(texts) != len(values):
        raise PlanError(f"{resource.key}: its {field} is not known before it is deployed")
    return texts


def _prefixed(statement: Statement, service: str, names: Names) -> Statement:
    """The statement with the names of one AWS service's resources as the prefix they share.

    A name that was cut before the prefix ends does not have it, and stays as it is.
    """
    prefix = f"{names.name('', MOST_CHARACTERS)}-"
    starts = (f":{prefix}", f"/{prefix}", names.path(""))
    arns = (_begun(arn, service, starts) for arn in statement.resources)
    return replace(statement, resources=tuple(sorted(set(arns))))


def _begun(arn: str, service: str, starts: tuple[str, ...]) -> str:
    if arn.split(":")[2:3] != [service]:
        return arn
    found = [arn.find(start) + len(start) for start in starts if start in arn]
    return f"{arn[: min(found)]}*" if found else arn


def _documents(statements: Iterable[Statement]) -> tuple[Json, ...]:
    """Documents of at most `MOST_CHARACTERS`, in order, so that services stay together."""
    room = MOST_CHARACTERS - size(policy(()))
    documents: list[list[Statement]] = [[]]
    left = room
    for statement in statements:
        for piece in _pieces(statement, left, room):
            needed = _length(piece) + 1
            if needed > left:
                documents.append([])
                left = room
            documents[-1].append(piece)
            left -= needed
    return tuple(policy(each) for each in documents if each)


def _pieces(statement: Statement, left: int, room: int) -> Iterator[Statement]:
    """The statement or, where no document has room for it, statements with a part of its resources.

    The first of them fills what is left of a document, the others have one to themselves.
    """
    bare = _length(replace(statement, resources=())) + 1
    fits = left if _length(statement) + 1 > room else room
    part: list[str] = []
    for arn in statement.resources:
        taken = bare + sum(len(json.dumps(each)) + 1 for each in (*part, arn))
        if part and taken > fits:
            yield replace(statement, resources=tuple(part))
            part, fits = [], room
        part.append(arn)
    yield replace(statement, resources=tuple(part))


def _length(statement: Statement) -> int:
    return _compact(plain(statement.document()))


def size(document: Json) -> int:
    """Characters of a policy as IAM counts them: without white space."""
    return _compact(plain(document.document))


def _compact(data: object) -> int:
    return len(json.dumps(data, separators=(",", ":"), ensure_ascii=False))
