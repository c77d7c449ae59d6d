# -*- test-case-name: tests.http.test_channel -*-
"""
HTTP/1.1 from the socket: one connection, its requests in their order, and an exchange for each.

`RequestParser` reads requests, `ResponseWriter` writes responses; this module decides what happens when.

    IDLE ──> HEAD ──> SERVING ──> SKIPPING ──┐          a request begins; its head is complete; it is answered,
     ↑                   │           │       │          but its body is not all there yet
     └───────────────────┴───────────┘       │
              any ──> CLOSING ──> CLOSED <───┘          the last response is written; the connection is gone

One request is served at a time.  Those pipelined behind it wait in the parser, and nothing is read while one waits.  Of
a body that the app does not read yet `BODY_BUFFER` bytes are read, then the client has to wait, too; a response that
the client does not read pauses its exchange.  While nothing is read, `HangupWatch` tells when the client goes.

A client that closes its sending half with nothing outstanding may have gone altogether: it has `HALF_CLOSE_GRACE`
seconds to get its answer.  What an app leaves unread of a body is skipped if that is not much, as the connection is
worth more.  A connection that ends with input under way lingers: closed at once, the kernel would reset it, and the
client might never see its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer, ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from nano.errors import (
    BodyTimeoutError,
    BodyTooLargeError,
    EngineError,
    HeadersTimeoutError,
    InvalidRequestError,
    NanoError,
)
from nano.exchange import Exchange
from nano.http.direct import is_direct, limit_unsent, send_now
from nano.http.forwarded import Visitor
from nano.http.headers import absolute_url, host_name
from nano.http.parser import Request, RequestParser
from nano.http.response import ResponseWriter
from nano.http.stream_body import StreamBody
from nano.interfaces import IEventHandler, IRequestBody

if TYPE_CHECKING:
    from nano.http.factory import HTTPFactory

__all__ = ["BODY_BUFFER", "HALF_CLOSE_GRACE", "SKIPPED_BODY", "HTTPChannel", "Phase"]

#: How many bytes of a body are read before the app reads them; also up to which size a body goes with its head.
BODY_BUFFER = 65536
#: How many bytes that no app wants are read so that the connection may go on.
SKIPPED_BODY = 262144
#: How many bytes, and for how many seconds, a connection reads on after its last response.
LINGERED_BODY = 1048576
LINGER_TIME = 2.0
#: How long a response may take once the client has closed its half, in seconds.
HALF_CLOSE_GRACE = 0.25

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Phase(Enum):
    """What a connection is at; see the module's text."""

    IDLE = "idle"
    HEAD = "head"
    SERVING = "serving"
    SKIPPING = "skipping"
    CLOSING = "closing"
    CLOSED = "closed"


