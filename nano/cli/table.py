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


def table(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset(), columns: int | None = None) -> list[str]:
    """
    Lines with the cells of each row, in columns two spaces apart.

    Args:
        rows: of the same length; columns that are empty throughout are left out.
        right: the columns that are aligned to the right.
        columns: how wide a line may be, if not as wide as it likes: then cells of the last column, which are to have no
            colours, are cropped.
    """
    kept = [column for column in range(len(rows[0]) if rows else 0) if any(row[column] for row in rows)]
    widths = {column: max(width_of(row[column]) for row in rows) for column in kept}
    last = kept[-1] if kept else 0
    room = None if columns is None else max(0, columns - sum(widths[column] + 2 for column in kept[:-1]))
    lines = []
    for row in rows:
        cells = []
        for column in kept:
            cell = row[column]
            if column == last and room is not None and width_of(cell) > room:
                cell = cropped(cell, room)
            space = " " * (widths[column] - width_of(cell))
            cells.append(space + cell if column in right else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines
