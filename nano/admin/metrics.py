# -*- test-case-name: tests.admin.test_metrics -*-
"""
What a process counts, and the form in which its figures travel.

Counting happens on the reactor thread, for every request, so it is a matter of finding a series and adding to it: no
locks, no label dictionaries.  What can be asked for when somebody looks, such as how many requests are in flight, is
not counted at all but read then (`Readings`).  `Metrics.snapshot` gives all figures as JSON can carry them; the
snapshots of all processes are summed and written by `nano.admin.exposition`.

Labels have few values: the names of configured apps, "" for requests that no app took; the registered methods, or
"other"; the registered statuses, or a class such as "2xx".
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from time import time
from typing import Any, Literal, NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from nano.admin.recent import Window
from nano.exchange import Exchange
from nano.interfaces import AppMeter

__all__ = ["FAMILIES", "LAG_INTERVAL", "AppCounters", "Family", "Metrics", "Readings", "Series"]

Kind = Literal["counter", "gauge", "latest", "histogram"]

#: Seconds between two looks at how late the reactor is.
LAG_INTERVAL = 0.5
#: Seconds between two ticks of the window of what is recent.
_TICK = 1.0

#: OpenTelemetry's advice for HTTP durations, with finer steps at the lower end.
_DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_STARTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
#: 499 is ours: the client left before there was an answer.
_STATUSES = {int(status): str(int(status)) for status in HTTPStatus} | {499: "499"}


class Family(NamedTuple):
    """
    One metric: what it is called, how it is summed, and what it says.

    `kind` "latest" is a gauge of which the greatest value counts; `buckets` are upper bounds.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


FAMILIES = (
    Family(
        "http_server_request_duration_seconds",
        "histogram",
        ("app", "method", "status"),
        "Time from a request's head to the end of its response.",
        _DURATIONS,
    ),
    Family("http_server_active_requests", "gauge", ("app",), "Requests in flight."),
    Family("http_server_request_body_bytes_total", "counter", ("app",), "Bytes of request bodies."),
    Family("http_server_response_body_bytes_total", "counter", ("app",), "Bytes of response bodies."),
    Family(
        "http_client_request_duration_seconds",
        "histogram",
        ("app", "status"),
        "Time from an app's fetch to the head of the response; status is error where there was none.",
        _DURATIONS,
    ),
    Family(
        "nano_outcomes_total", "counter", ("app", "outcome"), "Requests by how they ended: ok, or a nano-error word."
    ),
    Family("nano_cpu_seconds_total", "counter", ("app",), "CPU time of the isolates of an app."),
    Family("nano_heap_bytes", "gauge", ("app",), "Memory that the isolates of an app are charged with, an estimate."),
    Family("nano_isolates", "gauge", ("state",), "Isolates by what they do."),
    Family("nano_evictions_total", "counter", ("reason",), "Isolates that were given back as their apps rested."),
    Family("nano_cold_start_seconds", "histogram", (), "Time for an app to start in an isolate.", _STARTS),
    Family("nano_worker_restarts_total", "counter", ("reason",), "Worker processes that were replaced."),
    Family("nano_reloads_total", "counter", ("result",), "Reloads of the configuration."),
    Family("nano_config_last_success_timestamp_seconds", "latest", (), "When a configuration was last applied."),
    Family("nano_reactor_lag_seconds", "histogram", (), "How late the reactor is, looked at twice a second.", _STARTS),
    Family("nano_resident_memory_bytes", "gauge", ("worker",), "Resident memory of each process."),
)
"""All metrics, in the order in which they are written."""

_BUCKETS = {family.name: family.buckets for family in FAMILIES}


class Series:
    """
    One histogram: `counts` of what fell into each bucket, the last of them without a bound, and the `sum` of it all.
    """

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count *value*."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def dump(self) -> list[Any]:
        """As a snapshot has it."""
        return [list(self.counts), self.sum]


class _Meter:
    """
    Counts for one app by its name (`nano.interfaces.AppMeter`).

    An app may be loaded some time before it is one of those that are served; its counters come and go with these.
    """

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._metrics = metrics
        self._name = name

    def starting(self) -> Callable[[], None]:
        return self._metrics.starting()

    def spent(self, seconds: float) -> None:
        self._metrics.spent(self._name, seconds)

    def fetched(self, status: str, seconds: float) -> None:
        self._metrics.app(self._name).fetched(status, seconds)


