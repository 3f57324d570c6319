"""A Pulumi project in a folder of its own, driven by the real `pulumi` command.

In: a project's files. Out: what `up`, `preview`, `refresh` and `destroy` did, resource by resource,
the state, and the cloud of the stand-in provider. Nothing leaves the folder: state, plugins,
settings and cloud lie in it, and no network, account or login is used.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

import yaml

from tests.engine.provider.cloud import Cloud
from tests.engine.provider.plugin import ACCOUNT, FOLDER
from tests.support.wire import Json

ROOT: Final = Path(__file__).parents[2]
REGION: Final = "eu-west-1"
DEADLINE: Final = 300
"""Seconds after which a command is taken to hang."""

Event: TypeAlias = dict[str, Json]


SHOP = """\
service: shop
regions: [eu-west-1]
functions:
  order:
    handler: app.main
    uses: {buckets.orders: read, parameters.key: read}
routes:
  GET /orders: {function: order, auth: iam}
buckets:
  orders: {}
parameters:
  key: {}
alarms: {enabled: false, reason: a test}
"""
"""A service with a bit of everything, for tests that break it."""


@dataclass(frozen=True)
class Outcome:
    """One run of the command: its exit status, what it printed, and the engine's events."""

    status: int
    output: str
    events: tuple[Event, ...]

    @cached_property
    def operations(self) -> tuple[tuple[str, str], ...]:
        """(operation, URN) in the order the engine began them, "same" included.

        The words are the engine's: create, update, delete, same, refresh, read, and for a
        replacement create-replacement, replace and delete-replaced. What a refresh found (same,
        update, delete) follows its "refresh".
        """
        return tuple((str(metadata["op"]), str(metadata["urn"])) for metadata in self._begun())

    def _begun(self) -> Iterator[Event]:
        refreshing: set[str] = set()
        for metadata, ended in self._metadata():
            urn = str(metadata["urn"])
            if not ended or urn in refreshing:
                yield metadata
            if not ended and metadata["op"] == "refresh":
                refreshing.add(urn)
            else:
                refreshing.discard(urn)

    @property
    def steps(self) -> Mapping[str, str]:
        """The operation by URN; "replace" stands for the three parts of a replacement."""
        parts = {"create-replacement": "replace", "delete-replaced": "replace"}
        return {urn: parts.get(operation, operation) for operation, urn in self.operations}

    def changed(self) -> dict[str, str]:
        """The operations other than same of AWS resources and providers, by logical name."""
        return {
            _name_of(urn): step
            for urn, step in self.steps.items()
            if step not in ("same", "refresh", "read") and _is_custom(urn)
        }

    @cached_property
    def errors(self) -> tuple[str, ...]:
        """What the engine, the provider or the program said as an error, in order."""
        return self._said("error")

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What the engine, the provider or the program said as a warning, in order."""
        return self._said("warning")

    def inputs(self, name: str) -> Event:
        """The inputs that the engine saw for a resource, by logical name, secrets masked."""
        for metadata, _ in self._metadata():
            new = metadata["new"]
            if _name_of(str(metadata["urn"])) == name and isinstance(new, dict):
                return _mapping(new["inputs"])
        raise KeyError(name)

    def _said(self, severity: str) -> tuple[str, ...]:
        said = (_mapping(event.get("diagnosticEvent")) for event in self.events)
        return tuple(
            str(line["message"]).strip() for line in said if line.get("severity") == severity
        )

    def _metadata(self) -> Iterator[tuple[Event, bool]]:
        """What each operation was on, and whether it was ending rather than beginning."""
        for event in self.events:
            for kind, ended in (("resourcePreEvent", False), ("resOutputsEvent", True)):
                if kind in event:
                    yield _mapping(_mapping(event[kind])["metadata"]), ended


class Stack:
    """One stack of one project; commands raise AssertionError when they fail, unless told."""

    def __init__(self, folder: Path, name: str = "dev", account: str = "123456789012") -> None:
        self.name = name
        self.account = account
        self.project = folder / "project"
        self._home, self._state, self._cloud = folder / "home", folder / "state", folder / "cloud"
        self._plugins, self._log = folder / "plugins", folder / "events.jsonl"
        for made in (self.project, self._home, self._state, self._cloud, self._plugins):
            made.mkdir(parents=True, exist_ok=True)
        _write_plugin(self._plugins)

    @property
    def cloud(self) -> Cloud:
        """What exists, and the failures that the stand-in provider shall answer with."""
        return Cloud(self._cloud)

    def copy_project(self, folder: Path, *names: str) -> None:
        """Copy a project, or only the files and folders named of a larger one, and prepare it."""
        for source in [folder / name for name in names] or folder.iterdir():
            if source.is_dir():
                shutil.copytree(source, self.project / source.name, dirs_exist_ok=True)
            else:
                shutil.copy2(source, self.project / source.name)
        self.prepare()

    def write_project(self, name: str, program: str) -> None:
        """Make a project of one program."""
        (self.project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name}))
        (self.project / "__main__.py").write_text(program)
        self.prepare()

    def prepare(self) -> None:
        """Point the project at this interpreter and the stand-in provider; make the stack."""
        file = self.project / "Pulumi.yaml"
        settings = yaml.safe_load(file.read_text())
        settings["runtime"] = {"name": "python", "options": _python_options()}
        settings["plugins"] = {"providers": [{"name": "aws", "path": str(self._plugins)}]}
        file.write_text(yaml.safe_dump(settings))
        self.pulumi("stack", "init", self.name)
        self.config_set("aws:region", REGION)

    def config_set(self, key: str, value: str, *, secret: bool = False, path: bool = False) -> None:
        """`pulumi config set`, the value by standard input as a person should."""
        flags = [*(["--secret"] if secret else []), *(["--path"] if path else [])]
        self.pulumi("config", "set", *flags, key, entered=value)

    def preview(self, *arguments: str, succeeds: bool = True) -> Outcome:
        """`pulumi preview`."""
        return self._deploy("preview", *arguments, succeeds=succeeds)

    def up(self, *arguments: str, succeeds: bool = True) -> Outcome:
        """`pulumi up` without its preview."""
        return self._deploy("up", "--yes", "--skip-preview", *arguments, succeeds=succeeds)

    def refresh(self, *arguments: str, succeeds: bool = True) -> Outcome:
        """`pulumi refresh` without its preview."""
        return self._deploy("refresh", "--yes", "--skip-preview", *arguments, succeeds=succeeds)

    def destroy(self, *arguments: str, succeeds: bool = True) -> Outcome:
        """`pulumi destroy` without its preview."""
        return self._deploy("destroy", "--yes", "--skip-preview", *arguments, succeeds=succeeds)

    def outputs(self) -> dict[str, Json]:
        """The stack's outputs, secrets shown as "[secret]"."""
        outputs: dict[str, Json] = json.loads(self.pulumi("stack", "output", "--json"))
        return outputs

    def export(self) -> Event:
        """The state as `pulumi stack export` writes it, secrets encrypted."""
        state: Event = json.loads(self.pulumi("stack", "export"))
        return state

    def resources(self) -> dict[str, Event]:
        """The resources in the state, by URN."""
        deployment = _mapping(self.export()["deployment"])
        resources = deployment.get("resources")
        entries = map(_mapping, resources) if isinstance(resources, list) else ()
        return {str(entry["urn"]): entry for entry in entries}

    def pulumi(self, *arguments: str, entered: str = "") -> str:
        """Any command on this stack; its standard output."""
        done = self._run(arguments, entered)
        assert done.returncode == 0, f"pulumi {shlex.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _deploy(self, *arguments: str, succeeds: bool) -> Outcome:
        self._log.unlink(missing_ok=True)
        done = self._run((*arguments, "--stack", self.name, "--event-log", str(self._log)), "")
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        output = done.stdout + done.stderr
        outcome = Outcome(done.returncode, output, tuple(json.loads(line) for line in lines))
        assert (outcome.status == 0) is succeeds, f"pulumi {shlex.join(arguments)}\n{output}"
        return outcome

    def _run(self, arguments: Sequence[str], entered: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.project,
            env=self._environment(),
            input=entered,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        """The person's own, without their settings of Pulumi and AWS."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "AWS_"))
        }
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(self._home),
            "PULUMI_BACKEND_URL": self._state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_DEBUG_COMMANDS": "true",  # --event-log is an option for developers
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            FOLDER: str(self._cloud),
            ACCOUNT: self.account,
        }


def _write_plugin(folder: Path) -> None:
    """The command that the engine looks for; the module runs in this very interpreter."""
    script = folder / "pulumi-resource-aws"
    command = shlex.join([sys.executable, "-m", "tests.engine.provider.plugin"])
    script.write_text(f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command}\n")
    script.chmod(0o755)


def _python_options() -> dict[str, str]:
    if sys.prefix == sys.base_prefix:
        return {"toolchain": "pip"}
    return {"toolchain": "pip", "virtualenv": sys.prefix}


def _mapping(value: Json) -> Event:
    return value if isinstance(value, dict) else {}


def _name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def _is_custom(urn: str) -> bool:
    """Whether it is AWS's or a provider, and not the stack or a component of the program."""
    own_type = urn.split("::")[2].rpartition("$")[2]
    return own_type.startswith(("aws:", "pulumi:providers:"))
