"""alarms: what somebody should know of, found without being asked, and a dashboard to look at.

In: the functions, the API and the `alarms` section. Out: per function alarms on errors, throttles,
calls close to the timeout and error logs; per API on 5xx answers and slow ones; a topic with its
subscribers where `notify` names somebody; and a dashboard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeAlias

from pydantic import Field

from framework.kinds import api
from framework.kinds.dashboard import dashboard
from framework.kinds.function import SECTION as FUNCTIONS
from framework.kinds.function import Function, function_name, log_group_name
from framework.kinds.kind import Context, Kind, Link, Relaxation, elsewhere
from framework.kinds.retention import is_production
from framework.language.document import Document, Section
from framework.language.fields import Entry, Pattern, Reason
from framework.language.problems import Problem
from framework.plan.iam import VERSION
from framework.plan.names import identifier
from framework.plan.resource import Json, Resource, Value

NAME_LIMIT = 255
"""Characters of an alarm's or a dashboard's name (CloudWatch API, PutMetricAlarm, PutDashboard)."""

TOPIC_LIMIT = 256
"""Characters of a topic's name (SNS API, CreateTopic)."""

PERIOD = 300
"""Seconds over which alarms count. Lambda and API Gateway report once a minute."""

Email: TypeAlias = Annotated[
    str,
    Pattern(
        r"^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$",
        "an address is written like ops@example.com",
    ),
]

TopicArn: TypeAlias = Annotated[
    str,
    Pattern(
        r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$",
        "a topic is its ARN, such as arn:aws:sns:eu-west-1:123456789012:ops",
    ),
]


class Thresholds(Entry):
    """From where on an alarm is raised, each over five minutes."""

    errors: Annotated[int, Field(ge=1, le=1_000_000, examples=[5])] = 1
    """Failed calls of a function."""

    throttles: Annotated[int, Field(ge=1, le=1_000_000, examples=[5])] = 1
    """Calls of a function that Lambda refused, because too many ran at the same time."""

    duration: Annotated[int, Field(ge=1, le=100, examples=[80])] = 90
    """Percent of the timeout that the longest call of a function took."""

    log_errors: Annotated[int, Field(ge=1, le=1_000_000, examples=[5])] = 1
    """Log lines of a function at level ERROR or above."""

    server_errors: Annotated[int, Field(ge=1, le=100, examples=[1])] = 5
    """Percent of the API's answers with a status of 500 or above."""

    latency: Annotated[int, Field(ge=1, le=30_000, examples=[1000])] = 3000
    """Milliseconds that 95 of 100 answers of the API take at most, three times in a row."""


class Alarms(Entry):
    """Who is told when something is wrong, and from where on it is."""

    enabled: Annotated[bool, Field(examples=[False])] = True
    """Whether there are alarms and a dashboard at all. An alarm costs about 0.10 USD a month."""

    reason: Annotated[Reason | None, Field(examples=["these stacks live for a day"])] = None
    """Why there are no alarms."""

    notify: Annotated[tuple[Email, ...], Field(max_length=50, examples=[["ops@example.com"]])] = ()
    """E-mail addresses to tell; each gets one message to confirm first."""

    topic: Annotated[
        TopicArn | None, Field(examples=["arn:aws:sns:eu-west-1:123456789012:ops"])
    ] = None
    """An SNS topic that is there already, instead of notify."""

    thresholds: Thresholds = Thresholds()
    """From where on an alarm is raised."""


SECTION = Section("alarms", Alarms, "Alarms: on by default; who is told.", single=True)


def _check(link: Link) -> Iterator[Problem]:
    if ("alarms",) in link.document.dropped:
        return
    alarms = link.document.single(SECTION)
    if alarms.topic and alarms.notify:
        message = "says who is told, and so does notify: keep one of the two"
        yield Problem(message, ("alarms", "topic"), "key", "notify-twice")
    if alarms.enabled and not (alarms.topic or alarms.notify) and _expects_alarms(link.document):
        message = "nobody is told of alarms: say  notify: [ADDRESS]"
        path = ("alarms",) if link.document.source.has(("alarms",)) else ("service",)
        yield Problem(message, path, "key", "nobody-notified", "warning")


