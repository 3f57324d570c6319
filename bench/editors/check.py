"""What the real yaml-language-server says about the sample and about a new project.

In: the server's program (npm install yaml-language-server; needs node). Out: Markdown tables of
what was asked and what came; exit code 1 where something that was expected is missing. Everything
happens in a temporary folder. Optional: no test runs it.

    python bench/editors/check.py node_modules/.bin/yaml-language-server
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

ROOT = Path(__file__).parents[2]
CURSOR = "‸"
SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}


@dataclass(frozen=True)
class Ask:
    """One question: a change to the file, with the cursor in it, and what the answer must hold."""

    what: str
    kind: Literal["diagnostics", "hover", "completion"]
    old: str = ""
    new: str = ""
    expected: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


SAMPLE = (
    Ask("the file as it is", "diagnostics"),
    Ask("an unknown field: `memry: 512`", "diagnostics",
        "    handler: notes.read_note\n", "    handler: notes.read_note\n    memry: 512\n",
        ("memry is not allowed",)),
    Ask("text for a number: `timeout: ten`", "diagnostics", "timeout: 10", "timeout: ten",
        ("integer",)),
    Ask("a wrong word: `auth: nobody`", "diagnostics", "{auth: none}", "{auth: nobody}",
        ("auth is none, iam, or jwt.",)),
    Ask("a wrong path: `GET notes`", "diagnostics", "GET /notes:", "GET notes:",
        ("a route is a method",)),
    Ask("a function without a handler", "diagnostics", "    handler: notes.read_note\n", "",
        ('"handler"',)),
    Ask("`timeout`", "hover", "timeout: 10", f"time{CURSOR}out: 10", ("From 1 to 900.",)),
    Ask("`uses`", "hover", "    uses:\n", f"    us{CURSOR}es:\n", ("exact actions",)),
    Ask("`routes`", "hover", "\nroutes:", f"\nrou{CURSOR}tes:", ("Routes of the HTTP API",)),
    Ask("a field of a function", "completion",
        "    handler: notes.read_note\n", f"    handler: notes.read_note\n    {CURSOR}\n",
        ("memory", "timeout", "environment", "architecture"), ("handler",)),
    Ask("`architecture:`", "completion", "    handler: notes.read_note\n",
        f"    handler: notes.read_note\n    architecture: {CURSOR}\n", ("arm64", "x86_64")),
    Ask("a section at the top", "completion", "\nroutes:", f"\n{CURSOR}\nroutes:",
        ("api", "alarms", "environments"), ("service",)),
)  # fmt: skip

PROJECT = (
    Ask("the file as it is", "diagnostics"),
    Ask("a function that is not there: `function: helo`", "diagnostics",
        "{function: hello, auth: none}", "{function: helo, auth: none}",
        ("services.yaml had no such function",)),
    Ask("an entry that is not there: `buckets.upload`", "diagnostics",
        "    handler: hello.handler ",
        "    uses: {buckets.upload: read}\n    handler: hello.handler ",
        ("buckets.upload is not allowed",)),
    Ask("a wrong verb: `parameters.api-key: list`", "diagnostics",
        "    handler: hello.handler ",
        "    uses: {parameters.api-key: list}\n    handler: hello.handler ",
        ('Valid values: "read", "write"',)),
    Ask("a wrong verb in a list: `buckets.uploads: [raed]`", "diagnostics",
        "    handler: hello.handler ",
        "    uses: {buckets.uploads: [raed]}\n    handler: hello.handler ",
        ('"list", "write", "delete"',)),
    Ask("a slip within a use: `{verbs: [read], prefx: a/}`", "diagnostics",
        "    handler: hello.handler ",
        "    uses: {buckets.uploads: {verbs: [read], prefx: a/}}\n    handler: hello.handler ",
        ("prefx",)),
    Ask("`function:` of a route", "completion",
        "{function: hello, auth: none} ", f"\n    auth: none\n    function: {CURSOR}\n  #",
        ("hello", "list-notes")),
    Ask("`auth:` of a route", "completion",
        "{function: hello, auth: none} ", f"\n    function: hello\n    auth: {CURSOR}\n  #",
        ("none", "iam", "jwt.main")),
    Ask("a key of `uses`", "completion",
        "    handler: hello.handler ",
        f"    uses:\n      {CURSOR}\n    handler: hello.handler ",
        ("buckets.uploads", "parameters.api-key")),
    Ask("the verb of a bucket", "completion",
        "    handler: hello.handler ",
        f"    uses:\n      buckets.uploads: {CURSOR}\n    handler: hello.handler ",
        ("read", "list", "write", "delete")),
    Ask("`function`", "hover", "{function: hello", f"{{func{CURSOR}tion: hello",
        ("The function that answers", "list-notes")),
)  # fmt: skip


@dataclass
class Server:
    """A running language server, spoken to over its standard input and output."""

    process: subprocess.Popen[bytes]
    diagnostics: dict[str, list[str]] = field(default_factory=dict)
    _last: int = 0

    def request(self, method: str, **params: object) -> object:
        """The answer to a request; what comes in between is dealt with."""
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._last and "method" not in message:
                return message.get("result")

    def notify(self, method: str, **params: object) -> None:
        """Tells the server something."""
        self._send({"method": method, "params": params})

    def findings(self, uri: str) -> list[str]:
        """What the server finds wrong with a file, once it has said so."""
        while uri not in self.diagnostics:
            self._receive()
        return self.diagnostics[uri]

    def _send(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        pipe(self.process.stdin).write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        pipe(self.process.stdin).flush()

    def _receive(self) -> dict[str, object]:
        length, out = 0, pipe(self.process.stdout)
        while (line := out.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, object] = json.loads(out.read(length))
        self._handle(message)
        return message

    def _handle(self, message: dict[str, object]) -> None:
        params = message.get("params")
        if message.get("method") == "textDocument/publishDiagnostics" and isinstance(params, dict):
            self.diagnostics[params["uri"]] = [
                f"{each['range']['start']['line'] + 1}:{each['range']['start']['character'] + 1} "
                f"{each['message']}"
                for each in params["diagnostics"]
            ]
        elif "id" in message and message.get("method") == "workspace/configuration":
            items = params["items"] if isinstance(params, dict) else []
            result = [SETTINGS if item.get("section") == "yaml" else {} for item in items]
            self._send({"id": message["id"], "result": result})
        elif "id" in message and "method" in message:
            self._send({"id": message["id"], "result": None})


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """A stream that is there, because it was asked for."""
    if stream is None:
        raise RuntimeError("the server has no pipes")
    return stream


@contextmanager
def server(program: str, folder: Path) -> Iterator[Server]:
    """A language server that works in a folder, as VS Code would start it."""
    with subprocess.Popen(
        [program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        started = Server(process)
        content = {
            "completion": {"completionItem": {"snippetSupport": True}},
            "hover": {"contentFormat": ["markdown"]},
        }
        started.request(
            "initialize",
            processId=None,
            rootUri=folder.as_uri(),
            workspaceFolders=[{"uri": folder.as_uri(), "name": "project"}],
            capabilities={"textDocument": content, "workspace": {"configuration": True}},
        )
        started.notify("initialized")
        yield started
        started.request("shutdown")
        started.notify("exit")


def answer(running: Server, folder: Path, text: str, number: int, ask: Ask) -> str:
    """What came back, as one line."""
    if ask.old not in text:
        raise RuntimeError(f"{ask.what}: the file no longer has {ask.old!r}")
    changed = text.replace(ask.old, ask.new, 1) if ask.old else text
    before, _, after = changed.partition(CURSOR)
    uri = (folder / f"services-{number}.yaml").as_uri()
    document = {"uri": uri, "languageId": "yaml", "version": 1, "text": before + after}
    running.notify("textDocument/didOpen", textDocument=document)
    if ask.kind == "diagnostics":
        return "; ".join(running.findings(uri)) or "nothing"
    place = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
    result = running.request(f"textDocument/{ask.kind}", textDocument={"uri": uri}, position=place)
    return told(result)


def told(result: object) -> str:
    """A hover's text, or the labels of a completion."""
    if isinstance(result, dict) and "contents" in result:
        text = re.sub(r"Source: \S+", "", result["contents"]["value"])
        return re.sub(r"\s+", " ", text).strip()
    items = result.get("items", []) if isinstance(result, dict) else result
    labels = [item["label"] for item in items] if isinstance(items, list) else []
    return ", ".join(labels)


