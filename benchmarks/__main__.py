"""
`python -m benchmarks`: measure scenarios on servers, in alternating rounds, and print medians and ratios.

`python -m benchmarks NAME` with coldstart, density, endurance, growth, startup or streaming asks other questions, and
flames draws where the time goes; `--help` behind the name tells more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from importlib import import_module
from typing import Any

from benchmarks.load import Figures, run
from benchmarks.results import keep
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.servers import SERVERS

#: Modules that answer other questions.
_OTHERS = ("coldstart", "density", "endurance", "flames", "growth", "startup", "streaming")


def main() -> None:
    """Parse the command line and measure."""
    if sys.argv[1:2] and sys.argv[1] in _OTHERS:
        import_module(f"benchmarks.{sys.argv.pop(1)}").main()
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], metavar="SCENARIO")
    parser.add_argument("--servers", default="nano,nano-1,workerd", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each round")
    parser.add_argument("--write", action="store_true", help="keep the figures in results.json")
    options = parser.parse_args()
    names = options.servers.split(",")
    measured = {
        name: measure(SCENARIOS[name], names, options.rounds, options.seconds)
        for name in options.scenarios or SCENARIOS
    }
    if options.write:
        keep("scenarios", measured)


def measure(scenario: Scenario, names: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """All rounds of one scenario; the servers take turns, so that a noisy moment hits all of them."""
    figures: dict[str, list[Figures]] = {name: [] for name in names}
    memory: dict[str, int] = {}
    started: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            with SERVERS[name](scenario) as server:
                run(scenario, server.port, min(1.0, seconds))
                figures[name].append(run(scenario, server.port, seconds))
                memory[name] = server.memory()
                started[name].append(server.start_seconds)
    summary = {name: _summary(figures[name], memory[name], started[name]) for name in names}
    _print(scenario, summary)
    return summary


def _summary(figures: list[Figures], memory: int, started: list[float]) -> dict[str, float]:
    requests = [each.requests for each in figures]
    return {
        "requests_per_second": statistics.median(requests),
        "lowest": min(requests),
        "highest": max(requests),
        "p50_ms": statistics.median(each.p50 for each in figures),
        "p99_ms": statistics.median(each.p99 for each in figures),
        "megabytes_per_second": statistics.median(each.bytes for each in figures) / 1e6,
        "memory_mb": memory / 1e6,
        "start_seconds": statistics.median(started),
        "errors": sum(each.errors for each in figures),
    }


def _print(scenario: Scenario, summary: dict[str, dict[str, float]]) -> None:
    base = summary.get("workerd") or next(iter(summary.values()))
    print(f"\n{scenario.title}; {scenario.connections} connection(s)\n")
    print("| server | requests/s | spread | ratio | p50 ms | p99 ms | MB/s | PSS MB | start s | errors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, row in summary.items():
        ratio = row["requests_per_second"] / base["requests_per_second"] if base["requests_per_second"] else 0
        print(
            f"| {name} | {row['requests_per_second']:,.0f} | {row['lowest']:,.0f}-{row['highest']:,.0f} | {ratio:.2f} "
            f"| {row['p50_ms']:.2f} | {row['p99_ms']:.2f} | {row['megabytes_per_second']:,.1f} "
            f"| {row['memory_mb']:.0f} | {row['start_seconds']:.2f} | {row['errors']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
