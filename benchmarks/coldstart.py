"""
`python -m benchmarks coldstart`: the first answer of an app that has no isolate yet.

Each of so many apps is asked once, with a pause in between, so that a spare is ready; then a number of others all at
once, when there are fewer spares than apps.  Beside it stands what the same request takes when the app has an isolate,
and what each further app adds to the start of workerd, which makes all of its isolates then.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from benchmarks.client import Client, percentile
from benchmarks.report import table, target
from benchmarks.results import keep
from benchmarks.scenarios import Scenario
from benchmarks.servers import SERVERS, Server
from nano.apps.app_set import WARM

__all__ = ["main"]

#: What issue 6 asks for, in milliseconds.
P50, P99 = 5.0, 15.0


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks coldstart", description=__doc__)
    parser.add_argument("--servers", default="nano,nano-1")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--burst", type=int, default=16)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two first requests")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    figures = {
        name: measure(name, options.samples, options.burst, options.pause) for name in options.servers.split(",")
    }
    figures["workerd"] = {"start_ms_per_app": workerd_start(100)}
    _print(figures)
    if options.write:
        keep("coldstart", figures)


def measure(name: str, samples: int, burst: int, pause: float) -> dict[str, float]:
    """All figures of one server."""
    scenario = Scenario("coldstart", "first answers", hosts=WARM + samples + burst)
    with SERVERS[name](scenario) as server:
        _when_ready(server)
        with Client(server.port) as client:
            warm = [_ok(*client.time("app0.test")) for _ in range(samples)]
            time.sleep(2.0)
            cold = []
            for number in range(WARM, WARM + samples):
                time.sleep(pause)
                cold.append(_ok(*client.time(f"app{number}.test")))
        at_once = _burst(server, range(WARM + samples, WARM + samples + burst))
    return {
        "warm_p50_ms": percentile(warm, 50),
        "p50_ms": percentile(cold, 50),
        "p99_ms": percentile(cold, 99),
        "highest_ms": max(cold),
        "burst_p50_ms": percentile(at_once, 50),
        "burst_highest_ms": max(at_once),
    }


def workerd_start(apps: int) -> float:
    """Milliseconds that each app adds to the start of workerd."""
    starts = []
    for hosts in (1, 1 + apps):
        times = []
        for _ in range(5):
            with SERVERS["workerd"](Scenario("coldstart", "", hosts=hosts)) as server:
                times.append(server.start_seconds)
        starts.append(min(times))
    return (starts[1] - starts[0]) / apps * 1e3


def _when_ready(server: Server) -> None:
    with Client(server.port) as client:
        while True:
            client.send("no.app", "/readyz")
            if client.receive() == 200:
                return
            time.sleep(0.1)


def _burst(server: Server, numbers: range) -> list[float]:
    clients = [(Client(server.port), number) for number in numbers]
    began = time.perf_counter()
    for client, number in clients:
        client.send(f"app{number}.test")
    times = []
    for client, _ in clients:
        times.append(_ok(client.receive(), (time.perf_counter() - began) * 1e3))
        client.__exit__()
    return times


def _ok(status: int, milliseconds: float) -> float:
    if status != 200:
        raise SystemExit(f"an app answered {status}")
    return milliseconds


def _print(figures: dict[str, dict[str, Any]]) -> None:
    rows = [
        (
            name,
            f"{each['warm_p50_ms']:.2f}",
            target(each["p50_ms"], P50, "ms"),
            target(each["p99_ms"], P99, "ms"),
            f"{each['highest_ms']:.1f}",
            f"{each['burst_p50_ms']:.1f}",
            f"{each['burst_highest_ms']:.1f}",
        )
        for name, each in figures.items()
        if "p50_ms" in each
    ]
    columns = ("server", "warm p50 ms", "cold p50", "cold p99", "highest ms", "burst p50 ms", "burst highest ms")
    table("First answer of an app that has no isolate yet", columns, rows)
    print(f"\nworkerd: {figures['workerd']['start_ms_per_app']:.1f} ms of its start for each further app")


if __name__ == "__main__":
    main()
