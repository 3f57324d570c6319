"""`services invoke`: run one function once, as `services local` would run it."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from framework.commands.local import RUNNING, Project, state_of
from framework.commands.options import chosen
from framework.commands.output import fail
from framework.language.messages import suggestion

if TYPE_CHECKING:
    from framework.local.compiled import Compiled
    from framework.local.http_messages import Request, Response
    from framework.local.model import Model, Route
    from framework.local.running_file import RunningService


@click.command()
@click.argument("function", required=False)
@click.option("--file", "file", metavar="FILE", help="The services.yaml to read.")
@click.option("--event", metavar="FILE|-", help="The event in JSON; - reads standard input.")
@click.option("--route", metavar='"METHOD /path"', help="Make the event of a request on a route.")
@click.option(
    "--path-parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="With --route: a part of its path.",
)
@click.option("--query", metavar="NAME=VALUE&...", default="", help="With --route: its query.")
@click.option("--body", metavar="TEXT", help="With --route: the request's body.")
@click.option("--show-event", is_flag=True, help="Print the event and run nothing.")
@click.option("--environment", metavar="NAME", help="The environment to run, as of services local.")
@click.option("--packaged", is_flag=True, help="Run the very package that is deployed.")
def invoke(
    function: str | None,
    file: str | None,
    event: str | None,
    route: str | None,
    parameters: tuple[str, ...],
    query: str,
    body: str | None,
    show_event: bool,
    environment: str | None,
    packaged: bool,
) -> None:
    """Run FUNCTION once and print its result.

    The result goes to standard output, the log to standard error; exit code 1 says that the
    function failed. Where services local of this project runs, that one runs the function, with the
    buckets and parameters it has; else one is started for this alone.

    \b
    services invoke list-notes
    services invoke write-note --event event.json
    services invoke --route "GET /notes/{id}" --path-parameter id=a
    services invoke --route "GET /notes" --show-event > event.json
    """
    if (function is None) == (route is None):
        raise click.UsageError("name a FUNCTION, or a --route, whose function is known")
    if route is None and (parameters or query or body is not None):
        raise click.UsageError("--path-parameter, --query and --body belong to --route")
    if route is not None and event is not None:
        raise click.UsageError("--event and --route both say what the event is")
    asked = Asked(function, event, route, _named(parameters), query, body)
    project = Project(chosen(file, None), environment, packaged)
    own = environment is not None or packaged
    _run(project, asked, show_event, own)


class Asked(NamedTuple):
    """The words of the command line that make an invocation."""

    function: str | None
    event: str | None
    route: str | None
    parameters: dict[str, str]
    query: str
    body: str | None


def _named(parameters: tuple[str, ...]) -> dict[str, str]:
    pairs = [parameter.partition("=") for parameter in parameters]
    if not all(equals for _, equals, _ in pairs):
        raise click.UsageError("--path-parameter takes NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _run(project: Project, asked: Asked, show_event: bool, own: bool) -> None:
    from framework.local.errors import LocalError, Mistakes
    from framework.local.invoke import request_of
    from framework.local.model import read
    from framework.local.running_file import read as read_running

    folder = state_of(project.check().any)
    try:
        compiled = project()
        name, event = _invocation(read(compiled.plan), asked)
        if show_event:
            click.echo(json.dumps(json.loads(event), indent=2))
            return
        running = None if own else read_running(folder / RUNNING)
        answer = _answer(running, compiled, request_of(name, event))
    except (LocalError, Mistakes) as error:
        fail(str(error))
    else:
        _print(answer)


def _invocation(model: Model, asked: Asked) -> tuple[str, bytes]:
    """The function and the event. Raises `LocalError`."""
    from framework.local.invoke import function_named
    from framework.local.samples import sample

    if asked.route is None:
        return function_named(model, asked.function or ""), _read(asked.event)
    route = _route_named(model, asked.route)
    document = sample(model, route, asked.parameters, asked.query, asked.body)
    return route.function.entry.partition(".")[2], json.dumps(document).encode()


def _route_named(model: Model, name: str) -> Route:
    from framework.local.errors import LocalError

    found = next((route for route in model.routes if route.key == name), None)
    if found is None:
        hint = suggestion(name, [route.key for route in model.routes])
        raise LocalError(f"there is no route '{name}'{hint}")
    return found


def _read(event: str | None) -> bytes:
    if event is None:
        return b"{}"
    try:
        data = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
        json.loads(data)
    except OSError as error:
        raise click.UsageError(f"--event {event}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--event {event}: not JSON: {error}") from None
    return data


def _answer(running: RunningService | None, compiled: Compiled, request: Request) -> Response:
    from framework.local.events import Feed
    from framework.local.invoke import by_own, by_running
    from framework.local.service import Settings
    from framework.local.terminal import text_lines

    answer = by_running(running, request) if running else None
    if answer is not None:
        log = dict(answer.headers).get("x-amz-log-result", "")
        click.echo(base64.b64decode(log), nl=False, err=True)
        return answer
    feed = Feed(text_lines(lambda line: click.echo(line, err=True)))
    return by_own(lambda: compiled, Settings(port=0, for_one_invocation=True), feed, request)


def _print(answer: Response) -> None:
    click.echo(answer.body)
    if answer.status != 200 or "x-amz-function-error" in dict(answer.headers):
        click.get_current_context().exit(1)
