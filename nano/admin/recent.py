# -*- test-case-name: tests.admin.test_recent -*-
"""
What happened in the last ten seconds, app by app: how much, how fast, at what cost of CPU time.  Pure.

The metrics count from the start, and what looks at them works out rates.  People who look, `nano top` and the status
page, ask once and want a rate at once; this is for them.  Durations fall into 140 buckets, each a tenth wider than the
one before, so a quantile is right to a few percent; only buckets with something in them exist.

`Window.of` is what a process knows of an app; `figures` makes what is shown of the answers of all processes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["SECONDS", "Window", "figures"]

#: How many seconds a window has.
SECONDS = 10

_NARROWEST, _WIDER, _BUCKETS = 0.0001, 1.1, 140
_BOUNDS = tuple(_NARROWEST * _WIDER**step for step in range(_BUCKETS))


class _Second:
    """One app in one second."""

    __slots__ = ("counts", "cpu")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.cpu = 0.0


class Window:
    """
    The last `SECONDS` seconds of one process.  What belongs to the second under way is not told yet.
    """

    def __init__(self) -> None:
        self._now: dict[str, _Second] = {}
        self._past: deque[tuple[float, dict[str, _Second]]] = deque(maxlen=SECONDS)

    def _app(self, name: str) -> _Second:
        second = self._now.get(name)
        if second is None:
            second = self._now[name] = _Second()
        return second

    def finished(self, app: str, seconds: float) -> None:
        """A request to *app* is over, which took so long."""
        counts = self._app(app).counts
        bucket = bisect_left(_BOUNDS, seconds)
        counts[bucket] = counts.get(bucket, 0) + 1

    def spent(self, app: str, seconds: float) -> None:
        """*app* has used so much CPU time."""
        self._app(app).cpu += seconds

    def tick(self, seconds: float) -> None:
        """So many seconds have gone by since the last tick; about one."""
        self._past.append((seconds, self._now))
        self._now = {}

    def of(self, app: str) -> dict[str, Any]:
        """
        Of one app: `seconds` that the window has, `cpu_seconds`, and `counts` of requests by bucket; JSON can carry it.
        """
        told = (second[app] for _, second in self._past if app in second)
        parts = [
            {"cpu_seconds": second.cpu, "counts": {str(bucket): count for bucket, count in second.counts.items()}}
            for second in told
        ]
        return {**_added(parts), "seconds": sum(seconds for seconds, _ in self._past)}


def _added(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several processes, or seconds, in one; the longest window counts."""
    counts: dict[str, int] = {}
    cpu = seconds = 0.0
    for part in parts:
        cpu += part.get("cpu_seconds", 0.0)
        seconds = max(seconds, part.get("seconds", 0.0))
        for bucket, count in part.get("counts", {}).items():
            counts[bucket] = counts.get(bucket, 0) + count
    return {"seconds": seconds, "cpu_seconds": cpu, "counts": counts}


def figures(parts: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    """
    One app in all processes, as it is shown: `requests_per_second`, `p50_ms` and `p99_ms` (None where nothing was
    answered), `cpu_percent` of one processor.
    """
    sum_ = _added(parts)
    counts = sorted((int(bucket), count) for bucket, count in sum_["counts"].items())
    seconds = sum_["seconds"]
    total = sum(count for _, count in counts)
    return {
        "requests_per_second": round(total / seconds, 2) if seconds else 0.0,
        "p50_ms": _quantile(counts, total, 0.5),
        "p99_ms": _quantile(counts, total, 0.99),
        "cpu_percent": round(100 * sum_["cpu_seconds"] / seconds, 1) if seconds else 0.0,
    }


def _quantile(counts: Iterable[tuple[int, int]], total: int, share: float) -> float | None:
    """In milliseconds, as if what is in a bucket were spread evenly over it."""
    before, wanted = 0, total * share
    for bucket, count in counts:
        if before + count >= wanted and count:
            low = _BOUNDS[bucket - 1] if bucket else 0.0
            high = _BOUNDS[bucket] if bucket < _BUCKETS else low * _WIDER
            return round(1000 * (low + (high - low) * (wanted - before) / count), 3)
        before += count
    return None
