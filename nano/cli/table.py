# -*- test-case-name: tests.cli.test_table -*-
"""
Columns of text, with or without colours.  Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

__all__ = ["cropped", "table", "width_of"]

#: So many columns the last one gets, if it can have them.
_LEAST = 16
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


def table(
    rows: Sequence[Sequence[str]],
    right: frozenset[int] = frozenset(),
    columns: int | None = None,
    dispensable: Sequence[int] = (),
) -> list[str]:
    """
    Lines with the cells of each row, in columns two spaces apart.

    Args:
        rows: of the same length; columns that are empty throughout are left out.
        right: the columns that are aligned to the right.
        columns: how wide a line may be, if not as wide as it likes: then cells of the last column, which are to have no
            colours, are cropped.
        dispensable: the columns that are left out, from the first on, while the last one has too little room.
    """
    kept = [column for column in range(len(rows[0]) if rows else 0) if any(row[column] for row in rows)]
    widths = {column: max(width_of(row[column]) for row in rows) for column in kept}
    for column in dispensable:
        if not kept or columns is None or _room(kept, widths, columns) >= min(_LEAST, widths[kept[-1]]):
            break
        kept = [each for each in kept if each != column]
    room = _room(kept, widths, columns) if kept and columns is not None else None
    return [_line(row, kept, widths, right, room) for row in rows]


def _room(kept: Sequence[int], widths: Mapping[int, int], columns: int) -> int:
    """What the others leave to the last column."""
    return max(0, columns - sum(widths[column] + 2 for column in kept[:-1]))


def _line(
    row: Sequence[str], kept: Sequence[int], widths: Mapping[int, int], right: frozenset[int], room: int | None
) -> str:
    cells = []
    for column in kept:
        cell = row[column]
        if column == kept[-1] and room is not None and width_of(cell) > room:
            cell = cropped(cell, room)
        space = " " * (widths[column] - width_of(cell))
        cells.append(space + cell if column in right else cell + space)
    return "  ".join(cells).rstrip()
