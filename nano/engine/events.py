# -*- test-case-name: tests.engine.test_events -*-
"""
One fetch event in an isolate: the exchange on one side, records on the other, and the flow control between them.

Response: the isolate may send `WINDOW` bytes; what reaches the exchange is granted again at once, unless the client
has paused the exchange; then it is owed until the client resumes.  Request: the isolate grants credit as the app
reads; without credit the body's producer is paused, and what it has given beyond the credit is held back, so that
both sides always agree on what is left of a grant.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING

from zope.interface import implementer

from nano.engine.passing import ResponsePass
from nano.engine.records import (
    REQUEST_BODY_INLINE,
    REQUEST_HAS_BODY,
    RESPONSE_COMPLETE,
    RESPONSE_SETTLED,
    Inward,
    Record,
    RecordError,
    encode,
)
from nano.errors import (
    DrainingError,
    HandlerError,
    HandlerTimeoutError,
    LoopDetectedError,
    NanoError,
    QuarantinedError,
)
from nano.exchange import Exchange
from nano.interfaces import IBodyConsumer, IRequestBody

if TYPE_CHECKING:
    from nano.engine.host import IsolateHost

__all__ = ["MOST_HOPS", "WINDOW", "FetchEvent"]

#: How many bytes of a body may be under way in one direction; the same number stands in nano/runtime/dispatch.js.
WINDOW = 262144
#: Credit is granted in pieces of at least this size, as a grant costs a crossing.
_GRANT = WINDOW // 4

#: How many fetches of apps a request may have come through; nano/runtime/fetch.js counts them in a header of ours,
#: which apps do not see.
MOST_HOPS = 16
_HOPS = b"nano-hops"

_U32 = struct.Struct("<I")
#: Digits of the largest number that JavaScript counts to.
_LONGEST_LENGTH = 16


@implementer(IBodyConsumer)
class FetchEvent:
    """
    An exchange that a handler is at work on.

    Attributes:
        id: its number among the isolate's records.
        exchange: what is answered.
        started: the reactor's time at which the isolate was given it, in seconds.
        cpu: its share of the isolate's CPU time so far, in seconds.
    """

    __slots__ = (
        "_abandoned",
        "_body",
        "_body_credit",
        "_body_ended",
        "_held",
        "_host",
        "_owed",
        "_pass",
        "_settled",
        "_window",
        "cpu",
        "exchange",
        "id",
        "started",
    )

    def __init__(self, id_: int, exchange: Exchange, host: IsolateHost, started: float) -> None:
        self.id = id_
        self.exchange = exchange
        self.started = started
        self.cpu = 0.0
        self._host = host
        self._window = WINDOW
        self._owed = 0
        self._body = None if isinstance(exchange.body, bytes) else exchange.body
        self._body_credit = 0
        self._body_ended = False
        self._held: deque[memoryview] = deque()
        self._abandoned = False
        self._settled = False
        self._pass: ResponsePass | None = None

    @property
    def unanswered(self) -> bool:
        """Whether the handler has not answered yet."""
        return self.exchange.waiting

    @property
    def external(self) -> bool:
        """Whether the client can make this event go on: by sending more, or by taking more."""
        blocked = self._owed > 0 and self.exchange.paused
        return blocked or (self._body is not None and self._body_credit > 0)

    # Inwards.

    def start(self) -> None:
        """Give the request to the isolate."""
        exchange = self.exchange
        exchange.owner = self
        lines = [exchange.method.encode("latin-1"), exchange.url.encode("latin-1")]
        hops = 0
        for header in exchange.headers:
            if header[0] == _HOPS:
                hops = int(header[1][:5]) if header[1].isdigit() else 0
            else:
                lines += header
        if hops > MOST_HOPS:
            self._settled = True
            self._host.forget(self)
            exchange.fail(LoopDetectedError(f"the request has come through {hops} fetches of apps here"))
            return
        head = b"\n".join(lines)
        flags, inline = 0, b""
        if isinstance(exchange.body, bytes):
            flags, inline = REQUEST_HAS_BODY | REQUEST_BODY_INLINE, exchange.body
            exchange.body = None
        elif exchange.body is not None:
            flags = REQUEST_HAS_BODY
        self._host.send(encode(Inward.REQUEST, self.id, _U32.pack(len(head)) + head + inline, flags, hops))

    def body_credit(self, payload: bytes) -> None:
        """The app reads on."""
        body = self._body
        if body is None and not self._held:
            return
        before, self._body_credit = self._body_credit, self._body_credit + _u32(payload)
        if self._body_credit > WINDOW:
            msg = "more of a request body is wanted than a window holds"
            raise RecordError(msg)
        if body is not None and self.exchange.body is not None:
            self.exchange.body = None
            body.start(self)
            return
        self._send_body()
        if body is not None and not before and self._body_credit:
            body.resumeProducing()

    def write(self, data: bytes) -> None:
        """A piece of the request body (IBodyConsumer)."""
        body = self._body
        if body is None or not data:
            return
        self._held.append(memoryview(data))
        self._send_body()
        if not self._body_credit:
            body.pauseProducing()

    def _send_body(self) -> None:
        while self._held and self._body_credit:
            data = self._held.popleft()
            if len(data) > self._body_credit:
                self._held.appendleft(data[self._body_credit :])
                data = data[: self._body_credit]
            self._body_credit -= len(data)
            self._host.send(encode(Inward.BODY_CHUNK, self.id, data))
        if self._body_ended and not self._held:
            self._body_ended = False
            self._host.send(encode(Inward.BODY_END, self.id))

    def finish(self) -> None:
        """The request body is whole (IBodyConsumer)."""
        if self._body is not None:
            self._body = None
            self._body_ended = True
            self._send_body()

    def fail(self, reason: str) -> None:
        """The request body breaks off (IBodyConsumer)."""
        if self._body is not None:
            self._body = None
            self._held.clear()
            self._host.send(encode(Inward.BODY_ERROR, self.id, reason.encode("utf-8", "replace")))

    def take_body(self) -> IRequestBody | None:
        """
        The request body, for somebody else than the isolate; None when there is none any more.

        Raises:
            RecordError: the isolate has begun to read it.
        """
        body, self._body = self._body, None
        if body is not None and self.exchange.body is None:
            msg = "a request body that was read from is to be passed on"
            raise RecordError(msg)
        self.exchange.body = None
        return body

    def body_cancel(self) -> None:
        """The app does not want the rest of the request body."""
        body, self._body = self._body, None
        self._held.clear()
        self._body_ended = False
        if body is not None:
            body.stopProducing()

    # Outwards.

    def respond(self, record: Record) -> None:
        """The handler has answered with a response."""
        payload = record.payload
        stop = 4 + _u32(payload)
        lines = payload[4:stop].split(b"\n")
        if stop > len(payload) or len(lines) < 2 or len(lines) % 2 or len(lines[0]) > _LONGEST_LENGTH:
            msg = "a response head is malformed"
            raise RecordError(msg)
        length = int(lines[0]) if lines[0].isdigit() else None
        headers = list(zip(lines[2::2], lines[3::2], strict=True))
        complete = record.flags & RESPONSE_COMPLETE
        body = payload[stop:] if complete else None
        self.exchange.respond(record.small, lines[1], headers, length, body)
        if complete:
            self.end(record.flags)
        elif self.exchange.over:
            self.abandon("the response is over")

    def chunk(self, data: bytes) -> None:
        """A piece of the response body."""
        self._window -= len(data)
        if self._window < 0:
            msg = "more of a response body than was granted"
            raise RecordError(msg)
        self.exchange.write(data)
        self._owed += len(data)
        if self.exchange.over:
            self.abandon("the response is over")
        elif not self.exchange.paused and self._owed >= _GRANT:
            self._grant()

    def pass_on(self, body: IRequestBody | None) -> None:
        """The rest of the response is *body*; None for one that has ended meanwhile."""
        if body is None:
            self.exchange.fail(HandlerError("the body that was to be passed on is not there any more"))
            self._passed()
            return
        if self.exchange.waiting or self._pass is not None:
            msg = "a body is passed on to no response"
            raise RecordError(msg)
        self._pass = ResponsePass(body, self.exchange, self._passed)
        self._pass.start()

    def _passed(self) -> None:
        self._host.send(encode(Inward.PASSED, self.id))

    def exchange_resumed(self, exchange: Exchange) -> None:
        """The client takes more of the response body."""
        if self._pass is not None:
            self._pass.resume()
        elif self._owed and not exchange.over:
            self._grant()

    def _grant(self) -> None:
        owed, self._owed = self._owed, 0
        self._window += owed
        self._host.send(encode(Inward.CREDIT, self.id, _U32.pack(owed)))

    def end(self, flags: int) -> None:
        """The response body is whole."""
        self.exchange.end()
        self.body_cancel()
        if flags & RESPONSE_SETTLED:
            self.settle()

    def fail_response(self, record: Record) -> None:
        """The handler, or its response body, has failed."""
        text = record.payload.decode("utf-8", "replace")
        self.exchange.fail(HandlerError(text))
        self.body_cancel()

    def settle(self) -> None:
        """Nothing of this event is under way any more."""
        if not self.exchange.over:
            msg = "an event has settled without an answer"
            raise RecordError(msg)
        if not self._settled:
            self._settled = True
            self._host.forget(self)

    # Endings from outside.

    def exchange_gone(self, exchange: Exchange) -> None:
        """The client has left."""
        self.abandon(str(exchange.error))

    def expire(self, timeout: float) -> None:
        """No response head within *timeout* seconds."""
        self.exchange.fail(HandlerTimeoutError(f"no response head within {timeout:g} s"))
        self.abandon("the request timed out")

    def abandon(self, reason: str) -> None:
        """Tell the isolate that nobody waits for the answer any more; what `waitUntil` keeps goes on."""
        self._owed = 0
        self.body_cancel()
        if not self._abandoned:
            self._abandoned = True
            self._host.send(encode(Inward.ABORT, self.id, reason.encode("utf-8", "replace")))

    def host_condemned(self, error: NanoError) -> None:
        """The isolate is out of service; what passes through needs it no more, unless the whole app is to go."""
        self._settled = True
        if self._pass is None or isinstance(error, (DrainingError, QuarantinedError)):
            self.exchange.fail(error)
        self.body_cancel()


def _u32(payload: bytes) -> int:
    if len(payload) < 4:
        msg = "a record is too short"
        raise RecordError(msg)
    return int(_U32.unpack_from(payload)[0])
