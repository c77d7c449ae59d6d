"""
Tests for `nano.apps.app`, with isolate hosts that the test plays.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.apps.app import App, AppState
from nano.apps.idle import IdleApps
from nano.config import AppConfig
from nano.errors import (
    AppLoadError,
    CpuExceededError,
    DrainingError,
    EngineError,
    MemoryExceededError,
    NanoError,
)
from nano.exchange import Exchange
from nano.interfaces import IEventHandler, IsolateProgram
from tests.engine.scripts import app_config
from tests.fakes import FakeIsolateHost, FakeSink, make_exchange

PROGRAM = IsolateProgram((), {}, (), 2**20)


class Hosts:
    """A `nano.apps.app.HostSource`; a host is there at once unless `ready` is False."""

    def __init__(self) -> None:
        self.ready = True
        self.asked: list[Deferred[FakeIsolateHost]] = []
        self.given: list[FakeIsolateHost] = []
        self.urgent: list[bool] = []
        self.watched: list[Any] = []
        self.forgotten: list[Any] = []

    def get(self, urgent: bool) -> Deferred[FakeIsolateHost]:
        self.urgent.append(urgent)
        deferred: Deferred[FakeIsolateHost] = Deferred()
        self.asked.append(deferred)
        if self.ready:
            self.give()
        return deferred

    def give(self) -> FakeIsolateHost:
        host = FakeIsolateHost()
        self.given.append(host)
        self.asked[-1].callback(host)
        return host

    def watch(self, host: Any, config: AppConfig) -> None:
        self.watched.append(host)

    def forget(self, host: Any) -> None:
        self.forgotten.append(host)


class AppTestCase(SynchronousTestCase):
    """An app whose code is read when the test says so."""

    def setUp(self) -> None:
        self.hosts = Hosts()
        self.reading: list[Deferred[IsolateProgram]] = []
        self.app = self.make_app()

    def make_app(self, **keys: Any) -> App:
        return App(app_config(**keys), self.hosts, self.read)

    def read(self, config: AppConfig) -> Deferred[IsolateProgram]:
        deferred: Deferred[IsolateProgram] = Deferred()
        self.reading.append(deferred)
        return deferred

    def handle(self) -> tuple[Exchange, FakeSink]:
        exchange, sink = make_exchange()
        self.app.handle(exchange)
        return exchange, sink

    def load(self, app: App | None = None) -> FakeIsolateHost:
        """Load the app, all of it."""
        self.app = app or self.app
        loaded = self.app.load()
        self.reading[-1].callback(PROGRAM)
        host = self.hosts.given[-1]
        host.loading.callback({"handlers": ["fetch"]})
        self.successResultOf(loaded)
        self.assertIs(self.app.state, AppState.READY)
        return host

    def answer(self, exchange: Exchange, body: bytes = b"ok") -> None:
        exchange.respond(200, b"", [], None, body)


class LoadTests(AppTestCase):
    """
    LOADING, READY, FAILED.
    """

    def test_provides(self) -> None:
        """Front ends can hand it exchanges."""
        self.assertTrue(verifyObject(IEventHandler, self.app))
        self.assertEqual((self.app.name, self.app.max_body), ("app", 100 * 2**20))

    def test_success(self) -> None:
        """Read, then evaluated, under the watch."""
        host = self.load()
        self.assertEqual((host.program, host.owner, host.timeout), (PROGRAM, self.app, 5.0))
        self.assertEqual(self.hosts.watched, [host])
        self.assertEqual(self.app.isolates, 1)

    def test_requests_wait(self) -> None:
        """What comes while it loads is answered when it is ready, in order."""
        loaded = self.app.load()
        waiting = [self.handle()[0] for _ in range(3)]
        self.reading[0].callback(PROGRAM)
        waiting.append(self.handle()[0])
        host = self.hosts.given[0]
        self.assertEqual(host.exchanges, [])
        host.loading.callback({})
        self.successResultOf(loaded)
        self.assertEqual(host.exchanges, waiting)
        self.assertEqual(self.app.in_flight, 4)

    def test_waiting_client_leaves(self) -> None:
        """A request whose client has left in the meantime is not dispatched."""
        self.app.load()
        gone, _ = self.handle()
        stays, _ = self.handle()
        gone.client_gone("x")
        self.reading[0].callback(PROGRAM)
        self.hosts.given[0].loading.callback({})
        self.assertEqual(self.hosts.given[0].exchanges, [stays])
        self.assertEqual(self.app.in_flight, 1)

    def fails(self, error: Exception, how: str) -> None:
        loaded = self.app.load()
        _, sink = self.handle()
        if how == "read":
            self.reading[0].errback(error)
        else:
            self.reading[0].callback(PROGRAM)
            if how == "isolate":
                self.hosts.asked[0].errback(error)
            else:
                assert isinstance(error, NanoError)
                self.hosts.given[0].condemn(error)
        self.successResultOf(loaded)
        self.assertIs(self.app.state, AppState.FAILED)
        self.assertEqual(sink.status, 503)
        _, later = self.handle()
        self.assertEqual((later.status, later.header(b"nano-error")), (503, b"load-failed"))
        self.assertEqual((self.app.in_flight, self.app.isolates), (0, 0))

    def test_failures(self) -> None:
        """Code that cannot be read, evaluated, or for which there is no isolate."""
        self.fails(AppLoadError("SyntaxError"), "read")
        self.assertEqual(str(self.app.error), "SyntaxError")
        self.setUp()
        self.fails(AppLoadError("no"), "evaluate")
        self.setUp()
        self.fails(CpuExceededError("no"), "evaluate")
        self.setUp()
        self.hosts.ready = False
        self.fails(EngineError("no isolate"), "isolate")

    def test_unexpected_failure(self) -> None:
        """An exception of ours fails the app, is logged, and is no mystery to the operator."""
        self.fails(ZeroDivisionError("ours"), "read")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIn("ours", str(self.app.error))


class ServeTests(AppTestCase):
    """
    READY.
    """

    def test_dispatch(self) -> None:
        """Requests go to the isolate at once and are counted until they are answered."""
        host = self.load()
        exchange, sink = self.handle()
        self.assertEqual((host.exchanges, self.app.in_flight), ([exchange], 1))
        self.answer(exchange)
        self.assertEqual((sink.body, self.app.in_flight), (b"ok", 0))

    def test_concurrency_limit(self) -> None:
        """More than the limit: 503 with Retry-After; below it again: served."""
        host = self.load(self.make_app(max_concurrent_requests=2))
        first, _ = self.handle()
        self.handle()
        _, refused = self.handle()
        self.assertEqual((refused.status, refused.header(b"nano-error")), (503, b"overloaded"))
        self.assertEqual(refused.header(b"retry-after"), b"1")
        self.answer(first)
        self.handle()
        self.assertEqual(len(host.exchanges), 3)

    def test_limit_while_loading(self) -> None:
        """The limit holds for those that wait, too."""
        self.app = self.make_app(max_concurrent_requests=1)
        self.app.load()
        self.handle()
        self.assertEqual(self.handle()[1].status, 503)

    def test_condemned(self) -> None:
        """When the isolate is condemned, what is in flight fails, and the next request starts another one."""
        host = self.load()
        _, cut = self.handle()
        host.condemn(MemoryExceededError("too much"))
        self.assertEqual(cut.header(b"nano-error"), b"exceeded-memory")
        self.assertEqual(self.hosts.forgotten, [host])
        self.assertEqual(str(self.app.error), "too much")
        self.assertEqual(len(self.hosts.given), 1)
        waiting = [self.handle()[0] for _ in range(3)]
        self.assertEqual(len(self.hosts.given), 2)
        self.hosts.given[1].loading.callback({})
        self.assertEqual(self.hosts.given[1].exchanges, waiting)
        self.assertEqual(self.app.isolates, 1)

    def test_condemned_while_restarting(self) -> None:
        """A second isolate that fails to load fails those that wait; the next request tries again."""
        self.load().condemn(CpuExceededError("x"))
        _, waiting = self.handle()
        self.hosts.given[1].condemn(CpuExceededError("again"))
        self.assertEqual(waiting.header(b"nano-error"), b"exceeded-cpu")
        self.assertIs(self.app.state, AppState.READY)
        exchange, _ = self.handle()
        self.hosts.given[2].loading.callback({})
        self.assertEqual(self.hosts.given[2].exchanges, [exchange])

    def test_no_isolate_to_be_had(self) -> None:
        """If no isolate can be made the requests fail; the next one tries again."""
        self.load().condemn(CpuExceededError("x"))
        self.hosts.ready = False
        _, sink = self.handle()
        self.hosts.asked[-1].errback(EngineError("no memory"))
        self.assertEqual(sink.header(b"nano-error"), b"engine-failure")
        self.hosts.ready = True
        self.handle()
        self.assertEqual(len(self.hosts.given), 2)

    def test_retired(self) -> None:
        """A retired isolate finishes what it has, while another takes what is new."""
        host = self.load()
        old, _ = self.handle()
        host.retire()
        new, _ = self.handle()
        self.hosts.given[1].loading.callback({})
        self.assertEqual((host.exchanges, self.hosts.given[1].exchanges), ([old], [new]))
        self.assertEqual(self.app.isolates, 2)
        self.answer(old)
        host.settle()
        self.assertEqual(self.app.isolates, 1)
        self.assertIsNone(self.app.error)

    def test_old_isolate_does_not_displace_the_new(self) -> None:
        """The end of a retired isolate leaves its successor in place."""
        host = self.load()
        self.handle()
        host.retire()
        self.handle()
        successor = self.hosts.given[1]
        successor.loading.callback({})
        host.condemn(CpuExceededError("late"))
        self.handle()
        self.assertEqual(len(successor.exchanges), 2)
        self.assertEqual(len(self.hosts.given), 2)


class EndTests(AppTestCase):
    """
    DRAINING and GONE.
    """

    def test_drain_at_rest(self) -> None:
        """With nothing in flight it is drained at once, and its isolate is given back."""
        host = self.load()
        self.assertIsNone(self.successResultOf(self.app.drain()))
        self.assertIsInstance(host.condemned, DrainingError)
        self.assertIsNone(self.app.error)

    def test_drain_waits(self) -> None:
        """What is in flight is finished, what is new is refused; every caller hears of the end."""
        host = self.load()
        exchange, _ = self.handle()
        drains = [self.app.drain(), self.app.drain()]
        _, refused = self.handle()
        self.assertEqual((refused.status, refused.header(b"nano-error")), (503, b"draining"))
        for drain in drains:
            self.assertNoResult(drain)
        self.answer(exchange)
        for drain in drains:
            self.assertNoResult(drain)
        host.settle()
        for drain in drains:
            self.successResultOf(drain)

    def test_drain_while_loading(self) -> None:
        """What waits for an app that still loads is answered first."""
        self.app.load()
        exchange, sink = self.handle()
        drained = self.app.drain()
        self.reading[0].callback(PROGRAM)
        host = self.hosts.given[0]
        host.loading.callback({})
        self.assertNoResult(drained)
        self.answer(exchange)
        host.settle()
        self.successResultOf(drained)
        self.assertEqual(sink.body, b"ok")

    def test_drain_while_loading_fails(self) -> None:
        """A load that fails ends the drain."""
        self.app.load()
        drained = self.app.drain()
        self.reading[0].errback(AppLoadError("x"))
        self.successResultOf(drained)

    def test_drain_of_a_failed_app(self) -> None:
        """A failed app has nothing to finish."""
        self.app.load()
        self.reading[0].errback(AppLoadError("x"))
        self.successResultOf(self.app.drain())

    def test_drain_ends_with_a_condemnation(self) -> None:
        """An isolate that is condemned has nothing left to finish."""
        host = self.load()
        self.handle()
        drained = self.app.drain()
        host.condemn(CpuExceededError("x"))
        self.successResultOf(drained)

    def test_drain_cancelled(self) -> None:
        """Who no longer waits is not told."""
        self.load()
        exchange, _ = self.handle()
        drained = self.app.drain()
        drained.cancel()
        self.failureResultOf(drained)
        self.answer(exchange)

    def test_close(self) -> None:
        """What is left is cut, and nothing comes after."""
        host = self.load()
        _, sink = self.handle()
        drained = self.app.drain()
        self.app.close()
        self.app.close()
        self.successResultOf(drained)
        self.assertEqual(sink.header(b"nano-error"), b"draining")
        self.assertIsInstance(host.condemned, DrainingError)
        self.assertEqual(self.handle()[1].status, 503)

    def test_close_cuts_what_outlived_its_isolate(self) -> None:
        """A response that passes through without an isolate ends with the app."""
        host = self.load()
        exchange, sink = self.handle()
        host.exchanges.clear()
        host.condemn(EngineError("gone"))
        exchange.respond(200, b"", [], None)
        self.assertEqual(self.app.in_flight, 1)
        self.app.close()
        self.assertEqual((sink.was_cut, self.app.in_flight), (True, 0))

    def test_closed_while_loading(self) -> None:
        """Whenever it is closed on its way up, no isolate is left behind."""
        for stage in ("reading", "waiting for an isolate", "evaluating"):
            self.setUp()
            self.hosts.ready = stage == "evaluating"
            loaded = self.app.load()
            _, sink = self.handle()
            if stage != "reading":
                self.reading[0].callback(PROGRAM)
            self.app.close()
            self.assertEqual(sink.status, 503, stage)
            if stage == "reading":
                self.reading[0].callback(PROGRAM)
            if stage != "evaluating":
                self.hosts.give()
            self.successResultOf(loaded)
            self.assertIsNotNone(self.hosts.given[0].condemned, stage)
            self.assertIs(self.app.state, AppState.GONE)
            self.assertEqual(self.app.isolates, 0)
            self.assertEqual(self.hosts.watched, self.hosts.forgotten)

    def test_closed_while_restarting(self) -> None:
        """Nor when it is closed while another isolate is on its way."""
        self.load().condemn(CpuExceededError("x"))
        self.hosts.ready = False
        _, sink = self.handle()
        self.app.close()
        host = self.hosts.give()
        self.assertIsNotNone(host.condemned)
        self.assertEqual((sink.status, self.app.in_flight), (503, 0))


class ColdTests(AppTestCase):
    """
    READY without an isolate.
    """

    def read_only(self) -> None:
        """Have the app read, and not evaluated."""
        loaded = self.app.load(warm=False)
        self.reading[-1].callback(PROGRAM)
        self.successResultOf(loaded)
        self.assertIs(self.app.state, AppState.READY)
        self.assertEqual((self.hosts.given, self.app.isolates), ([], 0))

    def test_first_request(self) -> None:
        """The first request has it evaluated, and says that it is waiting."""
        self.read_only()
        exchange, _ = self.handle()
        self.assertEqual(self.hosts.urgent, [True])
        self.hosts.given[0].loading.callback({})
        self.assertEqual(self.hosts.given[0].exchanges, [exchange])

    def test_nobody_waits(self) -> None:
        """An app that is evaluated before anybody asks for it is not urgent."""
        self.load()
        self.assertEqual(self.hosts.urgent, [False])

    def test_request_while_it_is_read(self) -> None:
        """Asked for meanwhile, it is evaluated after all."""
        self.app.load(warm=False)
        exchange, _ = self.handle()
        self.reading[0].callback(PROGRAM)
        self.hosts.given[0].loading.callback({})
        self.assertEqual(self.hosts.given[0].exchanges, [exchange])

    def test_request_before_its_turn(self) -> None:
        """An app that has not even been read is loaded for its first request; its turn comes to nothing then."""
        exchange, _ = self.handle()
        loaded = self.app.load(warm=False)
        self.assertNoResult(loaded)
        self.reading[0].callback(PROGRAM)
        self.hosts.given[0].loading.callback({})
        self.successResultOf(loaded)
        self.assertEqual(self.hosts.given[0].exchanges, [exchange])
        self.assertEqual((len(self.reading), len(self.hosts.given)), (1, 1))

    def test_read_first(self) -> None:
        """What has been read is not read again when it is loaded."""
        read = self.app.read()
        self.reading[0].callback(IsolateProgram((), {}, (), 2**20, "7"))
        self.successResultOf(read)
        self.assertEqual((self.app.version, self.app.state), ("7", AppState.LOADING))
        self.app.load()
        self.hosts.given[0].loading.callback({})
        self.assertIs(self.app.state, AppState.READY)
        self.assertEqual(len(self.reading), 1)

    def test_fails_in_its_first_isolate(self) -> None:
        """What its global scope throws fails it for good, as if it had been evaluated at the start."""
        self.read_only()
        _, first = self.handle()
        self.hosts.given[0].condemn(AppLoadError("ReferenceError"))
        _, second = self.handle()
        for sink in (first, second):
            self.assertEqual((sink.status, sink.header(b"nano-error")), (503, b"load-failed"))
        self.assertIs(self.app.state, AppState.FAILED)
        self.assertEqual(len(self.hosts.given), 1)

    def test_no_isolate_for_the_first_request(self) -> None:
        """That there was no isolate is no fault of the app: the next request tries again."""
        self.read_only()
        self.hosts.ready = False
        self.handle()
        self.hosts.asked[-1].errback(EngineError("no memory"))
        self.assertIs(self.app.state, AppState.READY)


class EvictionTests(AppTestCase):
    """
    An app that rests gives its isolate back when it is told to.
    """

    def make_app(self, **keys: Any) -> App:
        self.idle = IdleApps(Clock(), 10)
        return App(app_config(**keys), self.hosts, self.read, residence=self.idle)

    def test_evicted(self) -> None:
        """It is READY as before, and the next request has another isolate."""
        host = self.load()
        self.assertEqual((len(self.idle), self.idle.isolates), (1, 1))
        self.assertTrue(self.app.evict())
        self.assertIsInstance(host.condemned, DrainingError)
        self.assertEqual((self.app.state, self.app.error), (AppState.READY, None))
        self.assertEqual((len(self.idle), self.idle.isolates), (0, 0))
        self.assertFalse(self.app.evict())
        exchange, _ = self.handle()
        self.hosts.given[1].loading.callback({})
        self.assertEqual(self.hosts.given[1].exchanges, [exchange])

    def test_not_while_it_works(self) -> None:
        """With a request in flight it does not rest; afterwards it does."""
        host = self.load()
        exchange, _ = self.handle()
        other, _ = self.handle()
        self.assertEqual(len(self.idle), 0)
        self.answer(exchange)
        self.assertEqual(len(self.idle), 0)
        self.assertFalse(self.app.evict())
        self.answer(other)
        self.assertEqual(len(self.idle), 1)
        self.assertIsNone(host.condemned)

    def test_not_with_something_under_way(self) -> None:
        """What the isolate still does for itself keeps it."""
        host = self.load()
        host.at_rest = False
        self.assertFalse(self.app.evict())
        self.assertIsNone(host.condemned)

    def test_tidy(self) -> None:
        """Its isolate is told to collect its garbage; without one there is none."""
        host = self.load()
        self.app.tidy()
        self.assertEqual(len(host.reclaims), 1)
        self.app.evict()
        self.app.tidy()

    def test_condemned(self) -> None:
        """An app that has lost its isolate does not rest, and has no isolate to give."""
        self.load().condemn(CpuExceededError("x"))
        self.assertEqual((len(self.idle), self.idle.isolates), (0, 0))

    def test_client_leaves_while_it_starts(self) -> None:
        """An isolate that nobody waits for any more when it is there rests from then on."""
        self.load().condemn(CpuExceededError("x"))
        exchange, _ = self.handle()
        exchange.client_gone("x")
        self.hosts.given[1].loading.callback({})
        self.assertEqual((len(self.idle), self.idle.isolates), (1, 1))


class QuarantineTests(AppTestCase):
    """
    QUARANTINED.
    """

    def test_quarantine(self) -> None:
        """None of its code runs, and clients are told for how long."""
        host = self.load()
        _, in_flight = self.handle()
        self.app.quarantine(lambda: 9.2)
        self.assertIsNotNone(host.condemned)
        self.assertEqual(in_flight.header(b"nano-error"), b"quarantined")
        _, refused = self.handle()
        self.assertEqual((refused.status, refused.header(b"retry-after")), (503, b"10"))
        self.assertEqual((len(self.hosts.given), self.app.isolates), (1, 0))

    def test_release(self) -> None:
        """Afterwards it serves again, with another isolate."""
        self.load()
        self.app.quarantine(lambda: 10)
        self.app.release()
        self.app.release()
        self.assertIs(self.app.state, AppState.READY)
        self.handle()
        self.assertEqual(len(self.hosts.given), 2)

    def test_before_it_is_loaded(self) -> None:
        """One that starts in quarantine is read when that ends."""
        self.app.quarantine(lambda: 10)
        self.successResultOf(self.app.load())
        self.assertEqual(self.reading, [])
        self.app.release()
        self.assertIs(self.app.state, AppState.LOADING)
        self.reading[0].callback(PROGRAM)
        self.hosts.given[0].loading.callback({})
        self.assertIs(self.app.state, AppState.READY)

    def test_while_loading(self) -> None:
        """One that is being loaded ends in quarantine, not in failure."""
        self.app.load()
        self.reading[0].callback(PROGRAM)
        self.app.quarantine(lambda: 10)
        self.assertIs(self.app.state, AppState.QUARANTINED)
        self.assertEqual(self.app.isolates, 0)
        self.app.release()
        self.assertIs(self.app.state, AppState.READY)

    def test_not_when_leaving(self) -> None:
        """A draining app finishes what it has."""
        self.load()
        exchange, _ = self.handle()
        self.app.drain()
        self.app.quarantine(lambda: 10)
        self.assertIs(self.app.state, AppState.DRAINING)
        self.answer(exchange)
        self.assertEqual(exchange.outcome, "ok")
