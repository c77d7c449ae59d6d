# -*- test-case-name: tests.http.test_bodies -*-
"""
Request bodies that are not handed over with the head.
"""

from __future__ import annotations

from typing import BinaryIO

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from nano.interfaces import IBodyConsumer, IRequestBody

__all__ = ["FileBody"]

#: Bytes read at a time.
_PIECE = 65536


@implementer(IRequestBody)
class FileBody:
    """
    A body that lies whole in a file, as `twisted.web` leaves large ones.

    Args:
        clock: so that a large body does not hold up the reactor, one piece is given per turn.
        file: at its beginning; closed by whoever opened it.
    """

    def __init__(self, clock: IReactorTime, file: BinaryIO) -> None:
        self._clock = clock
        self._file = file
        self._consumer: IBodyConsumer | None = None
        self._paused = False
        self._next: IDelayedCall | None = None

    def start(self, consumer: IBodyConsumer) -> None:
        """Begin to give the body to *consumer* (IRequestBody)."""
        self._consumer = consumer
        self.resumeProducing()

    def pauseProducing(self) -> None:
        """Give nothing for now (IPushProducer)."""
        self._paused = True
        call, self._next = self._next, None
        if call is not None:
            call.cancel()

    def resumeProducing(self) -> None:
        """Go on (IPushProducer)."""
        self._paused = False
        if self._next is None and self._consumer is not None:
            self._next = self._clock.callLater(0, self._produce)

    def stopProducing(self) -> None:
        """Nobody wants the rest (IProducer)."""
        self._consumer = None
        self.pauseProducing()

    def _produce(self) -> None:
        self._next = None
        consumer = self._consumer
        if consumer is None:
            return
        try:
            data = self._file.read(_PIECE)
        except (OSError, ValueError) as error:
            self._consumer = None
            consumer.fail(f"the request body could not be read: {error}")
            return
        if not data:
            self._consumer = None
            consumer.finish()
            return
        consumer.write(data)
        if not self._paused:
            self.resumeProducing()
