# -*- test-case-name: tests.cli.test_table -*-
"""
Columns.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from nano.cli.table import cropped, table, width_of


class TableTests(SynchronousTestCase):
    def test_alignment(self) -> None:
        """Columns are as wide as their widest cell, to the left or to the right."""
        self.assertEqual(table([["a", "10", "x"], ["bcd", "9", "yz"]], frozenset({1})), ["a    10  x", "bcd   9  yz"])

    def test_empty_column(self) -> None:
        """A column without a single cell takes no room."""
        self.assertEqual(table([["a", "", "b"], ["c", "", "d"]]), ["a  b", "c  d"])

    def test_no_rows(self) -> None:
        """Nothing is nothing."""
        self.assertEqual(table([]), [])

    def test_width(self) -> None:
        """Colours take no room, and wide characters take two columns."""
        self.assertEqual([width_of(text) for text in ("\x1b[31;1mab\x1b[0m", "日本", "e\u0301")], [2, 4, 1])
        self.assertEqual(table([["\x1b[31ma\x1b[0m", "x"], ["日本", "y"]]), ["\x1b[31ma\x1b[0m     x", "日本  y"])

    def test_columns(self) -> None:
        """Where there is an end to a line, the last column is cut."""
        rows = [["a", "x" * 9], ["bcd", "y"]]
        self.assertEqual(table(rows, columns=10), ["a    xxxx…", "bcd  y"])
        self.assertEqual(table(rows, columns=14), ["a    xxxxxxxxx", "bcd  y"])
        self.assertEqual(table(rows, columns=2), ["a", "bcd"])

    def test_dispensable(self) -> None:
        """Where the last column has too little room, others make room, and no more of them than have to."""
        rows = [["aaaa", "bbbb", "cccc", "d" * 20]]
        for columns, line in (
            (38, "aaaa  bbbb  cccc  " + "d" * 20),
            (34, "aaaa  bbbb  cccc  " + "d" * 15 + "…"),
            (33, "aaaa  bbbb  " + "d" * 20),
            (22, "aaaa  " + "d" * 15 + "…"),
            (10, "aaaa  ddd…"),
        ):
            self.assertEqual(table(rows, columns=columns, dispensable=(2, 1)), [line], columns)
        self.assertEqual(table(rows, dispensable=(2, 1)), ["aaaa  bbbb  cccc  " + "d" * 20])

    def test_cropped(self) -> None:
        """What does not fit ends with an ellipsis."""
        self.assertEqual([cropped("abcdef", width) for width in (6, 5, 1, 0)], ["abcdef", "abcd…", "…", ""])
        self.assertEqual(cropped("日本語", 5), "日本…")
