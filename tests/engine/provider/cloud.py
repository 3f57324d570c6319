"""The cloud of the stand-in provider: a JSON file that plays AWS.

In: create, update, delete and look-ups. Out: the same answers AWS would give, refusals included
(something that must exist first does not, a name is taken, a role still has policies). One file in
one folder, changed under a lock, so that the processes of several providers share it, and a test
can read it or take something away behind the provider's back.

Stricter than AWS in one point: what AWS overwrites silently (alarms, dashboards, role policies,
metric filters, a bucket's settings) is refused here as "already exists".
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tests.support import aws
from tests.support.aws import Account, AwsError
from tests.support.wire import Json, Properties, encode

RESOURCES: Final = "resources.json"
FAILURES: Final = "failures.json"
CALLS: Final = "calls.jsonl"


@dataclass(frozen=True)
class Made:
    """One resource that exists. `name` is its logical name in the program that made it."""

    type: str
    id: str
    region: str
    name: str
    outputs: dict[str, Json]


Records: TypeAlias = dict[str, Made]


class Cloud:
    """The resources of one account, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def resources(self) -> Records:
        """Everything that exists, by what makes it unique."""
        file = self._folder / RESOURCES
        records = json.loads(file.read_text()) if file.exists() else {}
        return {key: Made(**record) for key, record in records.items()}

    def forget(self, type: str, id: str) -> None:
        """Take a resource away behind the provider's back; KeyError when there is none."""
        with self._changing() as records:
            del records[_key_of(records, type, id)]

    def fail(self, operation: str, name: str, text: str) -> None:
        """Answer an operation (create, update, delete, read) on a logical name with an error."""
        with self._locked():
            failures = {**self._failures(), f"{operation} {name}": text}
            (self._folder / FAILURES).write_text(json.dumps(failures, indent=1))

    def heal(self) -> None:
        """Take back every injected failure."""
        with self._locked():
            (self._folder / FAILURES).unlink(missing_ok=True)

    def calls(self) -> list[tuple[str, str]]:
        """Every operation carried out so far, in order: its word and the logical name."""
        file = self._folder / CALLS
        lines = file.read_text().splitlines() if file.exists() else []
        return [(call["operation"], call["name"]) for call in map(json.loads, lines)]

    def create(
        self, type: str, name: str, inputs: Properties, account: Account, seed: str
    ) -> tuple[str, Properties]:
        """The id and all properties of a new resource; raises `AwsError`."""
        with self._changing() as records:
            self._called("create", name)
            _require_needed(records, type, inputs, account)
            id = aws.id_of(type, inputs, account, f"{seed} {len(self.calls())}")
            outputs = aws.outputs_of(type, inputs, account, seed, id)
            _insert(records, _made(type, id, name, outputs, account), outputs, account)
        return id, outputs

    def update(
        self, type: str, name: str, id: str, old: Properties, new: Properties, account: Account
    ) -> Properties:
        """All properties of a changed resource; raises `AwsError`. `old` are its properties."""
        with self._changing() as records:
            self._called("update", name)
            if records.pop(aws.unique_of(type, old, account, id), None) is None:
                raise AwsError(f"NotFound: {type} {id} does not exist")
            _require_needed(records, type, new, account)
            if type == aws.PARAMETER and old.get("type") != new.get("type"):
                raise AwsError("HierarchyTypeMismatchException: a parameter's type cannot change")
            outputs = aws.outputs_of(type, new, account, "", id)
            _insert(records, _made(type, id, name, outputs, account), outputs, account)
        return outputs

    def delete(self, type: str, name: str, id: str, old: Properties, account: Account) -> None:
        """Take a resource away; one that is gone already is no error, as with AWS's provider."""
        with self._changing() as records:
            self._called("delete", name)
            if type == aws.ROLE and any(_is_policy_of(made, id) for made in records.values()):
                raise AwsError("DeleteConflict: Cannot delete entity, must delete policies first.")
            if type == aws.BUCKET:
                _empty(records, id, old.get("forceDestroy") is True)
            records.pop(aws.unique_of(type, old, account, id), None)

    def read(self, type: str, name: str, id: str, old: Properties, account: Account) -> Made | None:
        """The resource as it is now; by its id alone when nothing else is known of it."""
        with self._locked():
            self._called("read", name)
            records = self.resources()
        if old:
            return records.get(aws.unique_of(type, old, account, id))
        return next((made for made in records.values() if (made.type, made.id) == (type, id)), None)

    def _failures(self) -> dict[str, str]:
        file = self._folder / FAILURES
        failures: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return failures

    def _called(self, operation: str, name: str) -> None:
        text = self._failures().get(f"{operation} {name}")
        if text is not None:
            raise AwsError(text)
        with (self._folder / CALLS).open("a") as calls:
            calls.write(json.dumps({"operation": operation, "name": name}) + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _changing(self) -> Iterator[Records]:
        """The resources, written back when nothing was refused."""
        with self._locked():
            records = self.resources()
            yield records
            written = json.dumps({key: asdict(made) for key, made in records.items()}, indent=1)
            whole = self._folder / f"{RESOURCES}.new"
            whole.write_text(written)
            whole.replace(self._folder / RESOURCES)


def _made(type: str, id: str, name: str, outputs: Properties, account: Account) -> Made:
    return Made(type, id, aws.region_of(type, outputs, account.region), name, encode(outputs))


def _insert(records: Records, made: Made, outputs: Properties, account: Account) -> None:
    key = aws.unique_of(made.type, outputs, account, made.id)
    if key in records and not aws.kind_of(made.type).overwritten:
        raise AwsError(f"{made.type} already exists: {key.rpartition('|')[2]}")
    records[key] = made


def _require_needed(records: Records, type: str, inputs: Properties, account: Account) -> None:
    region = aws.region_of(type, inputs, account.region)
    for target, id, error in aws.needed(type, inputs):
        region_of_target = region if aws.kind_of(target).regional else ""
        if not any(
            (made.type, made.id, made.region) == (target, id, region_of_target)
            for made in records.values()
        ):
            raise AwsError(error)


def _is_policy_of(made: Made, role: str) -> bool:
    return made.type == aws.ROLE_POLICY and made.outputs.get("role") == role


def _empty(records: Records, bucket: str, forced: bool) -> None:
    """Delete what a bucket holds, where that is asked for."""
    held = [
        key
        for key, made in records.items()
        if made.type == aws.BUCKET_OBJECT and made.outputs.get("bucket") == bucket
    ]
    if held and not forced:
        raise AwsError("BucketNotEmpty: The bucket you tried to delete is not empty")
    for key in held:
        del records[key]


def _key_of(records: Records, type: str, id: str) -> str:
    for key, made in records.items():
        if (made.type, made.id) == (type, id):
            return key
    raise KeyError(f"{type} {id}")
