"""
Tests for `nano.engine.pool`: its bookkeeping with isolates that are no V8, its threads with V8.
"""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from nano.engine import host as host_module
from nano.engine import pool as pool_module
from nano.engine.host import HostState, IsolateHost
from nano.engine.pool import HALF_LIFE, MOST_SPARES, PAUSE, IsolatePool
from nano.engine.v8 import context_count
from nano.errors import DrainingError, EngineError
from tests.engine.v8_case import V8TestCase
from tests.fakes import FakeIsolate, FakeReactor


class Threads:
    """In place of `threading.Thread`: each runs when the test says so."""

    def __init__(self) -> None:
        self.begun: list[Any] = []

    def Thread(self, target: Any, name: str, daemon: bool) -> Any:
        assert daemon, "a thread that blocks for ever must not keep the process from ending"
        thread = mock.Mock()
        thread.start = lambda: self.begun.append(target)
        return thread

    def run(self) -> None:
        begun, self.begun = self.begun, []
        for target in begun:
            target()


class PoolTests(SynchronousTestCase):
    """
    Spares and those that wait for one.
    """

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.threads = Threads()
        self.isolates: list[FakeIsolate] = []
        self.broken: Exception | None = None
        self.patch(pool_module, "threading", self.threads)
        self.patch(host_module, "V8Isolate", self.make_isolate)

    def make_isolate(self, on_bell: Any, on_drained: Any) -> FakeIsolate:
        isolate = FakeIsolate(on_bell, on_drained)
        self.isolates.append(isolate)
        if self.broken is not None:
            isolate.start = mock.Mock(side_effect=self.broken)  # type: ignore[method-assign]
        return isolate

    def pool(self, spares: int) -> IsolatePool:
        return IsolatePool(self.reactor, mock.Mock(), "runtime", spares)

    def settle(self) -> None:
        while self.threads.begun:
            self.threads.run()
            self.reactor.turn()

    def test_fill(self) -> None:
        """As many spares as were wanted, however often it is asked; one after the other, as nobody waits."""
        pool = self.pool(3)
        self.assertEqual(len(self.isolates), 0)
        pool.fill()
        pool.fill()
        self.assertEqual((pool.spares, len(self.threads.begun)), (0, 1))
        self.settle()
        self.assertEqual((pool.spares, len(self.isolates)), (3, 3))

    def test_at_once(self) -> None:
        """While somebody waits several are made at a time, and no more than that."""
        pool = IsolatePool(self.reactor, mock.Mock(), "runtime", 2, at_once=3)
        waiting = [pool.get()]
        self.assertEqual(len(self.threads.begun), 1)
        waiting += [pool.get() for _ in range(9)]
        self.assertEqual(len(self.threads.begun), 3)
        self.settle()
        for deferred in waiting:
            self.successResultOf(deferred)

    def test_urgent_first(self) -> None:
        """Who is not urgent waits until all who are have theirs."""
        pool = IsolatePool(self.reactor, mock.Mock(), "runtime", 1, at_once=1)
        pool.fill()
        self.settle()
        self.successResultOf(pool.get(urgent=False))
        patient = pool.get(urgent=False)
        urgent = pool.get()
        self.threads.run()
        self.reactor.turn()
        self.assertEqual((patient.called, urgent.called), (False, True))
        self.settle()
        self.successResultOf(patient)

    def test_demand(self) -> None:
        """What is asked for more often is kept ready in a greater number, within bounds; later it is given back."""
        pool = self.pool(1)
        pool.fill()
        self.settle()
        for _ in range(3):
            self.successResultOf(pool.get())
            self.reactor.advance(PAUSE)
            self.settle()
        self.assertEqual((pool.wanted, pool.spares), (3, 3))
        for _ in range(100):
            pool.get()
            self.reactor.advance(PAUSE)
            self.settle()
        self.assertEqual((pool.wanted, pool.spares), (MOST_SPARES, MOST_SPARES))
        self.reactor.pump([HALF_LIFE] * 30)
        self.assertEqual((pool.wanted, pool.spares), (1, 1))
        self.settle()
        self.assertEqual(sum(isolate.freed for isolate in self.isolates), MOST_SPARES - 1)

    def test_start_is_no_demand(self) -> None:
        """Apps that start while nobody waits for them do not make the shelf larger."""
        pool = self.pool(2)
        for _ in range(20):
            pool.get(urgent=False)
        self.settle()
        self.assertEqual((pool.wanted, pool.spares), (2, 2))

    def test_get(self) -> None:
        """A spare at once, and another one is made in its place."""
        pool = self.pool(1)
        pool.fill()
        self.settle()
        host = self.successResultOf(pool.get())
        self.assertIs(host.state, HostState.SPARE)
        self.assertEqual((pool.spares, len(self.threads.begun)), (0, 1))
        self.settle()
        self.assertEqual(pool.spares, 1)

    def test_pause(self) -> None:
        """With spares left, another one is made a little later: who has got one computes now."""
        pool = self.pool(3)
        pool.fill()
        self.settle()
        for _ in range(2):
            self.successResultOf(pool.get(urgent=False))
        self.assertEqual(self.threads.begun, [])
        self.reactor.advance(PAUSE)
        self.settle()
        self.assertEqual(pool.spares, 3)
        self.successResultOf(pool.get(urgent=False))
        pool.stop(1.0)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)

    def test_wait(self) -> None:
        """Without a spare one waits in line; those who wait come before the shelf."""
        pool = self.pool(1)
        waiting = [pool.get() for _ in range(3)]
        self.settle()
        hosts = [self.successResultOf(deferred) for deferred in waiting]
        self.assertEqual([host.isolate for host in hosts], self.isolates[:3])
        self.assertEqual(pool.spares, pool.wanted)

    def test_no_spares_wanted(self) -> None:
        """A pool may make isolates on demand alone."""
        pool = self.pool(0)
        waiting = pool.get()
        self.settle()
        self.successResultOf(waiting)
        self.assertEqual((pool.spares, len(self.isolates)), (0, 1))

    def test_cancelled(self) -> None:
        """Who gives up the place in line gets nothing; the isolate becomes a spare."""
        pool = self.pool(0)
        waiting = pool.get()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.settle()
        self.assertEqual(pool.spares, 1)

    def test_failure(self) -> None:
        """When an isolate cannot be made, all who wait hear of it, it is logged, and the next one tries again."""
        self.broken = EngineError("no memory")
        pool = self.pool(0)
        waiting = [pool.get(), pool.get()]
        self.settle()
        for deferred in waiting:
            self.failureResultOf(deferred, EngineError)
        self.assertEqual(len(self.flushLoggedErrors(EngineError)), 2)
        self.assertTrue(all(isolate.freed for isolate in self.isolates))
        self.broken = None
        again = pool.get()
        self.settle()
        self.successResultOf(again)

    def test_stop(self) -> None:
        """Spares are freed, those who wait fail, and what is still being made is freed when it is there."""
        pool = self.pool(2)
        pool.fill()
        self.settle()
        late = [pool.get(), pool.get(), pool.get()]
        stopped = pool.stop(5.0)
        self.failureResultOf(late[2], DrainingError)
        self.failureResultOf(pool.get(), DrainingError)
        self.assertNoResult(stopped)
        self.settle()
        self.reactor.advance(0.1)
        self.successResultOf(stopped)
        given: list[Any] = [self.successResultOf(deferred).isolate for deferred in late[:2]]
        self.assertTrue(all(isolate.freed for isolate in self.isolates if isolate not in given))
        pool.fill()
        self.assertEqual(self.threads.begun, [])

    def test_stop_does_not_wait_for_ever(self) -> None:
        """An isolate that cannot be freed does not hold up the end."""
        pool = self.pool(1)
        pool.fill()
        self.settle()
        stopped = pool.stop(5.0)
        self.reactor.pump([0.1] * 49)
        self.assertNoResult(stopped)
        self.assertEqual(pool.blocked, 1)
        self.reactor.pump([0.1] * 3)
        self.successResultOf(stopped)

    def test_work_that_fails(self) -> None:
        """A thread whose work raised is not counted as blocked for ever."""
        pool = self.pool(1)
        pool.fill()
        self.settle()
        self.isolates[0].free = mock.Mock(side_effect=OSError("x"))  # type: ignore[method-assign]
        host = self.successResultOf(pool.get())
        host.condemn(EngineError("x"))
        for work in self.threads.begun:
            try:
                work()
            except OSError:
                pass
        self.assertEqual(pool.blocked, 0)


class V8PoolTests(V8TestCase):
    """
    Real isolates.
    """

    async def test_concurrently(self) -> None:
        """Twenty at once, each with an isolate of its own; all are gone in the end."""
        waiting: list[Deferred[IsolateHost]] = [self.pool.get() for _ in range(20)]
        hosts = [await deferred for deferred in waiting]
        self.assertEqual(len({host.isolate.thread_id for host in hosts}), 20)
        for host in hosts:
            host.condemn(EngineError("x"))
        await self.pool.stop(30.0)
        self.assertEqual((context_count(), self.pool.blocked), (self.contexts, 0))
        self.assertFalse([thread for thread in threading.enumerate() if thread.name.startswith("nano-isolate")])

    async def test_reactor_is_not_blocked(self) -> None:
        """Making isolates happens beside the reactor: `get` returns at once."""
        waiting = self.pool.get()
        self.assertNoResult(waiting)
        (await waiting).condemn(EngineError("x"))
