# -*- test-case-name: tests.http.test_stream_body -*-
"""
Bodies on their way, without a connection; with one they are in `tests.http.test_channel`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.http.parser import Request, RequestParser
from nano.http.stream_body import StreamBody
from nano.interfaces import IRequestBody
from tests.fakes import FakeConsumer


class FakeSource:
    """Keeps what the body says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def body_wanted(self) -> None:
        """Keep it."""
        self.said.append("wanted")

    def body_taken(self) -> None:
        """Keep it."""
        self.said.append("taken")

    def body_refused(self) -> None:
        """Keep it."""
        self.said.append("refused")


class StreamBodyTests(SynchronousTestCase):
    """A body of six bytes, of which three are there."""

    def setUp(self) -> None:
        """Half of a request."""
        self.parser = RequestParser(1024)
        self.parser.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        self.request: Request = self.parser.requests[0]
        self.source, self.consumer = FakeSource(), FakeConsumer()
        self.body = StreamBody(self.request, self.source)

    def more(self, data: bytes = b"def") -> None:
        """The rest comes."""
        self.parser.feed(data)
        self.body.arrived()

    def test_interface(self) -> None:
        """It is a request body."""
        verifyObject(IRequestBody, self.body)

    def test_nothing_before_start(self) -> None:
        """Until somebody reads, everything waits."""
        self.more()
        self.assertEqual((self.request.buffered, self.source.said), (6, []))
        self.body.start(self.consumer)
        self.assertEqual((self.consumer.body, self.consumer.ended), (b"abcdef", "finished"))
        self.assertEqual(self.source.said, ["wanted", "taken"])

    def test_as_it_comes(self) -> None:
        """Afterwards it is given as it comes."""
        self.body.start(self.consumer)
        self.assertEqual((self.consumer.body, self.consumer.ended, self.body.wanted), (b"abc", None, True))
        self.more()
        self.assertEqual((self.consumer.body, self.consumer.ended, self.body.ended), (b"abcdef", "finished", True))

    def test_pause_within_write(self) -> None:
        """A consumer may pause, and resume, from within its own write."""
        pieces: list[bytes] = []
        body = self.body

        class Hesitant(FakeConsumer):
            def write(self, data: bytes) -> None:
                pieces.append(data)
                body.pauseProducing()
                if len(pieces) == 2:
                    body.resumeProducing()

        consumer = Hesitant()
        body.start(consumer)
        self.more()
        self.assertEqual((pieces, consumer.ended), ([b"abc"], None))
        body.resumeProducing()
        self.assertEqual((pieces, consumer.ended), ([b"abc", b"def"], "finished"))

    def test_stop(self) -> None:
        """Who wants no more gets no more; that is said once."""
        self.body.start(self.consumer)
        self.body.stopProducing()
        self.body.stopProducing()
        self.more()
        self.assertEqual((self.consumer.body, self.consumer.ended), (b"abc", None))
        self.assertEqual(self.source.said.count("refused"), 1)

    def test_broken(self) -> None:
        """Who reads is told that the body breaks off; who comes later, too."""
        self.body.start(self.consumer)
        self.body.broken("the client has gone")
        self.assertEqual(self.consumer.ended, "the client has gone")
        late = FakeConsumer()
        self.body.start(late)
        self.assertIn("not available", late.ended or "")
