"""The pipeline: read, shape, link, settle, build.

In: the path of a services.yaml and what is known of the target. Out: checked `Document`s with their
warnings, one for each environment, then a `Plan`. `check` finds every problem of the author's and
reports them together; once it has passed, nothing rejects the author's input any more.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from framework.data.regions import regions
from framework.kinds import KINDS
from framework.kinds.kind import Context, Kinds, Link, Relaxation, reasons_missing
from framework.language import environments
from framework.language.composer import compose
from framework.language.document import Document, Sections, shape, shape_environments
from framework.language.environments import Variant
from framework.language.messages import suggestion
from framework.language.problems import Located, Problem, Rejected
from framework.language.source import Source, load
from framework.plan.names import slug
from framework.plan.resource import Code, Plan, Resource, Value, code_of, ordered
from framework.plan.target import UNKNOWN_ACCOUNT, Target, partition_of

if TYPE_CHECKING:
    from framework.packaging.store import Package

LONGEST_REGION = "ap-southeast-2"
"""None has a longer name, so nothing is longer elsewhere than what is measured here."""

DEFAULT_FILE = "services.yaml"

_WITHOUT_REGION = ("aws:iam/",)
"""Types of global services, which take no region (pulumi-aws, "Enhanced region support")."""


@dataclass(frozen=True)
class Checked:
    """Documents without errors, and what is worth saying all the same.

    There is a document for each declared environment; one with no name where none is declared.
    """

    documents: Mapping[str, Document]
    warnings: tuple[Located, ...] = ()
    own: Mapping[str, Sequence[Located]] = field(default_factory=dict)

    def warnings_for(self, document: Document) -> tuple[Located, ...]:
        """The warnings of one document's environment alone."""
        return tuple(sorted(set(self.own.get(document.environment, ()))))

    def document(self, stack: str) -> Document:
        """The document for a stack. Raises `Rejected` where no environment fits it."""
        if "" in self.documents:
            return self.documents[""]
        name = environments.chosen(self.documents, stack)
        if name is not None:
            return self.documents[name]
        message = f"no environment fits stack '{stack}'; declared are {', '.join(self.documents)}"
        problem = Problem(message, ("environments",), "key", "no-environment")
        raise Rejected([self.any.written.locate(problem)])

    @property
    def any(self) -> Document:
        """One of the documents, for what they all say, such as the file's name."""
        return next(iter(self.documents.values()))


def sections(kinds: Kinds = KINDS) -> Sections:
    """The sections of services.yaml that the kinds bring."""
    return tuple(kind.section for kind in kinds)


def read(path: Path) -> Source:
    """The file's values with their places. Raises `Rejected` with what is wrong with the text."""
    return compose(load(path, path.as_posix()), path.as_posix())


def check(path: Path, today: date | None = None, kinds: Kinds = KINDS) -> Checked:
    """The documents of a file; its project is the folder it lies in.

    Raises `Rejected` with all problems of all environments, in file order: of the shape and of the
    links, an environment named where not all have the problem.
    """
    source = read(path)
    removals = source.located(environments.problems_of_removal(source))
    alone = shape_environments(environments.without_removals(source), sections(kinds))
    documents: dict[str, Document] = {}
    found: dict[str, list[Located]] = {}
    for variant in environments.variants(source):
        document, problems = _checked(variant, path.parent, today or date.today(), kinds)
        found[variant.name] = [*removals, *alone, *problems]
        if document is not None:
            documents[variant.name] = document
    names = source.located(_shared_names(documents))
    grouped = sorted((*environments.grouped(found, source), *names))
    if any(problem.severity == "error" for problem in grouped):
        raise Rejected(grouped)
    return Checked(documents, tuple(grouped), found)


def _checked(
    variant: Variant, project: Path, today: date, kinds: Kinds
) -> tuple[Document | None, list[Located]]:
    shaped = shape(variant.source, sections(kinds))
    if shaped.document is None:
        return None, list(shaped.problems)
    document = replace(shaped.document, variant=variant)
    linked = document.source.located(_link(document, project, today, kinds))
    return document, [*shaped.problems, *linked]


