# -*- test-case-name: tests.engine.test_channels -*-
"""
Channels: the bytes that an op and its script exchange beyond arguments and answer.

The other half is nano/runtime/channels.js.  The script chooses an id from `FIRST_CHANNEL` on and names it in the
arguments of an op, which opens the channel here.  Both directions run on the records of exchanges, with the same
windows: what the script uploads in CHUNK records is granted again when its consumer has taken it; what it downloads is
sent as BODY_CHUNK within the credit that it grants.

A channel is over for both sides when its download has ended (BODY_END, BODY_ERROR), when the op has closed it before
it answered, when the script cancels it (BODY_CANCEL), or with its isolate.

Up to `PREFETCH` bytes of a download are fetched before anybody reads: small bodies are then whole when the op answers,
and whoever sent them is done with.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable

from zope.interface import implementer

from nano.engine.events import WINDOW
from nano.engine.passing import Relay
from nano.engine.records import Inward, Outward, Record, RecordError, encode
from nano.interfaces import IBodyConsumer, IChannel, IRequestBody, OpError

__all__ = ["FIRST_CHANNEL", "MOST_CHANNELS", "PREFETCH", "Channel", "Channels"]

#: Ids from here on are channels, those below are exchanges; the same number stands in nano/runtime/channels.js.
FIRST_CHANNEL = 0x80000000
#: How many channels an isolate may have open: responses whose bodies are neither read nor cancelled, most of all.
MOST_CHANNELS = 4096
#: Bytes of a download that are fetched before the script asks for them.
PREFETCH = 65536
#: Credit is granted in pieces of at least this size, as a grant costs a crossing.
_GRANT = WINDOW // 4

_U32 = struct.Struct("<I")
_RECORDS = frozenset((Outward.CHUNK, Outward.END, Outward.FAIL, Outward.CREDIT, Outward.BODY_CANCEL))


def _nothing() -> None: ...


@implementer(IRequestBody)
class Upload:
    """
    What a script sends.

    Args:
        grant: called with a number of bytes that the script may send again.
    """

    def __init__(self, grant: Callable[[int], None]) -> None:
        self._grant = grant
        self._consumer: IBodyConsumer | None = None
        self._held: deque[bytes] = deque()
        self._window = WINDOW
        self._owed = 0
        self._paused = True
        self._ended = False
        self._failure: str | None = None
        self._stopped = False
        self._body: IRequestBody | None = None

    def pass_on(self, body: IRequestBody | None) -> None:
        """
        What the script sends is *body*, which it has not seen; None for one that has ended meanwhile.

        Raises:
            RecordError: the script has sent something else already.
        """
        if self._body is not None or self._held or self._ended or self._window < WINDOW:
            msg = "a body is passed on behind others"
            raise RecordError(msg)
        if body is None:
            self.end("the body that was to be passed on is not there any more")
        elif self._stopped:
            body.stopProducing()
        else:
            self._body = body
            if self._consumer is not None:
                body.start(self._consumer)
                if self._paused:
                    body.pauseProducing()

    @property
    def external(self) -> bool:
        """Whether the script may be waiting for a grant."""
        return not self._stopped and self._window < WINDOW and self._consumer is not None

    def chunk(self, data: bytes) -> None:
        """The script has sent a piece."""
        self._window -= len(data)
        if self._window < 0:
            msg = "more of an upload than was granted"
            raise RecordError(msg)
        if not self._stopped:
            self._held.append(data)
            self._flow()

    def end(self, failure: str | None = None) -> None:
        """The script has sent all, or fails to."""
        self._ended, self._failure = True, failure
        self._flow()

    def start(self, consumer: IBodyConsumer) -> None:
        """Begin to give it to *consumer* (IRequestBody)."""
        self._consumer = consumer
        self._paused = False
        if self._body is not None:
            self._body.start(consumer)
        else:
            self._flow()

    def pauseProducing(self) -> None:
        """Give nothing for now (IPushProducer)."""
        self._paused = True
        if self._body is not None:
            self._body.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on (IPushProducer)."""
        self._paused = False
        if self._body is not None:
            self._body.resumeProducing()
        else:
            self._flow()

    def stopProducing(self) -> None:
        """Nobody wants the rest; the script hears of it by the end of the channel (IProducer)."""
        self._stopped = True
        self._consumer = None
        self._held.clear()
        body, self._body = self._body, None
        if body is not None:
            body.stopProducing()

    def abandon(self, reason: str) -> None:
        """The script is not there any more."""
        consumer = self._consumer
        self.stopProducing()
        if consumer is not None and not self._ended:
            consumer.fail(reason)

    def _flow(self) -> None:
        while self._held and not self._paused and self._consumer is not None:
            data = self._held.popleft()
            self._owed += len(data)
            self._consumer.write(data)
        if self._owed >= _GRANT:
            owed, self._owed = self._owed, 0
            self._window += owed
            self._grant(owed)
        if self._ended and not self._held and self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            if self._failure is None:
                consumer.finish()
            else:
                consumer.fail(self._failure)


