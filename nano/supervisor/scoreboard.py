# -*- test-case-name: tests.supervisor.test_scoreboard -*-
"""
What a worker leaves behind when V8 aborts it: a small shared memory that tells which apps were computing.

The worker writes, the supervisor reads when the worker is dead.  There is one slot for each isolate with an app: five
words of eight bytes, each written whole, so that no reader sees half of one:

    0  the app's name, hashed; 0 for a free slot
    1  how many requests the isolate was given
    2  when it was last given work          ┐
    3  when that work had been read         ├ monotonic clock, seconds
    4  when it was last seen to compute     ┘

An isolate's work is not over when it has been read, as promise jobs follow of which nobody hears; hence the last word.
Each `INTERVAL` the worker compares the CPU clocks of isolates that were given work lately, and writes when it did so
into the first word of the map, its *beat*: the sign that its reactor still turns.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

__all__ = ["INTERVAL", "LINGER", "SIZE", "STARVED", "Board", "Scoreboard", "Slot", "make_memory"]

#: Seconds between two looks of a worker at its busy isolates.
INTERVAL = 0.05

#: How long a thread that has work may get none of the CPU on a busy machine, in seconds.
STARVED = 4 * INTERVAL

#: How long an isolate that was taken out of service is a suspect after its end, in seconds: what makes an isolate be
#: condemned is what makes V8 abort, and that may come while the isolate is freed.
LINGER = 1.0

_WORD = 8
_HEAD, _WORDS = 8, 5
_SLOTS = 4096
_APP, _REQUESTS, _STARTED, _READ, _BUSY = range(_WORDS)
#: Bytes of the memory; pages that nobody writes to cost nothing.
SIZE = (_HEAD + _SLOTS * _WORDS) * _WORD


def make_memory() -> int:
    """A file descriptor of `SIZE` bytes that two processes can map."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("nano-scoreboard")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, SIZE)
    return descriptor


def _key(app: str) -> int:
    return int.from_bytes(blake2b(app.encode(), digest_size=8).digest(), "little") or 1


class Slot:
    """
    What one isolate does (nano.interfaces.Activity).

    Args:
        board: the slot's memory.
        at: its first word.
        cpu: the CPU time of the isolate's thread in seconds, 0.0 once that is gone.
    """

    def __init__(self, board: Scoreboard, at: int, cpu: Callable[[], float]) -> None:
        self._board = board
        self._times = board.times
        self._numbers = board.numbers
        self._at = at
        self._cpu = cpu
        self._seen = 0.0
        self._closing = False
        self._gone_at: float | None = None

    def requested(self) -> None:
        """The isolate was given a request."""
        self._numbers[self._at + _REQUESTS] += 1

    def started(self) -> None:
        """The isolate was given work."""
        self._times[self._at + _STARTED] = time.monotonic()
        self._board.busy.add(self)

    def read(self) -> None:
        """The isolate has read the work it was given; promise jobs may follow."""
        self._times[self._at + _READ] = time.monotonic()

    def close(self) -> None:
        """The isolate is out of service; its slot is free some time after its thread is gone."""
        self._closing = True
        self._board.busy.add(self)

    def look(self, now: float) -> bool:
        """Whether the slot has to be looked at again; called each `INTERVAL`."""
        cpu = self._cpu()
        if self._closing and cpu == 0.0:
            return self._linger(now)
        if self._closing or cpu > self._seen:
            # One that is out of service is a suspect as long as it is there: V8 may be about to abort because of it.
            self._seen = cpu
            self._times[self._at + _BUSY] = now
            return True
        _, started, read, busy = self._times[self._at + _REQUESTS : self._at + _WORDS]
        return bool(started > read or now - max(started, busy) <= STARVED)

    def _linger(self, now: float) -> bool:
        if self._gone_at is None:
            self._gone_at = now
        if now - self._gone_at > LINGER:
            self._board.free(self._at)
            return False
        self._times[self._at + _BUSY] = now
        return True


class _NoSlot:
    """For isolates that find no free slot: more than there can be in a worker's address space."""

    def requested(self) -> None: ...

    def started(self) -> None: ...

    def read(self) -> None: ...

    def close(self) -> None: ...


class _Map:
    """The memory as numbers and as times."""

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, SIZE)
        self._view = memoryview(self._map)
        self.times: Any = self._view.cast("d")
        self.numbers: Any = self._view.cast("Q")

    def close(self) -> None:
        """Give the memory back."""
        for view in (self.times, self.numbers, self._view):
            view.release()
        self._map.close()


class Scoreboard(_Map):
    """
    A worker's scoreboard, which it writes (nano.interfaces.Activities).

    Args:
        descriptor: of the memory; may be closed afterwards.
        clock: calls back each `INTERVAL`.

    Attributes:
        busy: the slots to look at.
    """

    def __init__(self, descriptor: int, clock: IReactorTime) -> None:
        super().__init__(descriptor)
        self.busy: set[Slot] = set()
        self._free = list(range(_HEAD + (_SLOTS - 1) * _WORDS, _HEAD - 1, -_WORDS))
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def start(self) -> None:
        """Begin to look each `INTERVAL`."""
        self._loop.start(INTERVAL)

    def open(self, app: str, cpu: Callable[[], float]) -> Slot | _NoSlot:
        """
        A slot for an isolate of *app*.

        Args:
            cpu: the CPU time of the isolate's thread in seconds, 0.0 once that is gone.
        """
        if not self._free:
            return _NoSlot()
        at = self._free.pop()
        self.numbers[at] = _key(app)
        return Slot(self, at, cpu)

    def free(self, at: int) -> None:
        """The slot at this word is free again."""
        for word in range(at, at + _WORDS):
            self.numbers[word] = 0
        self._free.append(at)

    def look(self) -> None:
        """Look at all isolates that were given work lately, once."""
        now = time.monotonic()
        self.busy = {slot for slot in self.busy if slot.look(now)}
        self.times[0] = now


class Board(_Map):
    """
    A worker's scoreboard as the supervisor reads it.

    Args:
        descriptor: of the memory; may be closed afterwards.
    """

    @property
    def beat(self) -> float:
        """When the worker's reactor last looked at its isolates, by the monotonic clock; 0.0 before it ever did."""
        return float(self.times[0])

    def requests(self, apps: Iterable[str]) -> dict[str, int]:
        """How many requests the isolates that are there were given, for each of *apps*."""
        counts = dict.fromkeys(apps, 0)
        names = {_key(app): app for app in counts}
        for at in self._slots():
            app = names.get(self.numbers[at])
            if app is not None:
                counts[app] += self.numbers[at + _REQUESTS]
        return counts

    def computing(self, apps: Iterable[str]) -> dict[str, float]:
        """
        Which of *apps* were computing when the worker last wrote, and for how long they had been, in seconds.
        """
        names = {_key(app): app for app in apps}
        slots = list(self._slots())
        last = max([self.beat, *(max(self.times[at + _STARTED : at + _WORDS]) for at in slots)], default=0.0)
        found: dict[str, float] = {}
        for at in slots:
            app = names.get(self.numbers[at])
            started, read, busy = self.times[at + _STARTED : at + _WORDS]
            if app is not None and (started > read or busy >= self.beat - STARVED > 0 or started >= self.beat > 0):
                found[app] = max(found.get(app, 0.0), last - started)
        return found

    def _slots(self) -> Iterable[int]:
        return (at for at in range(_HEAD, _HEAD + _SLOTS * _WORDS, _WORDS) if self.numbers[at])
