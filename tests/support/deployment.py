"""What Pulumi's engine decides about one run of a program: URNs, steps, ids, outputs, errors.

In: registrations as plain data, and the state that an earlier run left. Out: a step for each
resource and the next state. No pulumi in here; `tests.support.monitor` puts it on the wire.
Differs from the engine where that is of no use to a test: aliases, hooks, transforms, targets and
imports are not acted on, steps run one after the other, and default providers are not in the state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from tests.support import aws
from tests.support.wire import UNKNOWN, Archive, Asset, Plain, Properties, SecretValue

STACK: Final = "pulumi:pulumi:Stack"
PROVIDER: Final = "pulumi:providers:"

Step: TypeAlias = Literal["create", "same", "update", "replace", "delete"]


class EngineError(Exception):
    """What ends the deployment; the text is what `pulumi up` prints after `error: `."""


@dataclass(frozen=True)
class Registered:
    """One resource as the program asked for it. URNs everywhere; `provider` is the provider's URN.

    `inputs` are whole numbers as ints, secrets as `SecretValue`, files as `Asset` and `Archive`.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: Mapping[str, Plain]
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    provider: str = ""
    version: str = ""
    ignore_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    retain_on_delete: bool = False
    deleted_with: str = ""
    delete_before_replace: bool = False
    replace_on_changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """One resource in the state: as it was registered, with hashed files, its id and outputs."""

    registered: Registered
    id: str
    inputs: Properties
    outputs: Properties


State: TypeAlias = Mapping[str, Kept]


def urn_of(stack: str, project: str, parent: str, type: str, name: str) -> str:
    """The engine's URN: the types of all ancestors but the stack, then the resource's own."""
    ancestors = parent.split("::")[2] if parent else ""
    chain = type if ancestors in ("", STACK) else f"{ancestors}${type}"
    return f"urn:pulumi:{stack}::{project}::{chain}::{name}"


class Deployment:
    """One run. `register` for each resource in the program's order, then `finish`."""

    def __init__(
        self,
        state: State,
        *,
        account: str,
        region: str,
        dry_run: bool,
        failures: Mapping[str, str],
    ) -> None:
        self._old = state
        self._account = account
        self._region = region
        self._dry_run = dry_run
        self._failures = failures
        self._new: dict[str, Kept] = {}
        self.steps: dict[str, Step] = {}
        self.deleted: list[Registered] = []

    @property
    def state(self) -> State:
        """The state after the run: what was made so far, and what was there and is not deleted."""
        if self._dry_run:
            return dict(self._old)
        gone = {urn for urn, step in self.steps.items() if step == "delete"}
        return {urn: kept for urn, kept in {**self._old, **self._new}.items() if urn not in gone}

    def register(self, wanted: Registered) -> Kept:
        """Carry out one registration; raises `EngineError`."""
        self._check(wanted)
        old = self._old.get(wanted.urn)
        inputs = {key: _hashed(value) for key, value in wanted.inputs.items()}
        if old is not None:
            inputs |= _ignored(wanted, old)
        step, kept = self._made(wanted, old, inputs)
        self._fail(wanted, step)
        self.steps[wanted.urn] = step
        self._new[wanted.urn] = kept
        return kept

    def finish(self) -> None:
        """Delete what the program no longer asks for, last made first; raises `EngineError`."""
        gone = [kept.registered for urn, kept in self._old.items() if urn not in self._new]
        for registered in gone:
            _refuse_protected(registered)
        for registered in reversed(gone):
            self._fail(registered, "delete")
            self.steps[registered.urn] = "delete"
            self.deleted.append(registered)

    def account(self, provider: str) -> aws.Account:
        """Who a resource with this provider (a URN, or empty for the default one) belongs to."""
        inputs = self._new[provider].inputs if provider else {}
        region = inputs.get("region", self._region)
        if not isinstance(region, str) or not region:
            raise EngineError(aws.NO_REGION)
        return aws.Account(self._account, region)

    def failure(self, name: str) -> str | None:
        """The error that the test asked for, for a resource's name or a function's token."""
        return self._failures.get(name)

    def _check(self, wanted: Registered) -> None:
        if wanted.urn in self._new:
            raise EngineError(f"Duplicate resource URN '{wanted.urn}'; try giving it a unique name")
        referred = {wanted.parent, wanted.provider, wanted.deleted_with, *wanted.dependencies}
        for urn in sorted(referred - {""}):
            if urn not in self._new:
                raise EngineError(f"{wanted.urn} refers to {urn}, which is not registered")
        if wanted.type.startswith(PROVIDER):
            with _refusing(wanted):
                aws.check_provider(wanted.inputs, self._account)

    def _made(self, wanted: Registered, old: Kept | None, inputs: Properties) -> tuple[Step, Kept]:
        if old is None:
            return "create", self._created(wanted, inputs, wanted.urn)
        differing = aws.changed(old.inputs, inputs)
        if not differing:
            return "same", replace(old, registered=wanted, inputs=inputs)
        if not wanted.custom or wanted.type.startswith(PROVIDER):
            return "update", replace(old, registered=wanted, inputs=inputs, outputs=dict(inputs))
        if aws.forcing(wanted.type, differing) or {*differing} & {*wanted.replace_on_changes}:
            _refuse_protected(old.registered)
            return "replace", self._created(wanted, inputs, f"{wanted.urn} after {old.id}")
        return "update", self._updated(wanted, old, inputs)

    def _created(self, wanted: Registered, inputs: Properties, seed: str) -> Kept:
        if not wanted.custom:
            return Kept(wanted, "", inputs, {})
        if wanted.type.startswith(PROVIDER):
            id = "" if self._dry_run else hashlib.sha256(seed.encode()).hexdigest()[:32]
            return Kept(wanted, id, inputs, dict(inputs))
        account = self.account(wanted.provider)
        if self._dry_run:
            computed: Properties = dict.fromkeys(aws.kind_of(wanted.type).outputs, UNKNOWN)
            return Kept(wanted, "", inputs, {**inputs, **computed})
        with _refusing(wanted):
            id = aws.id_of(wanted.type, inputs, account, seed)
            outputs = aws.outputs_of(wanted.type, inputs, account, seed, id)
        return Kept(wanted, id, inputs, outputs)

    def _updated(self, wanted: Registered, old: Kept, inputs: Properties) -> Kept:
        account = self.account(wanted.provider)
        outputs = aws.outputs_of(wanted.type, inputs, account, wanted.urn, old.id)
        return Kept(wanted, old.id, inputs, outputs)

    def _fail(self, registered: Registered, step: Step) -> None:
        """The failure that the test asked for; nothing is tried on preview, or when all is same."""
        text = self.failure(registered.name)
        if text is not None and registered.custom and not self._dry_run and step != "same":
            raise EngineError(f"{step} of {registered.urn} failed: {text}")


