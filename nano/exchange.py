# -*- test-case-name: tests.test_exchange -*-
"""
One request and its response, whoever parsed the one and whoever writes the other.

A front end makes an `Exchange` from a request and is its *sink*; an app takes it over and answers through it.
In between stands what must hold for every response, wherever it comes from: the head is valid, framing and
hop-by-hop fields are ours, the body is as long as was announced, an error before the head becomes a clean answer
with a `nano-error` word, and an error after it becomes a cut connection, never a clean end.

An exchange goes through these states; calls that come too late do nothing, as either side may end it at any time:

    WAITING ── respond ──> RESPONDING ── end ──> DONE
       │                        │
       ├── fail: error answer ──┼─────────────> DONE
       └── client_gone ─────────┴── fail, cut ─> CUT

Everything happens on the reactor thread.  This module does no I/O and knows neither the reactor nor V8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from nano.errors import ClientGoneError, HandlerError, NanoError, NoAppError
from nano.interfaces import IRequestBody, IResponseSink

__all__ = ["Exchange", "ExchangeOwner", "ExchangeState", "Header", "error_answer"]

Header = tuple[bytes, bytes]

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").fullmatch

#: RFC 9110 7.6.1 and 10.1.4: they speak of this connection, which is not the app's.
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
_NO_BODY = frozenset((204, 205, 304))


class ExchangeState(Enum):
    """How far an exchange has come."""

    WAITING = "waiting"
    RESPONDING = "responding"
    DONE = "done"
    CUT = "cut"


class ExchangeOwner(Protocol):
    """Who answers an exchange, as the exchange sees it."""

    def exchange_resumed(self, exchange: Exchange) -> None:
        """The client takes more of the body."""

    def exchange_gone(self, exchange: Exchange) -> None:
        """Nobody waits for the response any more."""


class _NoOwner:
    def exchange_resumed(self, exchange: Exchange) -> None: ...

    def exchange_gone(self, exchange: Exchange) -> None: ...


_NO_OWNER = _NoOwner()


@implementer(IPushProducer)
class Exchange:
    """
    One request and its response.

    Args:
        sink: where the response goes.
        method: the request method, as sent.
        url: the absolute URL, ASCII.
        headers: name and value of each request header, names in lower case.
        body: the whole body as bytes, a producer of it, or None for a request without one.
        request_id: names this exchange in logs.

    Attributes:
        app: the name of the app that serves it, "" for none.
        received: how many bytes of request body the front end has read.
        status: of the response; 0 before its head.
        outcome: how it ended: "ok" or the code of a `NanoError`.
        error: what it ended with, if it failed.
        body_bytes: how many bytes of response body were handed to the sink.
        paused: whether the client takes no more for now.
        dev: whether an error answer may show its details to the client.
    """

    __slots__ = (
        "_finished",
        "_remaining",
        "_sink",
        "app",
        "body",
        "body_bytes",
        "dev",
        "error",
        "headers",
        "method",
        "outcome",
        "owner",
        "paused",
        "received",
        "request_id",
        "state",
        "status",
        "url",
    )

    def __init__(
        self,
        sink: IResponseSink,
        method: str,
        url: str,
        headers: list[Header],
        body: bytes | IRequestBody | None,
        request_id: str,
    ) -> None:
        self._sink = sink
        self._finished: list[Callable[[Exchange], None]] = []
        self._remaining: int | None = None
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.request_id = request_id
        self.app = ""
        self.received = len(body) if isinstance(body, bytes) else 0
        self.owner: ExchangeOwner = _NO_OWNER
        self.state = ExchangeState.WAITING
        self.status = 0
        self.outcome = "ok"
        self.error: NanoError | None = None
        self.body_bytes = 0
        self.paused = False
        self.dev = False

    def when_finished(self, callback: Callable[[Exchange], None]) -> None:
        """Have *callback* called once, with this exchange, when it is DONE or CUT."""
        self._finished.append(callback)

    @property
    def waiting(self) -> bool:
        """Whether nothing has been answered yet."""
        return self.state is ExchangeState.WAITING

    @property
    def over(self) -> bool:
        """Whether nothing more can be answered."""
        return self.state is ExchangeState.DONE or self.state is ExchangeState.CUT

    # The answer, from the app's side.

    def respond(
        self, status: int, reason: bytes, headers: list[Header], length: int | None, body: bytes | None = None
    ) -> None:
        """
        Begin the response, and end it at once when its whole *body* is given.

        Args:
            status: 200 to 599.
            reason: the reason phrase; may be empty.
            headers: as the app set them; names in any case.
            length: of the body in bytes, None where it is not known yet.
            body: all of it, or None when `write` and `end` follow.
        """
        if self.state is not ExchangeState.WAITING:
            return
        try:
            kept, length = self._checked(status, reason, headers, length if body is None else len(body))
        except ValueError as error:
            self.fail(HandlerError(str(error)))
            return
        self._begin(status, reason, kept, length)
        if body is not None:
            if body and not self.bodiless:
                self._send(body)
            self.end()

    def _checked(
        self, status: int, reason: bytes, headers: list[Header], length: int | None
    ) -> tuple[list[Header], int | None]:
        if not 200 <= status <= 599:
            msg = f"the response has the status {status}, which is not between 200 and 599"
            raise ValueError(msg)
        if not _VALUE(reason):
            msg = f"the response's status text has a forbidden byte: {reason!r}"
            raise ValueError(msg)
        kept: list[Header] = []
        for name, value in headers:
            lower = name.lower()
            if not _NAME(name) or not _VALUE(value):
                msg = f"the response has an invalid header: {name!r}: {value!r}"
                raise ValueError(msg)
            if lower == b"content-length":
                length = self._announced(value, length)
            elif lower not in _HOP_BY_HOP:
                kept.append((name, value))
        return kept, length

    def _announced(self, value: bytes, length: int | None) -> int:
        if not value.isdigit():
            msg = f"the response has an invalid Content-Length: {value!r}"
            raise ValueError(msg)
        announced = int(value)
        if length is not None and announced != length and self.method != "HEAD":
            msg = f"the response announces a Content-Length of {announced}, but its body has {length} bytes"
            raise ValueError(msg)
        return announced

    @property
    def bodiless(self) -> bool:
        """Whether the response has no body, whatever is written."""
        return self.method == "HEAD" or self.status in _NO_BODY

    def _begin(self, status: int, reason: bytes, headers: list[Header], length: int | None) -> None:
        self.state = ExchangeState.RESPONDING
        self.status = status
        if status == 204 or (status == 304 and not length):
            length = None
        self._remaining = None if self.bodiless else length
        self._sink.head(status, reason, headers, length)

    def write(self, data: bytes) -> None:
        """Send a piece of the body; bytes beyond the announced length cut the connection."""
        if self.state is not ExchangeState.RESPONDING or self.bodiless:
            return
        self._send(data)

    def _send(self, data: bytes) -> None:
        if self._remaining is not None:
            if len(data) > self._remaining:
                self.fail(HandlerError("the response body is longer than its Content-Length"))
                return
            self._remaining -= len(data)
        self.body_bytes += len(data)
        self._sink.write(data)

    def end(self) -> None:
        """The response body is whole; one shorter than announced cuts the connection."""
        if self.state is not ExchangeState.RESPONDING:
            return
        if self._remaining:
            self.fail(HandlerError(f"the response body is {self._remaining} bytes shorter than its Content-Length"))
            return
        self.state = ExchangeState.DONE
        self._sink.finish()
        self._finish()

    def fail(self, error: NanoError) -> None:
        """End the exchange with an error: an answer if there was none yet, else a cut connection."""
        if self.over:
            return
        self.error, self.outcome = error, error.code
        if self.state is ExchangeState.RESPONDING:
            self.state = ExchangeState.CUT
            self._sink.cut()
        else:
            status, headers, body = error_answer(error, self.dev)
            self._begin(status, b"", headers, len(body))
            self.state = ExchangeState.DONE
            if not self.bodiless:
                self.body_bytes += len(body)
                self._sink.write(body)
            self._sink.finish()
        self._finish()

    def _finish(self) -> None:
        finished, self._finished = self._finished, []
        for callback in finished:
            callback(self)

    # The client, from the front end's side.

    def client_gone(self, reason: str) -> None:
        """The client has left, or its connection broke; the owner is told and the sink is not used again."""
        if self.over:
            return
        self.state = ExchangeState.CUT
        self.error = ClientGoneError(reason)
        self.outcome = self.error.code
        self.owner.exchange_gone(self)
        self._finish()

    def pauseProducing(self) -> None:
        """The client takes no more for now (IPushProducer)."""
        self.paused = True

    def resumeProducing(self) -> None:
        """The client takes more (IPushProducer)."""
        if self.paused:
            self.paused = False
            self.owner.exchange_resumed(self)

    def stopProducing(self) -> None:
        """The client is gone (IProducer)."""
        self.client_gone("the connection was closed")


def error_answer(error: NanoError, dev: bool = False) -> tuple[int, list[Header], bytes]:
    """
    What a client sees of an error: status, headers and body.

    Args:
        error: what happened.
        dev: whether its details are shown.
    """
    if isinstance(error, NoAppError):
        kind, body = b"application/json", json.dumps({"error": error.detail}).encode()
    else:
        text = f"{error.message}\n\n{error.detail}\n" if dev and error.detail else error.message
        kind, body = b"text/plain;charset=UTF-8", text.encode("utf-8", "backslashreplace")
    headers = [(b"content-type", kind), (b"nano-error", error.code.encode())]
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    return error.status, headers, body
