# -*- test-case-name: tests.http.test_stream_body -*-
"""
Request bodies that are handed over while they arrive.
"""

from __future__ import annotations

from typing import Protocol

from zope.interface import implementer

from nano.http.parser import Request
from nano.interfaces import IBodyConsumer, IRequestBody

__all__ = ["BodySource", "StreamBody"]


class BodySource(Protocol):
    """The connection, as the body that comes over it sees it."""

    def body_wanted(self) -> None:
        """The app begins to read."""

    def body_taken(self) -> None:
        """There is room for more."""

    def body_refused(self) -> None:
        """Nobody wants the rest."""


@implementer(IRequestBody)
class StreamBody:
    """
    A body on its way, as the connection reads it.

    What has come stands in the request until the consumer takes it; how much that may be is the connection's business.

    Args:
        request: whose body it is.
        source: where it comes from.

    Attributes:
        ended: whether the consumer was told the end, or wants no more.
    """

    __slots__ = ("_consumer", "_giving", "_paused", "_request", "_source", "ended")

    def __init__(self, request: Request, source: BodySource) -> None:
        self._request = request
        self._source = source
        self._consumer: IBodyConsumer | None = None
        self._paused = False
        self._giving = False
        self.ended = False

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for more."""
        return self._consumer is not None and not self._paused

    def start(self, consumer: IBodyConsumer) -> None:
        """Begin to give the body to *consumer* (IRequestBody)."""
        if self.ended:
            consumer.fail("the request body is not available any more")
            return
        self._consumer = consumer
        self._source.body_wanted()
        self.arrived()

    def pauseProducing(self) -> None:
        """Give nothing for now (IPushProducer)."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on (IPushProducer)."""
        self._paused = False
        self.arrived()

    def stopProducing(self) -> None:
        """Nobody wants the rest (IProducer)."""
        if not self.ended:
            self._end()
            self._source.body_refused()

    def arrived(self) -> None:
        """Give the consumer what has come."""
        if self._giving:
            return
        self._giving = True
        try:
            self._give()
        finally:
            self._giving = False

    def _give(self) -> None:
        request = self._request
        # The consumer may pause, resume or stop us from within its write.
        while self._consumer is not None and not self._paused:
            data = request.take()
            if data:
                self._consumer.write(data)
                self._source.body_taken()
                continue
            if request.complete:
                consumer = self._consumer
                self._end()
                consumer.finish()
            return

    def broken(self, reason: str) -> None:
        """Nothing more will come, though more was announced."""
        consumer = self._consumer
        self._end()
        if consumer is not None:
            consumer.fail(reason)

    def _end(self) -> None:
        self.ended = True
        self._consumer = None
