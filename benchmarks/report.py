"""
How figures are printed, beside their targets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["table", "target"]


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table as Markdown has it; the first column is text."""
    print(f"\n{title}\n")
    print(f"| {' | '.join(columns)} |")
    print(f"| --- |{' ---: |' * (len(columns) - 1)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def target(value: float, most: float, unit: str, digits: int = 1) -> str:
    """A figure, what it should be at most, and whether it is."""
    return f"{value:.{digits}f} {unit} (target {most:g}: {'met' if value <= most else 'missed'})"
