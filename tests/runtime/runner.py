# -*- test-case-name: tests.runtime.test_suites -*-
"""
Runs the JavaScript suites of this folder in the product's own isolates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.filepath import FilePath

from nano.apps.program import make_program
from nano.bundle import read_bundle
from nano.config import AppConfig
from nano.engine.compiler import ModuleCompiler
from nano.engine.host import IsolateHost
from nano.errors import DrainingError, NanoError
from nano.service import make_loader, make_pool

__all__ = ["Report", "run_suite", "suites"]

HERE = Path(__file__).parent
_MARK = "\0result "
_TIMEOUT = 120.0
_MEMORY = 1500 * 2**20


def suites() -> list[str]:
    """The names of all suites."""
    return sorted(path.stem for path in HERE.glob("*.js") if path.stem != "harness")


@dataclass
class Report:
    """
    How a suite went.

    Attributes:
        passed: names of tests.
        failed: names of tests, with stacks.
        count: how many tests there are; None when the suite did not come to its end.
        output: what it logged besides.
    """

    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    count: int | None = None
    output: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether every test has run, and there was one."""
        return bool(self.count) and self.count == len(self.passed) + len(self.failed)


class _Suite:
    """Hears what the suite says (IsolateOwner)."""

    name = "suite"

    def __init__(self) -> None:
        self.report = Report()

    def isolate_log(self, host: IsolateHost, level: int, text: str) -> None:
        if not text.startswith(_MARK):
            self.report.output.append(text)
            return
        result = json.loads(text[len(_MARK) :])
        if "count" in result:
            self.report.count = result["count"]
        elif result["failure"] is None:
            self.report.passed.append(result["name"])
        else:
            self.report.failed[result["name"]] = result["failure"]

    def isolate_retired(self, host: IsolateHost) -> None: ...

    def isolate_condemned(self, host: IsolateHost, error: NanoError) -> None: ...


def run_suite(reactor: Any, name: str) -> Deferred[Report]:
    """
    Run tests/runtime/NAME.js to its end.

    Fires with the report; fails when the suite cannot be loaded.
    """
    return Deferred.fromCoroutine(_run(reactor, name))


async def _run(reactor: Any, name: str) -> Report:
    pool = make_pool(reactor, 0)
    compiler = ModuleCompiler(reactor, read_bundle("compiler.js"))
    suite = _Suite()
    try:
        path = FilePath(str(HERE / f"{name}.js"))
        bundle = await make_loader(reactor, compiler, None).load(path)
        program = make_program(bundle, AppConfig(name, path.path, memory=_MEMORY), [])
        host = await pool.get()
        try:
            await host.load(program, suite, _TIMEOUT)
            await host.when_quiet().addTimeout(_TIMEOUT, reactor)
        finally:
            host.condemn(DrainingError("the suite has ended"))
    finally:
        compiler.stop()
        await pool.stop(5.0)
    return suite.report