@implementer(IChannel)
class Channel:
    """
    One channel, as the op that has opened it sees it.

    Args:
        id_: of its records.
        send: queues a record for the isolate.
        forget: called with the id when the channel is over.
    """

    def __init__(self, id_: int, send: Callable[[bytes], None], forget: Callable[[int], None]) -> None:
        self.id = id_
        self.upload = Upload(lambda size: send(encode(Inward.CREDIT, id_, _U32.pack(size))))
        self.when_cancelled: Callable[[], None] = _nothing
        self._send = send
        self._forget = forget
        self._body: IRequestBody | None = None
        self._credit = 0
        self._held: deque[memoryview] = deque()
        self._held_size = 0
        self._paused = False
        self._ending: tuple[Inward, bytes] | None = None
        self._relay: Relay | None = None
        self._over = False

    @property
    def external(self) -> bool:
        """Whether something from outside may make its script go on."""
        return (self._body is not None and self._credit > 0) or self.upload.external

    @property
    def passing(self) -> bool:
        """Whether the download goes to somebody else than the script."""
        return self._relay is not None

    # The download.

    def attach(self, body: IRequestBody) -> None:
        """Have *body* produce for the script (IChannel)."""
        if self._over:
            body.stopProducing()
            return
        self._body = body
        body.start(self)

    def write(self, data: bytes) -> None:
        """A piece for the script (IBodyConsumer)."""
        if self._body is None or not data:
            return
        if self._relay is not None:
            self._relay.write(data)
            return
        self._held.append(memoryview(data))
        self._held_size += len(data)
        self._flow()
        if not self._credit and self._held_size >= PREFETCH:
            self._paused = True
            self._body.pauseProducing()

    def finish(self) -> None:
        """The download is whole (IBodyConsumer)."""
        if self._relay is not None:
            self._relay.finish()
            return
        self._end(Inward.BODY_END, b"")

    def fail(self, reason: str) -> None:
        """The download ends early; the script gets what is there first (IBodyConsumer)."""
        if self._relay is not None:
            self._relay.fail(reason)
            return
        self._end(Inward.BODY_ERROR, reason.encode("utf-8", "replace"))

    def _end(self, kind: Inward, payload: bytes) -> None:
        if self._body is not None:
            self._body = None
            self._ending = (kind, payload)
            # Without credit the script may not have heard yet that there is a download.
            if self._credit:
                self._flow()

    def _flow(self) -> None:
        while self._held and self._credit:
            data = self._held.popleft()
            if len(data) > self._credit:
                self._held.appendleft(data[self._credit :])
                data = data[: self._credit]
            self._credit -= len(data)
            self._held_size -= len(data)
            self._send(encode(Inward.BODY_CHUNK, self.id, data))
        if self._ending is not None and not self._held:
            kind, payload = self._ending
            self._send(encode(kind, self.id, payload))
            self.close()

    def take_whole(self) -> bytes | None:
        """All of the download if it is there (IChannel)."""
        if self._over or self._ending is None or self._ending[0] is not Inward.BODY_END:
            return None
        whole = b"".join(self._held)
        self.close()
        return whole

    def pass_on(self, body: IRequestBody | None) -> None:
        """The upload is *body*; None for one that has ended meanwhile."""
        self.upload.pass_on(body)

    def take_body(self) -> IRequestBody | None:
        """
        The download, for somebody else than the script; None when there is none any more.

        Raises:
            RecordError: the script has begun to read it.
        """
        if self._over or (self._body is None and self._ending is None):
            return None
        if self._relay is not None or self._credit:
            msg = "a download that was read from is to be passed on"
            raise RecordError(msg)
        body, failure = self._body, None
        if self._ending is not None and self._ending[0] is Inward.BODY_ERROR:
            failure = self._ending[1].decode()
        held, self._held = self._held, deque()
        self._relay = Relay(body, map(bytes, held), failure, self._passed)
        return self._relay

    def _passed(self, failure: str | None) -> None:
        kind = Inward.BODY_END if failure is None else Inward.BODY_ERROR
        self._send(encode(kind, self.id, (failure or "").encode("utf-8", "replace")))
        self.close()

    # What the script says.

    def handle(self, record: Record) -> None:
        """
        A record of this channel.

        Raises:
            RecordError: it breaks the rules.
        """
        kind = record.type
        if kind == Outward.CHUNK:
            self.upload.chunk(record.payload)
        elif kind == Outward.END:
            self.upload.end()
        elif kind == Outward.FAIL:
            self.upload.end(record.payload.decode("utf-8", "replace"))
        elif kind == Outward.CREDIT:
            self._granted(record.payload)
        else:
            self.abandon("the request was cancelled")

    def _granted(self, payload: bytes) -> None:
        if len(payload) != _U32.size:
            msg = "a grant has no number"
            raise RecordError(msg)
        self._credit += _U32.unpack(payload)[0]
        if self._credit > WINDOW:
            msg = "more of a download is wanted than a window holds"
            raise RecordError(msg)
        self._flow()
        if self._paused and self._credit and self._body is not None:
            self._paused = False
            self._body.resumeProducing()

    # The end.

    def abandon(self, reason: str) -> None:
        """The script wants no more, or is gone."""
        if self._over:
            return
        body = self._body
        self.upload.abandon(reason)
        if self._relay is not None:
            self._relay.break_off(reason)
            return
        self.close()
        if body is not None:
            body.stopProducing()
        self.when_cancelled()

    def close(self) -> None:
        """Nothing goes either way any more (IChannel)."""
        self._over = True
        self._body = self._ending = None
        self._held.clear()
        self._held_size = 0
        self.upload.stopProducing()
        self._forget(self.id)


