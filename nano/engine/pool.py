# -*- test-case-name: tests.engine.test_pool -*-
"""
Spare isolates: with the runtime loaded and no app, so that a cold app costs its own code only.

Making an isolate blocks for some ten milliseconds and freeing one may block for much longer; both happen on threads
of their own, never on the reactor's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from nano.engine.host import HostState, IsolateHost
from nano.errors import DrainingError, EngineError
from nano.interfaces import Ops, Reactor

__all__ = ["IsolatePool"]

#: The heap a spare may use before an app sets its own limit, in bytes.
_SPARE_HEAP = 128 * 2**20


class IsolatePool:
    """
    Gives out isolate hosts and keeps *spares* of them ready.

    Args:
        reactor: where hosts run.
        ops: what their scripts may ask for.
        runtime: the source of the runtime's bundle.
        spares: how many isolates to keep ready.
    """

    _log = Logger()

    def __init__(self, reactor: Reactor, ops: Ops, runtime: str, spares: int) -> None:
        self._reactor = reactor
        self._ops = ops
        self._runtime = runtime
        self._wanted = spares
        self._spares: list[IsolateHost] = []
        self._waiting: list[Deferred[IsolateHost]] = []
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

    def fill(self) -> None:
        """Begin to make what is lacking."""
        while not self._stopped and len(self._spares) + self._making < self._wanted + len(self._waiting):
            self._make()

    def get(self) -> Deferred[IsolateHost]:
        """
        A spare, at once if one is ready.

        Fires with an `IsolateHost` in the state SPARE; fails with `EngineError` if none can be made, and with
        `DrainingError` when the pool has stopped.  Cancelling gives up the place in the queue.
        """
        if self._stopped:
            return _failed(DrainingError("the isolate pool has stopped"))
        if self._spares:
            host = self._spares.pop()
            self.fill()
            return succeed(host)
        waiting: Deferred[IsolateHost] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        self.fill()
        return waiting

    def _make(self) -> None:
        self._making += 1
        host = IsolateHost(self._reactor, self._ops, self._on_thread)

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
            waiting, self._waiting = self._waiting, []
            for deferred in waiting:
                deferred.errback(EngineError(failure.getErrorMessage()))
        elif self._stopped:
            host.condemn(DrainingError("the isolate pool has stopped"))
        elif self._waiting:
            self._waiting.pop(0).callback(host)
        else:
            self._spares.append(host)

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
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.errback(DrainingError("the isolate pool has stopped"))
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
