"""What sees less: logs, access logs, traces and alarms.

In: an old and a new plan. Out: findings, see `rule`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from framework.plan.plain import shown
from framework.plan.resource import Json, Plan, Resource
from framework.plan.widening.rule import (
    Finding,
    at,
    listed,
    lost,
    number,
    pairs,
    region,
    text,
    texts,
)

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
STAGE = "aws:apigatewayv2/stage:Stage"
FUNCTION = "aws:lambda/function:Function"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def log_retention(old: Plan, new: Plan) -> Iterator[Finding]:
    """Logs are kept for a shorter time. Without a number, or with 0, they are kept for ever."""
    for before, group in pairs(old, new, LOG_GROUP):
        was, now = (number(at(each, "retentionInDays")) or 0 for each in (before, group))
        if now and (not was or now < was):
            yield (
                group,
                f"keeps logs {now:g} days instead of {f'{was:g} days' if was else 'for ever'}",
            )


def access_logs(old: Plan, new: Plan) -> Iterator[Finding]:
    """An API no longer logs who asked for what, or leaves out something that it logged."""
    for before, stage in pairs(old, new, STAGE):
        where = ("accessLogSettings", "destinationArn")
        if text(before, *where) and not text(stage, *where):
            yield stage, "no longer logs requests"
        elif gone := _logged(before) - _logged(stage):
            yield stage, f"no longer logs {listed(sorted(gone))} of requests"


def _logged(stage: Resource) -> set[str]:
    """What a format names: its keys and variables may be in any order."""
    value = at(stage, "accessLogSettings", "format")
    fields = value.document if isinstance(value, Json) else value
    if isinstance(fields, Mapping):
        return {shown(each) for each in fields.values()}
    return {shown(fields)} if fields is not None else set()


def tracing(old: Plan, new: Plan) -> Iterator[Finding]:
    """X-Ray no longer traces a function."""
    for before, function in pairs(old, new, FUNCTION):
        if (
            text(before, "tracingConfig", "mode")
            == "Active"
            != text(function, "tracingConfig", "mode")
        ):
            yield function, "is no longer traced"


def alarms(old: Plan, new: Plan) -> Iterator[Finding]:
    """An alarm of an entry that stays is gone, rings later, or tells somebody no more."""
    for before, alarm in pairs(old, new, ALARM):
        heard, hear = (texts(at(each, "alarmActions")) for each in (before, alarm))
        if gone := set(heard) - set(hear):
            yield alarm, f"no longer tells {listed(sorted(gone))}"
        was, now = _threshold(old, before), _threshold(new, alarm)
        if was is not None and now is not None and _later(before, alarm, was, now):
            yield alarm, f"is raised at {now:g} instead of {was:g}"
    kept = {(each.origin, region(each)) for each in new.resources}
    for alarm in old.of_type(ALARM):
        if alarm.key not in new.by_key and (alarm.origin, region(alarm)) in kept:
            yield alarm, f"is removed: nobody learns that {_what(alarm)}"


def subscriptions(old: Plan, new: Plan) -> Iterator[Finding]:
    """Somebody who was told of alarms no longer is, while the topic stays."""
    for subscription in lost(old, new, SUBSCRIPTION, TOPIC):
        yield subscription, f"{text(subscription, 'endpoint')} is no longer told"


def _threshold(plan: Plan, alarm: Resource) -> float | None:
    """An alarm's threshold; that on durations as a share of the timeout it is there to watch."""
    threshold = number(at(alarm, "threshold"))
    if threshold is None or text(alarm, "metricName") != "Duration":
        return threshold
    watched = (each for each in plan.of_type(FUNCTION) if each.origin == alarm.origin)
    timeout = number(at(next(watched, None), "timeout"))
    return threshold / timeout if timeout else threshold


def _later(old: Resource, new: Resource, was: float, now: float) -> bool:
    """Whether a threshold is harder to reach; of alarms that compare alike."""
    operator = text(new, "comparisonOperator")
    if operator != text(old, "comparisonOperator"):
        return False
    return now > was if operator.startswith("Greater") else now < was


def _what(alarm: Resource) -> str:
    return text(alarm, "alarmDescription") or text(alarm, "name")
