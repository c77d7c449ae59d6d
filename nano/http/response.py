# -*- test-case-name: tests.http.test_response -*-
"""
Responses as HTTP/1.1 bytes: the head, and the framing that tells where the body ends.

What is framed how (RFC 9112 6): a known length is announced; an unknown one is chunked, or ends with the connection
where the client speaks HTTP/1.0.  204 and 304 have no body, nor has what answers HEAD, which announces the length if it
is known.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from zope.interface import implementer

from nano.exchange import Exchange, Header
from nano.interfaces import IResponseSink

if TYPE_CHECKING:
    from nano.http.parser import Request

__all__ = ["ResponseWriter", "Wire"]

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode("ascii")) for status in HTTPStatus}
#: Up to this size it is cheaper to copy a piece of body than to send it and its framing one by one.
_JOINED = 65536
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_CLOSE = b"Connection: close\r\n"
_KEEP_ALIVE = b"Connection: keep-alive\r\n"


class Wire(Protocol):
    """The connection, as the writer of its responses sees it."""

    @property
    def date_line(self) -> bytes:
        """The Date field of now, as a line."""

    def send(self, data: bytes) -> None:
        """Send bytes."""

    def send_soon(self) -> None:
        """Have `ResponseWriter.flush` called before the reactor's turn is over."""

    def stays_open(self, exchange: Exchange) -> bool:
        """Whether the connection may go on after this response, for all but its framing."""

    def response_finished(self, exchange: Exchange, keep_alive: bool) -> None:
        """The response is whole."""

    def response_cut(self, exchange: Exchange) -> None:
        """The response will never be whole."""


@implementer(IResponseSink)
class ResponseWriter:
    """
    Writes the responses of one connection, one after the other.

    A head whose body's length is known is held back until the body comes, as both are then one write.

    Attributes:
        exchange: the exchange whose response is due; None between two of them.
    """

    __slots__ = ("_chunked", "_held", "_http10", "_keep_alive", "_wire", "exchange")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._held = b""
        self._chunked = False
        self._keep_alive = True
        self._http10 = False
        self.exchange: Exchange | None = None

    def begin(self, exchange: Exchange, request: Request) -> None:
        """The next response is for *exchange*."""
        self.exchange = exchange
        self._held = b""
        self._chunked = False
        self._http10 = request.http10
        self._keep_alive = request.keep_alive

    def last(self) -> None:
        """The connection ends with this response."""
        self._keep_alive = False

    def head(self, status: int, reason: bytes, headers: list[Header], length: int | None) -> None:
        """Send the response head (IResponseSink)."""
        exchange = self.exchange
        assert exchange is not None
        line = _STATUS_LINES.get(status) if not reason else None
        parts = [line or b"HTTP/1.1 %d %s\r\n" % (status, reason), b""]
        dated = False
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
            if len(name) == 4 and name.lower() == b"date":
                dated = True
        if not dated:
            parts[1] = self._wire.date_line
        parts.append(self._framing(exchange, status, length))
        if not (self._keep_alive and self._wire.stays_open(exchange)):
            self._keep_alive = False
            parts.append(_CLOSE)
        elif self._http10:
            parts.append(_KEEP_ALIVE)
        parts.append(b"\r\n")
        self._held = b"".join(parts)
        if length is None:
            self.flush()
        else:
            self._wire.send_soon()

    def _framing(self, exchange: Exchange, status: int, length: int | None) -> bytes:
        """The line that tells the body's length; sets how the body is written."""
        if status == 205:
            length = 0
        if length is not None:
            return b"Content-Length: %d\r\n" % length
        if exchange.method == "HEAD" or status == 204 or status == 304:
            return b""
        if self._http10:
            self._keep_alive = False
            return b""
        self._chunked = True
        return _CHUNKED

    def write(self, data: bytes) -> None:
        """Send a piece of the body (IResponseSink)."""
        if not data:
            return
        if len(data) > _JOINED:
            self._write_large(data)
            return
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        held = self._held
        if held:
            self._held = b""
            data = held + data
        self._wire.send(data)

    def _write_large(self, data: bytes) -> None:
        self.flush()
        if self._chunked:
            self._wire.send(b"%x\r\n" % len(data))
            self._wire.send(data)
            self._wire.send(b"\r\n")
        else:
            self._wire.send(data)

    def flush(self) -> None:
        """Send a head that waits for its body."""
        held = self._held
        if held:
            self._held = b""
            self._wire.send(held)

    def finish(self) -> None:
        """The response is whole (IResponseSink)."""
        if self._chunked:
            self._wire.send(b"0\r\n\r\n")
        elif self._held:
            self.flush()
        exchange, self.exchange = self.exchange, None
        assert exchange is not None
        self._wire.response_finished(exchange, self._keep_alive)

    def cut(self) -> None:
        """The response will never be whole (IResponseSink)."""
        exchange = self.exchange
        assert exchange is not None
        self.drop()
        self._wire.response_cut(exchange)

    def drop(self) -> None:
        """Forget the response under way."""
        self._held = b""
        self.exchange = None