def _expects_alarms(document: Document) -> bool:
    """Whether the file speaks of alarms, or is for production."""
    return document.source.has(("alarms",)) or is_production(document.environment)


def _fits(context: Context) -> Iterator[Problem]:
    """An alarm tells topics of its own region alone (CloudWatch user guide, "Alarm actions")."""
    topic = context.document.single(SECTION).topic
    if topic:
        yield from elsewhere(context, topic, ("alarms", "topic"))


def _relaxed(document: Document) -> Iterator[Relaxation]:
    alarms = document.single(SECTION)
    if not alarms.enabled:
        what = "nothing that goes wrong is noticed"
        yield Relaxation(("alarms", "enabled"), what, alarms.reason)


def _build(context: Context) -> Iterator[Resource]:
    alarms = context.document.single(SECTION)
    functions = context.document.entries(FUNCTIONS)
    if not (alarms.enabled and functions):
        return
    if alarms.notify:
        yield from _topic(context, alarms.notify)
    for name, function in functions.items():
        yield from _function_alarms(context, name, function, alarms)
    if api.exists(context):
        yield from _api_alarms(context, alarms)
    yield dashboard(context)


def _topic_name(context: Context) -> str:
    return context.names.name("alarms", TOPIC_LIMIT)


def _topic_arn(context: Context) -> str:
    return context.names.arn("sns", _topic_name(context))


def _topic(context: Context, addresses: tuple[str, ...]) -> Iterator[Resource]:
    topic = context.key("alarms", "topic")
    yield Resource(topic, "aws:sns/topic:Topic", {"name": _topic_name(context)}, origin="alarms")
    yield Resource(
        key=context.key("alarms", "topic-policy"),
        type="aws:sns/topicPolicy:TopicPolicy",
        inputs={"arn": _topic_arn(context), "policy": _topic_policy(context)},
        after=(topic,),
        origin="alarms",
    )
    for address in sorted(set(addresses)):
        yield Resource(
            key=context.key("alarms", f"to-{identifier(address)}"),
            type="aws:sns/topicSubscription:TopicSubscription",
            inputs={"topic": _topic_arn(context), "protocol": "email", "endpoint": address},
            after=(topic,),
            origin="alarms",
        )


