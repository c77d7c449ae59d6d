# -*- test-case-name: tests.ops.test_registry -*-
"""
How host functions are offered to scripts.

An *op* is a Python function that scripts call by name and await; a *question* is one they wait for.  Both are
tagged where they are written, collected once, and known to the runtime by number: the bundler deals the numbers
from the names that the scripts mention (nano/runtime/dist/ops.json), so a name without its function is a fault of
the build and refuses to start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any, TypeVar

from nano.errors import EngineError
from nano.interfaces import OpFunction, Question

__all__ = ["OpTable", "host_op", "host_question", "isolate_question"]

_F = TypeVar("_F", bound=Callable[..., Any])


def host_op(name: str) -> Callable[[_F], _F]:
    """
    Offer a function to scripts as the op *name*.

    It is called on the reactor thread as ``function(context, args, buffers)`` with an `OpContext`, what the script
    passed (any JSON value, from an app: trust nothing) and a list of bytes, and returns a JSON-able value, or
    ``(value, [bytes, …])``, or a Deferred of either.  An `OpError` reaches the script with its name and message;
    any other exception is logged as ours and reaches it as a bare "Error".
    """

    def tag(function: _F) -> _F:
        function.nano_op = name  # type: ignore[attr-defined]
        return function

    return tag


def host_question(name: str) -> Callable[[_F], _F]:
    """
    Offer a function to scripts as the synchronous question *name*.

    It is called *on the isolate's thread*, several isolates at once, as ``function(question)`` with bytes, and
    returns bytes at once: no reactor, no locks held for long, no state but caches.
    """

    def tag(function: _F) -> _F:
        function.nano_question = name  # type: ignore[attr-defined]
        return function

    return tag


def isolate_question(name: str) -> Callable[[_F], _F]:
    """
    Offer a function to scripts as a synchronous question that keeps something from one call to the next.

    As `host_question`, but called as ``function(kept, question)``, where *kept* is a dictionary that belongs to the
    isolate: touched by its thread alone, and dropped with all it holds when the isolate ends.
    """

    def tag(function: _F) -> _F:
        function.nano_question = name  # type: ignore[attr-defined]
        function.nano_per_isolate = True  # type: ignore[attr-defined]
        return function

    return tag


class OpTable:
    """
    The functions behind the numbers that the bundle uses.

    Args:
        names: the names in the order of their numbers.
        modules: where the tagged functions are.

    Raises:
        EngineError: when a name has no function.
    """

    def __init__(self, names: Sequence[str], modules: Iterable[ModuleType]) -> None:
        tagged = [vars(module).values() for module in modules]
        functions = [function for values in tagged for function in values]
        ops = {f.nano_op: f for f in functions if hasattr(f, "nano_op")}
        questions = {f.nano_question: f for f in functions if hasattr(f, "nano_question")}
        missing = [name for name in names if name not in ops and name not in questions]
        if missing:
            msg = f"the runtime's bundle asks for {', '.join(missing)}, which no module offers: build it again"
            raise EngineError(msg)
        self.names: tuple[str, ...] = tuple(names)
        self.ops: tuple[OpFunction | None, ...] = tuple(ops.get(name) for name in names)
        self.questions: tuple[Question | None, ...] = tuple(questions.get(name) for name in names)
