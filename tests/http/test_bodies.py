# -*- test-case-name: tests.http.test_bodies -*-
"""
Bodies that lie in files.
"""

from __future__ import annotations

import io

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.http.bodies import FileBody
from nano.interfaces import IRequestBody
from tests.fakes import FakeConsumer, FakeReactor

DATA = b"x" * 150000


class FileBodyTests(SynchronousTestCase):
    """A body of three pieces."""

    def setUp(self) -> None:
        """Nothing has begun."""
        self.reactor, self.consumer = FakeReactor(), FakeConsumer()
        self.body = FileBody(self.reactor, io.BytesIO(DATA))

    def test_interface(self) -> None:
        """It is a request body."""
        verifyObject(IRequestBody, self.body)

    def test_whole(self) -> None:
        """Nothing before the reactor's next turn, then all of it and the end."""
        self.body.start(self.consumer)
        self.assertEqual(self.consumer.body, b"")
        self.reactor.turn()
        self.assertEqual((self.consumer.body, self.consumer.ended), (DATA, "finished"))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_pause(self) -> None:
        """A paused body gives nothing, and leaves nothing behind in the reactor."""
        self.body.start(self.consumer)
        self.body.pauseProducing()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.body.resumeProducing()
        self.body.resumeProducing()
        self.reactor.turn()
        self.assertEqual((self.consumer.body, self.consumer.ended), (DATA, "finished"))

    def test_pause_within_write(self) -> None:
        """A consumer may pause from within its write."""
        body = self.body

        class Hesitant(FakeConsumer):
            def write(self, data: bytes) -> None:
                super().write(data)
                body.pauseProducing()

        consumer = Hesitant()
        body.start(consumer)
        for _ in range(4):
            self.reactor.turn()
            self.assertEqual(self.reactor.getDelayedCalls(), [])
            body.resumeProducing()
        self.assertEqual((consumer.body, consumer.ended), (DATA, "finished"))

    def test_stop(self) -> None:
        """Who wants no more gets no more, not even the end."""
        self.body.start(self.consumer)
        self.body.stopProducing()
        self.body.resumeProducing()
        self.reactor.turn()
        self.assertEqual((self.consumer.body, self.consumer.ended), (b"", None))

    def test_unreadable(self) -> None:
        """A file that cannot be read is the end, and said to be."""
        file = io.BytesIO(DATA)
        file.close()
        FileBody(self.reactor, file).start(self.consumer)
        self.reactor.turn()
        self.assertIn("could not be read", self.consumer.ended or "")
