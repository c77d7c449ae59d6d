"""
Counting, and snapshots.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.admin.metrics import FAMILIES, LAG_INTERVAL, Metrics, Readings, Series
from nano.admin.recent import figures
from nano.errors import ClientGoneError, HandlerError
from nano.exchange import Exchange
from tests.fakes import make_exchange


def done(app: str = "shop", method: str = "GET", status: int = 200, body: bytes = b"four") -> Exchange:
    """An exchange that is over."""
    exchange, _ = make_exchange(method=method, body=b"123")
    exchange.app = app
    exchange.respond(status, b"", [], None, body)
    return exchange


class Fixture(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.readings = Readings({"shop": 0, "blog": 0})
        self.metrics = Metrics(self.clock, lambda: self.readings, "7", lambda: 1700000000.0)

    def values(self, family: str) -> dict[tuple[str, ...], Any]:
        """Of one family, by labels."""
        snapshot = json.loads(json.dumps(self.metrics.snapshot()))
        return {tuple(labels): value for labels, value in snapshot[family]}


class SeriesTests(SynchronousTestCase):
    def test_bounds(self) -> None:
        """A bound belongs to its bucket, as Prometheus has it; what is above all has a bucket of its own."""
        series = Series((1.0, 2.0))
        for value in (0.5, 1.0, 1.5, 2.0, 3.0):
            series.observe(value)
        self.assertEqual(series.dump(), [[2, 2, 1], 8.0])


class RequestTests(Fixture):
    def test_finished(self) -> None:
        """Duration, outcome and bytes are counted under the app's name."""
        self.metrics.finished(done(), 0.02)
        self.metrics.finished(done(), 0.03)
        self.metrics.finished(done(method="POST", status=404), 0.01)
        durations = self.values("http_server_request_duration_seconds")
        self.assertEqual(set(durations), {("shop", "GET", "200"), ("shop", "POST", "404")})
        self.assertEqual((sum(durations["shop", "GET", "200"][0]), durations["shop", "GET", "200"][1]), (2, 0.05))
        self.assertEqual(self.values("nano_outcomes_total")["shop", "ok"], 3)
        self.assertEqual(self.values("http_server_request_body_bytes_total")["shop",], 9)
        self.assertEqual(self.values("http_server_response_body_bytes_total")["shop",], 12)

    def test_errors(self) -> None:
        """An error is counted with the word that the client sees."""
        exchange, _ = make_exchange()
        exchange.app = "shop"
        exchange.fail(HandlerError("boom"))
        self.metrics.finished(exchange, 0.01)
        gone, _ = make_exchange()
        gone.app = "shop"
        gone.client_gone("reset")
        self.metrics.finished(gone, 0.01)
        self.assertEqual(self.values("nano_outcomes_total"), {("shop", "exception"): 1, ("shop", "client-gone"): 1})
        self.assertEqual(
            set(self.values("http_server_request_duration_seconds")),
            {("shop", "GET", "500"), ("shop", "GET", str(ClientGoneError.status))},
        )

    def test_cardinality(self) -> None:
        """What clients and apps make up does not become a label."""
        for number in range(300):
            self.metrics.finished(done(method=f"M{number}"), 0.01)
        for status in range(200, 600):
            self.metrics.finished(done(status=status, body=b""), 0.01)
        labels = set(self.values("http_server_request_duration_seconds"))
        self.assertEqual({method for _, method, _ in labels}, {"other", "GET"})
        statuses = {status for _, _, status in labels}
        self.assertLess(len(statuses), 70)
        self.assertLessEqual({"200", "299", "2xx"} & statuses, {"200", "2xx"})
        self.assertEqual(len(self.metrics.app("shop").requests), len(labels))

    def test_no_app(self) -> None:
        """Requests that no app took have an empty name."""
        self.metrics.finished(done(app=""), 0.01)
        self.assertEqual(set(self.values("http_server_request_duration_seconds")), {("", "GET", "200")})

    def test_app_is_gone(self) -> None:
        """The counters of an app go with it."""
        self.metrics.finished(done(), 0.01)
        self.readings = Readings({"blog": 0})
        self.assertEqual(self.values("nano_outcomes_total"), {})
        self.metrics.finished(done(), 0.01)
        self.readings = Readings({"shop": 0})
        self.assertEqual(self.values("nano_outcomes_total"), {("shop", "ok"): 1})


