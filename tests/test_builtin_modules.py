"""
Tests of nano.builtin_modules.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from nano.builtin_modules import ASYNC_CONTEXT, builtin_names, node_script, with_requirements

__all__ = ["BuiltinModulesTests"]


class BuiltinModulesTests(SynchronousTestCase):
    """What the package build made of nano/runtime/node/."""

    def test_names(self) -> None:
        """The modules of Node stand beside the runtime's own."""
        names = builtin_names()
        for name in ("cloudflare:workers", ASYNC_CONTEXT, "node:buffer", "node:path/posix", "node:util/types"):
            self.assertIn(name, names)
        self.assertFalse({"node:fs", "buffer", "nano:internals"} & names)
        self.assertFalse([name for name in names if "shims" in name])

    def test_requirements_come_first(self) -> None:
        """A module stands behind all that it needs, once."""
        for wanted in (["node:stream", "node:buffer", "node:process"], sorted(builtin_names())):
            ordered = with_requirements(wanted)
            self.assertEqual(len(ordered), len(set(ordered)))
            for place, name in enumerate(ordered):
                self.assertLessEqual(set(with_requirements([name])), set(ordered[: place + 1]))
        self.assertLess(ordered.index("node:events"), ordered.index("node:stream"))

    def test_others_are_left_out(self) -> None:
        """What is in every isolate anyway, or is no module at all, has no script."""
        self.assertEqual(with_requirements(["cloudflare:workers", "nano:script", "node:fs"]), [])

    def test_scripts(self) -> None:
        """Each is one expression, on the first line, and says its name in stack traces."""
        for name in with_requirements(builtin_names()):
            script = node_script(name)
            self.assertTrue(script.startswith("(function(module,require){"), name)
            self.assertTrue(script.endswith(f"\n//# sourceURL={name}\n"), name)
