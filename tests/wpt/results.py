# -*- test-case-name: tests.wpt.test_harness -*-
"""
What a run yields: plain values, no behaviour beyond counting and JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["HARNESS", "FileResult", "Subtest"]

HARNESS = "[harness]"
"""Stands for the file as a whole wherever subtests are named."""


@dataclass(frozen=True)
class Subtest:
    """
    One subtest: its status is testharness.js's word (PASS, FAIL, TIMEOUT, NOTRUN, …).
    """

    name: str
    status: str
    message: str = ""

    @property
    def passed(self) -> bool:
        """
        Whether it passed; everything else is a failure.
        """
        return self.status == "PASS"


@dataclass(frozen=True)
class FileResult:
    """
    One test file with one variant: OK, ERROR, TIMEOUT or CRASH, and its subtests.
    """

    name: str
    status: str
    message: str
    subtests: tuple[Subtest, ...]
    seconds: float = 0.0

    def lasting(self, seconds: float) -> FileResult:
        """
        The same with its duration.
        """
        return replace(self, seconds=seconds)

    def failures(self) -> dict[str, str]:
        """
        What did not pass, name to message; `HARNESS` among them if the file itself did not.
        """
        failed = {
            subtest.name: f"{subtest.status}: {subtest.message}" for subtest in self.subtests if not subtest.passed
        }
        if self.status != "OK":
            failed[HARNESS] = f"{self.status}: {self.message}"
        return failed

    def passes(self) -> set[str]:
        """
        The names that passed, `HARNESS` among them if the file completed; of subtests that
        share a name, all must pass.
        """
        names = {subtest.name for subtest in self.subtests}
        if self.status == "OK":
            names.add(HARNESS)
        return names - self.failures().keys()

    def to_json(self) -> dict[str, Any]:
        """
        As the worker sends it.
        """
        rows = [[subtest.name, subtest.status, subtest.message] for subtest in self.subtests]
        return {
            "name": self.name,
            "status": self.status,
            "message": self.message,
            "subtests": rows,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FileResult:
        """
        The reverse.
        """
        rows: Iterable[list[str]] = value["subtests"]
        subtests = tuple(Subtest(*row) for row in rows)
        name, status, message = value["name"], value["status"], value["message"]
        return cls(name, status, message, subtests, value.get("seconds", 0.0))