class AppTests(Fixture):
    def test_cold_start(self) -> None:
        """From the beginning of a start to its end."""
        started = self.metrics.meter("shop").starting()
        self.clock.advance(0.02)
        started()
        self.metrics.meter("blog").starting()
        self.assertEqual(self.values("nano_cold_start_seconds")[()], [[0, 0, 0, 0, 1] + [0] * 8, 0.02])

    def test_cpu(self) -> None:
        """CPU time adds up."""
        self.metrics.meter("shop").spent(0.5)
        self.metrics.meter("shop").spent(0.25)
        self.assertEqual(self.values("nano_cpu_seconds_total")["shop",], 0.75)
        self.assertEqual(self.metrics.app("shop").cpu, 0.75)

    def test_fetches(self) -> None:
        """Fetches are told apart by status; one without an answer is an error."""
        for status in ("200", "200", "299", "TypeError"):
            self.metrics.meter("shop").fetched(status, 0.01)
        fetches = self.values("http_client_request_duration_seconds")
        self.assertEqual(
            {labels: sum(counts) for labels, (counts, _) in fetches.items()},
            {("shop", "200"): 2, ("shop", "2xx"): 1, ("shop", "error"): 1},
        )


class UsageTests(Fixture):
    """What the admin API tells of one app."""

    def test_totals(self) -> None:
        """Requests and errors so far: what was answered with 500 or above, and not what a client did wrong."""
        for status in (200, 404, 499, 500, 503, 599):
            self.metrics.finished(done(status=status), 0.02)
        self.metrics.finished(done("blog"), 0.02)
        usage = self.metrics.usage("shop")
        self.assertEqual((usage["requests"], usage["errors"]), (6, 3))

    def test_recent(self) -> None:
        """The last ten seconds, a second at a time; CPU time counts there and in total."""
        self.metrics.start()
        self.addCleanup(self.metrics.stop)
        self.metrics.meter("shop").spent(0.5)
        for _ in range(4):
            self.metrics.finished(done(), 0.02)
        self.clock.pump([LAG_INTERVAL] * 4)
        usage = json.loads(json.dumps(self.metrics.usage("shop")))
        found = figures(usage["recent"])
        self.assertEqual((usage["cpu_seconds"], found["requests_per_second"], found["cpu_percent"]), (0.5, 2.0, 25.0))
        self.clock.pump([LAG_INTERVAL] * 22)
        self.assertEqual(figures(self.metrics.usage("shop")["recent"])["requests_per_second"], 0.0)


class ServerTests(Fixture):
    def test_readings(self) -> None:
        """What is read, not counted."""
        self.readings = Readings({"shop": 3}, {"shop": 4096}, {"serving": 2, "spare": 1}, 10**8)
        self.assertEqual(self.values("http_server_active_requests"), {("shop",): 3})
        self.assertEqual(self.values("nano_heap_bytes"), {("shop",): 4096})
        self.assertEqual(self.values("nano_isolates"), {("serving",): 2, ("spare",): 1})
        self.assertEqual(self.values("nano_resident_memory_bytes"), {("7",): 10**8})

    def test_reloads(self) -> None:
        """A failed reload leaves the time of the last good one."""
        self.metrics.reloaded("failure")
        self.assertEqual(self.values("nano_config_last_success_timestamp_seconds"), {})
        self.metrics.reloaded("success")
        self.metrics.reloaded("partial")
        self.assertEqual(self.values("nano_config_last_success_timestamp_seconds"), {(): 1700000000.0})
        self.assertEqual(self.values("nano_reloads_total"), {("failure",): 1, ("success",): 1, ("partial",): 1})

    def test_restarts(self) -> None:
        """Workers are counted by why they were replaced."""
        self.metrics.worker_restarted("signal")
        self.metrics.worker_restarted("signal")
        self.assertEqual(self.values("nano_worker_restarts_total"), {("signal",): 2})

    def test_lag(self) -> None:
        """How late the reactor comes to its calls."""
        self.metrics.start()
        self.clock.advance(LAG_INTERVAL)
        self.clock.advance(LAG_INTERVAL + 0.3)
        counts, total = self.values("nano_reactor_lag_seconds")[()]
        self.assertEqual(sum(counts), 2)
        self.assertAlmostEqual(total, 0.3)
        self.metrics.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_families(self) -> None:
        """A snapshot has every family, and no other."""
        self.assertEqual(list(self.metrics.snapshot()), [family.name for family in FAMILIES])
