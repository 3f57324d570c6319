"""Who may do more: roles, routes, authorizers, web pages, and policies of resources.

In: an old and a new plan. Out: findings, see `rule`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from framework.plan.grants import Grant, Grants, covers, grants, opened, sentence, undenied
from framework.plan.resource import Attr, Plan, Resource, attributes
from framework.plan.widening.rule import (
    Finding,
    at,
    listed,
    lost,
    maps,
    more,
    offered,
    pairs,
    text,
    texts,
)

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
FUNCTION = "aws:lambda/function:Function"
ROUTE = "aws:apigatewayv2/route:Route"
AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
API = "aws:apigatewayv2/api:Api"
PERMISSION = "aws:lambda/permission:Permission"
BUCKET_CORS = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"

POLICIES = {
    "aws:s3/bucketPolicy:BucketPolicy": "aws:s3/bucket:Bucket",
    "aws:sns/topicPolicy:TopicPolicy": "aws:sns/topic:Topic",
}
"""Types whose `policy` says who may use another resource -> the type of that resource."""

_TELEMETRY = frozenset({"xray:PutTelemetryRecords", "xray:PutTraceSegments"})
"""What a function says about itself: it opens nothing of anybody's."""


def role_permissions(old: Plan, new: Plan) -> Iterator[Finding]:
    """A role may do something it could not do before, or on more resources, or in more cases.

    Compared over all inline policies of a role, as action, resource and conditions. What a new
    function needs to log and to trace is not counted.
    """
    before, after = _policies(old), _policies(new)
    for role, policies in after.items():
        old_grants = _granted(before.get(role, ()))
        new_grants = opened(old_grants, _granted(policies))
        counted = [each for each in new_grants if not _own(new, policies[0], each)]
        yield from ((policies[0], f"may now {each}") for each in _together(counted))
        gone = undenied(old_grants, _granted(policies))
        yield from ((policies[0], f"is no longer denied {each}") for each in _together(gone))


def _policies(plan: Plan) -> Mapping[str, list[Resource]]:
    """The inline policies by the key of their role: names differ from stack to stack."""
    keys = {text(role, "name"): role.key for role in plan.of_type(ROLE)}
    found: dict[str, list[Resource]] = {}
    for policy in plan.of_type(ROLE_POLICY):
        role = text(policy, "role")
        found.setdefault(keys.get(role, role), []).append(policy)
    return found


def _granted(policies: Iterable[Resource]) -> Grants:
    return grants(at(policy, "policy") for policy in policies)


def _own(plan: Plan, policy: Resource, grant: Grant) -> bool:
    """Whether a grant is on the function's own log group, or telemetry."""
    groups = (
        f":log-group:{text(each, 'name')}:*"
        for each in plan.of_type("aws:cloudwatch/logGroup:LogGroup")
        if each.origin == policy.origin
    )
    return grant.action in _TELEMETRY or grant.resource.endswith(tuple(groups))


def _together(found: Iterable[Grant]) -> Iterator[str]:
    """One sentence for the actions on the same resource."""
    actions: dict[Grant, list[str]] = {}
    for grant in found:
        actions.setdefault(grant._replace(action=""), []).append(grant.action)
    for grant, names in actions.items():
        yield sentence(grant._replace(action=listed(sorted(names))))


