"""
The pipe that brings a worker's lines to the supervisor.
"""

from __future__ import annotations

import errno
import os

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.supervisor.line_pipe import LinePipe


class Reactor(Clock):
    """A clock that knows who reads."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[LinePipe] = set()

    def addReader(self, reader: LinePipe) -> None:
        """Noted (IReactorFDSet)."""
        self.readers.add(reader)

    def removeReader(self, reader: LinePipe) -> None:
        """Noted (IReactorFDSet)."""
        self.readers.discard(reader)


class LinePipeTests(SynchronousTestCase):
    """`LinePipe`."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.taken: list[bytes] = []
        self.pipe = LinePipe(self.reactor, self.taken.append)
        self.addCleanup(self.pipe.finish)
        self.worker = os.dup(self.pipe.writer)
        self.pipe.started()

    def write(self, data: bytes) -> None:
        """What a worker does; the reactor notices."""
        os.write(self.worker, data)
        self.pipe.doRead()

    def test_interface(self) -> None:
        """It is an IReadDescriptor."""
        verifyObject(IReadDescriptor, self.pipe)
        self.assertEqual(self.reactor.readers, {self.pipe})

    def test_whole_lines(self) -> None:
        """Lines are taken whole, several at once, however they come."""
        for piece in (b"a", b"b\nc\nd", b"e", b"f\n"):
            self.write(piece)
        self.assertEqual(self.taken, [b"ab\nc\n", b"def\n"])

    def test_byte_by_byte(self) -> None:
        """Nor does it matter how small the pieces are."""
        for byte in b"one\ntwo\n":
            self.write(bytes([byte]))
        self.assertEqual(self.taken, [b"one\n", b"two\n"])

    def test_long_line(self) -> None:
        """A line that is longer than the pipe is taken at once, when it is whole."""
        for _ in range(40):
            self.write(b"x" * 60_000)
        self.assertEqual(self.taken, [])
        self.write(b"\n")
        self.assertEqual(self.taken, [b"x" * 2_400_000 + b"\n"])

    def test_pause(self) -> None:
        """After a look nothing wakes the reactor for a while."""
        self.write(b"a\n")
        self.assertEqual(self.reactor.readers, set())
        self.reactor.advance(1)
        self.assertEqual(self.reactor.readers, {self.pipe})

    def test_nothing_there(self) -> None:
        """To be woken in vain does no harm."""
        self.pipe.doRead()
        self.write(b"a\n")
        self.assertEqual(self.taken, [b"a\n"])

    def test_full_disk(self) -> None:
        """Lines that cannot be written are lost, and those that come later are not."""
        reactor, room = Reactor(), [False]

        def take(lines: bytes) -> None:
            if not room[0]:
                raise OSError(errno.ENOSPC, "no space left")
            self.taken.append(lines)

        pipe = LinePipe(reactor, take)
        self.addCleanup(pipe.finish)
        worker = os.dup(pipe.writer)
        self.addCleanup(os.close, worker)
        pipe.started()
        for line in (b"lost\n", b"kept\n"):
            os.write(worker, line)
            pipe.doRead()
            room[0] = True
        self.assertEqual(self.taken, [b"kept\n"])

    def test_finish(self) -> None:
        """What the worker has left is taken, a last line without its end included; nothing stays open."""
        os.write(self.worker, b"a\nb")
        os.close(self.worker)
        descriptor = self.pipe.fileno()
        self.pipe.finish()
        self.assertEqual(b"".join(self.taken), b"a\nb\n")
        self.assertRaises(OSError, os.fstat, descriptor)
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), (set(), []))
        self.pipe.finish()

    def test_finish_while_pausing(self) -> None:
        """Nobody looks again."""
        self.write(b"a\n")
        os.close(self.worker)
        self.pipe.finish()
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), (set(), []))

    def test_other_writer(self) -> None:
        """It is not waited for others that have the worker's end."""
        self.write(b"a\n")
        self.pipe.finish()
        self.assertEqual(self.taken, [b"a\n"])
        os.close(self.worker)

    def test_end(self) -> None:
        """A worker that closes its end is read no more."""
        os.close(self.worker)
        self.pipe.doRead()
        self.assertEqual((self.reactor.readers, self.pipe.fileno()), (set(), -1))
