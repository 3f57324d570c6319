"""An HTTP/1.1 server on a socket that already listens.

In: a socket, a function from `Request` to `Response`, the largest body in bytes. Out: `HttpServer`.
Who takes too long is turned away; what else a caller may not do is in `connection`.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys

from framework.local.connection import Connection, Handle
from framework.local.errors import LocalError

GRACE_SECONDS = 2.0
LOOK_SECONDS = 0.5

EXHAUSTED_SECONDS = 1.0
"""How long nobody is let in when the system has no more files or memory to give."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `LocalError` with what to do when the port is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Those that it accepts inherit it: with Nagle's algorithm a request takes 44 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise LocalError(_refusal(host, port, error)) from None
    listener.setblocking(False)
    return listener


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; try --port {port + 1 if port < 65535 else 8000}"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


class HttpServer:
    """One server. It is up after `start` and holds no socket after `stop`."""

    def __init__(self, listener: socket.socket, handle: Handle, largest_body: int) -> None:
        self.listener = listener
        self.handle = handle
        self.largest_body = largest_body
        self.connections: set[Connection] = set()
        self.stopped = False

    async def start(self) -> None:
        """Answer requests from now on."""
        self.loop = asyncio.get_running_loop()
        self.port = self.listener.getsockname()[1]
        self._listen()
        self.sweeping = asyncio.ensure_future(self._sweep())

    async def stop(self) -> None:
        """End every connection, those with an answer under way after it, and close the socket."""
        if self.stopped:
            return
        self.stopped = True
        self.loop.remove_reader(self.listener)
        self.sweeping.cancel()
        busy = [one.task for one in self.connections if one.task is not None]
        for connection in list(self.connections):
            connection.finish()
        if busy:
            await asyncio.wait(busy, timeout=GRACE_SECONDS)
        for connection in list(self.connections):
            connection.abort()
        while self.connections:
            await asyncio.sleep(0)
        self.listener.close()

    def _listen(self) -> None:
        if not self.stopped:
            self.loop.add_reader(self.listener, self._accept)

    def _accept(self) -> None:
        """Let one caller in: the loop calls again while there are more."""
        try:
            connected, address = self.listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            print(f"no more connections at the moment: {error.strerror}", file=sys.stderr)
            self.loop.remove_reader(self.listener)
            self.loop.call_later(EXHAUSTED_SECONDS, self._listen)
            return
        one = Connection(
            self.loop, self.connections, self.handle, self.largest_body, address[0], self.port
        )
        one.begin(connected)

    async def _sweep(self) -> None:
        """Turn away whoever takes too long, and find out who is gone."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = self.loop.time()
            for connection in list(self.connections):
                if connection.overdue(now):
                    connection.abort()
                elif connection.task is None:
                    connection.stream.listen_again()
