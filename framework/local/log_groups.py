"""The functions' log groups in the local cloud, for whoever reads them with AWS's own tools.

In: lines of logs. Out: log events in moto, once it is up: nothing starts it but a reader. What is
kept is bounded on both sides: the last lines while there is no cloud, and `LARGEST` in it.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from framework.local.cloud import Cloud, CloudGone
from framework.local.events import Document, Feed, Logged
from framework.local.http_messages import Request
from framework.local.logs import LogLine, Platform

MOST_WAITING = 2_000
"""Lines that wait for the cloud, END and REPORT as one; older ones are dropped."""

MOST_ON_THEIR_WAY = 50_000
"""The same while it is up and gets them, a few times a second."""

MOST_WAITING_CHARACTERS = 8_000_000
"""What handlers printed in them, at most; past it, about the older half goes."""

LARGEST = 32_000_000
"""Characters in the cloud; past it, the log groups are emptied."""

MOST_AT_ONCE = 1_000
"""Log events of one PutLogEvents; the quota is 10,000 of them, and 1 MB."""


class LogGroups:
    """A listener of the feed that brings lines to the cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.waiting: deque[LogLine] = deque(maxlen=MOST_WAITING)
        # Of all that was printed since it was counted; what has left the queue is not taken off.
        self.characters = 0
        self.made: set[tuple[str, ...]] = set()
        self.kept = 0
        self.order = asyncio.Lock()

    def listen_to(self, feed: Feed) -> None:
        """Take the lines of the functions' logs; their words are made when they go to the cloud."""
        feed.subscribe(self.hear_platform, Platform)
        feed.subscribe(self.hear, Logged)

    def hear_platform(self, line: Platform) -> None:
        """Take what Lambda adds."""
        self.waiting.append(line)

    def hear(self, line: Logged) -> None:
        """Take a line that a function printed."""
        if line.stored:
            self.waiting.append(line)
            self.characters += len(line.stored)
            if self.characters > MOST_WAITING_CHARACTERS:
                self._drop()

    def _drop(self) -> None:
        """Count what waits, and drop the older half if it is nearly too much."""
        self.characters = sum(map(_size, self.waiting))
        # Nearly, or who prints a little less than is let through would have all counted each time.
        if self.characters > MOST_WAITING_CHARACTERS * 3 // 4:
            while self.characters > MOST_WAITING_CHARACTERS // 2:
                self.characters -= _size(self.waiting.popleft())

    async def bring(self) -> None:
        """Bring what waits, if the cloud is up. Raises `CloudGone`."""
        if not self.cloud.up:
            return
        if self.waiting.maxlen != MOST_ON_THEIR_WAY:
            self.waiting = deque(self.waiting, MOST_ON_THEIR_WAY)
        if self.waiting:
            await self.bring_all()

    async def bring_all(self) -> None:
        """Bring what waits, starting the cloud if need be. Raises `CloudGone`."""
        async with self.order:
            lines = sorted(self.waiting, key=_place)
            self.waiting.clear()
            self.characters = 0
            for place, of_place in groupby(lines, _place):
                events = [event for line in of_place for event in _log_events(line)]
                for start in range(0, len(events), MOST_AT_ONCE):
                    await self._put(place, events[start : start + MOST_AT_ONCE])

    async def _put(self, place: tuple[str, str, str], events: Sequence[Document]) -> None:
        region, group, stream = place
        await self._make(region, group, stream)
        names = {"logGroupName": group, "logStreamName": stream}
        await self._call(region, "PutLogEvents", {**names, "logEvents": events})
        self.kept += sum(len(str(event["message"])) for event in events)

    async def _make(self, region: str, group: str, stream: str) -> None:
        if self.kept > LARGEST:
            await self._empty()
        if (region, group) not in self.made:
            await self._call(region, "CreateLogGroup", {"logGroupName": group})
            self.made.add((region, group))
        if (region, group, stream) not in self.made:
            names = {"logGroupName": group, "logStreamName": stream}
            await self._call(region, "CreateLogStream", names)
            self.made.add((region, group, stream))

    async def _empty(self) -> None:
        for region, group in [each for each in self.made if len(each) == 2]:
            await self._call(region, "DeleteLogGroup", {"logGroupName": group})
        self.made.clear()
        self.kept = 0

    async def _call(self, region: str, operation: str, document: Mapping[str, object]) -> None:
        headers = (
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", f"Logs_20140328.{operation}"),
            ("host", f"logs.{region}.amazonaws.com"),
            ("authorization", _SIGNATURE.format(region=region)),
        )
        body = json.dumps(document).encode()
        answer = await self.cloud.send(Request("POST", "/", headers=headers, body=body))
        if answer.status != 200:
            raise CloudGone(f"{operation}: {answer.body.decode(errors='replace')}")


def _place(line: LogLine) -> tuple[str, str, str]:
    return line.stream.region, line.stream.group, line.stream.name


def _size(line: LogLine) -> int:
    """Characters that a handler printed."""
    return len(line.stored) if isinstance(line, Logged) else 0


def _log_events(line: LogLine) -> Iterator[Document]:
    for message in line.messages:
        yield {"timestamp": int(line.seconds * 1000), "message": message}


_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=local/20000101/{region}/logs/aws4_request,"
    " SignedHeaders=host, Signature=0"
)