def _shared_names(documents: Mapping[str, Document]) -> Iterator[Problem]:
    """Entries of two stacks that are called the same on AWS: dev's api-x and dev-api's x.

    Only for stacks whose names are declared; those of patterns are not known.
    """
    owners: dict[tuple[str, str], tuple[str, str, str | None]] = {}
    for stack, document in documents.items():
        for section, entries in document.sections.items() if "*" not in stack else ():
            for entry in entries:
                key = (section, f"{slug(stack)}-{entry}")
                other, name, account = owners.setdefault(key, (stack, entry, document.account))
                if other != stack and account in (None, document.account):
                    message = (
                        f"{section}.{entry} of stack {stack} and {section}.{name} of stack {other} "
                        "have the same name on AWS: rename one of the two"
                    )
                    yield Problem(message, ("environments", stack), "key", "same-name")


def _link(document: Document, project: Path, today: date, kinds: Kinds) -> Iterator[Problem]:
    link = Link(document, project, today, kinds)
    yield from _check_regions(document.regions)
    yield from _check_tags(document.tags)
    for kind in kinds:
        yield from kind.check(link)
        yield from reasons_missing(kind.relaxed(document))
    yield from _misfits(document, _measure(document), kinds, known=bool(document.regions))


def _measure(document: Document) -> Target:
    """A target to measure with: the environment's name, the longest region where none is said."""
    stack = document.environment.replace("*", "") or "development"
    return Target(stack, UNKNOWN_ACCOUNT, document.regions or (LONGEST_REGION,))


def _misfits(
    document: Document, target: Target, kinds: Kinds, known: bool = True
) -> Iterator[Problem]:
    for region in target.regions:
        context = Context(document, target, region, kinds, known)
        for kind in kinds:
            yield from kind.fits(context)


def fit(document: Document, target: Target, kinds: Kinds = KINDS) -> None:
    """Raises `Rejected` with what this one target makes wrong, such as names that grow too long."""
    problems = document.source.located(_misfits(document, target, kinds))
    if problems:
        raise Rejected(problems)


def _check_regions(named: tuple[str, ...]) -> Iterator[Problem]:
    """Regions that are not known here may be new; those of two partitions never go together."""
    for number, region in enumerate(named):
        path = ("regions", number)
        if region not in regions():
            message = f"{region} is not known here{suggestion(region, regions())}"
            yield Problem(message, path, rule="unknown-region", severity="warning")
        if region in named[:number]:
            yield Problem(f"{region} is there twice", path, rule="region-twice")
        if partition_of(region) != partition_of(named[0]):
            message = f"{region} and {named[0]} are in different partitions of AWS: a stack has one"
            yield Problem(message, path, rule="partitions")


def _check_tags(tags: Mapping[str, str]) -> Iterator[Problem]:
    """IAM takes keys that differ in case alone for the same (IAM user guide, "Tags for IAM")."""
    seen = {"service": "service", "stack": "stack"}
    for key in tags:
        first = seen.setdefault(key.casefold(), key)
        if first != key or key in ("service", "stack"):
            own = key.casefold() in ("service", "stack")
            why = "which every resource has already" if own else f"as '{first}' is"
            yield Problem(f"is the same key, {why}", ("tags", key), "key", "tag-twice")


def relaxed(document: Document, kinds: Kinds = KINDS) -> tuple[Relaxation, ...]:
    """Every control that the document turns down, with its reason."""
    return tuple(each for kind in kinds for each in kind.relaxed(document))


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
    settings: dict[str, Value] = {
        "region": home,
        "defaultTags": {"tags": dict(sorted(tags.items()))},
    }
    return settings | ({"allowedAccountIds": [document.account]} if document.account else {})


def codes(plan: Plan) -> Mapping[Code, str]:
    """The packages that a plan needs -> the entry of the first function that needs each."""
    found: dict[Code, str] = {}
    for resource, code in functions(plan):
        found.setdefault(code, resource.origin)
    return found


def project_of(document: Document) -> Path:
    """The folder that services.yaml lies in, absolute."""
    return Path(document.source.file).parent.resolve()


def cache_of(document: Document) -> Path:
    """Where a project keeps what can be made again; belongs into .gitignore."""
    return project_of(document) / ".services"


