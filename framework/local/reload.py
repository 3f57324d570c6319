"""Following services.yaml: read again when it has changed, keep the old service when it is wrong.

In: the `Compile` of who started local mode, and what to do with its result. Out: `Reloader.stale`,
to be asked before a request is answered, and `fresh`, to be awaited where it says so: saving takes
effect at the next request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from framework.local.compiled import Compile, Compiled
from framework.local.errors import LocalError, Mistakes
from framework.local.events import Feed
from framework.local.sources import EachTurn, Files, Folder, Turns

Mark = tuple[object, ...]
"""The states of the files, then a fingerprint of each folder."""


class Reloader:
    """`apply` takes a new reading; `sources` are folders that a mistake may be about."""

    def __init__(
        self,
        compile: Compile,
        apply: Callable[[Compiled], Awaitable[None]],
        feed: Feed,
        sources: Callable[[], Sequence[Path]],
        turns: Turns,
    ) -> None:
        self.compile = compile
        self.apply = apply
        self.feed = feed
        self.sources = sources
        self.watched: tuple[Path, ...] = ()
        self.files = Files({})
        self.folders: tuple[Path, ...] = ()
        self.looked_through: dict[Path, Folder] = {}
        self.failed = False
        self.lock = asyncio.Lock()
        self.mark: Mark = ()
        self.look = EachTurn(self._now, turns)

    def first(self) -> Compiled:
        """The reading at the start. Raises `Mistakes`."""
        compiled = self.compile()
        self._follow(compiled)
        return compiled

    def _follow(self, compiled: Compiled) -> None:
        """Take the files, as they are now, for what has been read."""
        self.watched, self.folders = compiled.watched, compiled.folders
        self.files = Files.named(map(str, compiled.watched))
        self.mark = self._now()

    def stale(self) -> bool:
        """Whether a file has changed since it was read."""
        # While a change is being read, whoever asks waits: the old service must not answer.
        return self.lock.locked() or self.look() != self.mark

    async def fresh(self) -> None:
        """Read again where a file has changed since; does nothing where none has."""
        if not self.stale():
            return
        async with self.lock:
            mark = self._now()
            if mark != self.mark:
                # Taken before reading: what is written meanwhile is read once more.
                self.mark = mark
                await self._again()

    async def _again(self) -> None:
        try:
            compiled = await asyncio.to_thread(self.compile)
            await self.apply(compiled)
        except Mistakes as mistakes:
            self._refuse(mistakes.lines)
        except LocalError as error:
            self._refuse([str(error)])
        else:
            self.failed = False
            self.mark = self.mark[: 1 + len(self.folders)]
            if (compiled.watched, compiled.folders) != (self.watched, self.folders):
                self._follow(compiled)

    def _refuse(self, lines: Sequence[str]) -> None:
        self.feed.say("\n".join([*lines, "the service goes on as it was before this change"]))
        if not self.failed:
            self.failed = True
            self.mark = (*self.mark, *map(self._fingerprint, self.sources()))

    def _now(self) -> Mark:
        """What the files look like; while there is a mistake, handlers' files count as well."""
        if not self.files.same():
            self.files = Files.named(self.files.states)
        folders = (*self.folders, *self.sources()) if self.failed else self.folders
        return (self.files.states, *map(self._fingerprint, folders))

    def _fingerprint(self, folder: Path) -> int:
        """Of a folder that is kept, so that it is looked through only when it has changed."""
        return self.looked_through.setdefault(folder, Folder(folder)).fingerprint()
