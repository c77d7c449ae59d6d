"""
What the package build made.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from nano.bundle import read_bundle
from nano.errors import EngineError

__all__ = ["ReadBundleTests"]


class ReadBundleTests(SynchronousTestCase):
    """`read_bundle`."""

    def test_read(self) -> None:
        """Each part is there: the runtime, the compiler, the names of the ops, the chunks."""
        for name in ("runtime.js", "compiler.js"):
            self.assertIn("sourceURL=nano:", read_bundle(name))
        self.assertIn("console", json.loads(read_bundle("chunks.json")))
        self.assertIn("host.entropy", json.loads(read_bundle("ops.json")))

    def test_missing(self) -> None:
        """What is not there says what to do."""
        error = self.assertRaises(EngineError, read_bundle, "nothing.js")
        self.assertIn("pip install", str(error))
