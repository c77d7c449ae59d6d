"""
Tests for `nano.engine.channels`, without an isolate: records in, records out.
"""

from __future__ import annotations

import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.engine.channels import FIRST_CHANNEL, MOST_CHANNELS, PREFETCH, Channel, Channels
from nano.engine.events import WINDOW
from nano.engine.records import Inward, Outward, Record, RecordError
from nano.interfaces import IChannel, IRequestBody, OpError
from tests.fakes import FakeBody, FakeConsumer

ID = FIRST_CHANNEL + 7
_HEADER = struct.Struct("<IBBHI")


class Case(SynchronousTestCase):
    """
    Attributes:
        sent: type and payload of each record that went to the isolate.
    """

    def setUp(self) -> None:
        self.sent: list[tuple[int, bytes]] = []
        self.channels = Channels(self.keep)
        self.channel: Channel = self.channels.open(ID)

    def keep(self, record: bytes) -> None:
        """What goes to the isolate."""
        length, kind, _, _, id_ = _HEADER.unpack_from(record)
        self.assertEqual((id_, length), (ID, len(record) - _HEADER.size))
        self.sent.append((kind, bytes(record[_HEADER.size :])))

    def say(self, kind: Outward, payload: bytes = b"", id_: int = ID) -> bool:
        """What comes from the isolate."""
        return self.channels.takes(Record(kind, 0, 0, id_, payload))

    def grant(self, size: int) -> None:
        """The script reads on."""
        self.say(Outward.CREDIT, struct.pack("<I", size))

    def download(self, *pieces: bytes) -> FakeBody:
        """A body for the script."""
        body = FakeBody(pieces)
        self.channel.attach(body)
        return body


class ChannelsTests(Case):
    """
    Opening and finding channels.
    """

    def test_open(self) -> None:
        """An id is taken once, and must be one; there are only so many."""
        verifyObject(IChannel, self.channel)
        verifyObject(IRequestBody, self.channel.upload)
        wrong: list[Any] = [ID, 0, FIRST_CHANNEL - 1, 2**32, "1", None, 1.5, [ID]]
        for id_ in wrong:
            self.assertRaises(OpError, self.channels.open, id_)
        for number in range(1, MOST_CHANNELS):
            self.channels.open(ID + number)
        self.assertRaises(OpError, self.channels.open, ID + MOST_CHANNELS)

    def test_records(self) -> None:
        """Records of exchanges are not ours; those of channels that are over go nowhere."""
        self.assertFalse(self.say(Outward.CHUNK, b"", 7))
        self.assertFalse(self.say(Outward.OP, b"", ID))
        self.assertTrue(self.say(Outward.CHUNK, b"x", ID + 1))

    def test_close_all(self) -> None:
        """With the isolate everything ends."""
        body = self.download(b"x" * PREFETCH, b"more")
        consumer = FakeConsumer()
        self.channel.upload.start(consumer)
        cancelled: list[bool] = []
        self.channel.when_cancelled = lambda: cancelled.append(True)
        self.channels.close()
        self.assertEqual(body.calls[-1], "stop")
        self.assertEqual(consumer.ended, "the isolate is out of service")
        self.assertEqual((cancelled, len(self.channels)), ([True], 0))


