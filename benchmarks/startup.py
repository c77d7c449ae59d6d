"""
`python -m benchmarks startup`: from the start of a daemon to its first answer, by the number of its apps.

The answer is that of the last app.  Each start is made twice: with nothing compiled, and with what the first has left.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from benchmarks.report import table, target
from benchmarks.results import keep
from benchmarks.scenarios import Scenario
from benchmarks.servers import SERVERS

__all__ = ["main"]

#: What issue 6 asks for: seconds with so many apps.
TARGETS = {1: 0.6, 1000: 5.0}


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks startup", description=__doc__)
    parser.add_argument("--servers", default="nano,nano-1,workerd")
    parser.add_argument("--apps", type=int, nargs="*", default=[1, 100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in options.servers.split(","):
        for apps in options.apps:
            figures.setdefault(name, {})[str(apps)] = measure(name, apps, options.rounds)
    _print(figures)
    if options.write:
        keep("startup", figures)


def measure(name: str, apps: int, rounds: int) -> dict[str, float]:
    """Medians of the seconds that both starts take."""
    first, second = [], []
    for _ in range(rounds):
        with SERVERS[name](Scenario("startup", "", hosts=apps, asked=apps - 1)) as server:
            first.append(server.start_seconds)
            server.stop()
            server.start()
            second.append(server.start_seconds)
    return {"first_seconds": statistics.median(first), "second_seconds": statistics.median(second)}


def _print(figures: dict[str, Any]) -> None:
    rows = []
    for name, by_apps in figures.items():
        for apps, each in by_apps.items():
            goal = TARGETS.get(int(apps)) if name == "nano" else None
            seconds = [each["first_seconds"], each["second_seconds"]]
            rows.append((name, apps, *(target(s, goal, "s", 2) if goal else f"{s:.2f} s" for s in seconds)))
    table("Start to first answer", ("server", "apps", "nothing compiled", "second start"), rows)


if __name__ == "__main__":
    main()
