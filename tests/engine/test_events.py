"""
Tests for `nano.engine.events`: an event between an exchange and a host that only keeps what is sent.
"""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.engine.events import WINDOW, FetchEvent
from nano.engine.records import (
    REQUEST_BODY_INLINE,
    REQUEST_HAS_BODY,
    RESPONSE_COMPLETE,
    RESPONSE_HAS_BODY,
    RESPONSE_SETTLED,
    Inward,
    Outward,
    Record,
    RecordError,
)
from nano.errors import EngineError
from nano.exchange import ExchangeState
from nano.interfaces import IBodyConsumer
from tests.fakes import FakeBody, make_exchange


class Host:
    """What an event needs of its host."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int, bytes]] = []
        self.forgotten: list[FetchEvent] = []

    def send(self, record: bytes) -> None:
        length, type_, flags, _, _ = struct.unpack_from("<IBBHI", record)
        assert len(record) == 12 + length
        self.sent.append((type_, flags, record[12:]))

    def forget(self, event: FetchEvent) -> None:
        self.forgotten.append(event)

    def payloads(self, kind: Inward) -> list[bytes]:
        return [payload for type_, _, payload in self.sent if type_ == kind]

    def count(self, kind: Inward) -> int:
        return len(self.payloads(kind))

    @property
    def granted(self) -> int:
        """How much of the response body was granted, beside the first window."""
        return sum(struct.unpack("<I", payload)[0] for payload in self.payloads(Inward.CREDIT))

    @property
    def body(self) -> bytes:
        return b"".join(self.payloads(Inward.BODY_CHUNK))


class SlowBody(FakeBody):
    """Has not given anything yet."""

    def start(self, consumer: Any) -> None:
        self.consumer = consumer


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def response(status: int = 200, head: bytes = b"\n", body: bytes = b"", flags: int = 0) -> Record:
    return Record(Outward.RESPONSE, flags, status, 1, u32(len(head)) + head + body)


class EventTestCase(SynchronousTestCase):
    """Makes events."""

    def begin(self, **request: Any) -> tuple[FetchEvent, Host]:
        self.exchange, self.sink = make_exchange(**request)
        self.host = Host()
        self.event = FetchEvent(1, self.exchange, self.host, 0.0)  # type: ignore[arg-type]
        self.event.start()
        return self.event, self.host


class RequestHeadTests(EventTestCase):
    """
    What an isolate is told of a request.
    """

    def test_head(self) -> None:
        """Method, URL and headers, a line each."""
        _, host = self.begin(method="PUT", url="http://a/b?c", headers=[(b"host", b"a"), (b"x", b"\xff y")])
        head = b"PUT\nhttp://a/b?c\nhost\na\nx\n\xff y"
        self.assertEqual(host.sent, [(Inward.REQUEST, 0, u32(len(head)) + head)])

    def test_inline_body(self) -> None:
        """A body that is all there goes with the head."""
        _, host = self.begin(method="POST", body=b"abc")
        ((_, flags, payload),) = host.sent
        self.assertEqual(flags, REQUEST_HAS_BODY | REQUEST_BODY_INLINE)
        self.assertTrue(payload.endswith(b"http://app.test/abc"))

    def test_streamed_body(self) -> None:
        """A body that comes is announced, and not begun."""
        body = FakeBody([b"x"])
        _, host = self.begin(method="POST", body=body)
        self.assertEqual(host.sent[0][1], REQUEST_HAS_BODY)
        self.assertEqual(body.calls, [])

    def test_provides_consumer(self) -> None:
        """It takes request bodies."""
        self.assertTrue(verifyObject(IBodyConsumer, self.begin()[0]))


class RequestBodyTests(EventTestCase):
    """
    Flow control of request bodies.
    """

    def test_nothing_without_credit(self) -> None:
        """The body begins with the app's first read."""
        body = FakeBody([b"abc", b"def"])
        event, host = self.begin(body=body)
        event.body_credit(u32(WINDOW))
        self.assertEqual(host.body, b"abcdef")
        self.assertEqual(host.count(Inward.BODY_END), 1)
        self.assertEqual(body.calls, ["start", "finish"])

    def test_paused_without_credit(self) -> None:
        """When the credit is used up the producer is paused, and goes on with the next grant."""
        body = FakeBody([b"x" * 100] * 10)
        event, host = self.begin(body=body)
        event.body_credit(u32(250))
        self.assertEqual(len(host.body), 250)
        self.assertEqual(body.calls[-1], "pause")
        event.body_credit(u32(10))
        self.assertEqual(len(host.body), 260)
        event.body_credit(u32(5000))
        self.assertEqual(len(host.body), 1000)
        self.assertEqual(host.count(Inward.BODY_END), 1)

    def test_end_waits_for_credit(self) -> None:
        """The end does not overtake bytes that wait for credit."""
        event, host = self.begin(body=SlowBody())
        event.body_credit(u32(1))
        event.write(b"abc")
        event.finish()
        self.assertEqual((host.body, host.count(Inward.BODY_END)), (b"a", 0))
        event.body_credit(u32(1))
        self.assertEqual((host.body, host.count(Inward.BODY_END)), (b"ab", 0))
        event.body_credit(u32(1))
        self.assertEqual((host.body, host.count(Inward.BODY_END)), (b"abc", 1))

    def test_body_breaks_off(self) -> None:
        """A body that breaks off is told as an error, at once."""
        event, host = self.begin(body=FakeBody([b"x"]))
        event.body_credit(u32(1))
        event.fail("the client left")
        self.assertEqual(host.payloads(Inward.BODY_ERROR), [b"the client left"])

    def test_cancelled_by_the_app(self) -> None:
        """An app that cancels the body stops the producer; later grants do nothing."""
        body = FakeBody([b"x" * 10] * 3)
        event, host = self.begin(body=body)
        event.body_credit(u32(5))
        event.body_cancel()
        event.body_cancel()
        event.body_credit(u32(100))
        self.assertEqual(host.body, b"x" * 5)
        self.assertEqual(body.calls.count("stop"), 1)
        self.assertEqual(host.count(Inward.BODY_END), 0)

    def test_response_without_reading(self) -> None:
        """An app that answers without reading the body: nobody wants the rest."""
        body = FakeBody([b"x"])
        event, _ = self.begin(body=body)
        event.respond(response(flags=RESPONSE_COMPLETE | RESPONSE_SETTLED))
        self.assertEqual(body.calls, ["stop"])
        self.assertTrue(self.sink.finished)
        self.assertEqual(self.host.forgotten, [event])

    def test_more_credit_than_a_window(self) -> None:
        """An isolate that grants more than the window does not keep to the protocol."""
        for grants in ([WINDOW + 1], [WINDOW, 1], [2**32 - 1]):
            event, _ = self.begin(body=SlowBody())
            with self.assertRaises(RecordError):
                for grant in grants:
                    event.body_credit(u32(grant))

    def test_credit_too_short(self) -> None:
        """A grant without its number is an error."""
        event, _ = self.begin(body=FakeBody())
        self.assertRaises(RecordError, event.body_credit, b"abc")

    @given(
        st.lists(st.integers(WINDOW // 64, WINDOW), min_size=1, max_size=30),
        st.lists(st.integers(1, 3 * WINDOW), max_size=12),
    )
    @settings(max_examples=200)
    def test_model(self, reads: list[int], pieces: list[int]) -> None:
        """
        Against a reader as in host_body.js: never more than was granted, all of it in order, and no standstill.
        """
        data = [bytes([at % 251]) * size for at, size in enumerate(pieces)]
        event, host = self.begin(body=FakeBody(data))
        granted = taken = 0
        total = sum(pieces)
        for at in range(10000):
            arrived = len(host.body)
            self.assertLessEqual(arrived, granted)
            self.assertLessEqual(granted - taken, WINDOW)
            if host.count(Inward.BODY_END):
                break
            taken = min(arrived, taken + reads[at % len(reads)])
            room = WINDOW - (granted - taken)
            if room >= WINDOW // 2:
                granted += room
                event.body_credit(u32(room))
        self.assertEqual(len(host.body), total)
        self.assertEqual(host.body, b"".join(data))
        self.assertEqual(host.count(Inward.BODY_END), 1)


class ResponseTests(EventTestCase):
    """
    What an isolate answers.
    """

    def test_complete(self) -> None:
        """Head, body and end in one record."""
        event, host = self.begin()
        event.respond(response(201, b"\nMade\nx-a\n1\nx-b\n2", b"hello", RESPONSE_COMPLETE | RESPONSE_SETTLED))
        sink = self.sink
        self.assertEqual((sink.status, sink.reason, sink.body, sink.length), (201, b"Made", b"hello", 5))
        self.assertEqual(sink.headers, [(b"x-a", b"1"), (b"x-b", b"2")])
        self.assertTrue(sink.finished)
        self.assertEqual(host.forgotten, [event])

    def test_streamed(self) -> None:
        """Head, chunks, end, and then what waitUntil kept."""
        event, host = self.begin()
        event.respond(response(200, b"4\n", flags=RESPONSE_HAS_BODY))
        event.chunk(b"ab")
        event.chunk(b"cd")
        event.end(0)
        self.assertEqual((self.sink.body, self.sink.length, self.sink.finished), (b"abcd", 4, True))
        self.assertEqual(host.forgotten, [])
        event.settle()
        event.settle()
        self.assertEqual(host.forgotten, [event])

    def test_failure_before_and_after_the_head(self) -> None:
        """500 before, a cut connection after."""
        event, _ = self.begin()
        event.fail_response(Record(Outward.FAIL, 0, 1, 1, b"Error: no"))
        self.assertEqual((self.sink.status, self.exchange.outcome), (500, "exception"))
        event, _ = self.begin()
        event.respond(response(flags=RESPONSE_HAS_BODY))
        event.fail_response(Record(Outward.FAIL, 0, 3, 1, b"Error: no"))
        self.assertTrue(self.sink.was_cut)

    def test_malformed_heads(self) -> None:
        """Heads that are none are an error of the protocol."""
        for payload in (
            b"",
            b"\0\0\0",
            u32(0),
            u32(5) + b"\n",
            u32(2**32 - 1) + b"\n",
            u32(1) + b"5",
            u32(3) + b"\n\nx",
            u32(5001) + b"9" * 5000 + b"\n",
        ):
            event, _ = self.begin()
            self.assertRaises(RecordError, event.respond, Record(Outward.RESPONSE, 0, 200, 1, payload))

    def test_statuses_and_headers_of_a_liar(self) -> None:
        """What no Response can hold is answered with 500."""
        for status, head in ((0, b"\n"), (99, b"\n"), (65535, b"\n"), (200, b"\na\r"), (200, b"\n\nx y\n1")):
            event, _ = self.begin()
            event.respond(response(status, head, flags=RESPONSE_COMPLETE))
            self.assertEqual((self.sink.status, self.sink.finished), (500, True), (status, head))

    def test_settled_without_an_answer(self) -> None:
        """An isolate cannot have done with an event that it has not answered: that would leave a client waiting."""
        event, _ = self.begin()
        self.assertRaises(RecordError, event.settle)
        event, _ = self.begin()
        event.respond(response(flags=RESPONSE_HAS_BODY))
        self.assertRaises(RecordError, event.settle)

    def test_window(self) -> None:
        """Exactly the window may be sent without a grant."""
        event, _ = self.begin()
        event.respond(response(flags=RESPONSE_HAS_BODY))
        self.exchange.pauseProducing()
        event.chunk(b"x" * WINDOW)
        self.assertRaises(RecordError, event.chunk, b"x")

    def test_nothing_granted_while_paused(self) -> None:
        """While the client is paused nothing is granted; all of it is when it resumes."""
        event, host = self.begin()
        event.respond(response(flags=RESPONSE_HAS_BODY))
        self.exchange.pauseProducing()
        for _ in range(4):
            event.chunk(b"x" * (WINDOW // 4))
        self.assertEqual(host.granted, 0)
        self.assertTrue(event.external)
        self.exchange.resumeProducing()
        self.assertEqual(host.granted, WINDOW)
        self.assertFalse(event.external)

    def test_small_chunks_are_granted_together(self) -> None:
        """A grant costs a crossing, so there is none for each chunk."""
        event, host = self.begin()
        event.respond(response(flags=RESPONSE_HAS_BODY))
        for _ in range(1000):
            event.chunk(b"x" * 100)
        self.assertLessEqual(host.count(Inward.CREDIT), 2)

    @given(
        st.lists(
            st.sampled_from(["pause", "resume"]) | st.integers(0, WINDOW),
            max_size=40,
        )
    )
    @settings(max_examples=200)
    def test_model(self, steps: list[Any]) -> None:
        """
        Against an isolate that keeps to its credit: never more than a window unpaid, and what is free is granted.
        """
        event, host = self.begin()
        event.respond(response(flags=RESPONSE_HAS_BODY))
        sent = 0
        for step in steps:
            if step == "pause":
                self.exchange.pauseProducing()
            elif step == "resume":
                self.exchange.resumeProducing()
            else:
                size = min(step, WINDOW + host.granted - sent)
                event.chunk(b"x" * size)
                sent += size
            self.assertLessEqual(sent - host.granted, WINDOW)
            self.assertEqual(len(self.sink.body), sent)
            if not self.exchange.paused:
                self.assertLess(sent - host.granted, WINDOW // 4)
        self.exchange.resumeProducing()
        self.assertLess(sent - host.granted, WINDOW // 4)


class EndingTests(EventTestCase):
    """
    Ends that come from outside, at any moment.
    """

    def stages(self) -> Any:
        """An event at every stage of its life."""
        for stage in ("new", "body", "head", "chunk", "paused"):
            event, host = self.begin(method="POST", body=FakeBody([b"x" * 10] * 5))
            body = self.exchange.body
            if stage != "new":
                event.body_credit(u32(15))
            if stage in ("head", "chunk", "paused"):
                event.respond(response(flags=RESPONSE_HAS_BODY))
            if stage == "paused":
                self.exchange.pauseProducing()
            if stage in ("chunk", "paused"):
                event.chunk(b"y" * 1000)
            yield stage, event, host, body

    def test_client_gone(self) -> None:
        """The isolate is told once, the body stops, and whatever the isolate still says is harmless."""
        for stage, event, host, body in self.stages():
            before = list(self.sink.calls)
            self.exchange.client_gone("gone")
            self.exchange.client_gone("gone")
            self.assertEqual(host.payloads(Inward.ABORT), [b"gone"], stage)
            self.assertEqual(body.calls[-1], "stop", stage)
            for _ in range(5):
                event.chunk(b"z" * 1000)
            event.respond(response(flags=RESPONSE_HAS_BODY))
            event.body_credit(u32(100))
            event.end(0)
            event.fail_response(Record(Outward.FAIL, 0, 1, 1, b"x"))
            self.assertEqual(self.sink.calls, before, stage)
            self.assertEqual(host.count(Inward.ABORT), 1, stage)
            self.assertFalse(event.external, stage)
            event.settle()
            self.assertEqual(host.forgotten, [event], stage)

    def test_condemned(self) -> None:
        """Without a head: the error's answer; with one: a cut connection.  Nothing more is sent to the isolate."""
        for stage, event, host, body in self.stages():
            sent = len(host.sent)
            event.host_condemned(EngineError("no"))
            self.assertEqual(self.exchange.outcome, "engine-failure")
            self.assertEqual(self.exchange.state is ExchangeState.CUT, stage in ("head", "chunk", "paused"), stage)
            self.assertEqual(body.calls[-1], "stop", stage)
            self.exchange.resumeProducing()
            self.exchange.client_gone("gone")
            self.assertEqual(len(host.sent), sent, stage)

    def test_expired(self) -> None:
        """504, and the isolate learns that nobody waits."""
        event, host = self.begin()
        event.expire(2.0)
        self.assertEqual((self.sink.status, self.exchange.outcome), (504, "timeout"))
        self.assertEqual(host.count(Inward.ABORT), 1)
        self.assertFalse(event.unanswered)

    def test_longer_than_announced(self) -> None:
        """A body longer than its Content-Length cuts the connection, and the isolate learns of it."""
        event, host = self.begin()
        event.respond(response(200, b"3\n", flags=RESPONSE_HAS_BODY))
        event.chunk(b"abcd")
        event.chunk(b"efgh")
        self.assertTrue(self.sink.was_cut)
        self.assertEqual(host.count(Inward.ABORT), 1)

    def test_pause_and_resume_in_any_order(self) -> None:
        """Twice the same, or after the end: nothing breaks."""
        event, host = self.begin()
        exchange = self.exchange
        exchange.resumeProducing()
        event.respond(response(flags=RESPONSE_HAS_BODY))
        for call in (exchange.pauseProducing, exchange.pauseProducing, exchange.resumeProducing):
            call()
        exchange.resumeProducing()
        event.chunk(b"x")
        exchange.pauseProducing()
        event.end(RESPONSE_SETTLED)
        exchange.resumeProducing()
        exchange.stopProducing()
        self.assertTrue(self.sink.finished)
        self.assertEqual(host.count(Inward.ABORT), 0)