@implementer(IPushProducer, IHalfCloseableProtocol)
class HTTPChannel(Protocol):
    """
    One connection.  Made by `HTTPFactory.buildProtocol`.

    Args:
        factory: what this connection has in common with others.
        find: tells who answers for a host name.

    Attributes:
        phase: see the module's text.
        deadline: the factory's time at which `expire` is called, in seconds.
    """

    _log = Logger()
    factory: HTTPFactory
    transport: Any

    def __init__(self, factory: HTTPFactory, find: Callable[[str], IEventHandler]) -> None:
        self.factory = factory
        self._find = find
        self.phase = Phase.IDLE
        self.deadline = factory.now + factory.limits.idle_timeout
        self._parser = RequestParser(factory.limits.max_header_bytes)
        self._response = ResponseWriter(self)
        self._request: Request | None = None
        self._exchange: Exchange | None = None
        self._body: StreamBody | None = None
        self._handler: IEventHandler | None = None
        self._visitor: Visitor
        self._client = ""
        self._started = 0.0
        self._host = b""
        self._name = ""
        self._busy = False
        self._reading = True
        self._write_paused = False
        self._mark: object = None
        self._registered = False
        self._half_closed = False
        self._direct = False
        self._skipped = 0

    # The connection.

    def connectionMade(self) -> None:
        """A client has connected (IProtocol)."""
        transport, factory = self.transport, self.factory
        for option in ("setTcpNoDelay", "setTcpKeepAlive"):
            switch = getattr(transport, option, None)
            if switch is not None:
                # Unix sockets have these methods too in older Twisted, and refuse.
                with suppress(OSError):
                    switch(True)
        limit_unsent(transport)
        self._direct = is_direct(transport)
        secure = ISSLTransport.providedBy(transport)
        self._visitor = factory.visitor(getattr(transport.getPeer(), "host", ""), secure)
        transport.registerProducer(self, True)
        self._registered = True
        factory.opened(self)

    def dataReceived(self, data: bytes) -> None:
        """Input (IProtocol)."""
        if self.phase is Phase.CLOSING or self.phase is Phase.CLOSED:
            self._linger(len(data))
            return
        parser = self._parser
        parser.feed(data)
        request = self._request
        if request is None:
            self._serve()
            request = self._request
        elif request.has_body:
            self._more_body(request)
        if parser.requests or (request is not None and not request.complete):
            self._regulate()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The client is gone (IProtocol)."""
        self.phase = Phase.CLOSED
        self.factory.lost(self)
        self._abandon(reason.getErrorMessage())

    def _abandon(self, reason: str) -> None:
        self._end_body("the client has gone")
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._response.drop()
            exchange.client_gone(reason)
            self._finished(exchange)
        self._request = None
        self._parser.requests.clear()

    def _end_body(self, reason: str) -> None:
        """Whoever waits for more of the request's body shall wait no longer."""
        body, self._body = self._body, None
        if body is not None and not body.ended:
            body.broken(reason)

    def hung_up(self) -> None:
        """The client went while nothing was read."""
        if self.phase is not Phase.CLOSED:
            self.phase = Phase.CLOSED
            self._abandon("the client closed the connection")
            self.transport.abortConnection()

    def readConnectionLost(self) -> None:
        """The client sends no more (IHalfCloseableProtocol)."""
        request = self._request
        if self.phase in (Phase.IDLE, Phase.HEAD, Phase.SKIPPING, Phase.CLOSING):
            self._lose()
        elif request is None or not request.complete or self._half_closed:
            self.hung_up()
        else:
            self._half_closed = True
            self._mark = self._progress()
            self.deadline = self.factory.now + HALF_CLOSE_GRACE

    def writeConnectionLost(self) -> None:
        """Our half is closed, and we read on (IHalfCloseableProtocol)."""

    # Requests.

    def _serve(self) -> None:
        """Serve requests until one takes time."""
        if self._busy:
            return
        self._busy = True
        requests = self._parser.requests
        try:
            while requests and self._request is None and not self._write_paused and self._open:
                self._begin(requests.popleft())
        finally:
            self._busy = False
        if self._request is None and self._open:
            self._rest()
        if not self._reading:
            self._regulate()

    @property
    def _open(self) -> bool:
        return self.phase is not Phase.CLOSING and self.phase is not Phase.CLOSED

    def _rest(self) -> None:
        """Wait for the next request, or the rest of it."""
        factory = self.factory
        if self._half_closed or (factory.draining and self.phase is not Phase.IDLE and not self._parser.in_head):
            self._close()
            return
        if self._parser.in_head:
            if self.phase is not Phase.HEAD:
                self.phase = Phase.HEAD
                self.deadline = factory.now + factory.limits.header_timeout
        elif self.phase is not Phase.IDLE:
            self.phase = Phase.IDLE
            self.deadline = factory.now + factory.limits.idle_timeout

    def _begin(self, request: Request) -> None:
        factory = self.factory
        self._request = request
        self.phase = Phase.SERVING
        self.deadline = factory.now + factory.limits.idle_timeout
        self._started = factory.clock.seconds()
        self._client, self._handler = self._visitor.address, None
        try:
            handler, url, request_id = self._locate(request)
        except NanoError as error:
            self._refuse(request, error)
            return
        self._handler = handler
        method = request.method.decode("ascii")
        exchange = Exchange(self._response, method, url, request.headers, self._take_body(request), request_id)
        self._exchange = exchange
        self._response.begin(exchange, request)
        limit = handler.max_body
        if (request.length or request.received) > limit:
            exchange.fail(BodyTooLargeError(f"more than {limit} bytes of request body"))
            return
        try:
            handler.handle(exchange)
        except Exception:
            self._log.failure("a request could not be handled", request_id=request_id)
            exchange.fail(EngineError("the handler raised"))

    def _locate(self, request: Request) -> tuple[IEventHandler, str, str]:
        """Who serves *request*, its URL and its id."""
        if request.error is not None:
            raise request.error
        origin = self._visitor.origin(request.special, request.headers)
        self._client = origin.client
        host, target = origin.host, request.target
        if host != self._host:
            self._host, self._name = host, host_name(host)
        if target[:1] == b"/":
            # llhttp lets nothing but visible ASCII through.
            url = f"{origin.scheme}://{host.decode('ascii')}{target.decode('ascii')}"
        elif target == b"*" and request.method != b"OPTIONS":
            raise InvalidRequestError("only OPTIONS is for the server as a whole")
        else:
            url = absolute_url(origin.scheme, host, target)
        if b"content-length" in request.special:
            request.headers.append((b"content-length", request.special[b"content-length"]))
        return self._find(self._name), url, origin.request_id

    def _take_body(self, request: Request) -> bytes | IRequestBody | None:
        if not request.has_body:
            return None
        if request.complete and request.received <= BODY_BUFFER:
            return request.take()
        self._body = body = StreamBody(request, self)
        return body

    def _refuse(self, request: Request, error: NanoError) -> None:
        exchange = Exchange(self._response, request.method.decode("latin-1"), "", request.headers, None, "")
        self._exchange = exchange
        request.keep_alive = False
        self._response.begin(exchange, request)
        exchange.fail(error)

    # Bodies (nano.http.stream_body.BodySource).

    def _more_body(self, request: Request) -> None:
        if self.phase is Phase.SKIPPING:
            self._skip(request)
            return
        self.deadline = self.factory.now + self.factory.limits.idle_timeout
        body, exchange, handler = self._body, self._exchange, self._handler
        if exchange is None or handler is None:
            return
        if request.received > handler.max_body:
            self._break_off(BodyTooLargeError(f"more than {handler.max_body} bytes of request body"))
        elif request.error is not None:
            self._break_off(request.error)
        elif body is not None:
            body.arrived()

    def _break_off(self, error: NanoError) -> None:
        """The request's body cannot be had; the client hears of it, or is cut off."""
        body, self._body = self._body, None
        if self._request is not None:
            self._request.discard()
            self._request.keep_alive = False
        self._response.last()
        if self._exchange is not None:
            self._exchange.fail(error)
        if body is not None and not body.ended:
            body.broken(str(error))

    def body_wanted(self) -> None:
        """The app begins to read (BodySource)."""
        request = self._request
        self.deadline = self.factory.now + self.factory.limits.idle_timeout
        if request is not None and self._awaits_continue(request) and self._exchange is not None:
            del request.special[b"expect"]
            if self._exchange.waiting:
                self.send(_CONTINUE)

    def _awaits_continue(self, request: Request) -> bool:
        return (
            request.special.get(b"expect", b"").lower() == b"100-continue"
            and not request.http10
            and not request.received
            and not request.complete
        )

    def body_taken(self) -> None:
        """There is room for more (BodySource)."""
        if not self._reading:
            self.deadline = self.factory.now + self.factory.limits.idle_timeout
            self._regulate()

    def body_refused(self) -> None:
        """Nobody wants the rest (BodySource); it is read only once the response is over, within limits."""
        if self._request is not None:
            self._request.discard()
            self._regulate()

    def _regulate(self) -> None:
        """Read on, or have the client wait."""
        request = self._request
        wanted = not self._parser.requests and (
            request is None or request.complete or self.phase is Phase.SKIPPING or self._has_room(request)
        )
        if wanted is self._reading or not self._open or self._half_closed:
            return
        self._reading = wanted
        if wanted:
            self.factory.hangups.forget(self)
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()
            self.factory.hangups.watch(self)

    def _has_room(self, request: Request) -> bool:
        return request.pieces is not None and request.buffered < BODY_BUFFER

    # Responses (nano.http.response.Wire).

    @property
    def date_line(self) -> bytes:
        """The Date field of now, as a line (Wire)."""
        return self.factory.date_line

    def send(self, data: bytes) -> None:
        """Send bytes (Wire)."""
        if self._direct:
            send_now(self.transport, data)
        else:
            self.transport.write(data)

    def send_soon(self) -> None:
        """Flush the response's head before the turn is over (Wire)."""
        self.factory.flush_soon(self._response)

    def stays_open(self, exchange: Exchange) -> bool:
        """Whether the connection may go on after this response (Wire)."""
        if self.factory.draining or self._half_closed:
            return False
        error, request = exchange.error, self._request
        if (error is not None and error.close) or request is None:
            return False
        return request.complete or not self._awaits_continue(request)

    def response_finished(self, exchange: Exchange, keep_alive: bool) -> None:
        """The response is whole (Wire)."""
        self._finished(exchange)
        request = self._request
        self._exchange = None
        self._end_body("the response is over")
        if not keep_alive or request is None:
            self._close()
        elif request.complete:
            self._request = None
            self._serve()
        else:
            request.discard()
            self.phase = Phase.SKIPPING
            self.deadline = self.factory.now + LINGER_TIME
            self._skipped = request.received
            self._skip(request)
            self._regulate()

    def _skip(self, request: Request) -> None:
        """Read what is left of a body that nobody wants, if it is not too much."""
        if request.complete:
            self._request = None
            self._serve()
            return
        left = request.length - request.received if request.length is not None else 0
        if request.error is not None or max(left, request.received - self._skipped) > SKIPPED_BODY:
            self._close()

    def response_cut(self, exchange: Exchange) -> None:
        """The response will never be whole (Wire)."""
        self._finished(exchange)
        self._exchange = None
        self.phase = Phase.CLOSED
        self._end_body("the response was cut")
        self.transport.abortConnection()

    def _finished(self, exchange: Exchange) -> None:
        access, request = self.factory.access, self._request
        if request is not None and request.has_body:
            exchange.received = request.received
        if access is not None:
            try:
                access(exchange, self._client, self.factory.clock.seconds() - self._started)
            except Exception:
                self._log.failure("the access callback failed")

    # What the transport takes (IPushProducer).

    def pauseProducing(self) -> None:
        """The client does not read (IPushProducer)."""
        self._write_paused = True
        self._mark = self._progress()
        if not self._half_closed:
            self.deadline = self.factory.now + self.factory.limits.idle_timeout
        if self._exchange is not None:
            self._exchange.pauseProducing()

    def resumeProducing(self) -> None:
        """The client reads on (IPushProducer)."""
        self._write_paused = False
        if self._exchange is not None:
            self._exchange.resumeProducing()
        if self._request is None and self._open:
            self._serve()

    def stopProducing(self) -> None:
        """The connection is lost; `connectionLost` says so, too (IProducer)."""

    def _progress(self) -> object:
        """What changes while a response gets on, as far as the transport's buffer and the exchange let it be seen."""
        transport, exchange = self.transport, self._exchange
        sent = getattr(transport, "offset", None), len(getattr(transport, "dataBuffer", b""))
        return sent, exchange and exchange.body_bytes

    # Time, and the end.

    def expire(self) -> None:
        """The deadline is over."""
        factory, phase = self.factory, self.phase
        self.deadline = factory.now + factory.limits.idle_timeout
        mark, self._mark = self._mark, self._progress()
        stuck = mark == self._mark
        if phase is Phase.IDLE or phase is Phase.SKIPPING:
            self._close()
        elif phase is Phase.HEAD:
            self._head_late()
        elif phase is Phase.CLOSING:
            self.deadline = factory.now + LINGER_TIME
            if stuck:
                self.transport.abortConnection()
        elif self._half_closed:
            self.deadline = factory.now + HALF_CLOSE_GRACE
            if stuck:
                self.hung_up()
        elif self._write_paused and stuck:
            self.hung_up()
        elif self._awaits_body():
            self._break_off(BodyTimeoutError(f"no more of the body within {factory.limits.idle_timeout:g} s"))

    def _head_late(self) -> None:
        self._parser.closed = True
        request = Request(b"", b"", [], {})
        request.error = HeadersTimeoutError(f"no complete head within {self.factory.limits.header_timeout:g} s")
        self._begin(request)

    def _awaits_body(self) -> bool:
        request, body = self._request, self._body
        return self._reading and request is not None and not request.complete and body is not None and body.wanted

    def drain(self) -> None:
        """Accept nothing new: close now if nothing is under way, else after the response."""
        if self.phase is Phase.IDLE or self.phase is Phase.SKIPPING:
            self._close(crossing=True)

    def cut(self) -> None:
        """Break the connection, whatever is under way."""
        if self.phase is not Phase.CLOSED:
            self.phase = Phase.CLOSED
            self._abandon("the server stops")
            self.transport.abortConnection()

    def _close(self, crossing: bool = False) -> None:
        """
        Close the connection; input that is under way is read and dropped first.

        Args:
            crossing: whether the client may just be sending a request.  It shall see the end and not a reset, which
                would leave it in doubt whether the request has come.
        """
        request, self._request = self._request, None
        underway = crossing or (request is not None and not request.complete)
        underway = underway or bool(self._parser.requests) or self._parser.in_head
        self.phase = Phase.CLOSING
        self.deadline = self.factory.now + (LINGER_TIME if underway else self.factory.limits.idle_timeout)
        self._mark = self._progress()
        self._parser.requests.clear()
        self._skipped = 0
        if not underway or self._half_closed or ISSLTransport.providedBy(self.transport):
            # TLS has an end of its own, for which it reads on as well.
            self._lose()
            return
        self._unregister()
        if not self._reading:
            self._reading = True
            self.factory.hangups.forget(self)
            self.transport.resumeProducing()
        self.transport.loseWriteConnection()

    def _linger(self, size: int) -> None:
        self._skipped += size
        if self._skipped > LINGERED_BODY:
            self._lose()

    def _lose(self) -> None:
        self.phase = Phase.CLOSING
        if not self._reading:
            self.factory.hangups.forget(self)
        self._unregister()
        self.transport.loseConnection()

    def _unregister(self) -> None:
        # A transport does not close while it has a producer.
        if self._registered:
            self._registered = False
            self.transport.unregisterProducer()
