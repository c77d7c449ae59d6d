"""
Tests for `nano.engine.v8`, on real isolates and from the test's own thread.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from nano.engine import v8
from nano.engine.v8 import EvalResult, V8Function, V8Isolate, context_count, supported_version
from nano.engine.watchdog import resident_memory
from nano.errors import EngineError

HEAP = 128 * 2**20
#: Seconds after which a test gives up.
PATIENCE = 30.0

#: Rings the bell for each drain; what stands in the inbox at its first byte says what else to do.
BOOT = """
(notify) => {
  const [inbox, outbox, reply] = [64, 64, 64].map((size) => new ArrayBuffer(size));
  const bytes = new Uint8Array(inbox), out = new Uint8Array(outbox);
  let drains = 0;
  globalThis.ring = notify;
  return [() => {
    out[0] = ++drains;
    if (bytes[0] === 1) throw new TypeError("drain failed");
    if (bytes[0] === 2) for (;;);
    notify();
  }, function () { "use strict"; globalThis.text = this; }, inbox, outbox, reply];
}
"""


class Isolate:
    """A started isolate and what it has called back."""

    def __init__(self, boot: str = BOOT, heap: int = HEAP) -> None:
        self.bells: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.drained: queue.SimpleQueue[EvalResult] = queue.SimpleQueue()
        self.threads: set[int] = set()
        self.on_bell: Callable[[], None] = lambda: None
        self.v8 = V8Isolate(self._bell, self._drained)
        self.v8.start(boot, heap)

    def _bell(self) -> None:
        self.threads.add(threading.get_native_id())
        self.bells.put(self.v8.outbox[0] if self.v8.outbox else -1)
        self.on_bell()

    def _drained(self, result: EvalResult) -> None:
        self.threads.add(threading.get_native_id())
        self.drained.put(result)

    def drain(self) -> EvalResult:
        self.v8.drain()
        return self.drained.get(timeout=PATIENCE)

    def evaluate(self, source: str) -> EvalResult:
        done: queue.SimpleQueue[EvalResult] = queue.SimpleQueue()
        self.v8.evaluate(source, done.put)
        return done.get(timeout=PATIENCE)


class IsolateTestCase(SynchronousTestCase):
    """Frees what it has started, and looks whether that was all."""

    def setUp(self) -> None:
        before = context_count()
        self.addCleanup(lambda: self.assertEqual(context_count(), before))

    def start(self, boot: str = BOOT, heap: int = HEAP) -> Isolate:
        isolate = Isolate(boot, heap)
        self.addCleanup(isolate.v8.free)
        return isolate

    def freed_in_time(self, isolate: Isolate) -> None:
        """`free` on a thread of its own, as the pool does it."""
        thread = threading.Thread(target=isolate.v8.free)
        thread.start()
        thread.join(PATIENCE)
        self.assertFalse(thread.is_alive())
        self.assertTrue(isolate.v8.freed)


class WorkTests(IsolateTestCase):
    """
    Starting, evaluating, draining.
    """

    def test_drain(self) -> None:
        """The bell rings on the isolate's own thread before the drain ends; memory is shared both ways."""
        isolate = self.start()
        for number in range(1, 4):
            self.assertEqual(isolate.drain(), EvalResult(None))
            self.assertEqual(isolate.bells.get(timeout=PATIENCE), number)
        self.assertEqual(isolate.threads, {isolate.v8.thread_id})
        self.assertNotEqual(isolate.v8.thread_id, threading.get_native_id())

    def test_drain_that_throws(self) -> None:
        """An exception is reported, and the isolate goes on."""
        isolate = self.start()
        isolate.v8.inbox[0] = 1
        result = isolate.drain()
        self.assertIn("TypeError: drain failed", str(result.error))
        self.assertFalse(result.terminated or result.out_of_memory)
        isolate.v8.inbox[0] = 0
        self.assertIsNone(isolate.drain().error)

    def test_text(self) -> None:
        """A text is handed over as one primitive string; what is ill-formed is replaced as the standard says."""
        isolate = self.start()
        for given, expected in (
            ("a\0é日\U0001f600".encode(), "a\0é日\U0001f600"),
            (b"\xef\xbb\xbfa", "\ufeffa"),
            (b"a\xff\xf0\x9f\x98b\xed\xa0\x80\xe2\x82", "a\ufffd\ufffdb\ufffd\ufffd\ufffd\ufffd"),
            (b"", ""),
            (b"x" * 5_000_000, "x" * 5_000_000),
        ):
            isolate.v8.give_text(given)
            self.assertEqual(isolate.drained.get(timeout=PATIENCE), EvalResult(None))
            points = json.dumps([ord(character) for character in expected[:100]])
            check = f"[...text.slice(0, 100)].map((c) => c.codePointAt()).join() === {points}.join()"
            length = len(expected.encode("utf-16-le")) // 2
            result = isolate.evaluate(
                f"if (typeof text !== 'string' || text.length !== {length} || !({check})) throw 1"
            )
            self.assertEqual(result, EvalResult(None), expected[:20])
        self.assertEqual(isolate.v8.value_count(), self.start().v8.value_count())

    def test_evaluate(self) -> None:
        """Errors come with their text and place; values are dropped."""
        isolate = self.start()
        self.assertEqual(isolate.evaluate("({ a: 1 })"), EvalResult(None))
        self.assertEqual(isolate.evaluate("Symbol()"), EvalResult(None))
        self.assertIn("SyntaxError", str(isolate.evaluate("let let = 1").error))
        error = str(isolate.evaluate("\nnull.x\n//# sourceURL=some/file.js").error)
        self.assertIn("some/file.js:2", error)
        self.assertIn("RangeError", str(isolate.evaluate("const f = () => f(); f()").error))
        for thrown in ("null", "undefined", "5", "Symbol()", "({ toString() { throw 1 } })", "Object.create(null)"):
            self.assertIsNotNone(isolate.evaluate(f"throw {thrown}").error, thrown)
        self.assertIsNone(isolate.evaluate("1").error)

    def test_any_text(self) -> None:
        """Sources may hold any character, lone surrogates and NUL included."""
        isolate = self.start()
        self.assertNotIn("SyntaxError", str(isolate.evaluate('"ä€😀\ud800\0"').error))
        self.assertIsNone(isolate.evaluate('if ("ä€😀\\0\0".length !== 6) throw new Error()').error)

    def test_boot_that_fails(self) -> None:
        """A runtime that does not parse, throws, or is no function is an EngineError, and can be freed."""
        for boot in ("syntax error here", "throw new Error('x')", "5", "() => { throw new Error('y') }"):
            isolate = V8Isolate(lambda: None, lambda result: None)
            self.assertRaises(EngineError, isolate.start, boot, HEAP)
            isolate.free()
            self.assertTrue(isolate.freed)

    def test_heap_limit(self) -> None:
        """A task that outgrows the heap ends with that verdict."""
        isolate = self.start(heap=32 * 2**20)
        result = isolate.evaluate("const all = []; for (;;) all.push(new Array(100).fill(1.5))")
        self.assertTrue(result.out_of_memory or isolate.v8.heap_limit_reached(), result)
        self.assertIsNotNone(result.error)

    def test_cpu_seconds(self) -> None:
        """The CPU clock runs when the isolate computes, and only then."""
        isolate = self.start()
        isolate.drain()
        before = isolate.v8.cpu_seconds()
        isolate.evaluate("const end = Date.now() + 100; while (Date.now() < end);")
        used = isolate.v8.cpu_seconds() - before
        self.assertGreater(used, 0.01)
        # It comes to rest, sooner or later.
        readings = iter(isolate.v8.cpu_seconds, None)
        self.assertTrue(any(first == next(readings) for first in itertools.islice(readings, 100_000)))

    def test_collect_garbage(self) -> None:
        """Garbage can be collected on demand."""
        isolate = self.start()
        isolate.evaluate("globalThis.reference = new WeakRef({})")
        isolate.v8.collect_garbage()
        self.assertIsNone(isolate.evaluate("if (reference.deref() !== undefined) throw new Error('still there')").error)


