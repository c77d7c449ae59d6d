"""
Tests for `nano.engine.compiler`: with a function that is no V8 for its life, and with V8.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest import mock

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano.bundle import read_bundle
from nano.engine import compiler as compiler_module
from nano.engine.compiler import DEADLINE, IDLE, ModuleCompiler
from nano.engine.v8 import context_count
from nano.errors import AppLoadError, DrainingError, EngineError
from tests.fakes import FakeReactor


class Function:
    """In place of a `V8Function`."""

    made: list[Function]

    def __init__(self, source: str, heap_limit: int) -> None:
        self.freed = 0
        self.made.append(self)

    def __call__(self, source: str, filename: str, *options: str) -> str:
        if source == "broken":
            msg = "out of memory"
            raise EngineError(msg)
        return json.dumps({"code": source.upper(), "file": filename})

    def free(self) -> None:
        self.freed += 1


class CompilerTests(SynchronousTestCase):
    """
    Jobs one after the other, a deadline for each.
    """

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.work: list[Callable[[], None]] = []
        self.functions: list[Function] = []
        threads = mock.Mock()
        threads.Thread = self.thread
        self.patch(compiler_module, "threading", threads)
        self.patch(compiler_module, "V8Function", type("F", (Function,), {"made": self.functions}))
        self.compiler = ModuleCompiler(self.reactor, "compiler source")

    def thread(self, target: Any, name: str, daemon: bool, args: tuple[Any, ...] = ()) -> Any:
        assert daemon
        started = mock.Mock()
        started.start = lambda: self.work.append(lambda: target(*args))
        return started

    def run_threads(self) -> None:
        while self.work:
            self.work.pop(0)()
            self.reactor.turn()

    def test_compile(self) -> None:
        """The compiler's answer, from the same isolate each time."""
        jobs = [self.compiler.compile("a", "a.js"), self.compiler.compile("b", "b.js")]
        self.assertEqual(len(self.work), 1)
        self.run_threads()
        found = [self.successResultOf(job) for job in jobs]
        self.assertEqual(found, [{"code": "A", "file": "a.js"}, {"code": "B", "file": "b.js"}])
        self.assertEqual(len(self.functions), 1)

    def test_version(self) -> None:
        """Another compiler, another version."""
        self.assertEqual(self.compiler.version, ModuleCompiler(self.reactor, "compiler source").version)
        self.assertNotEqual(self.compiler.version, ModuleCompiler(self.reactor, "other").version)

    def test_idle(self) -> None:
        """Without work the isolate is given back, and made again when there is some."""
        self.compiler.compile("a", "a.js")
        self.run_threads()
        self.reactor.advance(IDLE - 0.1)
        self.run_threads()
        self.assertEqual(self.functions[0].freed, 0)
        self.compiler.compile("b", "b.js")
        self.run_threads()
        self.reactor.advance(IDLE - 0.1)
        self.run_threads()
        self.assertEqual(self.functions[0].freed, 0)
        self.reactor.advance(0.2)
        self.run_threads()
        self.assertEqual(self.functions[0].freed, 1)
        job = self.compiler.compile("c", "c.js")
        self.run_threads()
        self.successResultOf(job)
        self.assertEqual(len(self.functions), 2)

    def test_failure(self) -> None:
        """A compilation that fails in an unforeseen way fails its module alone; the isolate is replaced."""
        bad, good = self.compiler.compile("broken", "a.js"), self.compiler.compile("b", "b.js")
        self.run_threads()
        self.assertIn("a.js", str(self.failureResultOf(bad, AppLoadError).value))
        self.successResultOf(good)
        self.assertEqual([function.freed for function in self.functions], [1, 0])

    def test_deadline(self) -> None:
        """A compilation that does not end is given up, with its isolate, which is freed; the next one goes on."""
        stuck, good = self.compiler.compile("a", "a.js"), self.compiler.compile("b", "b.js")
        never = self.work.pop()
        self.reactor.advance(DEADLINE)
        self.failureResultOf(stuck, AppLoadError)
        self.run_threads()
        self.successResultOf(good)
        # It comes back all the same: its isolate must not serve again, nor leak.
        never()
        self.reactor.turn()
        self.run_threads()
        self.assertEqual([function.freed for function in self.functions], [0, 1])
        self.successResultOf(self.compile_now("c"))
        self.compiler.stop()
        self.run_threads()
        self.assertEqual([function.freed for function in self.functions], [1, 1])

    def compile_now(self, source: str) -> Deferred[dict[str, Any]]:
        job = self.compiler.compile(source, "index.js")
        self.run_threads()
        return job

    def test_stop(self) -> None:
        """Stopping fails what waits and what is at work, and gives the isolate back."""
        jobs = [self.compiler.compile("a", "a.js"), self.compiler.compile("b", "b.js")]
        at_work = self.work.pop()
        self.compiler.stop()
        self.compiler.stop()
        for job in (*jobs, self.compiler.compile("c", "c.js")):
            self.failureResultOf(job, DrainingError)
        at_work()
        self.reactor.turn()
        self.run_threads()
        self.assertEqual([function.freed for function in self.functions], [1])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stop_at_rest(self) -> None:
        """Stopping without work gives the isolate back, too."""
        self.compiler.compile("a", "a.js")
        self.run_threads()
        self.compiler.stop()
        self.run_threads()
        self.assertEqual(self.functions[0].freed, 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class V8CompilerTests(TestCase):
    """
    The real compiler.
    """

    timeout = 60

    async def test_compile(self) -> None:
        """Several modules; the isolate is gone after stop."""
        before = context_count()
        compiler = ModuleCompiler(reactor, read_bundle("compiler.js"))  # type: ignore[arg-type]
        self.addCleanup(compiler.stop)
        jobs = [compiler.compile(f"export const a{n} = {n}", f"{n}.js") for n in range(5)]
        for number, result in enumerate(await gatherResults(jobs)):
            self.assertEqual(result["exports"], [[f"a{number}", f"a{number}"]])
        wrong = await compiler.compile("export const = 1", "bad.js")
        self.assertIn("error", wrong)
        compiler.stop()
        for _ in range(1000):
            if context_count() == before:
                break
            await deferLater(reactor, 0.01)
        self.assertEqual(context_count(), before)
