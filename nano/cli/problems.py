# -*- test-case-name: tests.cli.test_check -*-
"""
What went wrong, for people and for programs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from nano.admin.terminal_format import Paint, wants_colours
from nano.errors import Problem, visible

__all__ = ["CommandError", "as_objects", "fail", "print_problems"]


class CommandError(Exception):
    """
    What a command was asked for could not be done; the message says why.
    """


def fail(message: str) -> int:
    """Say on standard error what went wrong; the exit code."""
    print(f"nano: {message}", file=sys.stderr)
    return 1


def print_problems(problems: Sequence[Problem]) -> int:
    """Tell standard error; the exit code."""
    paint = Paint(sys.stderr.isatty() and wants_colours(os.environ))
    for problem in problems:
        print(_shown(problem, paint), file=sys.stderr)
    return 1


def _shown(problem: Problem, paint: Paint) -> str:
    """As `str(problem)`, with colours."""
    place = paint(str(problem.place), "bold") if problem.place else ""
    parts = (place, paint(visible(problem.path), "cyan"), paint(visible(problem.reason), "red"))
    head = ": ".join(part for part in parts if part)
    source, _, caret = (problem.place.frame() if problem.place else "").partition("\n")
    return f"{head}\n{source}\n{paint(caret, 'red', 'bold')}" if source else head


def as_objects(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """As JSON."""
    found = []
    for problem in problems:
        part: dict[str, Any] = {"reason": problem.reason}
        if problem.path:
            part["path"] = problem.path
        if problem.place is not None:
            part["file"] = problem.place.file
            numbers = {"line": problem.place.line, "column": problem.place.column}
            part.update({name: number for name, number in numbers.items() if number})
        found.append(part)
    return found
