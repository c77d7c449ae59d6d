"""
Tests of how nano.apps.modules and nano.apps.program treat apps that import modules of Node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, execute, succeed
from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from nano.apps.modules import AppBundle, CompileCache, GraphError, ModuleLoader
from nano.apps.program import make_program
from nano.builtin_modules import builtin_names
from tests.engine.scripts import app_config, compile_module

__all__ = ["BuiltinImportTests"]

_WAITS = "export const f = async () => {\n  await 1;\n};"
_PLAIN = "export const g = () => 1;"


class BuiltinImportTests(SynchronousTestCase):
    """Apps that import what is no file."""

    def setUp(self) -> None:
        self.compiled: list[tuple[str, bool]] = []
        self.cache: CompileCache | None = None

    def compile(self, source: str, filename: str, options: str = "") -> Deferred[dict[str, Any]]:
        """Compile, and note what."""
        self.compiled.append((filename, bool(options)))
        return succeed(compile_module(source, filename, options))

    def load(self, files: Mapping[str, str]) -> AppBundle:
        """The bundle of an app."""
        root = FilePath(self.mktemp())
        root.makedirs()
        for name, text in files.items():
            root.child(name).setContent(text.encode())
        loader = ModuleLoader(self.compile, "1", execute, builtin_names(), self.cache)
        bundle: AppBundle = self.successResultOf(loader.load(root))
        return bundle

    def codes(self, bundle: AppBundle) -> dict[str, str]:
        """The scripts of the modules."""
        return {module.name: module.code for module in bundle.modules}

    def test_most_apps_stay_as_they_are(self) -> None:
        """Without node:async_hooks no await is rewritten."""
        bundle = self.load({"index.js": f'import "node:buffer"; {_WAITS}'})
        self.assertEqual(self.compiled, [("index.js", False)])
        self.assertNotIn("async context", self.codes(bundle)["index.js"])

    def test_awaits_are_rewritten(self) -> None:
        """With it, the modules that wait are, wherever it is imported; lines stay what they are."""
        for statement in (
            'import "node:async_hooks"',
            'import "async_hooks"',
            'export const h = () => import("async_hooks")',
        ):
            bundle = self.load({"index.js": 'import "./a.js"; import "./b.js";', "a.js": _WAITS, "b.js": statement})
            codes = self.codes(bundle)
            self.assertIn("async context", codes["a.js"], statement)
            self.assertEqual(codes["a.js"].split("\n")[1].count("await"), 1)
            self.assertNotIn("async context", codes["index.js"])
            self.assertEqual(bundle.builtins, ("node:async_hooks",))

    def test_both_forms_are_cached(self) -> None:
        """A module shared by apps of either kind is compiled once for each, and neither gets the other's."""
        self.cache = CompileCache(FilePath(self.mktemp()))
        plain = {"index.js": 'import "./a.js";', "a.js": _WAITS}
        with_context = {"index.js": 'import "./a.js"; import "node:async_hooks";', "a.js": _WAITS}
        for files in (plain, with_context, with_context, plain):
            bundle = self.load(files)
            self.assertEqual("async context" in self.codes(bundle)["a.js"], files is with_context)
        self.assertEqual(
            sorted(self.compiled), [("a.js", False), ("a.js", True), ("index.js", False), ("index.js", False)]
        )

    def test_scripts_of_the_modules(self) -> None:
        """An isolate gets the scripts of what the app imports and of what that needs, before the app's own."""
        program = make_program(self.load({"index.js": f'import "node:process"; {_PLAIN}'}), app_config())
        self.assertEqual(program.value["builtins"], ["node:events", "node:process"])
        for script, name in zip(program.scripts, ("node:events", "node:process", "index.js"), strict=True):
            self.assertTrue(script.startswith(f'globalThis["nano:define"]["{name}"]=('), script[:80])
        none = make_program(self.load({"index.js": _PLAIN}), app_config())
        self.assertEqual((none.value["builtins"], len(none.scripts)), ([], 1))

    def test_unknown_names(self) -> None:
        """A module that is not there is an error of the import's place."""
        root = FilePath(self.mktemp())
        root.makedirs()
        root.child("index.js").setContent(b'import "node:fs";\nimport { x } from "http2";\nimport "nano:internals";')
        loader = ModuleLoader(self.compile, "1", execute, builtin_names())
        error = self.failureResultOf(loader.load(root), GraphError).value
        self.assertEqual(
            [str(each).split("\n")[0] for each in error.errors],
            [
                "index.js:1:8: The built-in module 'node:fs' is not there",
                "index.js:2:19: The built-in module 'node:http2' is not there",
                "index.js:3:8: The built-in module 'nano:internals' is not there",
            ],
        )
