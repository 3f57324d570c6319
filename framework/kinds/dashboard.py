"""The dashboard of a service in one region: is it used, does it fail, is it slow.

In: the functions and the API. Out: one resource whose body is a page for a person: requests,
errors and latency of the API, the same by route from the access logs, then the functions.
"""

from __future__ import annotations

from framework.kinds import api
from framework.kinds.function import SECTION as FUNCTIONS
from framework.kinds.function import function_name
from framework.kinds.kind import Context
from framework.plan.resource import Json, Resource, Value

NAME_LIMIT = 255
MOST_FUNCTIONS = 100
"""Lines that a person can still tell apart; CloudWatch takes 500 a widget (CloudWatch quotas)."""

_WIDTH, _HEIGHT = 8, 6
"""Of a widget, in units of CloudWatch's grid, which is 24 wide."""

_BY_ROUTE = (
    "stats count(*) as requests, sum(status >= 500) as errors, "
    "pct(responseLatency, 50) as p50_ms, pct(responseLatency, 95) as p95_ms by routeKey "
    "| sort requests desc"
)


def dashboard(context: Context) -> Resource:
    """The dashboard; its name carries the region, because dashboards are named per account."""
    widgets = [*_api_widgets(context), *_function_widgets(context)]
    return Resource(
        key=context.key("alarms", "dashboard"),
        type="aws:cloudwatch/dashboard:Dashboard",
        inputs={
            "dashboardName": context.names.regional("", NAME_LIMIT),
            "dashboardBody": Json(
                {"widgets": [_placed(n, each) for n, each in enumerate(widgets)]}
            ),
        },
        origin="alarms",
    )


def _placed(number: int, widget: dict[str, Value]) -> dict[str, Value]:
    row, column = divmod(number, 24 // _WIDTH)
    place: dict[str, Value] = {"x": column * _WIDTH, "y": row * _HEIGHT}
    return {**place, "width": _WIDTH, "height": _HEIGHT, **widget}


def _metrics(
    context: Context, title: str, metrics: list[Value], statistic: str
) -> dict[str, Value]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": context.region,
            "view": "timeSeries",
            "stat": statistic,
            "period": 300,
            "metrics": metrics,
        },
    }


def _api_widgets(context: Context) -> list[dict[str, Value]]:
    if not api.exists(context):
        return []
    requests: list[Value] = [_api_metric(context, name) for name in ("Count", "4xx", "5xx")]
    slow: list[Value] = [_api_metric(context, name) for name in ("Latency", "IntegrationLatency")]
    return [
        _metrics(context, "Requests and errors", requests, "Sum"),
        _metrics(context, "Latency in ms, 95 of 100 requests", slow, "p95"),
        {
            "type": "log",
            "properties": {
                "title": "By route",
                "region": context.region,
                "view": "table",
                "query": f"SOURCE '{api.log_group_name(context)}' | {_BY_ROUTE}",
            },
        },
    ]


def _api_metric(context: Context, name: str) -> Value:
    stage = context.document.single(api.SECTION).stage
    return ["AWS/ApiGateway", name, "ApiId", api.api_id(context), "Stage", stage]


def _function_widgets(context: Context) -> list[dict[str, Value]]:
    titles = (
        ("Calls", "Invocations", "Sum"),
        ("Failed calls", "Errors", "Sum"),
        ("Refused calls (throttles)", "Throttles", "Sum"),
        ("Duration in ms, 95 of 100 calls", "Duration", "p95"),
        ("At the same time", "ConcurrentExecutions", "Maximum"),
    )
    names = sorted(context.document.entries(FUNCTIONS))
    shown = names[:MOST_FUNCTIONS]
    rest = f", the first {len(shown)} of {len(names)}" if len(shown) < len(names) else ""
    return [
        _metrics(context, f"{title}{rest}", _of_functions(context, shown, metric), statistic)
        for title, metric, statistic in titles
    ]


def _of_functions(context: Context, names: list[str], metric: str) -> list[Value]:
    return [
        ["AWS/Lambda", metric, "FunctionName", function_name(context, name), {"label": name}]
        for name in names
    ]
