"""
Tests for `nano.engine.host` with an isolate that the test plays, lies included; `test_host_v8` has the real one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from nano.engine.events import WINDOW
from nano.engine.host import HANG_PAUSE, HostState, IsolateHost
from nano.engine.records import (
    OP_FAILED,
    OP_FORGET,
    RESPONSE_COMPLETE,
    RESPONSE_SETTLED,
    Inward,
    Outward,
    encode,
    pack_value,
    unpack_value,
)
from nano.engine.v8 import EvalResult
from nano.errors import (
    AppLoadError,
    AppStartupTimeoutError,
    DrainingError,
    EngineError,
    MemoryExceededError,
    NanoError,
)
from nano.exchange import Exchange
from nano.interfaces import IsolateProgram, OpError
from tests.fakes import FakeBody, FakeIsolate, FakeReactor, FakeSink, make_exchange

PROGRAM = IsolateProgram(("script 1", "script 2"), {"modules": []}, (), 2**20)


class Owner:
    """An app, as far as a host knows it."""

    name = "app"

    def __init__(self) -> None:
        self.logs: list[tuple[int, str]] = []
        self.retired = 0
        self.condemned: list[NanoError] = []

    def isolate_log(self, host: IsolateHost, level: int, text: str) -> None:
        self.logs.append((level, text))

    def isolate_retired(self, host: IsolateHost) -> None:
        self.retired += 1

    def isolate_condemned(self, host: IsolateHost, error: NanoError) -> None:
        self.condemned.append(error)


class TableOfOps:
    """`nano.interfaces.Ops` of a test."""

    def __init__(self, ops: dict[str, Any], questions: dict[str, Any]) -> None:
        self.names = (*ops, *questions)
        self.ops = (*ops.values(), *(None for _ in questions))
        self.questions = (*(None for _ in ops), *questions.values())


class FakedTestCase(SynchronousTestCase):
    """A host whose isolate is played by the test."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.pending: list[Deferred[Any]] = []
        self.cancelled: list[Deferred[Any]] = []
        self.ops = TableOfOps(
            {
                "t.echo": lambda context, args, buffers: (args, buffers),
                "t.later": self.later,
                "t.refuse": lambda *call: fail(OpError("DataError", "no such thing")),
                "t.break": lambda context, args, buffers: 1 // 0,
                "t.odd": lambda context, args, buffers: object(),
            },
            {"t.ask": lambda question: question * 2, "t.wrong": lambda question: 1 // 0},
        )
        self.host, self.isolate = self.make_host()
        self.owner = Owner()

    def later(self, context: Any, args: Any, buffers: list[bytes]) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred(self.cancelled.append)
        self.pending.append(deferred)
        return deferred

    def make_host(self) -> tuple[IsolateHost, FakeIsolate]:
        host = IsolateHost(self.reactor, self.ops, lambda work: work())
        isolate = FakeIsolate(host._on_bell, host._on_drained)
        host.isolate = isolate  # type: ignore[assignment]
        return host, isolate

    def settle(self) -> None:
        """Let batches go in until the isolate has read everything."""
        self.reactor.turn()
        while self.isolate.drains:
            self.isolate.end_drain()
            self.reactor.turn()

    def serve(self) -> None:
        """Bring the host into service."""
        loaded = self.host.load(PROGRAM, self.owner, 5.0)
        self.settle()
        self.isolate.tell(Outward.LOADED, 0, pack_value({"handlers": ["fetch"]}))
        self.reactor.turn()
        self.assertEqual(self.successResultOf(loaded), {"handlers": ["fetch"]})

    def dispatch(self, **request: Any) -> tuple[Exchange, FakeSink]:
        exchange, sink = make_exchange(**request)
        self.host.dispatch(exchange)
        return exchange, sink

    def kinds(self) -> list[int]:
        return [kind for kind, *_ in self.isolate.records()]


class BatchTests(FakedTestCase):
    """
    How records cross.
    """

    def test_one_drain_for_a_turn(self) -> None:
        """What is sent in one turn of the reactor crosses together; nothing crosses before it ends."""
        self.serve()
        before = len(self.isolate.batches)
        for _ in range(5):
            self.dispatch()
        self.assertEqual(len(self.isolate.batches), before)
        self.reactor.turn()
        self.assertEqual(len(self.isolate.batches), before + 1)
        self.assertEqual(self.kinds()[-5:], [Inward.REQUEST] * 5)

    def test_blocked_since(self) -> None:
        """The host tells since when its isolate has not come back."""
        self.serve()
        self.assertIsNone(self.host.blocked_since())
        self.reactor.advance(3)
        self.dispatch()
        self.reactor.turn()
        self.reactor.advance(4)
        self.assertEqual(self.host.blocked_since(), 3.0)
        self.isolate.end_drain()
        self.reactor.turn()
        self.assertIsNone(self.host.blocked_since())

    def test_batches_wait_for_the_isolate(self) -> None:
        """While the isolate reads, records pile up; when it has read, all of them cross."""
        self.serve()
        self.dispatch()
        self.reactor.turn()
        before = len(self.isolate.batches)
        for _ in range(3):
            self.dispatch()
            self.reactor.turn()
        self.assertEqual(len(self.isolate.batches), before)
        self.isolate.end_drain()
        self.reactor.turn()
        self.assertEqual(len(self.isolate.batches), before + 1)
        self.assertEqual(self.kinds()[-4:], [Inward.REQUEST] * 4)

    def test_large_records_in_pieces(self) -> None:
        """What is larger than the inbox crosses in several batches, and what is sent meanwhile comes after it."""
        self.serve()
        self.dispatch(method="POST", body=b"x" * 10000)
        self.reactor.turn()
        self.dispatch(method="POST", body=b"y" * 9000)
        self.settle()
        first, second = (payload for kind, _, _, payload in self.isolate.records() if kind == Inward.REQUEST)
        self.assertTrue(first.endswith(b"x" * 10000))
        self.assertTrue(second.endswith(b"y" * 9000))
        self.assertTrue(all(len(batch) <= len(self.isolate.inbox) - 4 for batch in self.isolate.batches))

    def test_nothing_is_copied_again_and_again(self) -> None:
        """A large record in the queue is not copied whole for each batch, whatever else is sent."""
        self.serve()
        self.host.send(encode(Inward.BODY_CHUNK, 1, bytes(64 * 2**20)))
        for _ in range(200):
            self.host.send(encode(Inward.TIMER, 0))
            self.reactor.turn()
            self.isolate.end_drain()
        self.assertTrue(any(isinstance(piece, memoryview) for piece in self.host._queue))
        self.isolate.batches.clear()

    def test_large_outward_records(self) -> None:
        """An outward record may come in pieces over several turns."""
        self.serve()
        text = "ä" * 10000
        self.isolate.tell(Outward.LOG, 0, text.encode(), small=2)
        self.reactor.turn()
        self.assertEqual(self.owner.logs, [(2, text)])

    def test_many_bells_one_turn(self) -> None:
        """Bells that ring before the reactor comes to it are handled together, in order."""
        self.serve()
        before = len(self.reactor.getDelayedCalls())
        for number in range(10):
            self.isolate.tell(Outward.LOG, 0, str(number).encode())
        self.assertEqual(len(self.reactor.getDelayedCalls()), before + 1)
        self.reactor.turn()
        self.assertEqual([text for _, text in self.owner.logs], [str(number) for number in range(10)])


class OpTests(FakedTestCase):
    """
    Ops and questions.
    """

    def op(self, name: str, args: Any = None, buffers: tuple[bytes, ...] = (), flags: int = 0) -> list[Any]:
        number = self.ops.names.index(name)
        self.isolate.tell(Outward.OP, 7, pack_value(args, buffers), flags, number)
        self.settle()
        return self.results()

    def results(self) -> list[Any]:
        return [
            (flags, id_, *unpack_value(payload))
            for kind, flags, id_, payload in self.isolate.records()
            if kind == Inward.OP_RESULT
        ]

    def test_value_and_buffers(self) -> None:
        """What an op returns goes back under its number."""
        self.serve()
        self.assertEqual(self.op("t.echo", {"a": [1]}, (b"x", b"")), [(0, 7, {"a": [1]}, [b"x", b""])])

    def test_deferred(self) -> None:
        """The answer may come later, and as a value alone."""
        self.serve()
        self.assertEqual(self.op("t.later"), [])
        self.pending[0].callback("done")
        self.settle()
        self.assertEqual(self.results(), [(0, 7, "done", [])])

    def test_op_error(self) -> None:
        """An OpError reaches the script with name and message."""
        self.serve()
        failure = {"name": "DataError", "message": "no such thing"}
        self.assertEqual(self.op("t.refuse"), [(OP_FAILED, 7, failure, [])])

    def test_unexpected_errors(self) -> None:
        """Anything else is ours: in the log, and a bare Error for the script."""
        self.serve()
        failure: Any = (OP_FAILED, 7, {"name": "Error", "message": "internal error"}, [])
        self.assertEqual(self.op("t.break"), [failure])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.op("t.odd"), [failure, failure])
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_told_and_forgotten(self) -> None:
        """An op that wants no answer gets none, not even of its failure."""
        self.serve()
        self.assertEqual(self.op("t.echo", flags=OP_FORGET), [])
        self.assertEqual(self.op("t.break", flags=OP_FORGET), [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_condemned_meanwhile(self) -> None:
        """Ops that are under way when the host is condemned are cancelled, and nothing is logged."""
        self.serve()
        self.op("t.later")
        self.host.condemn(EngineError("x"))
        self.assertEqual(self.cancelled, self.pending)
        self.reactor.turn()
        self.assertEqual(self.results(), [])

    def test_no_such_op(self) -> None:
        """A number without an op condemns: the runtime has none that is not in the table."""
        for number in (self.ops.names.index("t.ask"), len(self.ops.names), 65535):
            self.host, self.isolate = self.make_host()
            self.serve()
            self.isolate.tell(Outward.OP, 1, pack_value(None), 0, number)
            self.reactor.turn()
            self.assertIs(self.host.state, HostState.CONDEMNED)

    def ask(self, name: str, question: bytes, more: int = 0) -> bytes:
        isolate = self.isolate
        struct.pack_into("<II", isolate.reply, 0, self.ops.names.index(name), len(question))
        isolate.reply[8 : 8 + len(question)] = question
        isolate.ring(b"", 1)
        (length,) = struct.unpack_from("<I", isolate.reply)
        answer = bytes(isolate.reply[4 : 4 + length])
        while len(answer) < length:
            isolate.ring(b"", 2)
            answer += bytes(isolate.reply[4 : 4 + length - len(answer)])
        return answer

    def test_question(self) -> None:
        """A question is answered before the bell returns, in as many pieces as it takes."""
        self.assertEqual(self.ask("t.ask", b"abc"), b"abcabc")
        self.assertEqual(self.ask("t.ask", b"abcd" * 1000), b"abcd" * 2000)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_question_that_fails(self) -> None:
        """A question that fails is answered with nothing, and logged."""
        self.assertEqual(self.ask("t.wrong", b"abc"), b"")
        self.reactor.turn()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_odd_questions(self) -> None:
        """Questions that do not exist, lengths that lie, pieces that nobody has asked for."""
        reply = self.isolate.reply
        for question, number, length in ((1, 0, 0), (1, 2**32 - 1, 2**32 - 1), (2, 0, 0), (77, 5, 2**31), (1, 5, 4089)):
            struct.pack_into("<II", reply, 0, number, length)
            self.isolate.ring(b"", question)
        self.assertIs(self.host.state, HostState.SPARE)


class TimerTests(FakedTestCase):
    """
    One wake-up for each isolate.
    """

    def tell_timer(self, milliseconds: float) -> None:
        self.isolate.tell(Outward.TIMER, 0, struct.pack("<d", milliseconds))
        self.reactor.turn()

    def test_fires(self) -> None:
        """TIMER comes when the time is over, once."""
        self.serve()
        self.tell_timer(250)
        self.reactor.advance(0.2)
        self.settle()
        self.assertNotIn(Inward.TIMER, self.kinds())
        self.reactor.advance(0.06)
        self.settle()
        self.reactor.advance(10)
        self.settle()
        self.assertEqual(self.kinds().count(Inward.TIMER), 1)

    def test_replaced_and_taken_back(self) -> None:
        """A later request replaces the former; a negative one takes it back."""
        self.serve()
        self.tell_timer(100)
        self.tell_timer(1000)
        self.reactor.advance(0.5)
        self.tell_timer(-1)
        self.reactor.advance(10)
        self.settle()
        self.assertNotIn(Inward.TIMER, self.kinds())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_odd_times(self) -> None:
        """Times that are none, or beyond all bounds, are nothing to worry about."""
        self.serve()
        for milliseconds in (float("nan"), float("inf"), 1e300, -0.0, float("-inf")):
            self.tell_timer(milliseconds)
        self.settle()
        self.assertIs(self.host.state, HostState.SERVING)

    def test_malformed(self) -> None:
        """A timer without its number condemns."""
        self.serve()
        self.isolate.tell(Outward.TIMER, 0, b"1234567")
        self.reactor.turn()
        self.assertIs(self.host.state, HostState.CONDEMNED)


class LoadTests(FakedTestCase):
    """
    From a spare to an app.
    """

    def test_success(self) -> None:
        """Scripts first, then the record; the heap limit becomes the app's."""
        self.serve()
        self.assertEqual([script for script, _ in self.isolate.scripts], ["script 1", "script 2"])
        self.assertEqual(self.kinds(), [Inward.LOAD])
        self.assertEqual(self.isolate.heap_limit, PROGRAM.memory)
        self.assertIs(self.host.state, HostState.SERVING)
        self.reactor.advance(HANG_PAUSE)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def fails(self, how: Callable[[], object], error: type[NanoError]) -> NanoError:
        loaded = self.host.load(PROGRAM, self.owner, 5.0)
        self.settle()
        how()
        self.reactor.turn()
        failure = self.failureResultOf(loaded, error)
        self.assertIs(self.host.state, HostState.CONDEMNED)
        self.assertTrue(self.isolate.freed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual([type(e) for e in self.owner.condemned], [error])
        found = failure.value
        assert isinstance(found, NanoError)
        return found

    def test_failure_of_the_global_scope(self) -> None:
        """What the app threw is in the error."""
        payload = pack_value({"message": "no", "stack": "Error: no\n    at index.js:1:1"})
        error = self.fails(lambda: self.isolate.tell(Outward.LOAD_FAILED, 0, payload), AppLoadError)
        self.assertIn("index.js:1:1", str(error))

    def test_failure_that_is_no_object(self) -> None:
        """Whatever stands in the record, it is an AppLoadError."""
        values: tuple[object, ...] = (None, [], "text", {"stack": 5}, {})
        for value in values:
            self.setUp()
            self.fails(partial(self.tell_failure, value), AppLoadError)

    def tell_failure(self, value: object) -> None:
        self.isolate.tell(Outward.LOAD_FAILED, 0, pack_value(value))

    def test_script_fails(self) -> None:
        """A script that V8 refuses."""
        self.fails(lambda: self.isolate.scripts[0][1](EvalResult("SyntaxError: x")), AppLoadError)

    def test_overdue(self) -> None:
        """Longer than the timeout."""
        self.isolate_tells_timer()
        self.fails(lambda: self.reactor.advance(5.0), AppStartupTimeoutError)

    def isolate_tells_timer(self) -> None:
        # So that it does not count as hanging.
        self.isolate.tell(Outward.TIMER, 0, struct.pack("<d", 60000))
        self.reactor.turn()

    def test_hangs(self) -> None:
        """A global scope that awaits what cannot happen fails long before the timeout."""

        def wait() -> None:
            for _ in range(4):
                self.reactor.advance(HANG_PAUSE)
                self.settle()

        self.fails(wait, AppLoadError)
        self.assertLess(self.reactor.seconds(), 1.0)

    def test_protocol_error(self) -> None:
        """An isolate that does not keep to the protocol."""
        self.fails(lambda: self.isolate.ring(b"\xff" * 12), EngineError)

    def test_cancelled(self) -> None:
        """Cancelling gives the isolate back."""
        loaded = self.host.load(PROGRAM, self.owner, 5.0)
        loaded.cancel()
        self.failureResultOf(loaded, DrainingError)
        self.assertTrue(self.isolate.freed)
        self.reactor.turn()
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class HangTests(FakedTestCase):
    """
    Handlers that can never answer, and those that only seem so.
    """

    def wait(self, seconds: float = 0.1) -> None:
        for _ in range(round(seconds / HANG_PAUSE)):
            self.reactor.advance(HANG_PAUSE)
            self.settle()

    def test_hangs(self) -> None:
        """Nothing pending and nothing answered: 500, and the isolate goes on serving."""
        self.serve()
        exchange, sink = self.dispatch()
        self.settle()
        self.wait()
        self.assertEqual((sink.status, exchange.outcome), (500, "hung"))
        self.assertEqual(self.kinds()[-1], Inward.ABORT)
        self.assertIs(self.host.state, HostState.SERVING)

    def test_probe_must_come_back(self) -> None:
        """As long as the isolate computes nothing is decided."""
        self.serve()
        exchange, _ = self.dispatch()
        self.settle()
        for _ in range(100):
            self.reactor.advance(HANG_PAUSE)
        self.assertEqual(self.isolate.drains, 1)
        self.assertTrue(exchange.waiting)

    def test_output_after_the_probe(self) -> None:
        """An isolate that says something is alive; it is asked again later."""
        self.serve()
        exchange, _ = self.dispatch()
        self.settle()
        for _ in range(20):
            self.reactor.advance(HANG_PAUSE)
            self.isolate.tell(Outward.LOG, 0, b"still here")
            self.settle()
        self.assertTrue(exchange.waiting)
        self.wait()
        self.assertEqual(exchange.outcome, "hung")

    def test_not_with_a_timer(self) -> None:
        """A timer may answer it."""
        self.serve()
        self.isolate.tell(Outward.TIMER, 0, struct.pack("<d", 60000))
        exchange, _ = self.dispatch()
        self.settle()
        self.wait(1)
        self.assertTrue(exchange.waiting)

    def test_not_with_an_op(self) -> None:
        """An op may answer it, and hangs if it does not."""
        self.serve()
        exchange, _ = self.dispatch()
        self.isolate.tell(Outward.OP, 1, pack_value(None), 0, 1)
        self.settle()
        self.wait(1)
        self.assertTrue(exchange.waiting)
        self.pending[0].callback(None)
        self.settle()
        self.wait()
        self.assertEqual(exchange.outcome, "hung")

    def test_not_while_the_client_uploads(self) -> None:
        """A handler that reads its request's body waits for the client."""

        class Upload(FakeBody):
            def start(self, consumer: Any) -> None:
                self.consumer = consumer

        self.serve()
        body = Upload()
        exchange, _ = self.dispatch(method="POST", body=body)
        self.settle()
        self.isolate.tell(Outward.CREDIT, 1, struct.pack("<I", WINDOW))
        self.settle()
        self.wait(1)
        self.assertTrue(exchange.waiting)
        body.consumer.finish()
        self.settle()
        self.wait()
        self.assertEqual(exchange.outcome, "hung")

    def test_upload_that_nobody_reads(self) -> None:
        """A body that the app does not read is no excuse."""
        self.serve()
        exchange, _ = self.dispatch(method="POST", body=FakeBody([b"x"]))
        self.settle()
        self.wait()
        self.assertEqual(exchange.outcome, "hung")

    def test_not_while_a_client_is_slow(self) -> None:
        """What waits for another response's slow client may go on when that client does."""
        self.serve()
        slow, _ = self.dispatch()
        self.settle()
        self.isolate.tell(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\n", 0, 200)
        self.reactor.turn()
        slow.pauseProducing()
        exchange, _ = self.dispatch()
        self.settle()
        self.isolate.tell(Outward.CHUNK, 1, b"x" * 1000)
        self.settle()
        self.wait(1)
        self.assertTrue(exchange.waiting)
        slow.resumeProducing()
        self.settle()
        self.wait()
        self.assertEqual(exchange.outcome, "hung")

    def test_open_stream_is_no_excuse(self) -> None:
        """A response that has begun and whose client takes everything does not keep others from hanging."""
        self.serve()
        stream, _ = self.dispatch()
        self.settle()
        self.isolate.tell(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\n", 0, 200)
        self.isolate.tell(Outward.CHUNK, 1, b"x")
        exchange, _ = self.dispatch()
        self.settle()
        self.wait()
        self.assertEqual(exchange.outcome, "hung")
        self.assertFalse(stream.over)

    def test_wait_until_that_cannot_happen(self) -> None:
        """An event that only a hopeless waitUntil keeps is forgotten, and does not keep a retired isolate."""
        self.serve()
        exchange, _ = self.dispatch()
        self.settle()
        self.isolate.tell(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\n", RESPONSE_COMPLETE, 200)
        self.host.retire()
        self.settle()
        self.assertTrue(exchange.over)
        self.assertIs(self.host.state, HostState.RETIRED)
        self.wait()
        self.assertEqual(self.host.events, {})
        self.assertIs(self.host.state, HostState.CONDEMNED)

    def test_wait_until_with_a_timer(self) -> None:
        """One that something may still settle is kept."""
        self.serve()
        self.dispatch()
        self.isolate.tell(Outward.TIMER, 0, struct.pack("<d", 60000))
        self.settle()
        self.isolate.tell(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\n", RESPONSE_COMPLETE, 200)
        self.settle()
        self.wait(1)
        self.assertEqual(list(self.host.events), [1])


class EndTests(FakedTestCase):
    """
    Condemning and retiring, at every moment.
    """

    def test_condemned(self) -> None:
        """What is in flight fails, the memory goes back, and nothing is left on the clock."""
        self.serve()
        exchanges = [self.dispatch()[0] for _ in range(3)]
        self.isolate.tell(Outward.TIMER, 0, struct.pack("<d", 100))
        self.reactor.turn()
        self.host.condemn(MemoryExceededError("x"))
        self.host.condemn(EngineError("y"))
        self.assertEqual([exchange.outcome for exchange in exchanges], ["exceeded-memory"] * 3)
        self.assertEqual(len(self.owner.condemned), 1)
        self.assertTrue(self.isolate.freed)
        self.reactor.turn()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_errors_of_a_drain(self) -> None:
        """A drain that fails condemns, for memory if that is why."""
        for out_of_memory, text, error in (
            (True, "terminated", MemoryExceededError),
            (False, "terminated", EngineError),
            # What the limit has ended was a promise job, and the drain itself is fine.
            (True, None, MemoryExceededError),
        ):
            self.host, self.isolate = self.make_host()
            self.owner = Owner()
            self.serve()
            self.dispatch()
            self.reactor.turn()
            self.isolate.out_of_memory = out_of_memory
            self.isolate.end_drain(text)
            self.reactor.turn()
            self.assertIsInstance(self.owner.condemned[0], error)

    def test_moments(self) -> None:
        """Whatever was going on, and whatever still comes from the isolate afterwards, is harmless."""
        moments: list[list[Callable[[], object]]] = [
            [],
            [self.begin_to_load],
            [self.serve],
            [self.serve, self.dispatch],
            [self.serve, self.dispatch, self.turn],
            [self.serve, self.dispatch, self.settle],
            [self.serve, self.dispatch, self.settle, self.pause],
            [self.serve, lambda: self.isolate.tell(Outward.LOG, 0, b"x")],
            [self.serve, lambda: self.isolate.tell(Outward.OP, 1, pack_value(None), 0, 1), self.turn],
            [self.serve, self.dispatch, lambda: self.host.retire()],
        ]
        for number, steps in enumerate(moments):
            self.setUp()
            for step in steps:
                step()
            outbox = self.isolate.outbox
            self.host.condemn(EngineError("x"))
            self.isolate.outbox = outbox
            for kind in Outward:
                self.isolate.tell(kind, 1, b"12345678")
            while self.isolate.drains:
                self.isolate.end_drain()
            self.host.send(encode(Inward.TIMER, 0))
            self.host.retire()
            self.reactor.turn()
            self.assertEqual(self.reactor.getDelayedCalls(), [], number)
            self.assertEqual(self.owner.logs, [], number)
            self.assertEqual(self.host.events, {}, number)

    def begin_to_load(self) -> None:
        self.failed: list[Failure] = []
        self.host.load(PROGRAM, self.owner, 5.0).addErrback(self.failed.append)

    def turn(self) -> None:
        self.reactor.turn()

    def pause(self) -> None:
        self.reactor.advance(HANG_PAUSE)

    def test_rest_of_a_batch(self) -> None:
        """Records behind the one that condemned are not acted upon."""
        self.serve()
        bad = encode(Outward.OP, 1, pack_value(None), 0, 999)
        op = encode(Outward.OP, 1, pack_value(None), 0, self.ops.names.index("t.later"))
        self.isolate.ring(bad + op)
        self.reactor.turn()
        self.assertEqual(self.pending, [])

    def test_condemned_by_a_handler(self) -> None:
        """A record may lead to the condemnation of its own isolate: the rest of the batch is dropped."""
        self.serve()
        exchange, _ = self.dispatch()
        exchange.when_finished(lambda exchange: self.host.condemn(DrainingError("x")))
        answer = encode(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\n", RESPONSE_COMPLETE, 200)
        op = encode(Outward.OP, 1, pack_value(None), 0, self.ops.names.index("t.later"))
        self.isolate.ring(answer + op)
        self.reactor.turn()
        self.assertEqual(exchange.outcome, "ok")
        self.assertEqual(self.pending, [])

    def test_fault_of_a_front_end(self) -> None:
        """An exception that is ours condemns, as records are lost; it is in the log."""
        self.serve()
        _, sink = self.dispatch()
        sink.on_write = lambda data: 1 // 0  # type: ignore[assignment]
        self.isolate.tell(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\nx", RESPONSE_COMPLETE, 200)
        self.reactor.turn()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIs(self.host.state, HostState.CONDEMNED)

    def test_retired(self) -> None:
        """A retired host finishes what it has, and is condemned then."""
        self.serve()
        exchange, sink = self.dispatch()
        self.host.retire()
        self.host.retire()
        self.assertEqual((self.owner.retired, self.host.state), (1, HostState.RETIRED))
        self.settle()
        flags = RESPONSE_COMPLETE | RESPONSE_SETTLED
        self.isolate.tell(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\nok", flags, 200)
        self.reactor.turn()
        self.assertEqual((sink.body, exchange.outcome), (b"ok", "ok"))
        self.assertIs(self.host.state, HostState.CONDEMNED)

    def test_retired_at_rest(self) -> None:
        """One without events is condemned at once."""
        self.serve()
        self.host.retire()
        self.assertIs(self.host.state, HostState.CONDEMNED)


u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
kinds = st.sampled_from([*Outward]).map(int) | u8
ids = st.integers(0, 4) | u32
heads = st.binary(max_size=30) | st.lists(
    st.sampled_from([b"", b"OK", b"5", b"content-length", b"x-a", b"1", b"\r\n", b"transfer-encoding"]), max_size=6
).map(b"\n".join)
payloads = (
    st.binary(max_size=40)
    | st.builds(lambda head, rest: struct.pack("<I", len(head)) + head + rest, heads, st.binary(max_size=10))
    | st.builds(pack_value, st.none() | st.integers() | st.text(max_size=5) | st.dictionaries(st.text(), st.none()))
    | st.floats().map(lambda value: struct.pack("<d", value))
    | u32.map(lambda value: struct.pack("<I", value))
    | st.just(b"x" * 3000)
)
lies = st.lists(
    st.tuples(kinds, ids, payloads, u8, st.sampled_from([0, 99, 200, 204, 304, 599]) | u16), min_size=1, max_size=25
)


class LiarTests(FakedTestCase):
    """
    An isolate that writes what it likes can harm nobody but its own app.
    """

    def victim_and_liar(self) -> tuple[IsolateHost, FakeIsolate, list[tuple[Exchange, FakeSink]]]:
        self.setUp()
        self.serve()
        neighbour = (self.host, self.isolate, self.owner)
        self.host, self.isolate = self.make_host()
        self.owner = Owner()
        self.serve()
        in_flight = [self.dispatch(method=method) for method in ("GET", "HEAD")]
        in_flight.append(self.dispatch(method="POST", body=FakeBody([b"x" * 100] * 3)))
        self.reactor.turn()
        self.neighbour = neighbour
        return self.host, self.isolate, in_flight

    def check(self, in_flight: list[tuple[Exchange, FakeSink]]) -> None:
        """Whatever has happened: nothing was logged, the neighbour serves, this host is in service or condemned."""
        if self.host.state is not HostState.CONDEMNED:
            self.assertIs(self.host.state, HostState.SERVING)
            self.host.condemn(EngineError("the test is over"))
        for exchange, sink in in_flight:
            self.assertTrue(exchange.over)
            self.assertLessEqual(sink.calls.count("head"), 1)
            self.assertEqual(sum(call in ("finish", "cut") for call in sink.calls), 1)
        self.host, self.isolate, self.owner = self.neighbour
        exchange, sink = self.dispatch()
        self.settle()
        flags = RESPONSE_COMPLETE | RESPONSE_SETTLED
        self.isolate.tell(Outward.RESPONSE, 1, struct.pack("<I", 1) + b"\nok", flags, 200)
        self.settle()
        self.assertEqual(sink.body, b"ok")
        self.assertEqual(self.flushLoggedErrors(), [])

    @given(lies)
    @settings(max_examples=300)
    def test_records(self, lies: list[Any]) -> None:
        """Well-formed records with arbitrary content."""
        _, isolate, in_flight = self.victim_and_liar()
        for kind, id_, payload, flags, small in lies:
            if self.host.state is HostState.CONDEMNED:
                break
            isolate.tell(kind, id_, payload, flags, small)
            self.reactor.advance(0.003)
        self.check(in_flight)

    @given(st.lists(st.tuples(st.binary(max_size=64), u32 | st.none(), st.integers(0, 3)), max_size=10))
    @settings(max_examples=200)
    def test_bytes(self, bells: list[Any]) -> None:
        """Arbitrary bytes, lengths and questions."""
        _, isolate, in_flight = self.victim_and_liar()
        for data, length, question in bells:
            if self.host.state is HostState.CONDEMNED:
                break
            isolate.ring(data, question, length)
            self.reactor.turn()
        self.check(in_flight)

    def test_flood_of_a_finished_event(self) -> None:
        """Chunks without end for an event that is over do not pile up answers."""
        host, isolate, in_flight = self.victim_and_liar()
        in_flight[0][0].client_gone("x")
        before = len(host._queue)
        for _ in range(1000):
            isolate.tell(Outward.CHUNK, 1, b"")
            self.reactor.turn()
        self.assertLess(len(host._queue) - before, 5)
        self.assertIs(host.state, HostState.SERVING)

    def test_passes_what_is_not_its_own(self) -> None:
        """Passing on what was read from, or to no response, condemns the isolate; what is gone ends the response."""
        number = struct.Struct("<I").pack
        head = number(1) + b"\n"
        for condemned, records in (
            (True, [(Outward.PASS, 1, b"")]),
            (True, [(Outward.PASS, 1, number(3))]),
            (True, [(Outward.CREDIT, 3, number(1)), (Outward.PASS, 3, number(3))]),
            (False, [(Outward.RESPONSE, 1, head), (Outward.PASS, 1, number(2))]),
            (False, [(Outward.RESPONSE, 1, head), (Outward.PASS, 1, number(3)), (Outward.PASS, 1, number(3))]),
        ):
            host, isolate, in_flight = self.victim_and_liar()
            for kind, id_, payload in records:
                isolate.tell(kind, id_, payload, 0, 200)
            self.reactor.turn()
            self.assertEqual(host.state is HostState.CONDEMNED, condemned, records)
            self.check(in_flight)

    def test_settled_without_an_answer(self) -> None:
        """An isolate that drops an event unanswered is condemned, so that the client does not wait for ever."""
        _, isolate, in_flight = self.victim_and_liar()
        isolate.tell(Outward.SETTLED, 1)
        self.reactor.turn()
        self.assertEqual([exchange.outcome for exchange, _ in in_flight], ["engine-failure"] * 3)
        self.check(in_flight)