def package(
    document: Document,
    plan: Plan,
    cache: Path,
    *,
    upgrade: bool = False,
    done: Callable[[Code], None] = lambda code: None,
) -> Mapping[Code, Package]:
    """The package of every function of a plan, built or taken from the cache.

    `upgrade` installs the newest versions of what requirements leave open; `done` hears of each
    package. Raises `Rejected` with what keeps source folders from being packaged, and with handlers
    that would not be in their package, at the entries' places.
    """
    # Imported here: only deploying and packaging pay for the compressor and the installer.
    from framework.packaging.packages import Recipe, build_all

    project = project_of(document)
    handed_over = set(_handed_over(plan))
    recipes = {
        code: Recipe(
            project / code.source, code.runtime, code.architecture, code in handed_over, project
        )
        for code in codes(plan)
    }
    named = {recipe: code for code, recipe in recipes.items()}
    with _at_their_entries(document, plan):
        _refuse_ignored_handlers(document, plan)
        built = build_all(
            recipes.values(), cache, upgrade=upgrade, done=lambda recipe: done(named[recipe])
        )
    return {code: built[recipe] for code, recipe in recipes.items()}


def package_warnings(
    document: Document, plan: Plan, packages: Mapping[Code, Package]
) -> Sequence[Located]:
    """What packages have to say, once for each folder, in file order."""
    said = {
        (code.source, note): (*entry.split("."), "source")
        for code, entry in reversed(tuple(codes(plan).items()))
        for note in packages[code].notes
    }
    return document.source.located(
        Problem(note, path, rule="packaging", severity="warning")
        for (_, note), path in said.items()
    )


def _refuse_ignored_handlers(document: Document, plan: Plan) -> None:
    project = project_of(document)
    names = {
        source: _packed_names(project / source)
        for source in dict.fromkeys(code.source for code in codes(plan))
    }
    problems = [
        Problem(
            f"{file} is not in the package: a rule, or a line of .packageignore, leaves it out",
            (*resource.origin.split("."), "handler"),
            rule="ignored-handler",
        )
        for resource, code in functions(plan)
        if (packed := names[code.source]) is not None
        and (file := _left_out(project / code.source, resource, packed))
    ]
    if problems:
        raise Rejected(document.source.located(problems))


def _packed_names(folder: Path) -> Container[str] | None:
    """The names of a folder's files in its package; None where it cannot be packaged at all."""
    from framework.packaging.errors import PackagingError
    from framework.packaging.tree import source_files

    try:
        return {file.name for file in source_files(folder)}
    except (PackagingError, OSError):
        return None


def _left_out(folder: Path, resource: Resource, names: Container[str]) -> str | None:
    """The handler's file of a function where its folder has it and its package has not."""
    module = str(resource.inputs.get("handler")).rpartition(".")[0].replace(".", "/")
    files = [f"{module}.py", f"{module}/__init__.py"]
    there = [file for file in files if (folder / file).is_file()]
    return there[0] if there and not any(file in names for file in there) else None


def functions(plan: Plan) -> Iterator[tuple[Resource, Code]]:
    """The functions of a plan, each with the package that it needs."""
    for resource in plan.of_type("aws:lambda/function:Function"):
        if code := code_of(resource):
            yield resource, code


def _handed_over(plan: Plan) -> Mapping[Code, str]:
    """Of `codes`, those that some function receives in the call itself: Lambda takes less there."""
    found: dict[Code, str] = {}
    for resource, code in functions(plan):
        if "code" in resource.inputs:
            found.setdefault(code, resource.origin)
    return found


def import_paths(
    document: Document, plan: Plan, python: Callable[[str], Path]
) -> Mapping[Code, tuple[Path, ...]]:
    """The folders with a package's source and requirements, for running it on this machine.

    `python` gives the interpreter for a runtime. Raises `Rejected` as `package` does.
    """
    from framework.packaging.host import host_paths

    project, cache = project_of(document), cache_of(document)
    with _at_their_entries(document, plan):
        return {
            code: host_paths(project / code.source, cache, str(python(code.runtime)), project)
            for code in codes(plan)
        }


@contextmanager
def _at_their_entries(document: Document, plan: Plan) -> Iterator[None]:
    """Turns what packaging finds in folders into problems of the entries that name them."""
    from framework.packaging.errors import PackagingError

    project = project_of(document)
    # Those that have one limit more come last, so that they are named where a folder breaks it.
    entries = {
        project / code.source: entry
        for needed in (codes(plan), _handed_over(plan))
        for code, entry in needed.items()
    }
    try:
        yield
    except PackagingError as error:
        raise Rejected(
            _unpackaged(document, entries[each.source], each.problem) for each in error.errors
        ) from error


def _unpackaged(document: Document, entry: str, problem: str) -> Located:
    section, _, name = entry.partition(".")
    return document.source.locate(Problem(problem, (section, name, "source"), rule="packaging"))