class AppCounters:
    """
    What is counted for one app.

    Attributes:
        cpu: seconds of CPU time.
    """

    __slots__ = ("cpu", "fetches", "outcomes", "received", "requests", "sent")

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int | str], Series] = {}
        self.outcomes: dict[str, int] = {}
        self.fetches: dict[str, Series] = {}
        self.received = self.sent = 0
        self.cpu = 0.0

    def fetched(self, status: str, seconds: float) -> None:
        """A fetch was answered."""
        status = _status_label(int(status)) if status.isdecimal() else "error"
        series = self.fetches.get(status)
        if series is None:
            series = self.fetches[status] = Series(_DURATIONS)
        series.observe(seconds)

    def finished(self, exchange: Exchange, seconds: float) -> None:
        """An exchange is over."""
        status = exchange.status
        if not status and exchange.error is not None:
            status = exchange.error.status
        series = self.requests.get((exchange.method, status))
        if series is None:
            series = self._new_series(exchange.method, status)
        series.observe(seconds)
        outcome = exchange.outcome
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.received += exchange.received
        self.sent += exchange.body_bytes

    def _new_series(self, method: str, status: int) -> Series:
        key = (method if method in _METHODS else "other", status if status in _STATUSES else _status_label(status))
        return self.requests.setdefault(key, Series(_DURATIONS))

    def totals(self) -> tuple[int, int]:
        """How many requests are over, and how many of them were answered with 500 or above."""
        errors = sum(sum(series.counts) for (_, status), series in self.requests.items() if _is_error(status))
        return sum(self.outcomes.values()), errors

    def dump(self, app: str) -> Iterable[tuple[str, list[str], Any]]:
        """Family, labels and value of each figure."""
        for (method, status), series in self.requests.items():
            yield "http_server_request_duration_seconds", [app, method, str(status)], series.dump()
        for status, series in self.fetches.items():
            yield "http_client_request_duration_seconds", [app, status], series.dump()
        for outcome, count in self.outcomes.items():
            yield "nano_outcomes_total", [app, outcome], count
        yield "http_server_request_body_bytes_total", [app], self.received
        yield "http_server_response_body_bytes_total", [app], self.sent
        yield "nano_cpu_seconds_total", [app], self.cpu


def _is_error(status: int | str) -> bool:
    return status >= 500 if isinstance(status, int) else status == "5xx"


def _status_label(status: int) -> str:
    return _STATUSES.get(status) or (f"{status // 100}xx" if 100 <= status <= 599 else "other")


@dataclass(frozen=True)
class Readings:
    """
    What is read when somebody looks.

    Attributes:
        active: requests in flight by app; its names are all apps that there are.
        heap: bytes by app.
        isolates: how many by state.
        resident: bytes of this process.
    """

    active: Mapping[str, int] = field(default_factory=dict)
    heap: Mapping[str, int] = field(default_factory=dict)
    isolates: Mapping[str, int] = field(default_factory=dict)
    resident: int = 0


