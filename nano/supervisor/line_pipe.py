# -*- test-case-name: tests.supervisor.test_line_pipe -*-
"""
A pipe through which a worker's lines come to the supervisor, which alone writes the log.

So it is one stream wherever it goes, a line of one process is never torn by those of another, and a worker that dies
leaves what it has written in the pipe.  A busy worker writes a line for each request; to be woken for each would cost
the supervisor more than all the rest of its work, so it looks again only some time after it has read.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["LinePipe"]

#: Seconds between two looks at a pipe that has had something.
_PAUSE = 0.02
#: How many bytes the pipe shall hold, so that no worker waits for the next look; the system may not grant it.
_SIZE = 2**20


@implementer(IReadDescriptor)
class LinePipe:
    """
    The supervisor's end of the pipe.

    Args:
        reactor: tells when there is something to read.
        take: is given whole lines, one or more at once, each with its line break.

    Attributes:
        writer: the descriptor for the worker, until `started`.
    """

    def __init__(self, reactor: Any, take: Callable[[bytes], object]) -> None:
        self._reactor = reactor
        self._take = take
        self._rest: list[bytes] = []
        self._pause: IDelayedCall | None = None
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            try:
                fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, _SIZE)
            except OSError:
                pass  # It is as large as the system grants.

    def started(self) -> None:
        """The worker has its end: begin to read."""
        os.close(self.writer)
        self._reactor.addReader(self)

    def fileno(self) -> int:
        """The descriptor that is read, -1 when it is closed (IFileDescriptor)."""
        return self._reader

    def logPrefix(self) -> str:
        """What it is called (ILoggingContext)."""
        return "worker-lines"

    def doRead(self) -> None:
        """There is something to read (IReadDescriptor)."""
        if self._read() == 0:
            self.connectionLost()
        else:
            self._reactor.removeReader(self)
            self._pause = self._reactor.callLater(_PAUSE, self._look_again)

    def _look_again(self) -> None:
        self._pause = None
        self._reactor.addReader(self)

    def _read(self) -> int:
        """Take what is there; tells how much it was, 0 at the end, -1 if more may come."""
        try:
            data = os.read(self._reader, _SIZE)
        except BlockingIOError:
            return -1
        self._received(data)
        return len(data)

    def _received(self, data: bytes) -> None:
        end = data.rfind(b"\n") + 1
        if end:
            lines, self._rest = b"".join((*self._rest, data[:end])), []
            try:
                self._take(lines)
            except OSError:
                pass  # A full disk: nobody is left to be told, and the worker must be able to write on.
        if data[end:]:
            self._rest.append(data[end:])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing more comes (IFileDescriptor)."""
        if self._reader >= 0:
            self._reactor.removeReader(self)
            os.close(self._reader)
            self._reader = -1

    def finish(self) -> None:
        """The worker is gone: take what it has left, a line that it did not finish included."""
        pause, self._pause = self._pause, None
        if pause is not None:
            pause.cancel()
        while self._reader >= 0 and self._read() > 0:
            pass
        self.connectionLost()
        if self._rest:
            self._received(b"\n")
