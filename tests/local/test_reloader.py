"""Who asks while a change is being read waits for it: no race between a save and a request."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from framework.local.compiled import Compiled
from framework.local.errors import Mistakes
from framework.local.events import Feed
from framework.local.reload import Reloader
from framework.local.sources import Turns
from tests.support.plans import PlanBuilder


def compiled(file: Path) -> Compiled:
    return Compiled(PlanBuilder().plan(), lambda code: (), lambda secret: "", watched=(file,))


def test_a_request_waits_for_the_reading_under_way(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text("one", "utf-8")
    reading, go_on = threading.Event(), threading.Event()
    applied: list[str] = []

    def compile() -> Compiled:
        if file.read_text("utf-8") == "two":
            reading.set()
            assert go_on.wait(timeout=30)
        return compiled(file)

    async def apply(_: Compiled) -> None:
        applied.append(file.read_text("utf-8"))

    async def both() -> None:
        reloader = Reloader(compile, apply, Feed(), lambda: (), Turns())
        reloader.first()
        file.write_text("two", "utf-8")
        poll = asyncio.create_task(reloader.fresh())
        assert await asyncio.to_thread(reading.wait, 30)
        request = asyncio.create_task(reloader.fresh())
        await asyncio.sleep(0)
        assert not request.done(), "the request would be answered by the old service"
        go_on.set()
        await asyncio.gather(poll, request)

    asyncio.run(both())
    assert applied == ["two"]


def test_a_mistake_keeps_what_was(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text("one", "utf-8")
    applied: list[Compiled] = []

    def compile() -> Compiled:
        if file.read_text("utf-8") == "wrong":
            raise Mistakes(["services.yaml:1:1: wrong"])
        return compiled(file)

    async def apply(found: Compiled) -> None:
        applied.append(found)

    async def once() -> None:
        reloader = Reloader(compile, apply, Feed(), lambda: (), Turns())
        reloader.first()
        file.write_text("wrong", "utf-8")
        await reloader.fresh()

    asyncio.run(once())
    assert applied == []


def test_a_watched_file_that_comes_to_be_goes_and_comes_again_is_read(tmp_path: Path) -> None:
    file = tmp_path / "defaults.yaml"
    applied: list[bool] = []

    async def apply(_: Compiled) -> None:
        applied.append(file.exists())

    async def follow() -> list[bool]:
        reloader = Reloader(lambda: compiled(file), apply, Feed(), lambda: (), Turns())
        reloader.first()
        stale = [reloader.stale()]
        for text in ("one", None, "two"):
            await asyncio.sleep(0)
            if text is None:
                file.unlink()
            else:
                file.write_text(text, "utf-8")
            stale.append(reloader.stale())
            await reloader.fresh()
        return stale

    assert asyncio.run(follow()) == [False, True, True, True]
    assert applied == [True, False, True]