def managed_policies(old: Plan, new: Plan) -> Iterator[Finding]:
    """A managed policy is attached that was not: what it allows stands in AWS, not in the plan."""
    for before, resource in offered(old, new, "aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        policy = text(resource, "policyArn")
        if policy != text(before, "policyArn"):
            yield resource, f"gives {text(resource, 'role')} all that {policy} allows"


def role_trust(old: Plan, new: Plan) -> Iterator[Finding]:
    """Somebody may assume a role who could not. A new role's AWS service is not counted."""
    for before, role in offered(old, new, ROLE):
        old_grants, new_grants = (grants([at(each, "assumeRolePolicy")]) for each in (before, role))
        for grant in opened(old_grants, new_grants):
            if before is not None or not grant.principal.startswith("Service "):
                yield role, f"may now be assumed by {sentence(grant)}"
        for grant in undenied(old_grants, new_grants):
            yield role, f"no longer denies {sentence(grant)}"


def role_boundary(old: Plan, new: Plan) -> Iterator[Finding]:
    """A role lost the permissions boundary that limits whatever its policies allow."""
    for before, role in pairs(old, new, ROLE):
        boundary = text(before, "permissionsBoundary")
        if boundary and not text(role, "permissionsBoundary"):
            yield role, f"is no longer limited by the permissions boundary {boundary}"


def open_routes(old: Plan, new: Plan) -> Iterator[Finding]:
    """A route answers everybody, and it is new or asked for authorization before."""
    for before, route in offered(old, new, ROUTE):
        was = _authorization(before)
        if _authorization(route) == "NONE" and was != "NONE":
            how = f"authorization NONE instead of {was}" if was else "authorization NONE"
            yield route, f"answers everybody: {how}"


def _authorization(route: Resource | None) -> str:
    """API Gateway v2 API, CreateRoute: NONE where nothing is said."""
    return "" if route is None else text(route, "authorizationType") or "NONE"


def route_scopes(old: Plan, new: Plan) -> Iterator[Finding]:
    """A route asks for no scope any more, or for one of more: any single one is enough."""
    for before, route in pairs(old, new, ROUTE):
        was, now = (texts(at(each, "authorizationScopes")) for each in (before, route))
        if not was or _authorization(route) == "NONE":
            continue
        if not now:
            yield route, f"asks for no scope any more, where it was {' or '.join(was)}"
        elif added := more(was, now):
            yield route, f"is also open to tokens with the scope {' or '.join(added)}"


def route_authorizer(old: Plan, new: Plan) -> Iterator[Finding]:
    """A route takes its tokens from another authorizer, which lets in others, or from none."""
    for before, route in pairs(old, new, ROUTE):
        was, now = _authorizer(old, before), _authorizer(new, route)
        if was is None or _authorization(route) != _authorization(before):
            continue
        if now is None:
            yield route, f"lost its authorizer {was.key}"
        elif now.key != was.key and _admits_others(was, now):
            yield route, f"takes the tokens of {now.key} instead of {was.key}"


def authorization_kinds(old: Plan, new: Plan) -> Iterator[Finding]:
    """A route asks its callers for something else, so others than before may call."""
    for before, route in pairs(old, new, ROUTE):
        was, now = _authorization(before), _authorization(route)
        if was != now and "NONE" not in (was, now):
            yield route, f"asks for {now} instead of {was}"


def layers(old: Plan, new: Plan) -> Iterator[Finding]:
    """A function runs code of a layer that it did not run before, with all that it may do."""
    for before, function in offered(old, new, FUNCTION):
        added = set(texts(at(function, "layers"))) - set(texts(at(before, "layers")))
        for layer in sorted(added if before is not None else ()):
            yield function, f"runs the code of {layer}"


def _authorizer(plan: Plan, route: Resource) -> Resource | None:
    named = at(route, "authorizerId")
    return plan.by_key.get(named.key) if isinstance(named, Attr) else None


def _admits_others(old: Resource, new: Resource) -> bool:
    issuer = ("jwtConfiguration", "issuer")
    return text(old, *issuer) != text(new, *issuer) or bool(_more_audiences(old, new))


def _more_audiences(old: Resource, new: Resource) -> tuple[str, ...]:
    was, now = (set(texts(at(each, "jwtConfiguration", "audiences"))) for each in (old, new))
    return tuple(sorted(now - was))


def authorizers(old: Plan, new: Plan) -> Iterator[Finding]:
    """An authorizer trusts another issuer or one more audience, or it is gone."""
    for before, authorizer in pairs(old, new, AUTHORIZER):
        was, now = (text(each, "jwtConfiguration", "issuer") for each in (before, authorizer))
        if was != now:
            yield authorizer, f"trusts tokens of {now} instead of {was}"
        if added := _more_audiences(before, authorizer):
            yield authorizer, f"takes tokens for one more audience: {listed(added)}"
    for authorizer in lost(old, new, AUTHORIZER, API):
        yield authorizer, "is removed: no route can ask for its tokens any more"


def cors(old: Plan, new: Plan) -> Iterator[Finding]:
    """Web pages of more origins may call, or with more methods, headers or cookies."""
    for before, api in offered(old, new, API):
        was, now = (_api_cors(each) for each in (before, api))
        yield from ((api, each) for each in _wider_cors(was, now))
    for before, rules in offered(old, new, BUCKET_CORS):
        was, now = (_bucket_cors(each) for each in (before, rules))
        yield from ((rules, each) for each in _wider_cors(was, now))


_CORS = {
    "Origins": "may be called by web pages of",
    "Methods": "may be called by web pages with",
    "Headers": "may be sent the headers",
    "ExposeHeaders": "shows web pages the headers",
    "Credentials": "may be sent cookies by web pages",
}


def _wider_cors(
    old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """One sentence per list that grew; where there was no CORS, the origins say it all."""
    names = list(_CORS) if old["Origins"] else ["Origins", "Credentials"]
    for name in names:
        if added := more(old[name], new[name]):
            yield f"{_CORS[name]} {listed(added)}".removesuffix(" true")


def _api_cors(api: Resource | None) -> Mapping[str, Sequence[str]]:
    rule = at(api, "corsConfiguration")
    found = rule if isinstance(rule, Mapping) else {}
    names = {name: f"allow{name}" for name in ("Origins", "Methods", "Headers")}
    lists = {name: texts(found.get(key)) for name, key in names.items()}
    credentials = ("true",) if found.get("allowCredentials") is True else ()
    return lists | {
        "ExposeHeaders": texts(found.get("exposeHeaders")),
        "Credentials": credentials,
    }


def _bucket_cors(configuration: Resource | None) -> Mapping[str, Sequence[str]]:
    rules = list(maps(at(configuration, "corsRules")))
    names = {name: f"allowed{name}" for name in ("Origins", "Methods", "Headers")}
    names["ExposeHeaders"] = "exposeHeaders"
    lists = {
        name: [each for rule in rules for each in texts(rule.get(key))]
        for name, key in names.items()
    }
    return lists | {"Credentials": []}


def invocations(old: Plan, new: Plan) -> Iterator[Finding]:
    """A function may be invoked from more than before: a wider source, or another principal.

    The permission of a route names exactly that route of this API, and is not counted.
    """
    known: dict[str, list[Grant]] = {}
    for permission in old.of_type(PERMISSION):
        known.setdefault(_invoked(old, permission), []).append(_invocation(permission))
    for permission in new.of_type(PERMISSION):
        grant, before = _invocation(permission), old.by_key.get(permission.key)
        if any(covers(each, grant) for each in known.get(_invoked(new, permission), ())):
            continue
        grown = before is not None and covers(grant, _invocation(before))
        if grown or not _of_own_route(new, permission):
            source = "anywhere" if grant.resource == "*" else grant.resource
            function = text(permission, "function")
            yield permission, f"lets {grant.principal} invoke {function} from {source}"


def _invoked(plan: Plan, permission: Resource) -> str:
    """The key of the function that a permission is on: names differ from stack to stack."""
    name = text(permission, "function")
    functions = plan.of_type("aws:lambda/function:Function")
    return next((each.key for each in functions if text(each, "name") == name), name)


def _invocation(permission: Resource) -> Grant:
    account = text(permission, "sourceAccount")
    limits = frozenset({("stringequals", "aws:sourceaccount", frozenset({account}))})
    return Grant(
        principal=text(permission, "principal"),
        action=text(permission, "action"),
        resource=text(permission, "sourceArn") or "*",
        conditions=limits if account else frozenset(),
    )


def _of_own_route(plan: Plan, permission: Resource) -> bool:
    source = at(permission, "sourceArn")
    own = any(attribute.key in plan.by_key for attribute in attributes(source))
    return own and any(each.origin == permission.origin for each in plan.of_type(ROUTE))


def resource_policies(old: Plan, new: Plan) -> Iterator[Finding]:
    """The policy of a bucket or topic lets in more, no longer denies something, or is gone.

    What a new one allows to an AWS service, under conditions, is what it is made for.
    """
    for token, owner in POLICIES.items():
        for before, policy in offered(old, new, token):
            old_grants, new_grants = (grants([at(each, "policy")]) for each in (before, policy))
            counted = [
                each
                for each in opened(old_grants, new_grants)
                if before is not None or not _for_a_service(each)
            ]
            yield from ((policy, f"allows {each}") for each in _together(counted))
            gone = undenied(old_grants, new_grants)
            yield from ((policy, f"no longer denies {each}") for each in _together(gone))
        for policy in lost(old, new, token, owner):
            gone = grants([at(policy, "policy")]).denied
            yield from ((policy, f"no longer denies {each}") for each in _together(gone))


def _for_a_service(grant: Grant) -> bool:
    return grant.principal.startswith("Service ") and bool(grant.conditions)
