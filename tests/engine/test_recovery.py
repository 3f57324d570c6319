"""docs/recovery.md on the real engine: what is broken on purpose, and the page's commands.

A deployment is killed at a known point: the test holds the lock of the stand-in cloud, so that the
engine waits for resources that it has noted down as begun, and the cloud has not made yet.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.stack import SHOP, Stack
from tests.support.projects import ROOT

pytestmark = pytest.mark.engine

BUCKET = "aws:s3/bucket:Bucket"
PARAMETER = "aws:ssm/parameter:Parameter"
DEADLINE = 120.0
"""Seconds after which what is waited for is taken never to come."""

TRIES = 10

MADE_BEFORE = 6
"""Resources that exist when the engine is killed: some, and not all."""


class Shop(Stack):
    """A small service, and ways to break its deployment."""

    def write(self, text: str) -> None:
        """Write services.yaml."""
        (self.project / "services.yaml").write_text(text, "utf-8")

    @property
    def checkpoint(self) -> Path:
        """The file that the state is kept in."""
        return self._state / ".pulumi" / "stacks" / "notes" / f"{self.name}.json"

    @property
    def attributes(self) -> Path:
        """The file beside it, with its check sum."""
        return self.checkpoint.with_name(f"{self.checkpoint.name}.attrs")

    def recorded(self) -> set[str]:
        """The names of what the state says exists on AWS."""
        return {urn.split("::", 3)[3] for urn in self.resources() if "$aws:" in urn}

    def pending(self) -> set[str]:
        """The names of what the state says was begun and never ended; empty while it is written."""
        try:
            latest = json.loads(self.checkpoint.read_text("utf-8"))["checkpoint"]["latest"] or {}
        except (OSError, ValueError):
            return set()
        begun = latest.get("pending_operations", [])
        return {each["resource"]["urn"].split("::", 3)[3] for each in begun}

    def made(self) -> set[str]:
        """The names of what the cloud has."""
        return {made.name for made in self.cloud.resources().values()}

    @contextmanager
    def halfway(self) -> Iterator[subprocess.Popen[bytes]]:
        """`pulumi up`, held while it waits for resources; they are made when the block ends."""
        words = ("up", "--yes", "--skip-preview", "--non-interactive")
        with (self._cloud / "lock").open("w") as lock:
            engine = subprocess.Popen(
                ["pulumi", *words],
                cwd=self.project,
                env=self._environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                wait_until(lambda: self._held(lock.fileno()), "enough resources")
                wait_until(self._waits, "resources that are begun")
                yield engine
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)

    def _held(self, lock: int) -> bool:
        """Whether enough is made; then the lock is kept, and nothing more will be."""
        fcntl.flock(lock, fcntl.LOCK_EX)
        if len(self.cloud.calls()) >= MADE_BEFORE:
            return True
        fcntl.flock(lock, fcntl.LOCK_UN)
        return False

    def _waits(self) -> bool:
        """Whether all that is made is noted down as made, and something else as begun."""
        pending = self.pending()
        return bool(pending) and pending.isdisjoint(self.made())

    def killed(self, *, with_provider: bool) -> None:
        """Kill the engine half-way.

        With the provider what was begun is never made; without it is made, and nobody notes it.
        """
        with self.halfway() as engine:
            processes = descendants(engine.pid)
            engine.kill()
            engine.wait()
            for process, command in processes.items():
                if with_provider or "tests.engine.provider" not in command:
                    end(process)
        wait_until(lambda: all(map(gone, processes)), "the end of all processes")
        self.mend_attributes()

    def mend_attributes(self) -> None:
        """The page's way with an empty file beside the checkpoint, which a kill may leave."""
        if self.attributes.exists() and not self.attributes.read_bytes():
            self.attributes.unlink()

    def orphaned(self) -> set[str]:
        """Kill the engine so that the cloud has what the state does not; the names of that.

        The kill can come before the provider has heard of anything: then once more.
        """
        for _ in range(TRIES):
            self.killed(with_provider=False)
            self.pulumi("cancel", "--yes")
            if found := self.made() - self.recorded():
                return found
            self.refresh("--clear-pending-creates")
        pytest.fail("the engine was always killed before the provider heard of anything")

    def import_missing(self, ids: Mapping[str, str]) -> None:
        """The page's way: the engine writes what it misses, the ids are filled in, and imported."""
        self.preview("--import-file", "import.json")
        file = self.project / "import.json"
        written = json.loads(file.read_text("utf-8"))
        named = [(each.get("logicalName", each["name"]), each) for each in written["resources"]]
        found = [{**each, "id": ids[name]} for name, each in named if name in ids]
        file.write_text(json.dumps({**written, "resources": found}), "utf-8")
        self.pulumi(
            "import", "--file", "import.json", "--protect=false", "--generate-code=false",
            "--yes", "--skip-preview",
        )  # fmt: skip


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition; fails when it does not come."""
    last = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < last, f"waited in vain for {what}"
        time.sleep(0.01)


def descendants(process: int) -> dict[int, str]:
    """The processes that a process has started, and those that they have, with their commands."""
    table = _ps("-A", "-o", "pid=,ppid=,args=").splitlines()
    rows = [(int(pid), int(parent), command) for pid, parent, command in map(_split, table)]
    found: dict[int, str] = {}
    todo = [process]
    while todo:
        children = {pid: command for pid, parent, command in rows if parent == todo[0]}
        found |= children
        todo = [*todo[1:], *children]
    return found


def _split(line: str) -> tuple[str, str, str]:
    pid, parent, command = line.split(None, 2)
    return pid, parent, command


def _ps(*options: str) -> str:
    return subprocess.run(["ps", *options], capture_output=True, text=True, check=False).stdout


def end(process: int) -> None:
    """Kill a process that may have ended by itself."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def gone(process: int) -> bool:
    """Whether a process has ended, be it that nobody has asked for its exit code yet."""
    return _ps("-o", "stat=", "-p", str(process)).strip()[:1] in ("", "Z")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The service, not deployed yet."""
    shop = Shop(tmp_path)
    shop.copy_project(ROOT, "Pulumi.yaml", "__main__.py")
    (shop.project / "handlers").mkdir()
    handler = shop.project / "handlers" / "app.py"
    handler.write_text("def main(event, context): ...\n", "utf-8")
    shop.write(SHOP)
    shop.config_set("parameters.key", "a value", secret=True, path=True)
    return shop


def assert_whole(shop: Shop) -> None:
    """The stack is as services.yaml says: nothing to do, nothing begun, nothing unrecorded."""
    again = shop.up()
    assert again.changed() == {}
    assert again.warnings == ()
    assert shop.pending() == set()
    assert shop.made() <= shop.recorded()


def test_the_next_up_goes_on_where_aws_had_made_nothing(shop: Shop) -> None:
    shop.killed(with_provider=True)
    begun = shop.pending()
    assert begun
    assert begun.isdisjoint(shop.made())

    locked = shop.up(succeeds=False)
    assert "the stack is currently locked by 1 lock(s)" in locked.output
    shop.pulumi("cancel", "--yes")

    went_on = shop.up()
    assert "pending operations from previous deployment" in " ".join(went_on.warnings)
    assert begun <= set(went_on.changed())
    assert shop.pending() >= begun, "an up that succeeds leaves them"

    shop.refresh("--clear-pending-creates")
    assert_whole(shop)


def test_what_aws_had_made_is_imported(shop: Shop) -> None:
    orphans = shop.orphaned()
    assert orphans <= shop.pending()

    refused = shop.up(succeeds=False)
    assert "already exists" in refused.output
    assert "could not create" in refused.output
    assert "Traceback" not in refused.output

    ids = {made.name: made.id for made in shop.cloud.resources().values()}
    shop.import_missing(ids)
    shop.refresh("--clear-pending-creates")
    assert orphans.isdisjoint(shop.up().changed())
    assert_whole(shop)


def test_or_it_is_deleted_and_the_record_cleared(shop: Shop) -> None:
    orphans = shop.orphaned()
    for made in shop.cloud.resources().values():
        if made.name in orphans:
            shop.cloud.forget(made.type, made.id)

    shop.refresh()
    assert shop.pending() >= orphans, "a refresh that is told nothing leaves them"
    shop.refresh("--clear-pending-creates")
    assert shop.pending() == set()

    went_on = shop.up()
    assert went_on.warnings == ()
    assert orphans <= set(went_on.changed())
    assert_whole(shop)


def test_interrupted_once_it_ends_by_itself_and_the_next_up_goes_on(shop: Shop) -> None:
    with shop.halfway() as engine:
        engine.send_signal(signal.SIGINT)
    assert engine.wait(DEADLINE) != 0
    assert shop.pending() == set()
    assert shop.up().warnings == ()
    assert_whole(shop)


@pytest.mark.parametrize("lost", ["checkpoint.attrs", "checkpoint"])
def test_an_empty_file_in_a_file_backend(shop: Shop, lost: str) -> None:
    shop.up()
    (shop.attributes if lost == "checkpoint.attrs" else shop.checkpoint).write_bytes(b"")
    assert "failed to load checkpoint" in shop.preview(succeeds=False).output

    shop.attributes.unlink()
    if lost == "checkpoint":
        backups = shop._state / ".pulumi" / "backups" / "notes" / shop.name
        newest = max(backups.glob(f"{shop.name}.*.json"), key=lambda file: file.name)
        shop.checkpoint.write_bytes(newest.read_bytes())
    assert_whole(shop)


def test_what_exists_without_a_record_is_imported(shop: Shop) -> None:
    shop.up()
    (urn,) = (urn for urn in shop.resources() if urn.endswith("::parameters.key") and "ssm" in urn)
    shop.pulumi("state", "delete", urn, "--yes")
    refused = shop.up(succeeds=False)
    assert f"{PARAMETER} already exists: /shop/dev/key" in refused.output
    assert "services.yaml:12:3: parameters.key: could not create parameters.key" in (refused.output)

    shop.import_missing({"parameters.key": "/shop/dev/key"})
    assert_whole(shop)


def test_what_is_protected_goes_when_it_is_unprotected(shop: Shop) -> None:
    protected = "environments:\n  dev: {protect: true}\n"
    shop.write(SHOP + protected)
    shop.up()
    without = SHOP.replace("buckets:\n  orders: {}\n", "").replace("buckets.orders: read, ", "")
    shop.write(without + protected)
    before = shop.made()
    refused = shop.preview(succeeds=False)
    assert "cannot be deleted" in refused.output
    assert "pulumi state unprotect" in refused.output
    assert shop.made() == before

    shop.up(succeeds=False)
    shop.write(SHOP + protected)
    shop.up()
    assert shop.made() == before, "the entry put back has everything again"

    shop.write(without + protected)
    for urn in shop.resources():
        if "::buckets.orders" in urn and "$aws:" in urn:
            shop.pulumi("state", "unprotect", urn, "--yes")
    shop.up()
    assert not any(made.type == BUCKET for made in shop.cloud.resources().values())
    assert_whole(shop)
