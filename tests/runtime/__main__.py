"""
`python -m tests.runtime [NAME …]`: run JavaScript suites and print what failed.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred

from tests.runtime.runner import run_suite, suites


async def _main(reactor: Any, names: list[str]) -> None:
    bad = 0
    for name in names or suites():
        report = await run_suite(reactor, name)
        bad += not report.whole or bool(report.failed)
        print(
            f"{name}: {len(report.passed)} passed, {len(report.failed)} failed{'' if report.whole else ', INCOMPLETE'}"
        )
        for test, stack in report.failed.items():
            print(f"  {test}\n    {stack}".replace("\n", "\n    "))
        for line in report.output:
            print(f"  | {line}")
    if bad:
        raise SystemExit(1)


task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor, sys.argv[1:])))
