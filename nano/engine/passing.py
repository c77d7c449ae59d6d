# -*- test-case-name: tests.engine.test_passing -*-
"""
Bodies that pass through: what comes from outside and goes out again without entering the isolate.

A script that answers with a body which it has not read from, or sends one with `fetch`, only says so (PASS); the bytes
then go from producer to consumer within the host, each pausing the other.  A request body that nobody has asked for is
handed over as it is.  A download has begun by then, as small ones are answered whole: `Relay` is what its channel
hands over.  `ResponsePass` takes a body for an exchange.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from zope.interface import implementer

from nano.errors import HandlerError
from nano.exchange import Exchange
from nano.interfaces import IBodyConsumer, IRequestBody

__all__ = ["Relay", "ResponsePass"]


@implementer(IRequestBody, IBodyConsumer)
class Relay:
    """
    A body that was begun for one consumer, and goes to another.

    Args:
        body: the producer; None when it has given all.
        held: what it has given so far.
        failure: why it has broken off, if it has.
        when_over: called once when nothing is left to give: with None, or with what the body failed of.
    """

    def __init__(
        self,
        body: IRequestBody | None,
        held: Iterable[bytes],
        failure: str | None,
        when_over: Callable[[str | None], None],
    ) -> None:
        self._body = body
        self._held = deque(held)
        self._failure = failure
        self._when_over = when_over
        self._consumer: IBodyConsumer | None = None
        self._paused = True
        self._over = False
        if body is not None:
            body.pauseProducing()

    # As a body.

    def start(self, consumer: IBodyConsumer) -> None:
        """Begin to give it to *consumer* (IRequestBody)."""
        self._consumer = consumer
        self.resumeProducing()

    def pauseProducing(self) -> None:
        """Give nothing for now (IPushProducer)."""
        self._paused = True
        if self._body is not None:
            self._body.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on (IPushProducer)."""
        self._paused = False
        self._flow()
        if self._body is not None and not self._paused:
            self._body.resumeProducing()

    def stopProducing(self) -> None:
        """Nobody wants the rest (IProducer)."""
        self._consumer = None
        self._held.clear()
        self._stop(None)

    def break_off(self, reason: str) -> None:
        """The script wants it to end here, for both sides."""
        consumer, self._consumer = self._consumer, None
        self._held.clear()
        self._stop(reason)
        if consumer is not None:
            consumer.fail(reason)

    def _stop(self, failure: str | None) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.stopProducing()
        self._end(failure)

    def _end(self, failure: str | None) -> None:
        if not self._over:
            self._over = True
            self._when_over(failure)

    # As a consumer.

    def write(self, data: bytes) -> None:
        """A piece (IBodyConsumer)."""
        if self._over:
            return
        if self._consumer is not None and not self._paused and not self._held:
            self._consumer.write(data)
        else:
            self._held.append(data)

    def finish(self) -> None:
        """That was all (IBodyConsumer)."""
        self._body = None
        self._flow()

    def fail(self, reason: str) -> None:
        """It breaks off; what is there goes out first (IBodyConsumer)."""
        self._body, self._failure = None, reason
        self._flow()

    def _flow(self) -> None:
        while self._held and not self._paused and self._consumer is not None:
            self._consumer.write(self._held.popleft())
        consumer = self._consumer
        if consumer is None or self._held or self._body is not None:
            return
        self._consumer = None
        if self._failure is None:
            consumer.finish()
        else:
            consumer.fail(self._failure)
        self._end(self._failure)


@implementer(IBodyConsumer)
class ResponsePass:
    """
    Has a body be the response body of an exchange whose head is sent, and stops it when the exchange is over.

    Args:
        body: to be started.
        exchange: takes it.
        when_over: called when no more will come.
    """

    def __init__(self, body: IRequestBody, exchange: Exchange, when_over: Callable[[], None]) -> None:
        self._body: IRequestBody | None = body
        self._exchange = exchange
        self._when_over = when_over

    def start(self) -> None:
        """Begin."""
        body, exchange = self._body, self._exchange
        if exchange.over or body is None:
            self._stop()
            return
        exchange.when_finished(lambda _: self._stop())
        if exchange.bodiless:
            exchange.end()
            return
        body.start(self)
        if exchange.paused and self._body is not None:
            body.pauseProducing()

    def resume(self) -> None:
        """The client takes more."""
        if self._body is not None:
            self._body.resumeProducing()

    def _stop(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.stopProducing()
            self._when_over()

    # What the body says.

    def write(self, data: bytes) -> None:
        """A piece (IBodyConsumer)."""
        exchange, body = self._exchange, self._body
        if body is not None:
            exchange.write(data)
            if exchange.paused:
                body.pauseProducing()

    def finish(self) -> None:
        """That was all (IBodyConsumer)."""
        if self._body is not None:
            self._body = None
            self._exchange.end()
            self._when_over()

    def fail(self, reason: str) -> None:
        """It breaks off, and so does the response (IBodyConsumer)."""
        if self._body is not None:
            self._body = None
            self._exchange.fail(HandlerError(f"the body that was passed on has failed: {reason}"))
            self._when_over()
