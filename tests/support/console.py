"""The page of local mode for tests: what a browser would ask, with the token of the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.local import wait_until

Document = Mapping[str, Any]
"""JSON as it came; Any: tests pick what they know to be there."""


@dataclass
class PageData:
    """The data behind a page; `client` is one of the region's API."""

    client: httpx.Client
    token: str

    @classmethod
    def of(cls, client: httpx.Client) -> PageData:
        """Read the page, and its token."""
        found = re.search(r'name="services-token" content="([^"]+)"', client.get("/_services").text)
        assert found
        return cls(client, found[1])

    def get(self, name: str, timeout: float = 60) -> httpx.Response:
        """One answer, whatever it is; `timeout` in seconds."""
        headers = {"x-services-token": self.token}
        return self.client.get(f"/_services/{name}", headers=headers, timeout=timeout)

    def read(self, name: str) -> Document:
        """Data, which is there."""
        answer = self.get(name)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def post(self, name: str, content: object) -> httpx.Response:
        """One of the forms."""
        headers = {"x-services-token": self.token}
        return self.client.post(f"/_services/{name}", json=content, headers=headers, timeout=60)

    def calls(self) -> list[Document]:
        """Every call that is kept, oldest first, in short."""
        return list(self.read("events?after=0")["calls"])

    def notes(self) -> list[Document]:
        """Every note that is kept, oldest first."""
        return list(self.read("events?after=0")["notes"])

    def last(self) -> Document:
        """All of the newest call, once it has ended."""
        wait_until(lambda: bool(self.calls()) and bool(self.calls()[-1]["ended"]))
        return self.read(f"calls/{self.calls()[-1]['number']}")
