# -*- test-case-name: tests.system -*-
"""
Clients: one that keeps to HTTP, one that sends whatever bytes it is given.  Both block.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.system.daemon import PATIENCE

__all__ = ["Answer", "Client", "RawClient", "fetch", "raw_fetch"]

#: How much is read at once.
MOST = 2**18


class Answer(NamedTuple):
    """
    A response, and its whole body.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header that is there once at most."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} is there more than once: {values}"
        return values[0] if values else None

    @property
    def error(self) -> str | None:
        """The machine-readable word of an error answer."""
        return self.header("nano-error")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body's JSON value."""
        return json.loads(self.body)


class Client:
    """
    A connection that is kept alive, and adds no header of its own but Host and what frames the body.

    Attributes:
        local_port: of the connection that was opened last, 0 before the first request.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.local_port = 0

    def fetch(
        self,
        host: str,
        path: str = "/",
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """
        Send a request, and read the answer to its end.  A body that is no `bytes` is sent in chunks.

        Raises:
            http.client.HTTPException: when the answer is cut off, among others.
        """
        with self.open(host, path, method, headers, body) as response:
            return Answer(response.status, response.getheaders(), response.read())

    def open(
        self,
        host: str,
        path: str = "/",
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | Iterable[bytes] | None = None,
    ) -> http.client.HTTPResponse:
        """Send a request, and return the answer as soon as its head is there."""
        connection = self._connection
        if connection.sock is None:
            connection.connect()
            self.local_port = int(vars(connection)["sock"].getsockname()[1])
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        for name, value in headers:
            connection.putheader(name, value)
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
        elif body is not None:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(body, encode_chunked=body is not None and not isinstance(body, bytes))
        return connection.getresponse()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def fetch(port: int, host: str, path: str = "/", method: str = "GET", **rest: Any) -> Answer:
    """One request on a connection of its own."""
    with Client(port) as client:
        return client.fetch(host, path, method, **rest)


class RawClient:
    """
    A connection for bytes.
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send all of *data*."""
        self.socket.sendall(data)

    def read_head(self) -> bytes:
        """What comes up to and including the next empty line; b"" at the end."""
        lines = []
        while line := self._file.readline():
            lines.append(line)
            if line == b"\r\n":
                break
        return b"".join(lines)

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        return self._file.read(size)

    def read_line(self) -> bytes:
        """The next line, or what there is of it at the end."""
        return self._file.readline()

    def read_all(self) -> bytes:
        """All that comes until the server closes or aborts the connection."""
        pieces = []
        try:
            while piece := self._file.read1(MOST):
                pieces.append(piece)
        except ConnectionResetError:
            pass
        return b"".join(pieces)

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def raw_fetch(port: int, data: bytes) -> bytes:
    """Send *data*, and return all that comes until the server closes the connection."""
    with RawClient(port) as client:
        try:
            client.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It may have answered before it had everything.
        return client.read_all()
