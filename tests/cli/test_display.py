# -*- test-case-name: tests.cli.test_display -*-
"""
How things look.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.terminal_format import Paint
from nano.cli.display import columns, memory, output_paint, painted_state


class DisplayTests(SynchronousTestCase):
    def test_memory(self) -> None:
        """In megabytes, with a fraction where it matters."""
        for size, text in ((0, "0.0 MB"), (2**20 * 1.25, "1.2 MB"), (2**20 * 99.96, "100 MB"), (2**30, "1024 MB")):
            self.assertEqual(memory(size), text)

    def test_states(self) -> None:
        """What is well is green, what is not is red; a state of the future has no colour."""
        paint = Paint(True)
        self.assertEqual(painted_state("ready", paint), "\x1b[32mready\x1b[0m")
        self.assertEqual(painted_state("failed", paint), "\x1b[31mfailed\x1b[0m")
        self.assertEqual(painted_state("asleep", paint), "asleep")

    def test_no_terminal(self) -> None:
        """A pipe or file has neither colours nor a width."""
        with open(self.mktemp(), "w") as file:
            self.patch(__import__("sys"), "stdout", file)
            self.assertEqual((columns(), output_paint()("a", "red")), (None, "a"))
