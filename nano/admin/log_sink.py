# -*- test-case-name: tests.admin.test_log_sink -*-
"""
Where log lines go: a file descriptor, which may be a pipe that nobody reads.

A line is written at once where that cannot block: to a file, or to a pipe with room for it.  So the last line before a
crash is out, and no thread is woken for it.  Whatever could block is left to a thread, which starts when first needed;
from then on lines queue up behind one another, to keep their order, until the queue is empty again.  A queue that has
reached its limit takes no more lines: they are counted, and one line tells of them once there is room.  The caller,
which is the reactor thread most of the time, never waits for a reader.

A worker writes to a pipe of its own, which the supervisor reads.  When that is gone the rest goes to the worker's
standard output, where lines of up to `PIPE_BUF` bytes (4096 on Linux) stay whole beside those of other processes.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["QUEUE_LIMIT", "LogSink"]

#: How many bytes may wait for a reader; a single line may be longer.
QUEUE_LIMIT = 16 * 2**20


class LogSink:
    """
    Takes the lines of one process for one file descriptor.  All methods may be called on any thread.

    Args:
        descriptor: where to write; it is neither changed nor closed.
        lost_line: makes the line which tells that so many lines were lost.
        limit: how many bytes may wait.
        fallback: where to write when *descriptor* is a pipe whose reader is gone.
    """

    def __init__(
        self,
        descriptor: int,
        lost_line: Callable[[int], bytes],
        limit: int = QUEUE_LIMIT,
        fallback: int | None = None,
    ) -> None:
        self._lost_line = lost_line
        self._fallback = fallback
        self._limit = limit
        self._lost = 0
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._use(descriptor)

    def _use(self, descriptor: int) -> None:
        self._descriptor = descriptor
        mode = os.fstat(descriptor).st_mode
        # Devices that are no terminal, such as /dev/null, take what they are given as files do.
        self._is_file = stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not os.isatty(descriptor))
        self._poll: select.poll | None = None
        if (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLOUT)

    def _falls_back(self) -> bool:
        """Go on with the fallback, if there is one."""
        fallback, self._fallback = self._fallback, None
        if fallback is not None:
            self._use(fallback)
        return fallback is not None

    def write(self, line: bytes) -> None:
        """Write *line*, or several lines, now or when that is possible."""
        with self._changed:
            if self._queue or not self._takes(len(line)):
                self._enqueue(line)
                return
            lost, self._lost = self._lost, 0
            if lost and not self._write_now(self._lost_line(lost)):
                self._lost += lost
            if not self._write_now(line):
                self._lost += line.count(b"\n")

    def _takes(self, size: int) -> bool:
        """Whether a write of so many bytes returns at once."""
        if self._is_file:
            return True
        # A pipe that polls as writable takes that much without blocking.
        return self._poll is not None and size <= select.PIPE_BUF and bool(self._poll.poll(0))

    def _write_now(self, line: bytes) -> bool:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BlockingIOError:
            self._enqueue(bytes(rest))
        except BrokenPipeError:
            return self._falls_back() and self._write_now(line)
        except OSError:
            # A reader that is gone for good, a full disk: nobody is left to be told, and the server has to go on.
            return False
        return True

    def _enqueue(self, line: bytes) -> None:
        if self._queue and self._waiting + len(line) > self._limit:
            self._lost += line.count(b"\n")
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self._append(self._lost_line(lost))
        self._append(line)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="nano-log", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _append(self, line: bytes) -> None:
        self._queue.append(line)
        self._waiting += len(line)

    # On the thread.

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                line = self._queue[0]
            taken = self._write_all(memoryview(line))
            with self._changed:
                self._queue.popleft()
                self._waiting -= len(line)
                self._lost += 0 if taken else line.count(b"\n")
                self._changed.notify_all()

    def _write_all(self, rest: memoryview) -> bool:
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                if error.errno == errno.EPIPE and self._falls_back():
                    continue
                if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):
                    return False
                select.select([], [self._descriptor], [])
        return True

    # The end.

    def flush(self, timeout: float) -> bool:
        """Wait at most *timeout* seconds until nothing is queued; tells whether that came about."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue, timeout)
