"""An HTTP/1.1 server on a socket that is already bound.

In: a socket, a function from `Request` to `Response`, the largest body in bytes. Out: `HttpServer`.
Who takes too long is turned away; what else a caller may not do is in `connection`.
"""

from __future__ import annotations

import asyncio
import errno
import socket

from framework.local.connection import Connection, Handle
from framework.local.errors import LocalError

GRACE_SECONDS = 2.0
LOOK_SECONDS = 0.5


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `LocalError` with what to do when the port is in use."""
    # asyncio turns Nagle's algorithm off only on sockets that say TCP: 44 ms a request otherwise.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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

    async def start(self) -> None:
        """Answer requests from now on."""
        self.loop = asyncio.get_running_loop()
        self.server = await self.loop.create_server(
            self._connection, sock=self.listener, backlog=1024
        )
        self.sweeping = asyncio.ensure_future(self._sweep())

    async def stop(self) -> None:
        """End every connection, those with an answer under way after it, and close the socket."""
        self.server.close()
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

    def _connection(self) -> Connection:
        return Connection(self.loop, self.connections, self.handle, self.largest_body)

    async def _sweep(self) -> None:
        """Turn away whoever takes too long."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = self.loop.time()
            for connection in list(self.connections):
                if connection.overdue(now):
                    connection.abort()
