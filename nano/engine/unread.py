# -*- test-case-name: tests.engine.test_unread -*-
"""
What an isolate has the host do with bodies from outside that it has not read from.

PASS: send one on, as the body of a response or of a fetch (`nano.engine.passing`).  TEXT: give it as one string.  The
second is there because JavaScript can only make a string of bytes piece by piece, while V8 decodes a whole one at
many times that speed; so the host collects it, and hands it over by a call of its own beside the records.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from zope.interface import implementer

from nano.engine.channels import FIRST_CHANNEL, Channel, Channels
from nano.engine.records import Inward, Outward, Record, RecordError, encode
from nano.errors import MemoryExceededError, NanoError
from nano.interfaces import IBodyConsumer, IRequestBody

if TYPE_CHECKING:
    from nano.engine.events import FetchEvent

__all__ = ["ID_DIGITS", "TextCollector", "UnreadBodies"]

#: Of the id in front of a text; the same number stands in nano/runtime/host.js.
ID_DIGITS = 10

_U32 = struct.Struct("<I")


@implementer(IBodyConsumer)
class TextCollector:
    """
    Collects one body.

    Args:
        id_: of the body's records.
        body: is started by `start`.
        bodies: what the isolate has.
    """

    def __init__(self, id_: int, body: IRequestBody, bodies: UnreadBodies) -> None:
        self._id = id_
        self._body: IRequestBody | None = body
        self._bodies = bodies
        self._pieces: list[bytes] = [b"%0*d" % (ID_DIGITS, id_)]
        self.size = 0

    @property
    def collecting(self) -> bool:
        """Whether there is more to come."""
        return self._body is not None

    def start(self) -> None:
        """Begin."""
        if self._body is not None:
            self._body.start(self)

    def stop(self) -> None:
        """Nobody wants it any more."""
        body, self._body = self._body, None
        self._pieces.clear()
        if body is not None:
            body.stopProducing()

    def write(self, data: bytes) -> None:
        """A piece (IBodyConsumer)."""
        if self._body is None:
            return
        self._pieces.append(data)
        self.size += len(data)
        self._bodies.took(len(data))
        if self.collecting and self.size > self._bodies.limit:
            # In this order, as a channel whose download is stopped says that it has ended.
            self._bodies.too_large(self, self._id)
            self.stop()

    def finish(self) -> None:
        """That was all (IBodyConsumer)."""
        if self._body is not None:
            self._body = None
            self._bodies.collected(self, b"".join(self._pieces))

    def fail(self, reason: str) -> None:
        """It breaks off (IBodyConsumer)."""
        if self._body is not None:
            self._body = None
            self._bodies.failed(self, self._id, reason)


class UnreadBodies:
    """
    The bodies of one isolate's events and channels, as far as they stay with the host.

    Args:
        events, channels: which have them.
        send: queues a record for the isolate.
        wake: has the isolate take what `take_text` gives.
        condemn: takes the isolate out of service.

    Attributes:
        limit: how many bytes one text may have.
        memory: how many all together may have that are collected at a time.
    """

    def __init__(
        self,
        events: Mapping[int, FetchEvent],
        channels: Channels,
        send: Callable[[bytes], None],
        wake: Callable[[], None],
        condemn: Callable[[NanoError], None],
    ) -> None:
        self.limit = self.memory = 2**62
        self._events = events
        self._channels = channels
        self._send = send
        self._wake = wake
        self._condemn = condemn
        self._collecting: set[TextCollector] = set()
        self._size = 0
        self._texts: deque[bytes] = deque()

    @property
    def external(self) -> bool:
        """Whether a script waits for what comes from outside, or is about to get it."""
        return bool(self._collecting or self._texts)

    def handle(self, record: Record) -> None:
        """
        A PASS or a TEXT has come.

        Raises:
            RecordError: it breaks the rules.
        """
        if record.type == Outward.TEXT:
            self._collect(record.id)
            return
        if len(record.payload) != _U32.size:
            msg = "a body to be passed on has no number"
            raise RecordError(msg)
        giver, taker = self._find(_U32.unpack(record.payload)[0]), self._find(record.id)
        body = giver.take_body() if giver is not None else None
        try:
            if taker is not None:
                taker.pass_on(body)
                return
        except RecordError:
            self._stop(body)
            raise
        self._stop(body)

    def _stop(self, body: IRequestBody | None) -> None:
        """Nobody takes it."""
        if body is not None:
            body.stopProducing()

    def _find(self, id_: int) -> FetchEvent | Channel | None:
        return self._events.get(id_) or self._channels.get(id_)

    def _collect(self, id_: int) -> None:
        giver = self._find(id_)
        body = giver.take_body() if giver is not None else None
        # Without one, the script has been told, or will be, why that is.
        if body is not None:
            collector = TextCollector(id_, body, self)
            self._collecting.add(collector)
            collector.start()

    # What collectors say.

    def took(self, size: int) -> None:
        """So many bytes more are held."""
        self._size += size
        if self._size > self.memory:
            self._condemn(MemoryExceededError(f"the bodies that are read at a time outgrew the limit of {self.memory}"))

    def collected(self, collector: TextCollector, text: bytes) -> None:
        """A body is whole: *text* has its id in front; it counts until the isolate takes it."""
        self._collecting.discard(collector)
        self._texts.append(text)
        self._wake()

    def too_large(self, collector: TextCollector, id_: int) -> None:
        """A body is larger than may be."""
        reason = f"the body has more than {self.limit} bytes, which is what may be read at once"
        self.failed(collector, id_, f"ERR_BODY_TOO_LARGE: {reason}" if id_ >= FIRST_CHANNEL else reason)

    def failed(self, collector: TextCollector, id_: int, reason: str) -> None:
        """A body is not to be had."""
        self._forget(collector)
        self._send(encode(Inward.BODY_ERROR, id_, reason.encode("utf-8", "replace")))

    def _forget(self, collector: TextCollector) -> None:
        self._collecting.discard(collector)
        self._size -= collector.size

    # What the host asks.

    def take_text(self) -> bytes | None:
        """The next text for the isolate."""
        if not self._texts:
            return None
        text = self._texts.popleft()
        self._size -= len(text) - ID_DIGITS
        return text

    def close(self) -> None:
        """The isolate is out of service."""
        self._texts.clear()
        collecting, self._collecting = self._collecting, set()
        for collector in collecting:
            collector.stop()
