# -*- test-case-name: tests.wpt.test_harness -*-
"""
How other runtimes do on the same subtests, from a folder of recorded results (``NANO_WPT_PEERS``).

The folder holds ``universe.json.gz``, every subtest that was seen on any of them, and one
``baseline-<runtime>.json`` each, with what failed.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.wpt.results import HARNESS

__all__ = ["NAMES", "Peers"]

NAMES = ("workerd", "deno", "bun", "node")


@dataclass(frozen=True)
class Peers:
    """
    Attributes:
        universe: test to its subtests.
        passed: runtime to test to the subtests it passes.
        counts: runtime to test to how many those are, as recorded.
        completed: runtime to the tests that ended with harness status OK.
    """

    universe: Mapping[str, frozenset[str]]
    passed: Mapping[str, Mapping[str, frozenset[str]]]
    counts: Mapping[str, Mapping[str, int]]
    completed: Mapping[str, frozenset[str]]

    @classmethod
    def load(cls, folder: Path) -> Peers:
        """
        Read the folder; about a tenth of a second.
        """
        with gzip.open(folder / "universe.json.gz", "rt") as file:
            seen = json.load(file)["files"]
        universe = {name: frozenset(subtests) for name, subtests in seen.items()}
        files = {peer: json.loads((folder / f"baseline-{peer}.json").read_text())["files"] for peer in NAMES}
        passed = {peer: {name: _passed(universe[name], entry) for name, entry in files[peer].items()} for peer in NAMES}
        counts = {peer: {name: entry["pass"] for name, entry in files[peer].items()} for peer in NAMES}
        completed = {
            peer: frozenset(name for name, entry in files[peer].items() if entry["h"] == "OK") for peer in NAMES
        }
        return cls(universe, passed, counts, completed)

    def knows(self, name: str, subtest: str) -> bool:
        """
        Whether the peers were asked this subtest.
        """
        return name in self.universe and subtest in self.universe[name] | {HARNESS}

    def passing(self, name: str, subtest: str) -> list[str]:
        """
        Who passes it.
        """
        if subtest == HARNESS:
            return [peer for peer in NAMES if name in self.completed[peer]]
        return [peer for peer in NAMES if subtest in self.passed[peer].get(name, frozenset())]

    def reason(self, name: str, subtest: str) -> str:
        """
        The reason for a failure that nobody has to explain, or "" for one that needs one.
        """
        if self.knows(name, subtest) and not self.passing(name, subtest):
            return f"fails on {', '.join(NAMES[:-1])} and {NAMES[-1]} too"
        return ""


def _passed(universe: frozenset[str], entry: Mapping[str, Any]) -> frozenset[str]:
    if entry["h"] != "OK" and entry["seen"] < len(universe):
        # It broke off; the record does not say which subtests it never came to.
        return frozenset()
    failed = {name for key in ("fail", "timeout", "notrun") for name in entry.get(key, ())}
    return universe - failed