def holds(said: str, ask: Ask) -> bool:
    """Whether an answer has what it must have, and nothing that it must not."""
    if ask.kind == "diagnostics" and not ask.expected:
        return said == "nothing"
    words = said.split(", ") if ask.kind == "completion" else []
    return all(each in said for each in ask.expected) and not set(ask.absent) & set(words)


def sample(folder: Path) -> Path:
    """The repository's own project."""
    shutil.copytree(ROOT / "schema", folder / "schema")
    shutil.copy(ROOT / "services.yaml", folder)
    return folder


def new_project(folder: Path) -> Path:
    """What `services init` makes, with an entry of each kind added."""
    for words in (
        ["init", str(folder), "--name", "first"],
        ["add", "function", "list-notes", "--file", str(folder / "services.yaml")],
        ["add", "bucket", "uploads", "--file", str(folder / "services.yaml")],
        ["add", "parameter", "api-key", "--file", str(folder / "services.yaml")],
    ):
        services(*words)
    with (folder / "services.yaml").open("a", encoding="utf-8") as file:
        issuer = "{issuer: 'https://login.example.com/', audience: [notes]}"
        file.write(f"\napi: {{authorizers: {{main: {issuer}}}}}\n")
    services("validate", str(folder / "services.yaml"))
    return folder


def services(*words: str) -> None:
    """Runs the command line."""
    subprocess.run(
        [sys.executable, "-m", "framework", *words],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip


def report(program: str, title: str, folder: Path, asks: tuple[Ask, ...]) -> bool:
    """Prints a table of questions and answers; whether all were as expected."""
    text = (folder / "services.yaml").read_text("utf-8")
    print(f"\n### {title}\n\n| asked | of | came |\n|---|---|---|")
    fine = True
    with server(program, folder) as running:
        for number, ask in enumerate(asks):
            said = answer(running, folder, text, number, ask)
            mark = "" if holds(said, ask) else "**unexpected:** "
            fine = fine and not mark
            print(f"| {ask.kind} | {ask.what} | {mark}{said.replace('|', chr(92) + '|')} |")
    return fine


def main() -> None:
    """Asks everything and exits with 1 where an answer is not as expected."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix="services-") as folder:
        parts = [Path(folder).resolve() / name for name in ("sample", "first")]
        parts[0].mkdir()
        fine = [
            report(program, "The sample", sample(parts[0]), SAMPLE),
            report(program, "A new project", new_project(parts[1]), PROJECT),
        ]
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
