# -*- test-case-name: tests.wpt.test_harness -*-
"""
Sums results up per area, as the markdown table that the documentation includes.

With the peers' results at hand only subtests that they were asked count, so that the columns
compare; a subtest that did not appear in our run counts as failed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.wpt.peers import NAMES, Peers
from tests.wpt.results import FileResult
from tests.wpt.suite import area_of

__all__ = ["Row", "markdown", "rows"]


@dataclass(frozen=True)
class Row:
    """
    One area: how many files and subtests, and how many of these pass on nano and on each peer.
    """

    area: str
    files: int
    subtests: int
    passed: tuple[int, ...]

    def shares(self) -> list[float]:
        """
        Percent passed, nano first.
        """
        return [100.0 * count / self.subtests if self.subtests else 0.0 for count in self.passed]


def rows(results: Iterable[FileResult], peers: Peers | None = None) -> list[Row]:
    """
    One row per area, sorted without regard to case.
    """
    by_area: dict[str, list[FileResult]] = {}
    for result in results:
        if peers is None or result.name in peers.universe:
            by_area.setdefault(area_of(result.name), []).append(result)
    return [_row(area, by_area[area], peers) for area in sorted(by_area, key=str.lower)]


def _row(area: str, results: Sequence[FileResult], peers: Peers | None) -> Row:
    files = len({result.name.partition("?")[0] for result in results})
    if peers is None:
        subtests = sum(len(result.subtests) for result in results)
        return Row(area, files, subtests, (sum(_own(result) for result in results),))
    asked = [peers.universe[result.name] for result in results]
    ours = sum(len(result.passes() & universe) for result, universe in zip(results, asked, strict=True))
    theirs = (sum(peers.counts[peer].get(result.name, 0) for result in results) for peer in NAMES)
    return Row(area, files, sum(map(len, asked)), (ours, *theirs))


def _own(result: FileResult) -> int:
    return sum(subtest.passed for subtest in result.subtests)


def markdown(table: Sequence[Row]) -> str:
    """
    The table, with the sum and the mean of the areas below; the best of a row is bold.
    """
    width = max((len(row.passed) for row in table), default=1)
    names = ("nano", *NAMES)[:width]
    lines = [
        "| area | files | subtests | " + " | ".join(names) + " |",
        "| --- | ---: | ---: |" + " ---: |" * width,
    ]
    lines += [_line(row.area, str(row.files), str(row.subtests), row.shares()) for row in table]
    if table:
        lines += _totals(table, width)
    return "\n".join(lines) + "\n"


def _totals(table: Sequence[Row], width: int) -> list[str]:
    passed = tuple(sum(row.passed[column] for row in table) for column in range(width))
    files, subtests = sum(row.files for row in table), sum(row.subtests for row in table)
    total = Row("all subtests", files, subtests, passed)
    shares = [row.shares() for row in table]
    means = [sum(share[column] for share in shares) / len(table) for column in range(width)]
    return [
        _line(total.area, str(files), str(subtests), total.shares()),
        _line("mean of the areas", "", "", means),
    ]


def _line(area: str, files: str, subtests: str, shares: Sequence[float]) -> str:
    texts = [f"{share:.1f} %" for share in shares]
    best = f"{max(shares):.1f} %"
    cells = [f"**{text}**" if text == best else text for text in texts]
    return f"| {area} | {files} | {subtests} | " + " | ".join(cells) + " |"
