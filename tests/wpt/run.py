# -*- test-case-name: tests.wpt.test_harness -*-
"""
One run from selection to verdict: what the command line and the trial cases have in common.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.wpt.expectations import Deviations, Expectations, compare, update
from tests.wpt.peers import Peers
from tests.wpt.pool import run_tests
from tests.wpt.results import FileResult
from tests.wpt.suite import Suite, Test, area_of

__all__ = ["Report", "Settings", "run"]


@dataclass(frozen=True)
class Settings:
    """
    Where the suite is and how to run it.

    Attributes:
        search_path: the suite's roots, joined by ``os.pathsep``.
        peers: the folder with other runtimes' results, if there is one.
        jobs: worker processes; 0 means one per core.
        patience: multiplies every timeout.
    """

    search_path: str
    peers: Path | None = None
    jobs: int = 0
    patience: float = 1.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings | None:
        """
        From ``NANO_WPT``, ``NANO_WPT_PEERS``, ``NANO_WPT_JOBS`` and ``NANO_WPT_PATIENCE``;
        ``None`` if the first is not set.
        """
        search_path = environment.get("NANO_WPT")
        if not search_path:
            return None
        peers = environment.get("NANO_WPT_PEERS")
        jobs = int(environment.get("NANO_WPT_JOBS", "0"))
        patience = float(environment.get("NANO_WPT_PATIENCE", "1"))
        return cls(search_path, Path(peers) if peers else None, jobs, patience)

    def load_peers(self) -> Peers | None:
        """
        The peers' results, if they are at hand.
        """
        return Peers.load(self.peers) if self.peers else None


@dataclass
class Report:
    """
    The results, how they deviate, and what was skipped (test to reason).
    """

    results: list[FileResult]
    expectations: dict[str, Expectations]
    skipped: dict[str, str] = field(default_factory=dict)

    def deviations(self) -> list[Deviations]:
        """
        One entry per test that did not do as expected.
        """
        found = (compare(result, self.expected(result.name)) for result in self.results)
        return [deviation for deviation in found if deviation]

    def expected(self, name: str) -> Mapping[str, str]:
        """
        The subtests of a test that are expected to fail.
        """
        return self.expectations[area_of(name)].fail.get(name, {})

    def summary(self) -> str:
        """
        One line: how much ran, passed, was skipped, and deviates.
        """
        total = sum(len(result.subtests) for result in self.results)
        passed = sum(subtest.passed for result in self.results for subtest in result.subtests)
        share = 100.0 * passed / total if total else 0.0
        return (
            f"{len(self.results)} tests, {passed} of {total} subtests pass ({share:.1f} %), "
            f"{len(self.skipped)} skipped, {len(self.deviations())} not as expected"
        )

    def updated(self, peers: Peers | None) -> dict[str, Expectations]:
        """
        The expectations as these results make them, area by area.
        """

        def propose(name: str, subtest: str) -> str:
            return peers.reason(name, subtest) if peers else ""

        return {area: update(before, self._of(area), propose) for area, before in self.expectations.items()}

    def _of(self, area: str) -> list[FileResult]:
        return [result for result in self.results if area_of(result.name) == area]


def run(
    settings: Settings,
    selections: Iterable[str],
    *,
    skipped_too: bool = False,
    watch: Callable[[FileResult], None] = lambda result: None,
) -> Report:
    """
    Run what *selections* name (folders, files, files with a variant; see `Suite.tests`).

    Args:
        skipped_too: run also what the expectations skip.
        watch: told each result as it comes, from a thread of the pool.
    """
    suite = Suite.from_search_path(settings.search_path)
    chosen = sorted({test for selection in selections for test in suite.tests(selection)})
    areas = sorted({area_of(test.path) for test in chosen})
    expectations = {area: Expectations.load(area) for area in areas}
    skipped: dict[str, str] = {}
    tests: list[Test] = []
    for test in chosen:
        reason = expectations[area_of(test.path)].reason_to_skip(test.name)
        if reason is None or skipped_too:
            tests.append(test)
        else:
            skipped[test.name] = reason
    results = run_tests(
        settings.search_path,
        tests,
        jobs=settings.jobs,
        patience=settings.patience,
        watch=watch,
    )
    return Report(results, expectations, skipped)
