"""
Tests for `nano.apps.program`.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from nano.apps.modules import AppBundle, AppModule
from nano.apps.program import make_program, make_repl_program
from nano.config import AppConfig
from tests.engine.scripts import app_config


def bundle(*modules: AppModule, version: str = "v1") -> AppBundle:
    return AppBundle(FilePath("/nowhere"), "index.js", version, modules)


def entry(**record: Any) -> AppModule:
    return AppModule("index.js", "module", code="(function*($m){})", record={"exports": [["default", "x"]], **record})


class ProgramTests(SynchronousTestCase):
    """
    What an isolate is loaded with.
    """

    def test_scripts(self) -> None:
        """One script for each module with code, which moves no line, whatever the file's name."""
        name = 'a"\n\u2028b.js'
        odd = AppModule(name, "module", code="(function*(){\nthrow 1})", record={"exports": []})
        program = make_program(bundle(entry(), odd, AppModule("x.json", "json", text="{}")), app_config())
        self.assertEqual(len(program.scripts), 2)
        head, _, rest = program.scripts[1].partition("\n")
        self.assertEqual(rest, "throw 1})")
        self.assertTrue(head.startswith(f'globalThis["nano:define"][{json.dumps(name)}]='))

    def test_value(self) -> None:
        """The modules, the entry, the environment as the app sees it."""
        config = app_config(env={"A": {"b": [1]}}, user_agent="me", memory_mb=64)
        program = make_program(bundle(entry()), config)
        value = program.value
        self.assertEqual((value["entry"], value["env"], value["userAgent"]), ("index.js", {"A": {"b": [1]}}, "me"))
        self.assertEqual([module["name"] for module in value["modules"]], ["index.js"])
        self.assertEqual(program.memory, 64 * 2**20)
        json.dumps(value)

    def test_repl(self) -> None:
        """To type into, there is no entry, and every module of Node that keeps no context across each await."""
        program = make_repl_program(2**20)
        value = program.value
        self.assertEqual((value["entry"], value["modules"], value["repl"], program.memory), (None, [], True, 2**20))
        self.assertIn("node:path", value["builtins"])
        self.assertNotIn("node:async_hooks", value["builtins"])
        self.assertEqual(len(program.scripts), len(value["builtins"]))
        json.dumps(value)

    def globals_of(self, **record: Any) -> bool:
        return bool(make_program(bundle(AppModule("index.js", "module", record=record)), app_config()).value["globals"])

    def test_service_worker_style(self) -> None:
        """An entry without a default export, its own or passed on, finds env in its global scope."""
        self.assertTrue(self.globals_of())
        self.assertTrue(self.globals_of(exports=[["other", "x"]]))
        self.assertFalse(self.globals_of(exports=[["default", "x"]]))
        self.assertFalse(self.globals_of(reexports=[["default", 0, "x", 1, 1]]))

    def version(self, config: AppConfig, **keys: Any) -> str:
        return make_program(bundle(entry(), **keys), config).version

    def test_version(self) -> None:
        """Another code, another env or another limit is another version; the same is the same."""
        base = self.version(app_config(env={"A": 1}))
        self.assertEqual(self.version(app_config(env={"A": 1})), base)
        for other in (
            self.version(app_config(env={"A": 2})),
            self.version(app_config(env={"A": 1}, timeout_ms=77)),
            self.version(app_config(env={"A": 1}), version="v2"),
        ):
            self.assertNotEqual(other, base)