class Metrics:
    """
    The figures of one process.

    Args:
        clock: the time, for durations and for the reactor's lag.
        read: tells the readings of now.
        worker: names this process; its process id if not given.
        wall_clock: Unix time.
    """

    def __init__(
        self,
        clock: IReactorTime,
        read: Callable[[], Readings] = Readings,
        worker: str = "",
        wall_clock: Callable[[], float] = time,
    ) -> None:
        self._clock = clock
        self._read = read
        self._worker = worker or str(os.getpid())
        self._wall_clock = wall_clock
        self._cold_starts = Series(_BUCKETS["nano_cold_start_seconds"])
        self._lag = Series(_BUCKETS["nano_reactor_lag_seconds"])
        self._apps: dict[str, AppCounters] = {"": AppCounters()}
        self._evictions: dict[str, int] = {}
        self._restarts: dict[str, int] = {}
        self._reloads: dict[str, int] = {}
        self._configured = 0.0
        self._look: IDelayedCall | None = None
        self._window = Window()
        self._ticked = clock.seconds()

    # Counting.

    def app(self, name: str) -> AppCounters:
        """The counters of an app; the app is one of those that are configured."""
        counters = self._apps.get(name)
        if counters is None:
            counters = self._apps[name] = AppCounters()
        return counters

    def meter(self, name: str) -> AppMeter:
        """What the app of that name tells what it does."""
        return _Meter(self, name)

    def starting(self) -> Callable[[], None]:
        """Some app begins to start in an isolate; what is returned is called when it can serve."""
        began = self._clock.seconds()
        return lambda: self._cold_starts.observe(self._clock.seconds() - began)

    def finished(self, exchange: Exchange, seconds: float) -> None:
        """An exchange is over, which took so many seconds."""
        counters = self._apps.get(exchange.app)
        (self.app(exchange.app) if counters is None else counters).finished(exchange, seconds)
        self._window.finished(exchange.app, seconds)

    def spent(self, app: str, seconds: float) -> None:
        """An app has used so much CPU time."""
        self.app(app).cpu += seconds
        self._window.spent(app, seconds)

    def worker_restarted(self, reason: str) -> None:
        """A worker was replaced; *reason* is one of a few words."""
        self._restarts[reason] = self._restarts.get(reason, 0) + 1

    def evicted(self, reason: str) -> None:
        """An isolate was given back; *reason* is one of a few words."""
        self._evictions[reason] = self._evictions.get(reason, 0) + 1

    def reloaded(self, result: str) -> None:
        """The configuration was read again: "success", "partial" when some app did not load, or "failure"."""
        self._reloads[result] = self._reloads.get(result, 0) + 1
        if result != "failure":
            self.configured()

    def configured(self) -> None:
        """A configuration is in force."""
        self._configured = self._wall_clock()

    # The reactor's lag.

    def start(self) -> None:
        """Begin to measure how late the reactor is."""
        self._look = self._clock.callLater(LAG_INTERVAL, self._measure, self._clock.seconds() + LAG_INTERVAL)

    def _measure(self, due: float) -> None:
        now = self._clock.seconds()
        self._lag.observe(max(0.0, now - due))
        if now - self._ticked >= _TICK:
            self._window.tick(now - self._ticked)
            self._ticked = now
        self.start()

    def stop(self) -> None:
        """Measure no more."""
        look, self._look = self._look, None
        if look is not None and look.active():
            look.cancel()

    # Telling.

    def usage(self, app: str) -> dict[str, Any]:
        """
        What the admin API tells of one app: `cpu_seconds`, `requests` and `errors` so far, and what is `recent`, a
        list of one (`nano.admin.recent`).
        """
        counters = self.app(app)
        requests, errors = counters.totals()
        return {
            "cpu_seconds": round(counters.cpu, 3),
            "requests": requests,
            "errors": errors,
            "recent": [self._window.of(app)],
        }

    def snapshot(self) -> dict[str, list[list[Any]]]:
        """
        All figures: by family, a list of label values and a number, or for a histogram its counts and its sum.

        The counters of apps that are gone are dropped, as otherwise they would pile up with every app that comes.
        """
        readings = self._read()
        self._apps = {name: each for name, each in self._apps.items() if not name or name in readings.active}
        found: dict[str, list[list[Any]]] = {family.name: [] for family in FAMILIES}
        for name, counters in self._apps.items():
            for family, labels, value in counters.dump(name):
                found[family].append([labels, value])
        for family, values in (
            ("http_server_active_requests", readings.active),
            ("nano_heap_bytes", readings.heap),
            ("nano_isolates", readings.isolates),
            ("nano_evictions_total", self._evictions),
            ("nano_worker_restarts_total", self._restarts),
            ("nano_reloads_total", self._reloads),
            ("nano_resident_memory_bytes", {self._worker: readings.resident} if readings.resident else {}),
        ):
            found[family] += [[[label], value] for label, value in values.items()]
        found["nano_cold_start_seconds"].append([[], self._cold_starts.dump()])
        found["nano_reactor_lag_seconds"].append([[], self._lag.dump()])
        if self._configured:
            found["nano_config_last_success_timestamp_seconds"].append([[], self._configured])
        return found