class DownloadTests(Case):
    """
    From the host to the script.
    """

    def test_whole(self) -> None:
        """What is there before anybody reads can be taken at once."""
        self.download(b"ab", b"cd")
        self.assertEqual(self.channel.take_whole(), b"abcd")
        self.assertEqual((self.sent, len(self.channels)), ([], 0))

    def test_not_whole(self) -> None:
        """What goes on is not whole."""
        self.download(b"x" * PREFETCH, b"more")
        self.assertIsNone(self.channel.take_whole())

    def test_failure_is_not_whole(self) -> None:
        """A body that breaks off says so when it is read, after what there was of it."""

        class Failing(FakeBody):
            def start(self, consumer: Any) -> None:
                consumer.write(b"ab")
                consumer.fail("why")

        self.channel.attach(Failing())
        self.assertIsNone(self.channel.take_whole())
        self.assertEqual(self.sent, [])
        self.grant(1)
        self.assertEqual(self.sent, [(Inward.BODY_CHUNK, b"a")])
        self.grant(9)
        self.assertEqual(self.sent[1:], [(Inward.BODY_CHUNK, b"b"), (Inward.BODY_ERROR, b"why")])
        self.assertEqual(len(self.channels), 0)

    def test_credit(self) -> None:
        """No more than was granted goes out, and the body is paused beyond the prefetch."""
        body = self.download(b"x" * PREFETCH, b"y" * 10, b"z")
        self.assertEqual((self.sent, body.calls), ([], ["start", "pause"]))
        self.grant(PREFETCH)
        self.assertEqual([len(payload) for _, payload in self.sent], [PREFETCH])
        self.grant(100)
        self.assertEqual(b"".join(payload for _, payload in self.sent), b"x" * PREFETCH + b"y" * 10 + b"z")
        self.assertEqual(self.sent[-1][0], Inward.BODY_END)

    def test_too_much_wanted(self) -> None:
        """A window is all that may be wanted at a time."""
        self.download()
        self.assertRaises(RecordError, self.grant, WINDOW + 1)
        self.assertRaises(RecordError, self.say, Outward.CREDIT, b"")

    def test_cancel(self) -> None:
        """Nobody wants the rest."""
        body = self.download(b"x" * PREFETCH, b"more")
        self.say(Outward.BODY_CANCEL)
        self.assertEqual(body.calls[-1], "stop")
        self.channel.write(b"late")
        self.channel.finish()
        self.assertEqual((self.sent, len(self.channels)), ([], 0))

    def test_too_late(self) -> None:
        """A body for a channel that is over is stopped."""
        self.say(Outward.BODY_CANCEL)
        self.assertEqual(self.download(b"x").calls, ["stop"])

    def test_external(self) -> None:
        """Only a body that somebody reads can make a script go on."""
        body = FakeBody()
        body.start = lambda consumer: None  # type: ignore[method-assign]
        self.channel.attach(body)
        self.assertFalse(self.channels.external)
        self.grant(1)
        self.assertTrue(self.channels.external)


class UploadTests(Case):
    """
    From the script to the host.
    """

    def test_flow(self) -> None:
        """What comes before there is a consumer waits; what is taken is granted again."""
        self.say(Outward.CHUNK, b"a" * 1000)
        self.assertFalse(self.channels.external)
        consumer = FakeConsumer()
        self.channel.upload.start(consumer)
        self.say(Outward.CHUNK, b"b" * (WINDOW // 2))
        self.say(Outward.END)
        self.assertEqual((len(consumer.body), consumer.ended), (1000 + WINDOW // 2, "finished"))
        self.assertEqual(self.sent, [(Inward.CREDIT, struct.pack("<I", 1000 + WINDOW // 2))])

    def test_pause(self) -> None:
        """A consumer that takes no more gets no more, and nothing is granted."""
        consumer = FakeConsumer()
        self.channel.upload.start(consumer)
        self.channel.upload.pauseProducing()
        self.say(Outward.CHUNK, b"a" * WINDOW)
        self.say(Outward.END)
        self.assertEqual((consumer.body, consumer.ended, self.sent), (b"", None, []))
        self.assertTrue(self.channels.external)
        self.assertRaises(RecordError, self.say, Outward.CHUNK, b"b")
        self.channel.upload.resumeProducing()
        self.assertEqual((len(consumer.body), consumer.ended), (WINDOW, "finished"))

    def test_failure(self) -> None:
        """The script's stream has failed."""
        consumer = FakeConsumer()
        self.channel.upload.start(consumer)
        self.say(Outward.FAIL, b"why")
        self.assertEqual(consumer.ended, "why")

    def test_stopped(self) -> None:
        """What nobody wants is dropped."""
        consumer = FakeConsumer()
        self.channel.upload.start(consumer)
        self.channel.upload.stopProducing()
        self.say(Outward.CHUNK, b"a")
        self.say(Outward.END)
        self.assertEqual((consumer.body, consumer.ended), (b"", None))
