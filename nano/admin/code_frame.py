# -*- test-case-name: tests.admin.test_code_frame -*-
"""
The piece of an app's source that a stack trace points to, for people at a terminal.

Stacks are texts that apps write, so what they name is believed only as far as it lies in the app's own folder: an
ordinary file there, of a size that somebody has written.
"""

from __future__ import annotations

import os
import re
import stat
from typing import NamedTuple

__all__ = ["CodeFrame", "frame_of", "frame_text"]

#: `at NAME (FILE:LINE:COLUMN)`, or without a name and parentheses.
_STACK_LINE = re.compile(r"(?m)^\s+at (?:[^\n]*? \()?(?P<file>[^\n():]+):(?P<line>\d{1,7}):(?P<column>\d{1,7})\)?$")
_LARGEST = 2**21
_CONTEXT = 2
_TAB = 4


class CodeFrame(NamedTuple):
    """
    A place in an app's source, and what stands there.

    Attributes:
        file: relative to the app's folder.
        line: from 1.
        column: from 1, in characters.
        lines: the numbers and texts of the line and its neighbours.
    """

    file: str
    line: int
    column: int
    lines: tuple[tuple[int, str], ...]


def frame_of(stack: str, path: str) -> CodeFrame | None:
    """
    The topmost place of *stack* that is in the app's own source; None where there is none, or it cannot be read.

    Args:
        stack: an error as `error.stack` has it.
        path: of the app, as configured: a folder, or a file in one.
    """
    folder = os.path.realpath(path if os.path.isdir(path) else os.path.dirname(path))
    for match in _STACK_LINE.finditer(stack):
        source = _source(folder, match["file"])
        if source is not None:
            return _frame(source, match["file"], int(match["line"]), int(match["column"]))
    return None


def _source(folder: str, file: str) -> str | None:
    try:
        path = os.path.realpath(os.path.join(folder, file))
        if not path.startswith(os.path.join(folder, "")):
            return None
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        with open(path, encoding="utf-8") as opened:
            return opened.read()
    except (OSError, ValueError):
        return None


def _frame(source: str, file: str, line: int, column: int) -> CodeFrame | None:
    lines = source.splitlines()
    if not (1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1):
        return None
    first, last = max(1, line - _CONTEXT), min(len(lines), line + _CONTEXT)
    return CodeFrame(file, line, column, tuple((number, lines[number - 1]) for number in range(first, last + 1)))


def frame_text(frame: CodeFrame, width: int = 100) -> list[str]:
    """
    *frame* as lines: numbers, a mark at the line that is meant, and a caret below the column.

    Args:
        width: of a line; longer ones (a bundle is often a single one) are cropped around the column.
    """
    digits = len(str(frame.lines[-1][0]))
    meant = dict(frame.lines)[frame.line].expandtabs(_TAB)
    caret = len(dict(frame.lines)[frame.line][: frame.column - 1].expandtabs(_TAB))
    width = max(20, width - digits - len(">  | "))
    start = 0 if len(meant) <= width else max(0, caret - width * 2 // 3)
    shown = []
    for number, text in frame.lines:
        mark = ">" if number == frame.line else " "
        shown.append(f"{mark} {number:{digits}} | {text.expandtabs(_TAB)[start : start + width]}".rstrip())
        if number == frame.line:
            shown.append(f"  {'':{digits}} | {'':{caret - start}}^")
    return shown
