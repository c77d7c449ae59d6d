"""
What stays of workers that are gone.
"""

from __future__ import annotations

import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.admin.exposition import exposition
from nano.admin.metrics import Metrics, Readings
from nano.admin.totals import SupervisorMetrics
from tests.admin.test_metrics import done


class TotalsTests(SynchronousTestCase):
    """`SupervisorMetrics`."""

    def setUp(self) -> None:
        self.apps = ["shop"]
        self.supervisor = SupervisorMetrics(Clock(), lambda: Readings(dict.fromkeys(self.apps, 0)), "supervisor")

    def worker(self, requests: int) -> dict[str, Any]:
        """The snapshot of a worker that has answered so many requests, as it arrives."""
        metrics = Metrics(Clock(), lambda: Readings({"shop": 3}, {"shop": 4096}, resident=1000), "1")
        for _ in range(requests):
            metrics.finished(done(), 0.02)
        return dict(json.loads(json.dumps(metrics.snapshot())))

    def samples(self, *workers: dict[str, Any]) -> dict[str, float]:
        """The sums by name and labels, as Prometheus reads them."""
        text = exposition([self.supervisor.snapshot(), *workers]).decode()
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def test_nothing_goes_down(self) -> None:
        """What counts up is the same when a worker has died, and goes on from there."""
        before = self.samples(self.worker(5), self.worker(2))
        self.supervisor.worker_gone(self.worker(5))
        after = self.samples(self.worker(2))
        growing = {name for name in before if "_total" in name or "_count" in name or "_bucket" in name}
        self.assertEqual({name: before[name] for name in growing}, {name: after[name] for name in growing})
        self.assertEqual(after["nano_outcomes_total shop ok"], 7)
        self.supervisor.worker_gone(self.worker(2))
        self.assertEqual(self.samples(self.worker(1))["nano_outcomes_total shop ok"], 8)

    def test_gauges(self) -> None:
        """What a worker had, and not what it did, goes with it."""
        self.supervisor.worker_gone(self.worker(5))
        samples = self.samples(self.worker(1))
        self.assertEqual((samples["http_server_active_requests shop"], samples["nano_heap_bytes shop"]), (3, 4096))

    def test_apps_that_are_gone(self) -> None:
        """Of an app that is not configured any more nothing is kept."""
        self.supervisor.worker_gone(self.worker(5))
        self.apps.remove("shop")
        self.assertNotIn("nano_outcomes_total shop ok", self.samples())
        self.apps.append("shop")
        self.assertNotIn("nano_outcomes_total shop ok", self.samples())

    def test_no_figures(self) -> None:
        """A worker that died before it told anything leaves nothing."""
        before = self.samples()
        self.supervisor.worker_gone({})
        self.assertEqual(self.samples(), before)

    def test_other_buckets(self) -> None:
        """A histogram of another shape is left out."""
        name = "nano_cold_start_seconds"
        self.supervisor.worker_gone({name: [[[], [[1, 2], 3.0]]]})
        self.assertEqual(self.samples()[f"{name}_count"], 0)
