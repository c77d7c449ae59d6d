"""
Tests for `nano.ops.host`.
"""

from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase

from nano.ops.host import entropy


class EntropyTests(SynchronousTestCase):
    """
    Random bytes for scripts.
    """

    def test_length(self) -> None:
        """As many as were asked for."""
        for size in (0, 1, 16, 65536):
            self.assertEqual(len(entropy(struct.pack("<I", size))), size)

    def test_random(self) -> None:
        """Others each time."""
        self.assertEqual(len({entropy(struct.pack("<I", 16)) for _ in range(100)}), 100)

    def test_bounds(self) -> None:
        """A question that lies gets no more than the largest answer, and needs no particular form."""
        self.assertEqual(len(entropy(b"\xff\xff\xff\xff")), 65536)
        self.assertEqual(entropy(b""), b"")
        self.assertEqual(len(entropy(b"\2\0\0\0 and more")), 2)
