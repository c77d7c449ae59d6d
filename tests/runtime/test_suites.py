"""
The JavaScript suites of this folder as trial cases: one for each file.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.runtime.runner import Report, run_suite, suites

__all__ = ["SuiteTests"]


class SuiteTests(TestCase):
    """Every test of every suite passes in a real isolate."""

    timeout = 180

    def check(self, report: Report) -> None:
        """Fail with everything that the suite has to say."""
        failures = [f"{name}\n{stack}" for name, stack in report.failed.items()]
        if failures or not report.whole:
            count = "the suite did not come to its end" if report.count is None else f"{report.count} tests"
            self.fail("\n\n".join([count, *failures, *report.output]))


def _case(name: str) -> Callable[[SuiteTests], Deferred[None]]:
    def case(self: SuiteTests) -> Deferred[None]:
        return run_suite(reactor, name).addCallback(self.check)

    case.__doc__ = f"tests/runtime/{name}.js passes."
    return case


for _name in suites():
    setattr(SuiteTests, f"test_{_name}", _case(_name))
