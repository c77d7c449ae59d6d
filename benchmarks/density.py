"""
`python -m benchmarks density`: what a further app takes of memory, and how many fit.

A server with few apps and one with many; each app is asked once, so that all have their isolates.  The difference,
divided by the number of apps, is what one more of them takes: at once, and when all have rested for a while, as servers
collect garbage then.  Then many more apps than isolates may live: all are
asked, and the memory has to stay where the limit puts it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from typing import Any

from benchmarks.client import Client, percentile
from benchmarks.report import table, target
from benchmarks.results import keep
from benchmarks.scenarios import Scenario
from benchmarks.servers import SERVERS, Server
from nano.apps.idle import MOST_TIDIED, TIDY_TIME

__all__ = ["main"]

#: What issue 6 asks for: megabytes of each further app.
MEGABYTES = 1.5
_FEW = 10


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks density", description=__doc__)
    parser.add_argument("--servers", default="nano-1,workerd")
    parser.add_argument("--apps", type=int, default=1000, help="that live at one time")
    parser.add_argument("--configured", type=int, default=10_000, help="that are there in nano-1; 0 leaves this out")
    parser.add_argument("--asked", type=int, default=4000, help="of those, one after the other")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = {name: live(name, options.apps) for name in options.servers.split(",")}
    _print_live(figures)
    if options.configured:
        figures["configured"] = configured(options.configured, min(options.asked, options.configured))
        _print_configured(figures["configured"])
    if options.write:
        keep("density", figures)


def live(name: str, apps: int) -> dict[str, float]:
    """A server all of whose apps live."""
    at_once, at_rest, threads = {}, {}, {}
    for hosts in (_FEW, apps):
        with SERVERS[name](Scenario("density", "", hosts=hosts)) as server:
            _ask(server, range(hosts))
            at_once[hosts] = server.memory()
            time.sleep(TIDY_TIME + hosts / MOST_TIDIED + 5)
            at_rest[hosts], threads[hosts] = server.memory(), server.threads()
            # Whoever was asked first still has its isolate: the second answer takes no evaluation.
            again = _ask(server, range(min(hosts, 100)))
    return {
        "apps": apps,
        "pss_mb": at_rest[apps] / 1e6,
        "mb_per_app_at_once": (at_once[apps] - at_once[_FEW]) / (apps - _FEW) / 1e6,
        "mb_per_app": (at_rest[apps] - at_rest[_FEW]) / (apps - _FEW) / 1e6,
        "threads": threads[apps],
        "again_p50_ms": percentile(again, 50),
    }


def configured(apps: int, asked: int) -> dict[str, Any]:
    """A server with more apps than live at one time."""
    with SERVERS["nano-1"](Scenario("density", "", hosts=apps)) as server:
        cold = server.start_seconds
        memory = []
        step = asked // 4
        for first in range(0, asked, step):
            times = _ask(server, range(first, first + step))
            memory.append(server.memory() / 1e6)
        server.stop()
        server.start()
        return {
            "apps": apps,
            "asked": asked,
            "start_seconds": cold,
            "second_start_seconds": server.start_seconds,
            "pss_mb": memory,
            "p50_ms": percentile(times, 50),
            "p99_ms": percentile(times, 99),
        }


def _ask(server: Server, numbers: Iterable[int]) -> list[float]:
    times = []
    with Client(server.port) as client:
        for number in numbers:
            status, milliseconds = client.time(f"app{number}.test")
            if status != 200:
                raise SystemExit(f"app{number} answered {status}")
            times.append(milliseconds)
    return times


def _print_live(figures: dict[str, Any]) -> None:
    rows = [
        (
            name,
            each["apps"],
            f"{each['pss_mb']:,.0f}",
            f"{each['mb_per_app_at_once']:.2f}",
            target(each["mb_per_app"], MEGABYTES, "MB", 2),
            each["threads"],
            f"{each['again_p50_ms']:.2f}",
        )
        for name, each in figures.items()
    ]
    columns = (
        "server",
        "apps, all alive",
        "PSS MB",
        "MB of each, at once",
        "at rest",
        "threads",
        "p50 ms when asked again",
    )
    table("Memory of apps that live", columns, rows)


def _print_configured(each: dict[str, Any]) -> None:
    print(
        f"\nnano-1 with {each['apps']:,} apps: first answer after {each['start_seconds']:.1f} s with nothing compiled, "
        f"{each['second_start_seconds']:.1f} s the second time"
    )
    print(f"{each['asked']:,} of them asked in turn: p50 {each['p50_ms']:.1f} ms, p99 {each['p99_ms']:.1f} ms")
    print(f"PSS after each quarter: {', '.join(f'{value:,.0f} MB' for value in each['pss_mb'])}")


if __name__ == "__main__":
    main()
