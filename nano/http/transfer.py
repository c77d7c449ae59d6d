# -*- test-case-name: tests.http.test_outbound -*-
"""
Bodies on a connection to another server: `RequestBody` goes out, `Download` comes in.

Both are producers that heed pauses.  A download decodes as it goes: what has come and was not decoded yet waits here
while nobody takes it, with the connection paused, so that a small piece which stands for a large one costs its own
size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer
from zope.interface import implementer

from nano.http.decoding import Decoder, DecodingError
from nano.http.dialing import Line
from nano.interfaces import IBodyConsumer, IRequestBody, OutboundError

__all__ = ["Download", "RequestBody"]

#: Bytes that are decoded at a time.
_PIECE = 65536


@implementer(IBodyProducer, IBodyConsumer)
class RequestBody:
    """
    The body of a request.

    Args:
        body: all of it, or what produces it.
        length: in bytes, None where it is not known.
        clock: runs the timeout.
        timeout: seconds that the server may take nothing.

    Attributes:
        length: as the Agent wants to know it.
        when_sent: called when all has been written.
        cut: ends the connection with an error.
    """

    def __init__(self, body: bytes | IRequestBody, length: int | None, clock: IReactorTime, timeout: float) -> None:
        self.length = UNKNOWN_LENGTH if length is None else length
        self.when_sent: Callable[[], None] = lambda: None
        self.cut: Callable[[OutboundError], None] = lambda error: None
        self._body = body
        self._clock = clock
        self._timeout = timeout
        self._consumer: IConsumer | None = None
        self._sent: Deferred[None] = Deferred()
        self._overdue: IDelayedCall | None = None

    # IBodyProducer.

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Begin to write to *consumer*; fires when all is written (IBodyProducer)."""
        if isinstance(self._body, bytes):
            consumer.write(self._body)
            self.when_sent()
            return succeed(None)
        self._consumer = consumer
        self._sent = Deferred(lambda _: self.stopProducing())
        self._body.start(self)
        return self._sent

    def pauseProducing(self) -> None:
        """The server takes no more for now (IPushProducer)."""
        if self._consumer is not None and self._overdue is None and not isinstance(self._body, bytes):
            self._overdue = self._clock.callLater(self._timeout, self._cut)
            self._body.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on (IPushProducer)."""
        self._waited()
        if self._consumer is not None and not isinstance(self._body, bytes):
            self._body.resumeProducing()

    def stopProducing(self) -> None:
        """The server gets no more (IProducer)."""
        self._waited()
        self._consumer = None
        if not isinstance(self._body, bytes):
            self._body.stopProducing()

    def _cut(self) -> None:
        self._overdue = None
        message = f"the server took nothing of the request body for {self._timeout:g} s"
        self.cut(OutboundError("ERR_BODY_TIMEOUT", message))

    def _waited(self) -> None:
        overdue, self._overdue = self._overdue, None
        if overdue is not None:
            overdue.cancel()

    # IBodyConsumer.

    def write(self, data: bytes) -> None:
        """A piece (IBodyConsumer)."""
        if self._consumer is not None:
            self._consumer.write(data)

    def finish(self) -> None:
        """That was all (IBodyConsumer)."""
        self._waited()
        if self._consumer is not None:
            self._consumer = None
            self.when_sent()
            self._sent.callback(None)

    def fail(self, reason: str) -> None:
        """It breaks off (IBodyConsumer)."""
        self._waited()
        if self._consumer is not None:
            self._consumer = None
            self._sent.errback(OutboundError("ERR_REQUEST_BODY", reason))


@implementer(IRequestBody)
class Download(Protocol):
    """
    The body of a response.

    Args:
        response: Twisted's.
        line: what it comes from.
        clock: runs the timeout.
        timeout: seconds that may pass without a piece.
        explain: says what a failure means.

    Attributes:
        decoder: undoes the body's content codings, if it has any.
    """

    transport: Any

    def __init__(
        self,
        response: Any,
        line: Line,
        clock: IReactorTime,
        timeout: float,
        explain: Callable[[Failure], Exception],
    ) -> None:
        self.decoder: Decoder | None = None
        self._response = response
        self._line = line
        self._clock = clock
        self._timeout = timeout
        self._explain = explain
        self._consumer: IBodyConsumer | None = None
        self._waiting: deque[bytes] = deque()
        self._paused = False
        self._flowing = False
        self._ended = False
        self._error: OutboundError | None = None
        self._overdue: IDelayedCall | None = None
        self._last = 0.0

    # IRequestBody.

    def start(self, consumer: IBodyConsumer) -> None:
        """Begin to give it to *consumer* (IRequestBody)."""
        self._consumer = consumer
        self._last = self._clock.seconds()
        self._overdue = self._clock.callLater(self._timeout, self._check)
        self._response.deliverBody(self)

    def pauseProducing(self) -> None:
        """Give nothing for now (IPushProducer)."""
        self._paused = True
        if self.transport is not None:
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on (IPushProducer)."""
        self._paused = False
        self._last = self._clock.seconds()
        self._flow()
        if not self._paused and not self._ended and self.transport is not None:
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Nobody wants the rest: the connection ends, unless it has given all (IProducer)."""
        consumer, self._consumer = self._consumer, None
        self._waiting.clear()
        self._waited()
        if consumer is None:
            self._response.deliverBody(self)
        if not self._ended and self.transport is not None:
            self.transport.stopProducing()

    def discard(self) -> None:
        """There is nothing to give, whatever comes."""
        self.stopProducing()

    # IProtocol.

    def dataReceived(self, data: bytes) -> None:
        """A piece has come (IProtocol)."""
        if self._consumer is not None:
            self._last = self._clock.seconds()
            self._waiting.append(data)
            self._flow()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body has ended, one way or the other (IProtocol)."""
        self._ended = True
        if not reason.check(ResponseDone, PotentialDataLoss):
            error = self._line.error or self._explain(reason)
            early = isinstance(error, OutboundError) and error.code in ("ECONNRESET", "ERR_BAD_RESPONSE")
            if early:
                error = OutboundError("ERR_BODY_INCOMPLETE", f"the body of the response is incomplete: {error}")
            self._error = error if isinstance(error, OutboundError) else OutboundError("ERR_BODY", str(error))
        self._flow()

    # In between.

    def _flow(self) -> None:
        """Give what there is, as long as it is taken."""
        if self._flowing:
            return
        self._flowing = True
        try:
            while self._consumer is not None and not self._paused and self._give_one(self._consumer):
                pass
        except DecodingError as error:
            self._fail(OutboundError("ERR_BAD_ENCODING", f"the body of the response cannot be decoded: {error}"))
        finally:
            self._flowing = False

    def _give_one(self, consumer: IBodyConsumer) -> bool:
        decoder = self.decoder
        data = decoder.read(_PIECE) if decoder is not None else b""
        if not data and self._waiting:
            data = self._waiting.popleft()
            if decoder is not None:
                decoder.feed(data)
                return True
        if data:
            consumer.write(data)
            return True
        if self._ended:
            self._finish(consumer)
        return False

    def _finish(self, consumer: IBodyConsumer) -> None:
        if self._error is not None:
            self._fail(self._error)
            return
        if self.decoder is not None:
            self.decoder.end()
        self._consumer = None
        self._waited()
        consumer.finish()

    def _fail(self, error: OutboundError) -> None:
        consumer = self._consumer
        self.stopProducing()
        if consumer is not None:
            consumer.fail(f"{error.code}: {error}")

    def _check(self) -> None:
        """Whether anything has happened lately; the call is not put off with each piece, as that would cost more."""
        self._overdue = None
        left = self._last + self._timeout - self._clock.seconds()
        if left > 0:
            self._overdue = self._clock.callLater(left, self._check)
        else:
            self._fail(OutboundError("ERR_BODY_TIMEOUT", f"nothing of the body was moved for {self._timeout:g} s"))

    def _waited(self) -> None:
        overdue, self._overdue = self._overdue, None
        if overdue is not None:
            overdue.cancel()
