# -*- test-case-name: tests.engine.test_watchdog -*-
"""
Watches what isolates use, and condemns those that use too much.

Every `INTERVAL` it reads each busy isolate's CPU clock and the process's resident memory, which costs a few
microseconds.  An isolate counts as busy when it has been given something, or has said something, or has computed since
the last look, or has an event in flight; of the others, which may be a thousand, each look takes one in `_ROUND`.  It
decides by four rules:

- *CPU, one stretch*: an isolate that has computed longer than an event may, without having been at rest in between,
  is in a loop: of statements, of promise jobs, inside a regular expression.
- *CPU, many stretches*: the CPU time of an isolate is shared out evenly among its events in flight; an event whose
  share is more than it may have is over its limit.
- *Memory*: what the process grew by is charged to the isolates that computed meanwhile, in proportion to the CPU time
  of the whole process, and what it shrank by is credited likewise.  An isolate charged with more than its app may
  have is made to collect its garbage.  If it does not come to that, or is charged with twice as much anyway, it is
  condemned; if it is still charged with too much afterwards, it is retired: it finishes what it has and another takes
  its place, as a charge that grew over many events is only an estimate.  V8's own heap limit acts at once and without
  us; this rule is there for array buffers and WebAssembly memory, which that limit leaves out and which no figure of
  the engine's includes.
- *Wall clock*: an event without a response head after its `request_timeout` is answered with 504.  An isolate that
  has not come back from a batch for that long is condemned: it waits without computing, as WebAssembly can
  (`memory.atomic.wait32`), or computes with a CPU limit above the wall clock's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from nano.errors import CpuExceededError, HandlerTimeoutError, MemoryExceededError, NanoError

__all__ = ["INTERVAL", "Limits", "Watched", "Watchdog", "resident_memory"]

#: Seconds between two looks.
INTERVAL = 0.05
#: After so many looks each isolate has been looked at, busy or not.
_ROUND = 20
#: How much more than its limit an isolate may be charged with before it is condemned unasked, as a factor.
_BLATANT = 2.0
#: How long an isolate may take to collect its garbage, in seconds.
_PATIENCE = 0.25


class Limits(Protocol):
    """What an app may use: seconds and bytes."""

    @property
    def cpu(self) -> float:
        """CPU time for each event."""

    @property
    def request_timeout(self) -> float:
        """Wall clock until the response head."""

    @property
    def memory(self) -> int:
        """Heap and array buffers."""


class WatchedEvent(Protocol):
    """An event in flight, oldest first in `Watched.events_in_flight`."""

    started: float
    cpu: float

    @property
    def unanswered(self) -> bool:
        """Whether its response head is still to come."""

    def expire(self, timeout: float) -> None:
        """Answer it with 504."""


class Watched(Protocol):
    """An isolate at work, as the watchdog sees it."""

    def cpu_seconds(self) -> float:
        """CPU time its thread has used."""

    def cpu_since_rest(self) -> float:
        """CPU time its thread has used since it was last known to be at rest."""

    @property
    def activity(self) -> int:
        """Grows whenever it is given work, or has said something."""

    def blocked_since(self) -> float | None:
        """Since when it has not come back from a batch, on the clock's time; None when it has none."""

    def events_in_flight(self) -> Iterable[WatchedEvent]:
        """Its events, oldest first."""

    def reclaim(self, done: Callable[[], None]) -> None:
        """Have it collect its garbage, and call *done* on the reactor thread when it has."""

    def condemn(self, error: NanoError) -> None:
        """Take it out of service, and fail what it has in flight."""

    def retire(self) -> None:
        """Have it finish what it has in flight, and take it out of service then."""


def resident_memory() -> int:
    """Resident memory of this process in bytes."""
    return int(os.pread(_statm(os.getpid()), 256, 0).split()[1]) * 4096


@lru_cache(maxsize=1)
def _statm(pid: int) -> int:
    """The descriptor that tells; kept, as whoever runs out of descriptors is to be watched all the same."""
    return os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)


class _Account:
    """What the watchdog remembers of an isolate."""

    __slots__ = ("activity", "asked_at", "busy", "charged", "cpu", "spent")

    def __init__(self, cpu: float, spent: Callable[[float], None]) -> None:
        self.activity = -1
        self.busy = True
        self.cpu = cpu
        self.spent = spent
        self.charged = 0.0
        self.asked_at: float | None = None