class FunctionTests(IsolateTestCase):
    """
    `V8Function`.
    """

    def make(self, source: str, heap: int = HEAP) -> V8Function:
        function = V8Function(source, heap)
        self.addCleanup(function.free)
        return function

    def test_call(self) -> None:
        """Texts in, text out, of any length and character."""
        join = self.make("(...texts) => texts.join('|') + '|'")
        self.assertEqual(join("a", "", "ä€😀\0"), "a||ä€😀\0|")
        self.assertEqual(join(), "|")
        self.assertEqual(len(join("x" * 10_000_000)), 10_000_001)

    def test_errors(self) -> None:
        """What it throws, and what is no string."""
        self.assertRaisesRegex(EngineError, "RangeError: no", self.make("() => { throw new RangeError('no') }"), "x")
        self.assertRaisesRegex(EngineError, "did not return a string", self.make("() => 5"), "x")
        self.assertRaises(EngineError, self.make("() => Promise.resolve('x')"), "x")

    def test_values_do_not_pile_up(self) -> None:
        """Neither calls nor errors leave values behind."""
        function = self.make(
            "(text) => { if (text === 'no') throw new Error(text); return text === 'five' ? 5 : text }"
        )
        function("x")
        before = function.value_count()
        for _ in range(300):
            function("x")
            self.assertRaises(EngineError, function, "no")
            self.assertRaises(EngineError, function, "five")
        self.assertEqual(function.value_count(), before)


