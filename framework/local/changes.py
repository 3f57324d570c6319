"""What a new reading of services.yaml changes in a running service, in lines.

In: the models before and after. Out: one line for each entry that is new, gone or different.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from framework.local.model import Api, Bucket, Function, Model, Parameter, Route

Entry = Function | Route | Bucket | Parameter | Api


def changes(before: Sequence[Model], after: Sequence[Model]) -> Iterator[str]:
    """The lines: `new routes.GET /notes`, `gone buckets.notes`, `changed functions.list-notes`."""
    old, new = _entries(before), _entries(after)
    yield from (f"new {name}" for name in new if name not in old)
    yield from (f"gone {name}" for name in old if name not in new)
    for name, entry in new.items():
        if name in old and _differs(old[name], entry):
            yield f"changed {name}"


def _entries(models: Sequence[Model]) -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for number, model in enumerate(models):
        suffix = f"@{model.region}" if number else ""
        found |= {function.entry: function for function in model.functions}
        found |= {f"routes.{route.key}{suffix}": route for route in model.routes}
        found |= {bucket.entry: bucket for bucket in model.buckets}
        found |= {parameter.entry: parameter for parameter in model.parameters}
        if model.api is not None:
            found[f"api{suffix}"] = model.api
    return found


def _differs(old: Entry, new: Entry) -> bool:
    """Whether the entry itself differs: a route is not its function, an API not its routes."""
    match old, new:
        case Function(), Function():
            return old != new or old.policy != new.policy
        case Route(), Route():
            return _of_route(old) != _of_route(new)
        case Api(), Api():
            return (old.stage, old.cors, old.throttle) != (new.stage, new.cors, new.throttle)
        case _:
            return old != new


def _of_route(route: Route) -> tuple[object, ...]:
    return (
        route.function.entry,
        route.authorization,
        route.authorizer,
        route.scopes,
        route.permitted,
        route.timeout,
        route.throttle,
    )
