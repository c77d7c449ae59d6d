"""
Tests for `nano.ops.host`.
"""

from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase

from nano.ops.host import chunk, entropy


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


class ChunkTests(SynchronousTestCase):
    """
    Parts of the runtime that are loaded late.
    """

    def test_source(self) -> None:
        """A function's body, which names itself in stack traces."""
        source = chunk(b"console").decode()
        self.assertTrue(source.startswith('"use strict";'))
        self.assertTrue(source.endswith("//# sourceURL=nano:console.js\n"))

    def test_unknown(self) -> None:
        """There are no others, whatever the name looks like."""
        for name in (b"", b"nothing", b"../runtime", b"\xff"):
            self.assertRaises(KeyError, chunk, name)