@contextmanager
def _refusing(registered: Registered) -> Iterator[None]:
    """An answer of AWS that is no success ends the deployment."""
    try:
        yield
    except aws.AwsError as refused:
        raise EngineError(f"{registered.urn}: {refused}") from None


def _refuse_protected(registered: Registered) -> None:
    urn = registered.urn
    if registered.protect:
        raise EngineError(
            f'resource "{urn}" cannot be deleted\nbecause it is protected. To unprotect the '
            "resource, either remove the `protect` flag from the resource in your Pulumi program "
            f"and run `pulumi up`, or use the command:\n`pulumi state unprotect '{urn}'`"
        )


def _ignored(wanted: Registered, old: Kept) -> Properties:
    """The old values of what `ignore_changes` names; only whole properties can be named here."""
    nested = [path for path in wanted.ignore_changes if "." in path or "[" in path]
    if nested:
        raise EngineError(f"ignoreChanges of a part of a property: {', '.join(nested)}")
    return {name: old.inputs[name] for name in wanted.ignore_changes if name in old.inputs}


def shown(kept: Kept) -> Properties:
    """The outputs as the program receives them, `additional_secret_outputs` marked."""
    secret = kept.registered.additional_secret_outputs
    return {
        name: SecretValue(value) if name in secret and not isinstance(value, SecretValue) else value
        for name, value in kept.outputs.items()
    }


def _hashed(value: Plain) -> Plain:
    """The value with the SHA-256 of every local file, as the engine takes it on each run."""
    match value:
        case Asset(path=path) if path:
            return replace(value, hash=_digest(Path(path)))
        case Archive(path=path) if path:
            return replace(value, hash=_digest(Path(path)))
        case Archive(assets=assets) if assets:
            return replace(value, assets={key: _hashed(item) for key, item in assets.items()})
        case SecretValue(inner):
            return SecretValue(_hashed(inner))
        case list():
            return [_hashed(item) for item in value]
        case dict():
            return {key: _hashed(item) for key, item in value.items()}
        case _:
            return value


def _digest(path: Path) -> str:
    if not path.exists():
        raise EngineError(f"failed to compute archive hash: no such file or directory: {path}")
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(f"{file.relative_to(path)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
