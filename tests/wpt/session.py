# -*- test-case-name: tests.wpt.test_wpt -*-
"""
The seam between the harness and the engine: one fresh isolate with the runtime in it.

It is a spare of `nano.engine.host` that never gets an app: its timers and ops run, and scripts are
put into its global scope, as the scripts of a page are.

Three threads take part: the isolate's own, the reactor's, and the one that holds the session and
waits for its answers.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import pkgutil
import queue
import threading
from collections.abc import Callable
from functools import cache
from importlib import resources
from types import ModuleType, TracebackType
from typing import Any, NamedTuple

import nano.ops
from nano.engine.host import IsolateHost
from nano.engine.v8 import EvalResult, V8Isolate
from nano.errors import EngineError
from nano.interfaces import Reactor
from nano.ops.registry import OpTable

__all__ = ["EngineSession", "ScriptError", "ScriptTimeoutError", "load_bundle"]

_HEAP_LIMIT = 1 << 30
_STRING = 5
_FREE_SECONDS = 5.0


class ScriptError(Exception):
    """
    A script threw or could not be parsed.
    """


class ScriptTimeoutError(ScriptError):
    """
    A script did not end in time; it still runs.
    """


class Bundle(NamedTuple):
    """
    The runtime as it was built, and the functions behind its ops.
    """

    source: str
    table: OpTable


@cache
def load_bundle() -> Bundle:
    """
    Raises:
        EngineError: the runtime was not built, or one of its ops has no function.
    """
    dist = resources.files("nano") / "runtime" / "dist"
    if not (dist / "runtime.js").is_file():
        msg = "the runtime is not built: node nano/runtime/build.mjs"
        raise EngineError(msg)
    names = json.loads((dist / "ops.json").read_text())
    return Bundle((dist / "runtime.js").read_text(), OpTable(names, _op_modules()))


def _op_modules() -> list[ModuleType]:
    found = pkgutil.iter_modules(nano.ops.__path__, "nano.ops.")
    return [importlib.import_module(module.name) for module in found]


class _Answer(NamedTuple):
    result: EvalResult
    value: str


class _Isolate(V8Isolate):
    """
    Keeps the text that the last script came to, until the next one ends.
    """

    value = ""

    def __init__(self, on_bell: Callable[[], None], on_drained: Callable[[EvalResult], None]) -> None:
        super().__init__(on_bell, on_drained)
        self.gone = threading.Event()

    def _open(self, source: str, heap_limit: int) -> Any:
        # idlharness.js evaluates strings, which the runtime takes from apps.
        return super()._open(f"globalThis['wpt:eval'] = eval;\n{source}", heap_limit)

    def free(self) -> None:
        super().free()
        self.gone.set()

    def _finish(self, handle: Any) -> EvalResult:
        raw = handle.contents
        text = raw.type == _STRING
        self.value = ctypes.string_at(raw.value.value_ptr, raw.len).decode() if text else ""
        return super()._finish(handle)


class _Host(IsolateHost):
    isolate: _Isolate

    def __init__(self, reactor: Reactor, ops: OpTable) -> None:
        super().__init__(reactor, ops, _on_a_thread)
        self.isolate = _Isolate(self._on_bell, self._on_drained)


def _on_a_thread(function: Callable[[], None]) -> None:
    threading.Thread(target=function, daemon=True).start()


class EngineSession:
    """
    One isolate with the runtime booted; a context manager that frees it.

    Args:
        reactor: runs on another thread than the caller's.
    """

    def __init__(self, reactor: Reactor) -> None:
        source, table = load_bundle()
        self._reactor = reactor
        self._host = _Host(reactor, table)
        self._host.isolate.start(source, _HEAP_LIMIT)

    def evaluate(self, script: str, name: str = "", timeout: float = 60.0) -> str:
        """
        Run *script*; give back its completion value if that is a string, else "".

        Args:
            name: what stack traces call it.
            timeout: seconds to wait for it.

        Raises:
            ScriptError: it threw, could not be parsed, or (`ScriptTimeoutError`) did not end.
        """
        source = f"{script}\n//# sourceURL={name}" if name else script
        answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        isolate = self._host.isolate
        isolate.evaluate(source, lambda result: answers.put(_Answer(result, isolate.value)))
        try:
            answer = answers.get(timeout=timeout)
        except queue.Empty:
            msg = f"{name or 'a script'} did not end within {timeout:.0f} s"
            raise ScriptTimeoutError(msg) from None
        if answer.result.error is not None:
            raise ScriptError(answer.result.error)
        return answer.value

    def close(self) -> None:
        """
        Free the isolate, whatever it does; one that resists is left to its thread.
        """
        self._reactor.callFromThread(self._host.condemn, EngineError("the test is over"))
        self._host.isolate.gone.wait(_FREE_SECONDS)

    def __enter__(self) -> EngineSession:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()