def _topic_policy(context: Context) -> Json:
    """Only this account's alarms may publish (SNS developer guide, "Example cases": CloudWatch)."""
    arn = _topic_arn(context)
    allow: dict[str, Value] = {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": context.target.account},
            "ArnLike": {"aws:SourceArn": context.names.arn("cloudwatch", "alarm:*")},
        },
    }
    deny: dict[str, Value] = {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return Json({"Version": VERSION, "Statement": [allow, deny]})


def _alarm(
    context: Context, entry: str, part: str, what: str, watched: Mapping[str, Value], *after: str
) -> Resource:
    """An alarm of an entry ("functions.list-notes"); `watched` is its metric and threshold."""
    alarms = context.document.single(SECTION)
    topic = alarms.topic or (_topic_arn(context) if alarms.notify else None)
    actions: dict[str, Value] = {"alarmActions": [topic], "okActions": [topic]} if topic else {}
    own = (context.key("alarms", "topic"),) if alarms.notify else ()
    return Resource(
        key=context.key(entry, f"{part}-alarm"),
        type="aws:cloudwatch/metricAlarm:MetricAlarm",
        inputs={
            "name": context.names.name(f"{entry.partition('.')[2] or entry}-{part}", NAME_LIMIT),
            "alarmDescription": what,
            "comparisonOperator": "GreaterThanOrEqualToThreshold",
            "evaluationPeriods": 1,
            "treatMissingData": "notBreaching",
            **watched,
            **actions,
        },
        after=(*own, *after),
        origin=entry,
    )


def _lambda_metric(context: Context, name: str, metric: str, statistic: str) -> dict[str, Value]:
    return {
        "namespace": "AWS/Lambda",
        "metricName": metric,
        "dimensions": {"FunctionName": function_name(context, name)},
        "statistic": statistic,
        "period": PERIOD,
    }


def _function_alarms(
    context: Context, name: str, function: Function, alarms: Alarms
) -> Iterator[Resource]:
    entry, limits = f"functions.{name}", alarms.thresholds
    longest = function.timeout * 1000 * limits.duration // 100
    watched = (
        ("errors", "Errors", "Sum", limits.errors, f"calls of {name} fail"),
        ("throttles", "Throttles", "Sum", limits.throttles, f"calls of {name} are refused"),
        ("duration", "Duration", "Maximum", longest, f"calls of {name} come close to the timeout"),
    )
    for part, metric, statistic, threshold, what in watched:
        measured = _lambda_metric(context, name, metric, statistic)
        yield _alarm(context, entry, part, what, measured | {"threshold": threshold})
    yield _log_filter(context, name)
    yield _alarm(
        context, entry, "logs", f"{name} logs errors",
        _log_metric(context, name) | {"threshold": limits.log_errors},
        context.key(entry, "logs-filter"),
    )  # fmt: skip


def _namespace(context: Context) -> str:
    return f"Services/{context.names.name('', NAME_LIMIT)}"


def _log_metric(context: Context, name: str) -> dict[str, Value]:
    return {
        "namespace": _namespace(context),
        "metricName": f"{name}-log-errors",
        "statistic": "Sum",
        "period": PERIOD,
    }


def _log_filter(context: Context, name: str) -> Resource:
    """Counts JSON log lines at level ERROR or above.

    Handlers' own lines say `level`; of what nobody caught Lambda's Python runtime says `log_level`.
    """
    return Resource(
        key=context.key(f"functions.{name}", "logs-filter"),
        type="aws:cloudwatch/logMetricFilter:LogMetricFilter",
        inputs={
            "name": "log-errors",
            "logGroupName": log_group_name(context, name),
            "pattern": (
                '{ ($.level = "ERROR") || ($.level = "CRITICAL") || ($.level = "FATAL")'
                ' || ($.log_level = "ERROR") }'
            ),
            "metricTransformation": {
                "name": f"{name}-log-errors",
                "namespace": _namespace(context),
                "value": "1",
            },
        },
        after=(context.key(f"functions.{name}", "logs"),),
        origin=f"functions.{name}",
    )


def _api_metric(context: Context, metric: str) -> dict[str, Value]:
    stage = context.document.single(api.SECTION).stage
    return {
        "namespace": "AWS/ApiGateway",
        "metricName": metric,
        "dimensions": {"ApiId": api.api_id(context), "Stage": stage},
        "period": PERIOD,
    }


def _api_alarms(context: Context, alarms: Alarms) -> Iterator[Resource]:
    limits = alarms.thresholds
    yield _alarm(
        context, "api", "5xx", "requests are answered with a status of 500 or above",
        {"metricQueries": _error_rate(context), "threshold": limits.server_errors},
    )  # fmt: skip
    yield _alarm(
        context, "api", "latency", "requests are answered slowly",
        {
            **_api_metric(context, "Latency"),
            "extendedStatistic": "p95",
            "evaluationPeriods": 3,
            "threshold": limits.latency,
        },
    )  # fmt: skip


def _error_rate(context: Context) -> list[Value]:
    """Percent of answers; with no requests there is nothing wrong."""
    measured: list[Value] = [
        {"id": label, "metric": _sum_of(context, metric), "returnData": False}
        for label, metric in (("errors", "5xx"), ("requests", "Count"))
    ]
    rate: dict[str, Value] = {
        "id": "rate",
        "expression": "IF(requests > 0, 100 * errors / requests, 0)",
        "label": "5xx answers in percent",
        "returnData": True,
    }
    return [rate, *measured]


def _sum_of(context: Context, metric: str) -> dict[str, Value]:
    return {**_api_metric(context, metric), "stat": "Sum"}


KIND = Kind(SECTION, build=_build, check=_check, fits=_fits, relaxed=_relaxed)
