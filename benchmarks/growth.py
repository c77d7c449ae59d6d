"""
`python -m benchmarks growth`: requests per second and latency, by the number of apps, of connections, of host names.

Apps are asked in turn, by their Host, and all of them have their isolates; host names belong to one app, and are asked
in turn as well.  The servers take turns in each round.  Figures are relative to the first of each row.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.client import Client
from benchmarks.load import Figures, run
from benchmarks.report import table
from benchmarks.results import keep
from benchmarks.scenarios import Scenario
from benchmarks.servers import SERVERS

__all__ = ["main"]

_HELLO = Scenario("growth", "hello")
_STEPS: dict[str, dict[int, Scenario]] = {
    "apps": {n: replace(_HELLO, hosts=n) for n in (1, 10, 100, 1000)},
    # A limit of an app that is meant to be reached here would be answered with 503.
    "connections": {
        n: replace(_HELLO, connections=n, keys={"max_concurrent_requests": 10_000}) for n in (1, 16, 64, 512, 5000)
    },
    "names": {n: replace(_HELLO, names=n) for n in (1, 10, 100, 1000)},
}


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__)
    parser.add_argument("what", nargs="*", default=list(_STEPS), metavar="WHAT", help=f"of {', '.join(_STEPS)}")
    parser.add_argument("--servers", default="nano,nano-1,workerd")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    figures = {}
    for what in options.what:
        figures[what] = measure(_STEPS[what], options.servers.split(","), options.rounds, options.seconds)
        _print(what, figures[what])
    if options.write:
        keep("growth", figures)


def measure(steps: dict[int, Scenario], names: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """Medians by server and step."""
    seen: dict[str, dict[int, list[Figures]]] = {name: {step: [] for step in steps} for name in names}
    for _ in range(rounds):
        for step, scenario in steps.items():
            for name in names:
                seen[name][step] += _one(name, scenario, seconds)
    return {
        name: {str(step): _summary(each) for step, each in by_step.items() if each} for name, by_step in seen.items()
    }


def _one(name: str, scenario: Scenario, seconds: float) -> Iterator[Figures]:
    if name == "workerd" and scenario.names > 1:
        return  # one name or a thousand: it has no table of names
    with SERVERS[name](scenario) as server:
        # More connections than there are workers: each app has its isolate in all of them.
        for _ in range(8 if scenario.hosts > 1 else 1):
            with Client(server.port) as client:
                for number in range(scenario.hosts):
                    client.time(f"app{number}.test")
        run(scenario, server.port, min(1.0, seconds))
        yield run(scenario, server.port, seconds)


def _summary(figures: list[Figures]) -> dict[str, float]:
    return {
        "requests_per_second": statistics.median(each.requests for each in figures),
        "p50_ms": statistics.median(each.p50 for each in figures),
        "p99_ms": statistics.median(each.p99 for each in figures),
        "errors": sum(each.errors for each in figures),
    }


def _print(what: str, figures: dict[str, Any]) -> None:
    rows = []
    for name, by_step in figures.items():
        first = next(iter(by_step.values()))
        for step, each in by_step.items():
            ratio = each["requests_per_second"] / (first["requests_per_second"] or 1)
            latency = each["p99_ms"] / (first["p99_ms"] or 1)
            flat = "" if what == "connections" else " (target 0.8: met)" if ratio >= 0.8 else " (target 0.8: missed)"
            rows.append(
                (
                    name,
                    step,
                    f"{each['requests_per_second']:,.0f}",
                    f"{ratio:.2f}{flat}",
                    f"{each['p50_ms']:.2f}",
                    f"{each['p99_ms']:.2f}",
                    f"{latency:.2f}",
                    f"{each['errors']:.0f}",
                )
            )
    columns = ("server", what, "requests/s", "ratio", "p50 ms", "p99 ms", "ratio of p99", "errors")
    table(f"Growth: {what}", columns, rows)


if __name__ == "__main__":
    main()
