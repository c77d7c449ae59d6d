"""
Tests for `nano.ops.registry`, and that the bundle and the modules of `nano.ops` know the same names.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from types import ModuleType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import nano.ops
from nano.bundle import read_bundle
from nano.errors import EngineError
from nano.ops.registry import OpTable, host_op, host_question


def module(**members: Any) -> ModuleType:
    found = ModuleType("ops")
    vars(found).update(members)
    return found


@host_op("t.op")
def an_op(context: Any, args: Any, buffers: list[bytes]) -> Any:
    return args


@host_question("t.question")
def a_question(question: bytes) -> bytes:
    return question


class OpTableTests(SynchronousTestCase):
    """
    Names, numbers, functions.
    """

    def test_tags_only(self) -> None:
        """A tagged function is the function it was."""
        self.assertEqual(an_op(None, 5, []), 5)
        self.assertEqual(a_question(b"x"), b"x")

    def test_numbers(self) -> None:
        """A name's number is its place in the bundle's list; ops and questions share the numbers."""
        table = OpTable(["t.question", "t.op"], [module(an_op=an_op, other=5), module(a_question=a_question)])
        self.assertEqual(table.names, ("t.question", "t.op"))
        self.assertEqual(table.ops, (None, an_op))
        self.assertEqual(table.questions, (a_question, None))

    def test_unused(self) -> None:
        """Functions that the bundle does not ask for are left out."""
        table = OpTable([], [module(an_op=an_op)])
        self.assertEqual((table.names, table.ops, table.questions), ((), (), ()))

    def test_missing(self) -> None:
        """A name without a function refuses to start, all of them named."""
        error = self.assertRaises(EngineError, OpTable, ["t.op", "t.a", "t.b"], [module(an_op=an_op)])
        self.assertIn("t.a, t.b", str(error))
        self.assertNotIn("t.op", str(error))


class BundleTests(SynchronousTestCase):
    """
    Both halves of every op.
    """

    def modules(self) -> dict[str, ModuleType]:
        names = [found.name for found in pkgutil.iter_modules(nano.ops.__path__)]
        return {name: importlib.import_module(f"nano.ops.{name}") for name in names}

    def tagged(self) -> set[tuple[str, str]]:
        """Each name with the module that offers it."""
        return {
            (getattr(function, "nano_op", "") or getattr(function, "nano_question", ""), name)
            for name, found in self.modules().items()
            for function in vars(found).values()
            if getattr(function, "__module__", "") == found.__name__
            and (hasattr(function, "nano_op") or hasattr(function, "nano_question"))
        }

    def test_same_names(self) -> None:
        """The runtime asks for what there is, and nothing is offered that nobody asks for."""
        asked = set(json.loads(read_bundle("ops.json")))
        offered = {op for op, _ in self.tagged()}
        self.assertEqual((sorted(asked - offered), sorted(offered - asked)), ([], []))

    def test_stems(self) -> None:
        """The first part of a name is the stem of its module."""
        self.assertEqual([(op, name) for op, name in self.tagged() if op.split(".")[0] != name], [])
