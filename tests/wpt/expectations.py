# -*- test-case-name: tests.wpt.test_harness -*-
"""
What is expected to fail and why, and how a run differs from it.

One file per area, ``expectations/<area>.json``::

    {
      "skip": {"fetch/api/cors/**": "needs the servers of the suite"},
      "fail": {
        "url/url-constructor.any.js": {
          "the reason": ["a subtest", "another subtest"]
        }
      }
    }

``skip`` holds patterns of files that are not run: ``*`` stands for anything within a folder,
``**`` for anything. In ``fail`` a subtest ``*`` stands
for all of the file, and ``[harness]`` for the file itself: it does not end, or throws.
Pure but for reading and writing these files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.wpt.results import HARNESS, FileResult

__all__ = ["EVERY", "FOLDER", "Deviations", "Expectations", "compare", "update"]

FOLDER = Path(__file__).parent / "expectations"
EVERY = "*"


@dataclass
class Expectations:
    """
    Those of one area: what to skip, and for each test its failing subtests with their reasons.
    """

    skip: dict[str, str] = field(default_factory=dict)
    fail: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, area: str, folder: Path = FOLDER) -> Expectations:
        """
        Read an area's file; without one nothing is expected to fail.
        """
        file = folder / f"{area}.json"
        return cls.parse(file.read_text()) if file.exists() else cls()

    @classmethod
    def parse(cls, text: str) -> Expectations:
        """
        Raises:
            ValueError: no JSON, or a subtest with two reasons.
        """
        value = json.loads(text)
        unknown = value.keys() - {"skip", "fail"}
        if unknown:
            msg = f"unknown keys: {sorted(unknown)}"
            raise ValueError(msg)
        fail = {name: _by_subtest(name, reasons) for name, reasons in value["fail"].items()}
        return cls(dict(value["skip"]), fail)

    def format(self) -> str:
        """
        The text of the file: sorted, failures gathered by reason.
        """
        fail = {name: _by_reason(self.fail[name]) for name in sorted(self.fail) if self.fail[name]}
        value = {"skip": dict(sorted(self.skip.items())), "fail": fail}
        return json.dumps(value, indent=1) + "\n"

    def save(self, area: str, folder: Path = FOLDER) -> None:
        """
        Write an area's file; an empty one is removed.
        """
        file = folder / f"{area}.json"
        if self.skip or self.fail:
            file.write_text(self.format())
        else:
            file.unlink(missing_ok=True)

    def reason_to_skip(self, name: str) -> str | None:
        """
        Why the test is not run, or ``None``; a pattern covers all variants of a file.
        """
        path = name.partition("?")[0]
        reasons = (reason for pattern, reason in self.skip.items() if _matches(pattern, path))
        return next(reasons, None)

    def without_reason(self) -> dict[str, list[str]]:
        """
        Test to subtests whose reason is empty: somebody has to find one, or the bug.
        """
        found = {
            name: sorted(subtest for subtest, reason in reasons.items() if not reason)
            for name, reasons in self.fail.items()
        }
        return {name: subtests for name, subtests in found.items() if subtests}


@dataclass(frozen=True)
class Deviations:
    """
    How one file's result differs from what was expected.

    Attributes:
        failures: subtest to message, for what failed and should not have.
        passes: what passed and was expected to fail.
        gone: what was expected to fail and did not appear.
    """

    name: str
    failures: dict[str, str]
    passes: list[str]
    gone: list[str]

    def __bool__(self) -> bool:
        return bool(self.failures or self.passes or self.gone)

    def __str__(self) -> str:
        lines = [self.name]
        lines += [f"  unexpected failure: {name}: {why}" for name, why in self.failures.items()]
        lines += [f"  unexpected pass: {name}" for name in self.passes]
        lines += [f"  expected to fail, but gone: {name}" for name in self.gone]
        return "\n".join(lines)


def compare(result: FileResult, expected: Mapping[str, str]) -> Deviations:
    """
    Hold *result* against *expected*, subtest to reason.
    """
    failures, passes = result.failures(), result.passes()
    if EVERY in expected:
        wrong = {HARNESS: failures[HARNESS]} if HARNESS in failures.keys() - expected else {}
        return Deviations(result.name, wrong, sorted(passes - {HARNESS}), [])
    unexpected = {name: why for name, why in failures.items() if name not in expected}
    surprising = sorted(passes & expected.keys())
    gone = sorted(expected.keys() - passes - failures.keys())
    return Deviations(result.name, unexpected, surprising, gone)


def update(
    before: Expectations,
    results: Iterable[FileResult],
    propose: Callable[[str, str], str],
) -> Expectations:
    """
    What *results* make of the expectations: reasons that are there stay, *propose* (test,
    subtest) gives those of new failures. Tests that did not run stay as they are.
    """
    fail = dict(before.fail)
    for result in results:
        known = before.fail.get(result.name, {})
        failures = result.failures()
        if EVERY in known and not result.passes() - {HARNESS}:
            continue
        fail[result.name] = {subtest: known.get(subtest) or propose(result.name, subtest) for subtest in failures}
    return Expectations(before.skip, {name: reasons for name, reasons in fail.items() if reasons})


def _matches(pattern: str, path: str) -> bool:
    wild = {"**": ".*", "*": "[^/]*"}
    parts = re.split(r"(\*\*|\*)", pattern)
    regex = "".join(wild.get(part) or re.escape(part) for part in parts)
    return re.fullmatch(regex, path) is not None


def _by_subtest(name: str, reasons: Mapping[str, list[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for reason, subtests in reasons.items():
        for subtest in subtests:
            if subtest in found:
                msg = f"{name}: {subtest!r} has two reasons"
                raise ValueError(msg)
            found[subtest] = reason
    return found


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for subtest, reason in sorted(reasons.items()):
        found.setdefault(reason, []).append(subtest)
    return dict(sorted(found.items()))
