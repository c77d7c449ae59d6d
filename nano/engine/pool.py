# -*- test-case-name: tests.engine.test_pool -*-
"""
Spare isolates: with the runtime loaded and no app, so that a cold app costs its own code only.

Making an isolate blocks for some ten milliseconds and freeing one may block for much longer; both happen on threads
of their own, never on the reactor's.  Threads that make isolates compute, and so take time from requests: there are
no more of them than isolates somebody waits for, and one while only the shelf has to be filled.  That one waits for
`PAUSE` as long as there are spares left, so that the app that has just got one is evaluated first.

How many spares there are follows demand.  Each app that asks for one because requests wait counts as one, and half of
that is forgotten every `HALF_LIFE`: with steady cold starts the shelf holds what is asked for in some seconds, within
bounds, and some time after the last it is as it was at first.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from nano.engine.host import HostState, IsolateHost
from nano.engine.notices import Notices
from nano.errors import DrainingError, EngineError
from nano.interfaces import Ops, Reactor

__all__ = ["HALF_LIFE", "MOST_SPARES", "PAUSE", "IsolatePool"]

#: The heap a spare may use before an app sets its own limit, in bytes.
_SPARE_HEAP = 128 * 2**20
#: More spares than this are never kept, whatever the demand: each has some 1.5 MB.
MOST_SPARES = 16
#: How long the place of a spare stays empty while there are others, in seconds.
PAUSE = 0.03
#: The time in which half of the demand is forgotten, in seconds.
HALF_LIFE = 2.0


class IsolatePool:
    """
    Gives out isolate hosts and keeps spares of them ready.

    Args:
        reactor: where hosts run.
        ops: what their scripts may ask for.
        runtime: the source of the runtime's bundle.
        spares: how many isolates to keep ready at least; with 0 they are made on demand alone.
        at_once: how many may be made at a time.
    """

    _log = Logger()

    def __init__(self, reactor: Reactor, ops: Ops, runtime: str, spares: int, at_once: int = 2) -> None:
        self._reactor = reactor
        self._ops = ops
        self._notices = Notices(reactor)
        self._runtime = runtime
        self._least = spares
        self._at_once = at_once
        self._spares: list[IsolateHost] = []
        self._urgent: deque[Deferred[IsolateHost]] = deque()
        self._patient: deque[Deferred[IsolateHost]] = deque()
        self._demand = 0.0
        self._demand_at = reactor.seconds()
        self._refill: IDelayedCall | None = None
        self._shrinking: IDelayedCall | None = None
        self._making = 0
        self._stopped = False
        self._blocked: set[threading.Thread] = set()

    @property
    def spares(self) -> int:
        """How many isolates are ready now."""
        return len(self._spares)

    @property
    def blocked(self) -> int:
        """How many threads wait for an isolate to be freed now."""
        return len(self._blocked)

    @property
    def wanted(self) -> int:
        """How many isolates should be ready, by the demand there is."""
        return max(self._least, min(MOST_SPARES, math.ceil(self._demand_now() - 0.5))) if self._least else 0

    def _demand_now(self) -> float:
        age = self._reactor.seconds() - self._demand_at
        return self._demand * float(0.5 ** (age / HALF_LIFE))

    def fill(self) -> None:
        """Begin to make what is lacking."""
        waiting = len(self._urgent) + len(self._patient)
        lacking = waiting + self.wanted - len(self._spares) - self._making
        at_once = max(1, min(self._at_once, waiting))
        while not self._stopped and lacking > 0 and self._making < at_once:
            self._make()
            lacking -= 1

    def get(self, urgent: bool = True) -> Deferred[IsolateHost]:
        """
        A spare, at once if one is ready.

        Args:
            urgent: whether somebody waits for what it will do; in the queue, who is not urgent comes after all who are.

        Fires with an `IsolateHost` in the state SPARE; fails with `EngineError` if none can be made, and with
        `DrainingError` when the pool has stopped.  Cancelling gives up the place in the queue.
        """
        if self._stopped:
            return _failed(DrainingError("the isolate pool has stopped"))
        if urgent:
            self._demand, self._demand_at = self._demand_now() + 1, self._reactor.seconds()
        if self._spares:
            host = self._spares.pop()
            if not self._spares:
                self.fill()
            elif self._refill is None:
                self._refill = self._reactor.callLater(PAUSE, self._fill_again)
            return succeed(host)
        queue = self._urgent if urgent else self._patient
        waiting: Deferred[IsolateHost] = Deferred(queue.remove)
        queue.append(waiting)
        self.fill()
        return waiting

    def _fill_again(self) -> None:
        self._refill = None
        self.fill()

    def _make(self) -> None:
        self._making += 1
        host = IsolateHost(self._reactor, self._ops, self._on_thread, self._notices)

        def start() -> None:
            try:
                host.isolate.start(self._runtime, _SPARE_HEAP)
            except Exception:
                self._reactor.callFromThread(self._made, host, Failure())
            else:
                self._reactor.callFromThread(self._made, host, None)

        threading.Thread(target=start, name="nano-isolate-start", daemon=True).start()

    def _made(self, host: IsolateHost, failure: Failure | None) -> None:
        self._making -= 1
        if failure is not None:
            self._log.failure("an isolate could not be made", failure)
            host.condemn(EngineError(failure.getErrorMessage()))
            self._fail_waiting(EngineError(failure.getErrorMessage()))
            return
        if self._stopped:
            host.condemn(DrainingError("the isolate pool has stopped"))
            return
        if self._urgent:
            self._urgent.popleft().callback(host)
        elif self._patient:
            self._patient.popleft().callback(host)
        else:
            self._shelve(host)
        self.fill()

    def _fail_waiting(self, error: Exception) -> None:
        waiting = [*self._urgent, *self._patient]
        self._urgent.clear()
        self._patient.clear()
        for deferred in waiting:
            deferred.errback(error)

    def _shelve(self, host: IsolateHost) -> None:
        self._spares.append(host)
        if len(self._spares) > self._least and self._shrinking is None:
            self._shrinking = self._reactor.callLater(HALF_LIFE, self._shrink)

    def _shrink(self) -> None:
        """Give back a spare that nobody will ask for, and look again later while there may be more."""
        self._shrinking = None
        if len(self._spares) > self.wanted:
            self._spares.pop(0).condemn(DrainingError("there is no demand for it"))
        if len(self._spares) > self._least:
            self._shrinking = self._reactor.callLater(HALF_LIFE, self._shrink)

    def _on_thread(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            finally:
                self._blocked.discard(thread)

        # A daemon: native code that nothing can interrupt must not keep the process from ending.
        thread = threading.Thread(target=run, name="nano-isolate-wait", daemon=True)
        self._blocked.add(thread)
        thread.start()

    def stop(self, timeout: float) -> Deferred[None]:
        """
        Give back the spares, and wait at most *timeout* seconds for all isolates that are being freed.

        Fires with None; it does not fail.
        """
        self._stopped = True
        self._fail_waiting(DrainingError("the isolate pool has stopped"))
        for call in (self._refill, self._shrinking):
            if call is not None:
                call.cancel()
        self._refill = self._shrinking = None
        spares, self._spares = self._spares, []
        for host in spares:
            if host.state is HostState.SPARE:
                host.condemn(DrainingError("the isolate pool has stopped"))
        done: Deferred[None] = Deferred()
        self._poll_freed(done, self._reactor.seconds() + timeout)
        return done

    def _poll_freed(self, done: Deferred[None], deadline: float) -> None:
        if not (self._blocked or self._making) or self._reactor.seconds() >= deadline:
            done.callback(None)
        else:
            self._reactor.callLater(0.01, self._poll_freed, done, deadline)


def _failed(error: Exception) -> Deferred[IsolateHost]:
    deferred: Deferred[IsolateHost] = Deferred()
    deferred.errback(error)
    return deferred