class Watchdog:
    """
    The watch over all isolates of a process.

    Args:
        clock: tells the time and calls back.
        memory: tells the process's resident memory in bytes.
        cpu: tells the CPU time of the whole process in seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        memory: Callable[[], int] = resident_memory,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._clock = clock
        self._memory = memory
        self._cpu = cpu
        self._resident = 0
        self._process_cpu = 0.0
        self._looks = 0
        self._accounts: dict[Watched, tuple[Limits, _Account]] = {}
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def start(self) -> None:
        """Begin to look every `INTERVAL`."""
        self._resident = self._memory()
        self._process_cpu = self._cpu()
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()
        self._accounts.clear()

    def watch(self, isolate: Watched, limits: Limits, spent: Callable[[float], None] = lambda seconds: None) -> None:
        """
        Hold *isolate* to *limits* from now on.

        Args:
            spent: told, again and again, of the CPU time that the isolate has used since the last time, in seconds.
        """
        self._accounts[isolate] = (limits, _Account(isolate.cpu_seconds(), spent))

    def forget(self, isolate: Watched) -> None:
        """Watch *isolate* no more."""
        _, account = self._accounts.pop(isolate, (None, None))
        if account is not None:
            account.spent(max(0.0, isolate.cpu_seconds() - account.cpu))

    def memory_of(self, isolate: Watched) -> int:
        """How many bytes *isolate* is charged with now: an estimate, 0 for one that is not watched."""
        _, account = self._accounts.get(isolate, (None, None))
        return int(account.charged) if account is not None else 0

    def look(self) -> None:
        """Look at everything once."""
        resident, process_cpu = self._memory(), self._cpu()
        growth, self._resident = resident - self._resident, resident
        total, self._process_cpu = process_cpu - self._process_cpu, process_cpu
        self._looks += 1
        for place, (isolate, (limits, account)) in enumerate(list(self._accounts.items()), self._looks):
            if not account.busy and account.activity == isolate.activity and place % _ROUND:
                continue
            cpu = isolate.cpu_seconds()
            seconds, account.cpu = max(0.0, cpu - account.cpu), cpu
            if seconds:
                account.spent(seconds)
            if self._over_cpu(isolate, limits, seconds):
                continue
            if growth and seconds > 0 and total > 0:
                account.charged = max(0.0, account.charged + growth * min(1.0, seconds / total))
                self._check_memory(isolate, limits, account)
            self._expire(isolate, limits)
            self._check_blocked(isolate, limits)
            account.activity = isolate.activity
            account.busy = seconds > 0 or isolate.blocked_since() is not None or any(isolate.events_in_flight())

    def _over_cpu(self, isolate: Watched, limits: Limits, seconds: float) -> bool:
        stretch = isolate.cpu_since_rest()
        if seconds > 0 and stretch > limits.cpu:
            self._condemn(isolate, _too_much_cpu("computed for", stretch, limits))
            return True
        events = list(isolate.events_in_flight())
        if not events or seconds == 0:
            return False
        share = seconds / len(events)
        for event in events:
            event.cpu += share
            if event.cpu > limits.cpu:
                self._condemn(isolate, _too_much_cpu("an event used", event.cpu, limits))
                return True
        return False

    def _check_memory(self, isolate: Watched, limits: Limits, account: _Account) -> None:
        if account.charged <= limits.memory:
            account.asked_at = None
        elif account.charged > limits.memory * _BLATANT:
            self._condemn(isolate, _too_much_memory(int(account.charged), limits))
        elif account.asked_at is None:
            account.asked_at = self._clock.seconds()
            isolate.reclaim(lambda: self._reclaimed(isolate))
        elif self._clock.seconds() - account.asked_at > _PATIENCE:
            self._condemn(isolate, _too_much_memory(int(account.charged), limits))

    def _reclaimed(self, isolate: Watched) -> None:
        entry = self._accounts.get(isolate)
        if entry is None:
            return
        limits, account = entry
        account.asked_at = None
        resident = self._memory()
        account.charged = max(0.0, account.charged + min(0, resident - self._resident))
        self._resident = resident
        if account.charged > limits.memory:
            self.forget(isolate)
            isolate.retire()

    def _expire(self, isolate: Watched, limits: Limits) -> None:
        now = self._clock.seconds()
        for event in list(isolate.events_in_flight()):
            if now - event.started < limits.request_timeout:
                break
            if event.unanswered:
                event.expire(limits.request_timeout)

    def _check_blocked(self, isolate: Watched, limits: Limits) -> None:
        since = isolate.blocked_since()
        if since is not None and self._clock.seconds() - since > limits.request_timeout:
            self._condemn(isolate, HandlerTimeoutError(f"the isolate has stood still for {limits.request_timeout:g} s"))

    def _condemn(self, isolate: Watched, error: NanoError) -> None:
        self.forget(isolate)
        isolate.condemn(error)


def _too_much_cpu(what: str, seconds: float, limits: Limits) -> CpuExceededError:
    return CpuExceededError(f"{what} {seconds:.2f} s of CPU time; {limits.cpu:g} s are allowed")


def _too_much_memory(size: int, limits: Limits) -> MemoryExceededError:
    return MemoryExceededError(f"uses {size} bytes of heap and buffers; {limits.memory} are allowed")
