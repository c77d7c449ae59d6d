"""
Tests for `nano.engine.unread`, without an isolate: who gives, who takes, and what is said when there is nothing.
"""

from __future__ import annotations

import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.engine.channels import FIRST_CHANNEL, Channels
from nano.engine.records import Inward, Outward, Record, RecordError
from nano.engine.unread import TextCollector, UnreadBodies
from nano.errors import MemoryExceededError, NanoError
from nano.interfaces import IBodyConsumer
from tests.fakes import FakeBody, FakeConsumer

ID = FIRST_CHANNEL + 7


class Event:
    """A `FetchEvent` as far as bodies go."""

    def __init__(self, body: Any) -> None:
        self.body = body
        self.taken: list[Any] = []

    def take_body(self) -> Any:
        """Give it, once."""
        body, self.body = self.body, None
        return body

    def pass_on(self, body: Any) -> None:
        """Keep it."""
        self.taken.append(body)


class UnreadTests(SynchronousTestCase):
    """
    Attributes:
        sent: type, id and payload of each record that went to the isolate.
        woken: how often the isolate was to take a text.
        condemned: what for.
    """

    def setUp(self) -> None:
        self.sent: list[tuple[int, int, bytes]] = []
        self.woken = 0
        self.condemned: list[NanoError] = []
        self.events: dict[int, Any] = {}
        self.channels = Channels(self.keep)
        self.bodies = UnreadBodies(self.events, self.channels, self.keep, self.wake, self.condemned.append)

    def keep(self, record: bytes) -> None:
        """What goes to the isolate."""
        _, kind, _, _, id_ = struct.unpack_from("<IBBHI", record)
        self.sent.append((kind, id_, record[12:]))

    def wake(self) -> None:
        """Count."""
        self.woken += 1

    def say(self, kind: Outward, id_: int, payload: bytes = b"") -> None:
        """What comes from the isolate."""
        self.bodies.handle(Record(kind, 0, 0, id_, payload))

    def test_pass(self) -> None:
        """From an event to a channel's upload, from a channel's download to an event."""
        channel, body, consumer = self.channels.open(ID), FakeBody([b"ab"]), FakeConsumer()
        self.events[1] = Event(body)
        self.say(Outward.PASS, ID, struct.pack("<I", 1))
        channel.upload.start(consumer)
        self.assertEqual((consumer.body, consumer.ended), (b"ab", "finished"))
        channel.attach(FakeBody([b"cd"]))
        self.say(Outward.PASS, 1, struct.pack("<I", ID))
        self.events[1].taken[0].start(consumer)
        self.assertEqual((consumer.body, self.sent), (b"abcd", [(Inward.BODY_END, ID, b"")]))

    def test_pass_on_the_way(self) -> None:
        """An upload that has begun, or was paused or stopped, takes a body as it can."""
        for stage, calls in (("started", ["start"]), ("paused", ["start", "pause"]), ("stopped", ["stop"])):
            channel, body = self.channels.open(ID), FakeBody()
            body._flow = lambda: None  # type: ignore[method-assign]
            channel.upload.start(FakeConsumer())
            if stage == "paused":
                channel.upload.pauseProducing()
            if stage == "stopped":
                channel.upload.stopProducing()
            self.events[1] = Event(body)
            self.say(Outward.PASS, ID, struct.pack("<I", 1))
            self.assertEqual(body.calls, calls)
            channel.close()

    def test_pass_nothing(self) -> None:
        """A body that is gone, and one for somebody who is."""
        consumer, body = FakeConsumer(), FakeBody()
        self.channels.open(ID).upload.start(consumer)
        self.say(Outward.PASS, ID, struct.pack("<I", 1))
        self.assertIn("not there any more", consumer.ended or "")
        self.events[1] = Event(body)
        self.say(Outward.PASS, 2, struct.pack("<I", 1))
        self.assertEqual(body.calls, ["stop"])
        self.assertRaises(RecordError, self.say, Outward.PASS, 1, b"abc")

    def test_text(self) -> None:
        """All of a body, with its id in front."""
        self.events[12] = Event(FakeBody([b"ab", b"cd"]))
        self.say(Outward.TEXT, 12)
        self.assertEqual((self.woken, self.bodies.external), (1, True))
        self.assertEqual(self.bodies.take_text(), b"0000000012abcd")
        self.assertEqual((self.bodies.take_text(), self.bodies.external, self.sent), (None, False, []))

    def test_no_text(self) -> None:
        """A body that breaks off, one that is too large, one that is gone."""
        self.bodies.limit = 3
        channel = self.channels.open(ID)
        body = FakeBody([b"ab", b"cd", b"ef"])
        self.events.update({1: Event(body), 2: Event(Broken())})
        channel.attach(FakeBody([b"abcd"]))
        for id_ in (1, 2, 3, ID):
            self.say(Outward.TEXT, id_)
        reason = b"the body has more than 3 bytes, which is what may be read at once"
        errors = [(id_, payload) for kind, id_, payload in self.sent if kind == Inward.BODY_ERROR]
        self.assertEqual([kind for kind, id_, _ in self.sent if id_ == ID], [Inward.BODY_ERROR, Inward.BODY_END])
        self.assertEqual(errors, [(1, reason), (2, b"why"), (ID, b"ERR_BODY_TOO_LARGE: " + reason)])
        self.assertEqual((body.calls[-1], self.bodies.external, len(self.channels)), ("stop", False, 0))

    def test_too_much_at_a_time(self) -> None:
        """What is held for an isolate counts as its memory, until it has it."""
        self.bodies.memory = 10
        for id_ in (1, 2):
            self.events[id_] = Event(FakeBody([b"x" * 8]))
            self.say(Outward.TEXT, id_)
            self.assertEqual(self.bodies.take_text(), b"%010d%s" % (id_, b"x" * 8))
        self.assertEqual(self.condemned, [])
        for kind, count in ((Unfinished, 1), (FakeBody, 2)):
            for id_ in (3, 4):
                self.events[id_] = Event(kind([b"x" * 8]))
                self.say(Outward.TEXT, id_)
            self.assertGreaterEqual(len(self.condemned), count)
            self.assertIsInstance(self.condemned[-1], MemoryExceededError)
            self.bodies.close()

    def test_too_large_leaves_nothing_counted(self) -> None:
        """A body that is refused does not count any more, and no more than it has."""
        self.bodies.limit, self.bodies.memory = 3, 20
        for id_ in range(1, 9):
            self.events[id_] = Event(FakeBody([b"x" * 8]))
            self.say(Outward.TEXT, id_)
        self.bodies.limit = 100
        self.events[9] = Event(FakeBody([b"x" * 20]))
        self.say(Outward.TEXT, 9)
        self.assertEqual(self.condemned, [])
        self.events[10] = Event(FakeBody([b"x"]))
        self.say(Outward.TEXT, 10)
        self.assertEqual(len(self.condemned), 1)

    def test_pass_refused(self) -> None:
        """A body that may not be passed on is stopped."""
        body = FakeBody([b"x"])
        self.events[1] = Event(body)
        channel = self.channels.open(ID)
        channel.upload.chunk(b"before")
        self.assertRaises(RecordError, self.say, Outward.PASS, ID, struct.pack("<I", 1))
        self.assertEqual(body.calls, ["stop"])

    def test_close(self) -> None:
        """With the isolate everything ends."""
        body = Unfinished([b"x"])
        self.events.update({1: Event(body), 2: Event(FakeBody())})
        self.say(Outward.TEXT, 1)
        self.say(Outward.TEXT, 2)
        self.bodies.close()
        self.assertEqual((body.calls[-1], self.bodies.take_text(), self.bodies.external), ("stop", None, False))

    def test_provides(self) -> None:
        """Collectors take bodies."""
        verifyObject(IBodyConsumer, TextCollector(1, FakeBody(), self.bodies))


class Unfinished(FakeBody):
    """Gives what there is, and does not end."""

    def _flow(self) -> None:
        while self.left:
            self.consumer.write(self.left.pop(0))


class Broken(FakeBody):
    """Breaks off."""

    def _flow(self) -> None:
        self.consumer.fail("why")
