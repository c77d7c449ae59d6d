# -*- test-case-name: tests.http -*-
"""
The two HTTP fronts behind one handle, so that one suite of tests can hold both to the same rules.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from http.client import HTTPResponse
from typing import Any, NamedTuple, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.server import Site
from zope.interface import implementer

from nano.config import LimitsConfig
from nano.exchange import Exchange
from nano.http.factory import HTTPFactory
from nano.http.resource import AppTree
from nano.http.unclaimed import Unclaimed
from nano.interfaces import IEventHandler
from tests.fakes import FakeAppLookup, FakeEventHandler

__all__ = ["ChannelFront", "ClientEnd", "Front", "Greeter", "Response", "Transport", "WebFront", "read_responses"]


class Transport(StringTransport):
    """
    A transport that can be closed by halves, and that tells how it ended.
    """

    #: As of a socket's transport; what the client has not read yet.
    dataBuffer = b""
    offset = 0

    def __init__(self) -> None:
        super().__init__()
        self.half_closed = False
        self.aborted = False
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.writes.append(data)
        super().write(data)

    def loseWriteConnection(self) -> None:
        """Nothing more is written (IHalfCloseableDescriptor)."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """The connection is reset (ITCPTransport)."""
        self.aborted = True
        self.disconnecting = True

    @property
    def reading(self) -> bool:
        """Whether the server takes input."""
        return bool(self.producerState == "producing")

    @property
    def ended(self) -> bool:
        """Whether the server writes no more."""
        return bool(self.disconnecting or self.half_closed or self.aborted)


class Response(NamedTuple):
    """
    A response as a client sees it.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    version: int

    def header(self, name: str) -> str | None:
        """The value of a header; several joined."""
        values = [value for key, value in self.headers if key.lower() == name]
        return ", ".join(values) if values else None

    @property
    def code(self) -> str | None:
        """The word of the nano-error header."""
        return self.header("nano-error")


class _File(io.BytesIO):
    """Outlives the responses that are read from it."""

    def close(self) -> None:
        pass

    def makefile(self, _mode: str) -> _File:
        return self


def read_responses(raw: bytes, *methods: str) -> list[Response]:
    """
    All responses in *raw*, by the standard library's idea of HTTP.

    Args:
        raw: what a server has written.
        methods: of the requests; GET beyond those given.

    Raises:
        http.client.HTTPException: when this is not HTTP.
    """
    file = _File(raw)
    found: list[Response] = []
    while file.tell() < len(raw):
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        response = HTTPResponse(cast(Any, file), method=method)
        response.begin()
        body = response.read()
        found.append(Response(response.status, response.reason, response.getheaders(), body, response.version))
    return found


class ClientEnd:
    """
    A client's end of a connection.

    Args:
        protocol: the server's end, not connected yet.
        step: how many bytes are sent at a time, 0 for all at once.
    """

    def __init__(self, protocol: Any, step: int = 0) -> None:
        self.transport = Transport()
        self.protocol = protocol
        self._step = step
        protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> ClientEnd:
        """Send bytes, whether or not the server reads on, until it closes the connection."""
        step = self._step or max(len(data), 1)
        for at in range(0, len(data), step):
            if self.transport.disconnecting:
                break
            self.protocol.dataReceived(data[at : at + step])
        return self

    def leave(self) -> None:
        """Close the connection."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

    @property
    def raw(self) -> bytes:
        """All that came back."""
        return bytes(self.transport.value())

    def responses(self, *methods: str) -> list[Response]:
        """All that came back, as responses."""
        return read_responses(self.raw, *methods)

    def response(self, method: str = "GET") -> Response:
        """The only response so far."""
        (response,) = self.responses(method)
        return response


@implementer(IEventHandler)
class Greeter:
    """
    An app that answers at once.
    """

    max_body = 2**20

    def handle(self, exchange: Exchange) -> None:
        """Say hello (IEventHandler)."""
        exchange.respond(200, b"", [(b"content-type", b"text/plain")], None, exchange.url.encode())


def _health(path: str) -> tuple[int, bytes] | None:
    return (200, b'{"status":"ok"}') if path == "/health" else None


class Front(ABC):
    """
    A front with two apps: `app.test`, which the test answers for, and `hello.test`, a `Greeter`.
    """

    def __init__(self, step: int = 0) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.app = FakeEventHandler()
        self.apps = FakeAppLookup(**{"app.test": self.app, "hello.test": Greeter()})
        self.fallback = Unclaimed(_health)
        self.step = step

    @abstractmethod
    def protocol(self) -> Any:
        """The server's end of a new connection."""

    def connect(self) -> ClientEnd:
        """A client connects."""
        return ClientEnd(self.protocol(), self.step)

    def turn(self) -> None:
        """One turn of the reactor."""
        self.clock.advance(0)

    @property
    def exchange(self) -> Exchange:
        """The one that `app.test` was given last."""
        return self.app.exchanges[-1]


class ChannelFront(Front):
    """
    nano.http.channel.
    """

    def __init__(self, step: int = 0, **options: Any) -> None:
        super().__init__(step)
        self.seen: list[tuple[Exchange, str, float]] = []
        limits = options.pop("limits", LimitsConfig())
        self.factory = HTTPFactory(
            self.clock, self.apps, self.fallback, limits, access=lambda *seen: self.seen.append(seen), **options
        )

    def protocol(self) -> Any:
        """Of the factory."""
        return self.factory.buildProtocol(cast(Any, None))


class WebFront(Front):
    """
    twisted.web with the Klein tree.
    """

    def __init__(self, step: int = 0) -> None:
        super().__init__(step)
        tree = AppTree(self.clock, self.apps, self.fallback)
        self.site = Site(tree.klein.resource(), reactor=self.clock)

    def protocol(self) -> Any:
        """Of the site."""
        return self.site.buildProtocol(cast(Any, None))
