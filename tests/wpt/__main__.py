# -*- test-case-name: tests.wpt.test_harness -*-
"""
``python -m tests.wpt [SELECTION …]``: run Web Platform Tests; see README.md beside this file.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from tests.wpt.peers import Peers
from tests.wpt.results import FileResult
from tests.wpt.run import Report, Settings, run
from tests.wpt.suite import AREAS, Suite
from tests.wpt.table import markdown, rows

__all__ = ["main"]

_SCREENFUL = 40


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.wpt", description="Web Platform Tests")
    parser.add_argument("selection", nargs="*", default=AREAS, help="folder, file or file?variant")
    parser.add_argument("-v", "--verbose", action="store_true", help="list failing subtests")
    parser.add_argument("-j", "--jobs", type=int, default=0, help="processes (one per core)")
    parser.add_argument("--patience", type=float, help="multiply every timeout")
    parser.add_argument("--all", action="store_true", help="run also what is skipped")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--update", action="store_true", help="rewrite the expectations")
    what.add_argument("--table", action="store_true", help="print the table of areas, nothing else")
    return parser


class _Screen:
    """
    What the command prints while it runs and at its end.
    """

    def __init__(self, verbose: bool, peers: Peers | None) -> None:
        self._verbose = verbose
        self._peers = peers

    def file(self, result: FileResult) -> None:
        """
        A line for one test, its failing subtests below.
        """
        passed = sum(subtest.passed for subtest in result.subtests)
        trouble = "" if result.status == "OK" else f"  {result.status}: {result.message}"
        lines = [f"{passed:5} of {len(result.subtests):5}  {result.name}{trouble}"]
        if self._verbose:
            lines += [
                f"{'':16}{name}{self._others(result.name, name)}\n{'':18}{why}"
                for name, why in result.failures().items()
            ]
        print("\n".join(lines), flush=True)

    def _others(self, name: str, subtest: str) -> str:
        passing = self._peers.passing(name, subtest) if self._peers else []
        return f"  [passes on {', '.join(passing)}]" if passing else ""

    def end(self, report: Report) -> None:
        """
        Whatever deviates, then the summary.
        """
        lines = "\n".join(map(str, report.deviations())).splitlines()
        print("\n".join(lines[:_SCREENFUL]))
        if len(lines) > _SCREENFUL:
            print(f"… and {len(lines) - _SCREENFUL} more lines")
        print(report.summary())
        if self._peers is not None:
            print(f"{self._ours_alone(report)} failures that one of the peers does not have")

    def _ours_alone(self, report: Report) -> int:
        assert self._peers is not None
        return sum(
            bool(self._peers.passing(result.name, subtest))
            for result in report.results
            for subtest in result.failures()
        )

    def lacking(self, report: Report) -> None:
        """
        After an update: what somebody has to explain or to mend.
        """
        for expectations in report.expectations.values():
            for name, subtests in expectations.without_reason().items():
                print(f"needs a reason: {name}")
                for subtest in subtests:
                    print(f"    {subtest}{self._others(name, subtest)}")


def _update(report: Report, peers: Peers | None, screen: _Screen) -> None:
    report.expectations = report.updated(peers)
    for area, expectations in report.expectations.items():
        expectations.save(area)
    screen.lacking(report)
    print(report.summary())


def main(arguments: Sequence[str]) -> int:
    """
    Returns:
        0 if everything did as expected, 1 if not, 2 if there is nothing to run.
    """
    options = _parser().parse_args(arguments)
    settings = Settings.from_environment()
    missing = Suite.from_search_path(settings.search_path).missing() if settings else []
    if settings is None or missing:
        where = f"; no folder: {', '.join(map(str, missing))}" if missing else ""
        print(f"NANO_WPT must name folders with the suite{where}", file=sys.stderr)
        return 2
    settings = dataclasses.replace(
        settings,
        jobs=options.jobs or settings.jobs,
        patience=options.patience or settings.patience,
    )
    peers = settings.load_peers()
    screen = _Screen(options.verbose, peers)
    watch = (lambda result: None) if options.table else screen.file
    report = run(settings, options.selection, skipped_too=options.all, watch=watch)
    if not report.results and not report.skipped:
        print(f"nothing to run in {', '.join(options.selection)}", file=sys.stderr)
        return 2
    if options.table:
        print(markdown(rows(report.results, peers)), end="")
        return 0
    if options.update:
        _update(report, peers, screen)
        return 0
    screen.end(report)
    return 1 if report.deviations() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
