"""`services add`: an entry added to services.yaml, with its code and test, nothing else changed.

In: names on the command line. Out: services.yaml with the entry in the layout it has, and for a
function a handler and a test. What would bring a new problem is refused with one line, and then
nothing is written.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from framework import compiler
from framework.commands import project_schema, scaffold
from framework.commands.insertion import NewEntry, NoPlace, with_entry
from framework.commands.output import fail, print_problems
from framework.commands.scaffold import NewHandler, Refused
from framework.kinds import parameter as parameters
from framework.language.problems import Located, Rejected, written
from framework.language.source import Source, fields

_TOP = ("service", "regions", "tags", "defaults")
_CODE_TO_COME = ("missing-handler", "missing-folder")


@click.group()
def add() -> None:
    """Add a function, route, bucket or parameter to services.yaml.

    Comments, quotes and layout stay as they are; only lines are added. What would not validate
    is refused, and then nothing is written.

    \b
    services add function list-notes --route "GET /notes" --auth none
    services add route "PUT /notes/{id}" --function put-note --auth jwt.main
    services add bucket notes
    services add parameter signing-key
    """


_FILE = click.option(
    "--file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=compiler.DEFAULT_FILE,
    show_default=True,
    help="The services.yaml to add to.",
)
_AUTH = click.option("--auth", help="Who may call: none, iam, or jwt.AUTHORIZER.")


@add.command()
@click.argument("name")
@click.option("--handler", help="MODULE.FUNCTION.  [default: the name's words and .handler]")
@click.option("--route", metavar="ROUTE", help='A route to it, such as "GET /notes".')
@_AUTH
@_FILE
def function(
    name: str, handler: str | None, route: str | None, auth: str | None, file: Path
) -> None:
    """Add a function, with its handler and a test of it.

    The handler is written into a module of its own or below what its module has; one that is
    there already is taken as it is.

    \b
    services add function list-notes
    services add function list-notes --handler notes.list_notes --route "GET /notes" --auth iam
    """
    if auth and not route:
        raise click.UsageError("--auth goes with --route")
    source = compiler.read(file)
    handler = handler or f"{name.replace('-', '_')}.handler"
    entries = [_entry("functions", name, {"handler": handler}, wide=True)]
    if route is not None:
        entries.append(_entry("routes", route, _route_fields(source, name, auth)))
    _add(file, source, entries, NewHandler(name, handler, _source_folder(source)))


@add.command()
@click.argument("route", metavar="ROUTE")
@click.option("--function", required=True, help="The function that answers.")
@_AUTH
@_FILE
def route(route: str, function: str, auth: str | None, file: Path) -> None:
    """Add a route, such as "GET /notes/{id}", to a function.

    \b
    services add route "GET /notes/{id}" --function read-note --auth none
    """
    source = compiler.read(file)
    _add(file, source, [_entry("routes", route, _route_fields(source, function, auth))])


@add.command()
@click.argument("name")
@_FILE
def bucket(name: str, file: Path) -> None:
    """Add a private bucket.

    \b
    services add bucket notes
    """
    _add(file, compiler.read(file), [_entry("buckets", name, {})])


@add.command()
@click.argument("name")
@click.option("--plain", metavar="VALUE", help="Its value, for one that is no secret.")
@_FILE
def parameter(name: str, plain: str | None, file: Path) -> None:
    """Add a parameter: a secret, unless --plain gives its value.

    \b
    services add parameter signing-key
    services add parameter page-title --plain Notes
    """
    said: dict[str, str | bool] = {} if plain is None else {"secret": False, "value": plain}
    _add(file, compiler.read(file), [_entry("parameters", name, said)])
    if plain is None:
        click.echo(f"set its value with  {parameters.setting(name)}")


def _entry(section: str, name: str, said: Mapping[str, str | bool], wide: bool = False) -> NewEntry:
    if not all(isinstance(text, bool) or text.isprintable() for text in (name, *said.values())):
        raise click.UsageError("names and values are printable text on one line")
    sections = [each.name for each in compiler.sections()]
    before = (*_TOP, *sections[: sections.index(section)])
    return NewEntry(section, name, said, before, wide)


def _route_fields(source: Source, function: str, auth: str | None) -> dict[str, str | bool]:
    """Without --auth the file's defaults have to say it."""
    if auth is not None:
        return {"function": function, "auth": auth}
    if not source.has(("defaults", "routes", "auth")):
        raise click.UsageError("--auth is missing: none (everybody), iam, or jwt.AUTHORIZER")
    return {"function": function}


def _source_folder(source: Source) -> str:
    """The folder that a function's code lies in where it says nothing itself."""
    said = source.at(("defaults", "functions", "source"))
    return said.value if said and isinstance(said.value, str) else scaffold.SOURCE


def _add(
    file: Path, source: Source, entries: Sequence[NewEntry], code: NewHandler | None = None
) -> None:
    try:
        changed = _with_entries(source, entries)
        content = _mark(file) + changed.text.encode()
        warnings = _checked(file, content, code)
        files = {**(code.files(file.parent) if code else {}), file: content}
        scaffold.write_all(files)
    except (NoPlace, Refused) as refused:
        fail(f"nothing written: {refused}")
    except OSError as error:
        fail(f"cannot write {error.filename}: {(error.strerror or 'unknown reason').lower()}")
    project_schema.keep_fresh(file)
    for entry in entries:
        click.echo(f"{file}: {written((entry.section, entry.name))}")
    _say_files(files, file)
    print_problems(warnings)


def _say_files(files: Mapping[Path, bytes], file: Path) -> None:
    for path in files:
        if path != file:
            click.echo(f"{path}: written")


def _with_entries(source: Source, entries: Sequence[NewEntry]) -> Source:
    for entry in entries:
        section = fields(source.root).get(entry.section)
        if section is not None and entry.name in fields(section.node):
            line, _ = source.position(fields(section.node)[entry.name].start)
            place = written((entry.section, entry.name))
            raise Refused(f"{place} is already there, in line {line}")
    for entry in entries:
        source = with_entry(source, entry)
    return source


def _mark(file: Path) -> bytes:
    """The byte order mark, where the file begins with one."""
    with file.open("rb") as opened:
        return BOM_UTF8 if opened.read(len(BOM_UTF8)) == BOM_UTF8 else b""


def _checked(file: Path, content: bytes, code: NewHandler | None) -> list[Located]:
    """The new warnings. Raises `Refused` with the first new error; old ones may stay.

    That the handler is missing is none, because it is written with the entry.
    """
    known = {_known_by(problem) for problem in _problems(file)}
    with scaffold.beside(file, content) as temporary:
        found = [replace(each, file=file.as_posix()) for each in _problems(temporary)]
    new = [each for each in found if _known_by(each) not in known and not _mended(each, code)]
    errors = [each for each in new if each.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Refused(f"{errors[0].where}: {errors[0].message}{more}")
    return new


def _mended(problem: Located, code: NewHandler | None) -> bool:
    """Whether the handler that is written with the entry is all that is missing."""
    if code is None or problem.rule not in _CODE_TO_COME:
        return False
    entry = written(("functions", code.name))
    return problem.where == entry or problem.where.startswith(f"{entry}.")


def _known_by(problem: Located) -> tuple[str, str]:
    """Not by the sentence: it may name what else there is, and that is more now."""
    return problem.where, problem.rule


def _problems(file: Path) -> Iterable[Located]:
    try:
        return compiler.check(file).warnings
    except Rejected as rejected:
        return rejected.problems
