# -*- test-case-name: tests.cli.test_table -*-
"""
Columns of text, with or without colours.  Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["cropped", "table", "width_of"]

_PAINT = re.compile("\x1b\\[[0-9;]*m")


def width_of(text: str) -> int:
    """How many columns of a terminal *text* takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in _PAINT.sub("", text)
    )


def cropped(text: str, width: int) -> str:
    """*text* without colours, cut with an ellipsis if it takes more than *width* columns."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…" if width > 0 else ""


def table(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """
    Lines with the cells of each row, in columns two spaces apart.

    Args:
        rows: of the same length; columns that are empty throughout are left out.
        right: the columns that are aligned to the right.
    """
    kept = [column for column in range(len(rows[0]) if rows else 0) if any(row[column] for row in rows)]
    widths = {column: max(width_of(row[column]) for row in rows) for column in kept}
    lines = []
    for row in rows:
        cells = []
        for column in kept:
            space = " " * (widths[column] - width_of(row[column]))
            cells.append(space + row[column] if column in right else row[column] + space)
        lines.append("  ".join(cells).rstrip())
    return lines