class LeakTests(IsolateTestCase):
    """
    Nothing piles up.
    """

    def test_ten_thousand_drains(self) -> None:
        """The values that C++ holds for us stay the same, failing drains included."""
        isolate = self.start()
        isolate.drain()
        before = isolate.v8.value_count()
        for number in range(10_000):
            isolate.v8.inbox[0] = number % 10 == 0
            isolate.drain()
        self.assertEqual(isolate.v8.value_count(), before)

    def test_thousand_evaluations(self) -> None:
        """Nor do evaluations leave values behind."""
        isolate = self.start()
        isolate.evaluate("1")
        before = isolate.v8.value_count()
        for number in range(1000):
            isolate.evaluate("({})" if number % 3 else "throw new Error('x')")
        self.assertEqual(isolate.v8.value_count(), before)
        self.assertEqual((isolate.v8._blocking, isolate.v8._done), ({}, {}))

    def test_hundred_isolates(self) -> None:
        """A hundred isolates, one after the other: no threads, contexts or memory left behind."""
        for _ in range(10):
            self.start_and_free()
        threads, contexts, memory = self.figures()
        for _ in range(100):
            self.start_and_free()
        self.assertEqual(self.figures()[:2], (threads, contexts))
        self.assertLess(self.figures()[2] - memory, 20 * 2**20)

    def start_and_free(self) -> None:
        isolate = Isolate()
        isolate.drain()
        isolate.v8.free()

    def figures(self) -> tuple[int, int, int]:
        return len(os.listdir("/proc/self/task")), context_count(), resident_memory()

    def test_one_thread_for_each_isolate(self) -> None:
        """An isolate has one native thread, which goes with it."""
        before = len(os.listdir("/proc/self/task"))
        isolates = [self.start() for _ in range(5)]
        self.assertEqual(len(os.listdir("/proc/self/task")), before + 5)
        for isolate in isolates:
            isolate.v8.free()
        self.assertEqual(len(os.listdir("/proc/self/task")), before)


