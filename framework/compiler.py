"""The pipeline: read, shape, link, settle, build.

In: the path of a services.yaml and what is known of the target. Out: a checked `Document` with its
warnings, then a `Plan`. `check` finds every problem of the author's and reports them together;
once it has passed, nothing rejects the author's input any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from framework.kinds import KINDS
from framework.kinds.kind import Context, Kinds, Link
from framework.language.composer import compose
from framework.language.document import Document, Sections, shape
from framework.language.problems import Located, Problem, Rejected
from framework.language.source import Source, load
from framework.plan.names import slug
from framework.plan.resource import Code, Plan, Resource, Value, ordered
from framework.plan.target import Target

if TYPE_CHECKING:
    from framework.packaging import Package

DEFAULT_FILE = "services.yaml"

_WITHOUT_REGION = ("aws:iam/",)
"""Types of global services, which take no region (pulumi-aws, "Enhanced region support")."""


@dataclass(frozen=True)
class Checked:
    """A document without errors, the project's folder, and what is worth saying all the same."""

    document: Document
    project: Path
    warnings: tuple[Located, ...] = ()


def sections(kinds: Kinds = KINDS) -> Sections:
    """The sections of services.yaml that the kinds bring."""
    return tuple(kind.section for kind in kinds)


def read(path: Path) -> Source:
    """The file's values with their places. Raises `Rejected` with what is wrong with the text."""
    return compose(load(path, path.as_posix()), path.as_posix())


def check(path: Path, today: date | None = None, kinds: Kinds = KINDS) -> Checked:
    """The document of a file; its project is the folder it lies in.

    Raises `Rejected` with all problems of its shape and of its links, in file order.
    """
    shaped = shape(read(path), sections(kinds))
    if shaped.document is None:
        raise Rejected(shaped.problems)
    linked = _link(shaped.document, path.parent, today or date.today(), kinds)
    found = sorted((*shaped.problems, *shaped.document.source.located(linked)))
    if any(problem.severity == "error" for problem in found):
        raise Rejected(found)
    return Checked(shaped.document, path.parent, tuple(found))


def _link(document: Document, project: Path, today: date, kinds: Kinds) -> Iterator[Problem]:
    link = Link(document, project, today, kinds)
    for kind in kinds:
        yield from kind.check(link)


def build(document: Document, target: Target, kinds: Kinds = KINDS) -> Plan:
    """The plan of a document for a target: the same for the same input, always."""
    resources: list[Resource] = []
    outputs: dict[str, Value] = {}
    for region in target.regions:
        context = Context(document, target, region, kinds)
        for kind in kinds:
            resources += (_in_region(each, context) for each in kind.build(context))
        outputs[region] = _outputs(context)
    return Plan(
        resources=ordered(tuple(resources)),
        outputs=outputs if len(target.regions) > 1 else _outputs(context),
        provider=provider(document, target.stack, target.home),
    )


def _in_region(resource: Resource, context: Context) -> Resource:
    """The resource with its region said, where that is not the provider's own."""
    if context.region == context.target.home or resource.type.startswith(_WITHOUT_REGION):
        return resource
    return replace(resource, inputs={**resource.inputs, "region": context.region})


def _outputs(context: Context) -> Mapping[str, Value]:
    outputs: dict[str, Value] = {}
    for kind in context.kinds:
        outputs |= kind.outputs(context)
    return outputs


def provider(document: Document, stack: str, home: str) -> Mapping[str, Value]:
    """The one provider's settings. The stack's tags win: they say what a resource belongs to."""
    tags = {**document.tags, "service": document.service, "stack": slug(stack)}
    return {"region": home, "defaultTags": {"tags": dict(sorted(tags.items()))}}


def codes(plan: Plan) -> Mapping[Code, str]:
    """The packages that a plan needs -> the entry of the first function that needs each."""
    found: dict[Code, str] = {}
    for resource in plan.of_type("aws:lambda/function:Function"):
        code = resource.inputs.get("code")
        if isinstance(code, Code):
            found.setdefault(code, resource.origin)
    return found


def cache(project: Path) -> Path:
    """Where a project keeps what can be made again; belongs into .gitignore."""
    return project.resolve() / ".services"


def package(checked: Checked, plan: Plan, cache: Path) -> Mapping[Code, Package]:
    """The package of every function of a plan, built or taken from the cache.

    Raises `Rejected` with what keeps source folders from being packaged, at the entries' places.
    """
    # Imported here: only deploying and packaging pay for the compressor and the installer.
    from framework.packaging import Recipe, build_all

    recipes = {
        code: Recipe(checked.project.resolve() / code.source, code.runtime, code.architecture)
        for code in codes(plan)
    }
    with _at_their_entries(checked, plan):
        built = build_all(recipes.values(), cache)
    return {code: built[recipe] for code, recipe in recipes.items()}


def import_paths(
    checked: Checked, plan: Plan, cache: Path, python: Callable[[str], Path]
) -> Mapping[Code, tuple[Path, ...]]:
    """The folders with a package's source and requirements, for running it on this machine.

    `python` gives the interpreter for a runtime. Raises `Rejected` as `package` does.
    """
    from framework.packaging import host_paths

    project = checked.project.resolve()
    with _at_their_entries(checked, plan):
        return {
            code: host_paths(project / code.source, cache, str(python(code.runtime)))
            for code in codes(plan)
        }


@contextmanager
def _at_their_entries(checked: Checked, plan: Plan) -> Iterator[None]:
    """Turns what packaging finds in folders into problems of the entries that name them."""
    from framework.packaging import PackagingError

    project = checked.project.resolve()
    entries = {project / code.source: entry for code, entry in codes(plan).items()}
    try:
        yield
    except PackagingError as error:
        raise Rejected(
            _unpackaged(checked.document, entries[each.source], each.problem)
            for each in error.errors
        ) from error


def _unpackaged(document: Document, entry: str, problem: str) -> Located:
    section, _, name = entry.partition(".")
    return document.source.locate(Problem(problem, (section, name, "source"), rule="packaging"))