class Channels:
    """
    The channels of one isolate.

    Args:
        send: queues a record for the isolate.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._open: dict[int, Channel] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def external(self) -> bool:
        """Whether something from outside may make a script go on."""
        return any(channel.external for channel in self._open.values())

    def open(self, id_: object) -> Channel:
        """
        The channel that the script has opened.

        Raises:
            OpError: the id is none, is taken, or there are too many.
        """
        if not isinstance(id_, int) or not FIRST_CHANNEL <= id_ <= 0xFFFFFFFF or id_ in self._open:
            raise OpError("TypeError", "no such channel")
        if len(self._open) >= MOST_CHANNELS:
            raise OpError("TypeError", f"{MOST_CHANNELS} responses have bodies that are neither read nor cancelled")
        channel = self._open[id_] = Channel(id_, self._send, self._forget)
        return channel

    def get(self, id_: int) -> Channel | None:
        """The open channel of that id."""
        return self._open.get(id_)

    def _forget(self, id_: int) -> None:
        self._open.pop(id_, None)

    def takes(self, record: Record) -> bool:
        """Whether *record* belongs to a channel; it is handled then, unless the channel is over."""
        if record.id < FIRST_CHANNEL or record.type not in _RECORDS:
            return False
        channel = self._open.get(record.id)
        if channel is not None:
            channel.handle(record)
        return True

    def close(self) -> None:
        """The isolate is out of service; what passes through needs it no more."""
        for channel in list(self._open.values()):
            if not channel.passing:
                channel.abandon("the isolate is out of service")
