"""
Prometheus' text, read back by Prometheus' own parser.
"""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.admin.exposition import exposition
from nano.admin.metrics import FAMILIES, Metrics, Readings
from tests.admin.test_metrics import done

#: What the documentation promises, with the labels.
PROMISED = {
    "http_server_request_duration_seconds": {"app", "method", "status"},
    "http_server_active_requests": {"app"},
    "http_server_request_body_bytes_total": {"app"},
    "http_server_response_body_bytes_total": {"app"},
    "http_client_request_duration_seconds": {"app", "status"},
    "nano_outcomes_total": {"app", "outcome"},
    "nano_cpu_seconds_total": {"app"},
    "nano_heap_bytes": {"app"},
    "nano_isolates": {"state"},
    "nano_evictions_total": {"reason"},
    "nano_cold_start_seconds": set(),
    "nano_worker_restarts_total": {"reason"},
    "nano_reloads_total": {"result"},
    "nano_config_last_success_timestamp_seconds": set(),
    "nano_reactor_lag_seconds": set(),
}


def full(worker: str = "1", active: int = 2, time: float = 100.0) -> dict[str, Any]:
    """A snapshot with something in every family."""
    readings = Readings({"shop": active}, {"shop": 4096}, {"serving": 1}, 1000)
    metrics = Metrics(Clock(), lambda: readings, worker, lambda: time)
    metrics.finished(done(), 0.02)
    metrics.finished(done(), 20.0)
    shop = metrics.meter("shop")
    shop.spent(0.5)
    shop.fetched("200", 0.1)
    shop.starting()()
    metrics.evicted("limit")
    metrics.worker_restarted("signal")
    metrics.reloaded("success")
    return metrics.snapshot()


def parsed(*snapshots: dict[str, Any]) -> dict[tuple[str, tuple[str, ...]], float]:
    """Sample values by name and label values, in the order of the label names."""
    families = text_string_to_metric_families(exposition(snapshots).decode())
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


class ExpositionTests(SynchronousTestCase):
    def test_promised(self) -> None:
        """Every metric that is promised is there, with its labels, a type and a help text."""
        families = list(text_string_to_metric_families(exposition([full()]).decode()))
        found: dict[str, set[str]] = {}
        for family in families:
            self.assertTrue(family.documentation, family.name)
            name = f"{family.name}_total" if family.type == "counter" else family.name
            self.assertTrue(family.samples, name)
            found[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
        self.assertEqual({name: found.get(name) for name in PROMISED}, PROMISED)
        self.assertEqual(set(found), {family.name for family in FAMILIES})

    def test_histogram(self) -> None:
        """Buckets are cumulative, and the last holds all."""
        samples = parsed(full())
        name, labels = "http_server_request_duration_seconds", ("shop", "GET", "200")
        self.assertEqual(samples[f"{name}_bucket", ("shop", "0.01", "GET", "200")], 0)
        self.assertEqual(samples[f"{name}_bucket", ("shop", "0.025", "GET", "200")], 1)
        self.assertEqual(samples[f"{name}_bucket", ("shop", "10.0", "GET", "200")], 1)
        self.assertEqual(samples[f"{name}_bucket", ("shop", "+Inf", "GET", "200")], 2)
        self.assertEqual((samples[f"{name}_count", labels], samples[f"{name}_sum", labels]), (2, 20.02))

    def test_sum(self) -> None:
        """Processes are summed; of the time of the configuration the latest counts."""
        samples = parsed(full("1", 2, 100.0), full("2", 3, 300.0), full("3", 0, 200.0))
        self.assertEqual(samples["http_server_active_requests", ("shop",)], 5)
        self.assertEqual(samples["nano_cpu_seconds_total", ("shop",)], 1.5)
        self.assertEqual(samples["nano_config_last_success_timestamp_seconds", ()], 300.0)
        self.assertEqual(samples["http_server_request_duration_seconds_count", ("shop", "GET", "200")], 6)
        self.assertEqual(samples["nano_resident_memory_bytes", ("2",)], 1000)

    def test_nothing(self) -> None:
        """Without processes there are metrics without samples."""
        self.assertEqual(parsed(), {})

    def test_names(self) -> None:
        """An app's name may hold what the format has to escape."""
        name = 'a"b\\c'
        metrics = Metrics(Clock(), lambda: Readings({name: 1}))
        self.assertEqual(parsed(metrics.snapshot())["http_server_active_requests", (name,)], 1)

    def test_other_version(self) -> None:
        """A process of another version does no harm: what is not known here is left out."""
        other = {"nano_new_total": [[["x"], 1]], "nano_cold_start_seconds": [[[], [[1, 2], 3.0]]]}
        self.assertEqual(parsed(other), {})