class FreeTests(IsolateTestCase):
    """
    The end, whatever the isolate does.
    """

    def test_twice(self) -> None:
        """Freeing again does nothing; what is asked of a freed isolate has an answer."""
        isolate = self.start()
        isolate.v8.free()
        isolate.v8.free()
        self.assertTrue(isolate.v8.freed)
        self.assertEqual((isolate.v8.value_count(), isolate.v8.cpu_seconds()), (0, 0.0))
        self.assertFalse(isolate.v8.heap_limit_reached())

    def test_never_started(self) -> None:
        """One that was never started can be freed."""
        isolate = V8Isolate(lambda: None, lambda result: None)
        isolate.free()
        self.assertTrue(isolate.freed)

    def test_while_it_loops(self) -> None:
        """Loops of statements, of promise jobs, inside a regular expression, over its own callbacks."""
        for loop in (
            "for (;;);",
            "(async () => { for (;;) await 1 })()",
            "const spin = () => Promise.resolve().then(spin); spin()",
            '/^(a+)+$/.test("a".repeat(50) + "b")',
            "for (;;) ring()",
            "(async () => { for (;;) { ring(); await 1 } })()",
            "for (;;) try { for (;;); } catch {} ",
        ):
            isolate = self.start()
            isolate.v8.evaluate(loop, lambda result: None)
            self.wait_for_cpu(isolate)
            self.freed_in_time(isolate)

    def wait_for_cpu(self, isolate: Isolate) -> None:
        """Let it compute for a while, with its thread known or not."""
        before, waiting = isolate.v8.cpu_seconds(), threading.Event()
        for _ in range(50):
            if isolate.v8.cpu_seconds() - before > 0.02:
                break
            waiting.wait(0.002)

    def test_while_garbage_is_to_be_collected(self) -> None:
        """A thread that waits for a collection does not keep the isolate running: it is over with the isolate."""
        for loop in (
            "const all = []; for (;;) all.push(new Uint8Array(1000));",
            "for (;;);",
            "(async () => { for (;;) await 1 })()",
            "const spin = () => Promise.resolve().then(spin); spin()",
            '/^(a+)+$/.test("a".repeat(50) + "b")',
        ):
            isolate = self.start()
            isolate.v8.evaluate(loop, lambda result: None)
            self.wait_for_cpu(isolate)
            collector = threading.Thread(target=isolate.v8.collect_garbage)
            collector.start()
            self.wait_for_cpu(isolate)
            self.freed_in_time(isolate)
            collector.join(PATIENCE)
            self.assertFalse(collector.is_alive(), loop)

    def test_thread_outlives_it(self) -> None:
        """Native code that cannot be interrupted runs on, and is seen to, until it has come to its end."""
        isolate = self.start()
        isolate.drain()
        isolate.v8.evaluate("for (;;) new Array(2 ** 25).fill(0);", lambda result: None)
        self.wait_for_cpu(isolate)
        thread = Path(f"/proc/self/task/{isolate.v8.thread_id}")
        collector = threading.Thread(target=isolate.v8.collect_garbage)
        collector.start()
        self.wait_for_cpu(isolate)
        self.freed_in_time(isolate)
        self.addCleanup(collector.join, PATIENCE)
        waiting = threading.Event()
        while isolate.v8.cpu_seconds():
            waiting.wait(0.002)
        self.assertFalse(thread.exists())

    def test_while_drains_are_queued(self) -> None:
        """Tasks that wait behind a loop are dropped, or end with an error; either way nothing breaks."""
        isolate = self.start()
        isolate.v8.inbox[0] = 2
        for _ in range(100):
            isolate.v8.drain()
            isolate.v8.evaluate("1", lambda result: None)
        self.freed_in_time(isolate)

    def test_callbacks_during_free(self) -> None:
        """Bells that ring while the isolate is being freed find no memory, and do no harm."""
        for _ in range(20):
            isolate = self.start()
            isolate.v8.evaluate("(async () => { for (;;) { ring(); await 1 } })()", lambda result: None)
            isolate.bells.get(timeout=PATIENCE)
            self.freed_in_time(isolate)

    def test_free_waits_for_a_callback(self) -> None:
        """A callback that is at work may finish; the isolate is gone afterwards."""
        isolate = self.start()
        entered, leave = threading.Event(), threading.Event()

        def stand_still() -> None:
            entered.set()
            leave.wait(PATIENCE)

        isolate.on_bell = stand_still
        isolate.v8.drain()
        entered.wait(PATIENCE)
        thread = threading.Thread(target=isolate.v8.free)
        thread.start()
        leave.set()
        thread.join(PATIENCE)
        self.assertTrue(isolate.v8.freed)


class VersionTests(SynchronousTestCase):
    """
    Which PyMiniRacer is accepted.
    """

    def test_installed(self) -> None:
        """The installed one."""
        self.assertTrue(supported_version().startswith("0.14."))

    def test_unknown(self) -> None:
        """Another minor version is refused with what to do."""
        for version in ("0.13.0", "0.15.0", "1.0.0", "0.140.0", "0.14rc1"):
            with mock.patch("nano.engine.v8.metadata.version", return_value=version):
                error = self.assertRaises(EngineError, supported_version)
                self.assertIn(version, str(error))
                self.assertIn("pip install", str(error))

    def test_lacking_functions(self) -> None:
        """A library without a function that is needed is refused by that function's name."""
        with mock.patch.object(v8, "_FUNCTIONS", (*v8._FUNCTIONS, "mr_no_such_thing")):
            error = self.assertRaises(EngineError, v8._load)
        self.assertIn("mr_no_such_thing", str(error))
