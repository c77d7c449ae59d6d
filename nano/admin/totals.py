# -*- test-case-name: tests.admin.test_totals -*-
"""
Sums over processes, those that are gone included: what counts up must not go down because a worker has died.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nano.admin.metrics import FAMILIES, Family, Metrics

__all__ = ["SupervisorMetrics", "sum_up"]

#: What only ever grows.
_GROWING = tuple(family for family in FAMILIES if family.kind in ("counter", "histogram"))


def sum_up(family: Family, entries: Iterable[Any]) -> dict[tuple[str, ...], Any]:
    """
    The sum of the *entries* of several snapshots, by labels: a number, or for a histogram its counts and its sum.

    Buckets that are not the family's are left out.
    """
    found: dict[tuple[str, ...], Any] = {}
    width = len(family.buckets) + 1
    for labels, value in entries:
        key = tuple(labels)
        before = found.get(key)
        if family.kind == "histogram" and len(value[0]) != width:
            continue
        if before is None:
            found[key] = value
        elif family.kind == "histogram":
            found[key] = [[a + b for a, b in zip(before[0], value[0], strict=True)], before[1] + value[1]]
        else:
            found[key] = max(before, value) if family.kind == "latest" else before + value
    return found


class SupervisorMetrics(Metrics):
    """
    The figures of the supervisor: its own, and what workers that are gone have counted.

    The readings name the apps that are configured; of others nothing is kept.
    """

    _gone: Mapping[str, list[list[Any]]] = {}

    def worker_gone(self, snapshot: Mapping[str, Iterable[Any]]) -> None:
        """A worker is gone; *snapshot* is the last one that it gave."""
        self._gone = {
            family.name: [
                [list(labels), value]
                for labels, value in sum_up(
                    family, [*self._gone.get(family.name, ()), *snapshot.get(family.name, ())]
                ).items()
            ]
            for family in _GROWING
        }

    def snapshot(self) -> dict[str, list[list[Any]]]:
        """All figures (Metrics)."""
        found = super().snapshot()
        apps = {labels[0] for labels, _ in found["http_server_active_requests"]} | {""}
        self._gone = {
            family.name: [
                entry for entry in self._gone.get(family.name, ()) if "app" not in family.labels or entry[0][0] in apps
            ]
            for family in _GROWING
        }
        for name, entries in self._gone.items():
            found[name] += entries
        return found
