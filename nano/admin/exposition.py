# -*- test-case-name: tests.admin.test_exposition -*-
"""
The figures of all processes as one text, in Prometheus' format; `prometheus_client` writes it.

Counters, histograms and gauges are summed over the processes; of a time the latest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from nano.admin.metrics import FAMILIES, Family
from nano.admin.totals import sum_up

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Snapshot = Mapping[str, Iterable[Any]]


def exposition(snapshots: Iterable[Snapshot]) -> bytes:
    """
    Sum the *snapshots* (`nano.admin.metrics.Metrics.snapshot`) and write the result.

    A snapshot may come from another version of nano: families and buckets that are not known here are left out.
    """
    return generate_latest(_Summed(list(snapshots)))


class _Summed(Collector):
    """The families of several snapshots, as `prometheus_client` takes them."""

    def __init__(self, snapshots: list[Snapshot]) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterator[Metric]:
        """One family after the other (Collector)."""
        for family in FAMILIES:
            entries = [entry for snapshot in self._snapshots for entry in snapshot.get(family.name, ())]
            yield _histogram(family, entries) if family.kind == "histogram" else _numbers(family, entries)


def _numbers(family: Family, entries: Iterable[Any]) -> Metric:
    metric: CounterMetricFamily | GaugeMetricFamily
    if family.kind == "counter":
        metric = CounterMetricFamily(family.name.removesuffix("_total"), family.help, labels=family.labels)
    else:
        metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for key, value in sum_up(family, entries).items():
        metric.add_metric(key, value)
    return metric


def _histogram(family: Family, entries: Iterable[Any]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for key, (counts, total) in sum_up(family, entries).items():
        metric.add_metric(key, list(_cumulated(family.buckets, counts)), total)
    return metric


def _cumulated(bounds: tuple[float, ...], counts: list[int]) -> Iterator[tuple[str, float]]:
    so_far = 0
    for bound, count in zip((*bounds, float("inf")), counts, strict=True):
        so_far += count
        yield floatToGoString(bound), so_far
