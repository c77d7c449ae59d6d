# -*- test-case-name: tests.test_exchange -*-
"""
What holds for every response, wherever it comes from and wherever it goes.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.interfaces import IPushProducer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.errors import DrainingError, HandlerError, NoAppError
from nano.exchange import Exchange, ExchangeState, Header, error_answer
from tests.fakes import FakeSink, make_exchange


class _Owner:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def exchange_resumed(self, exchange: Exchange) -> None:
        self.told.append("resumed")

    def exchange_gone(self, exchange: Exchange) -> None:
        self.told.append(f"gone: {exchange.error}")


class ResponseTests(SynchronousTestCase):
    """Responses that are as they should be."""

    def test_whole(self) -> None:
        """A response with its body is one go: head, body, end."""
        exchange, sink = make_exchange()
        exchange.respond(201, b"Fine", [(b"X-A", b"1")], None, b"hello")
        self.assertEqual(sink.calls, ["head", "write", "finish"])
        self.assertEqual((sink.status, sink.reason, sink.headers), (201, b"Fine", [(b"X-A", b"1")]))
        self.assertEqual((sink.length, sink.body), (5, b"hello"))
        self.assertEqual((exchange.state, exchange.status, exchange.outcome), (ExchangeState.DONE, 201, "ok"))
        self.assertEqual(exchange.body_bytes, 5)

    def test_empty(self) -> None:
        """An empty body has a length, too."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [], None, b"")
        self.assertEqual((sink.calls, sink.length), (["head", "finish"], 0))

    def test_pieces(self) -> None:
        """A body may come in pieces, of known or unknown length."""
        for length in (None, 6):
            exchange, sink = make_exchange()
            exchange.respond(200, b"", [], length)
            self.assertEqual((exchange.waiting, exchange.over), (False, False))
            exchange.write(b"one")
            exchange.write(b"two")
            exchange.end()
            self.assertEqual((sink.length, sink.body, sink.finished), (length, b"onetwo", True))

    def test_announced_by_the_app(self) -> None:
        """A Content-Length of the app's is the length, and no header of its own any more."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [(b"Content-Length", b"3")], None)
        exchange.write(b"abc")
        exchange.end()
        self.assertEqual((sink.length, sink.headers, sink.finished), (3, [], True))

    def test_hop_by_hop(self) -> None:
        """What speaks of the connection is not the app's to say."""
        names = (b"Connection", b"keep-alive", b"Proxy-Connection", b"TE", b"Trailer", b"Transfer-Encoding", b"UPGRADE")
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [*((name, b"x") for name in names), (b"x-end", b"1")], None, b"")
        self.assertEqual(sink.headers, [(b"x-end", b"1")])

    def test_latin_1(self) -> None:
        """Bytes beyond ASCII and tabs may stand in values and status texts."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"\xe4\t", [(b"x", b"\xff\tb")], None, b"")
        self.assertEqual((sink.reason, sink.headers), (b"\xe4\t", [(b"x", b"\xff\tb")]))


class NoBodyTests(SynchronousTestCase):
    """Responses without a body, whatever the app does."""

    def test_head(self) -> None:
        """HEAD gets the length and not the body."""
        exchange, sink = make_exchange(method="HEAD")
        exchange.respond(200, b"", [], None, b"hello")
        self.assertEqual((sink.length, sink.body, sink.finished, exchange.body_bytes), (5, b"", True, 0))

    def test_head_in_pieces(self) -> None:
        """Neither does it if the body comes later, be it shorter than announced or not."""
        exchange, sink = make_exchange(method="HEAD")
        exchange.respond(200, b"", [(b"content-length", b"100")], None)
        exchange.write(b"hello")
        exchange.end()
        self.assertEqual((sink.length, sink.calls), (100, ["head", "finish"]))

    def test_head_announces_another_length(self) -> None:
        """An app that answers HEAD without a body may say how long it would be."""
        exchange, sink = make_exchange(method="HEAD")
        exchange.respond(200, b"", [(b"content-length", b"100")], None, b"")
        self.assertEqual((sink.length, sink.finished), (100, True))

    def test_statuses(self) -> None:
        """Some statuses have none."""
        for status in (204, 205, 304):
            exchange, sink = make_exchange()
            exchange.respond(status, b"", [], None, b"")
            exchange.write(b"hello")
            self.assertEqual(sink.calls, ["head", "finish"])
        for status, length in ((204, None), (304, None)):
            exchange, sink = make_exchange()
            exchange.respond(status, b"", [], 0)
            exchange.write(b"hello")
            exchange.end()
            self.assertEqual((sink.length, sink.calls), (length, ["head", "finish"]))


class FaultTests(SynchronousTestCase):
    """Responses that are not as they should be."""

    def assert_refused(self, status: int, reason: bytes, headers: list[Header], text: str) -> None:
        """Answered 500 instead, with the reason in the log only."""
        for body in (None, b"hello"):
            exchange, sink = make_exchange()
            exchange.respond(status, reason, headers, None, body)
            self.assertEqual((sink.status, sink.header(b"nano-error"), sink.finished), (500, b"exception", True))
            self.assertEqual(exchange.outcome, "exception")
            self.assertIn(text, str(exchange.error))
            self.assertNotIn(text.encode(), sink.body)

    def test_status(self) -> None:
        """A status that is none, or that only a server may send."""
        for status in (0, 100, 101, 199, 600, 65535):
            self.assert_refused(status, b"", [], f"status {status}")

    def test_splitting(self) -> None:
        """Names, values and status texts that would end a line."""
        for name, value in (
            (b"x", b"a\r\nb: c"), (b"x", b"a\n"), (b"x", b"a\r"), (b"x", b"\0"), (b"x", b"\x7f"), (b"x\n", b""),
            (b"x:", b""), (b"x y", b""), (b"", b"a"), (b"\xff", b"a"), (b"connection\r\nx", b"a"),
        ):  # fmt: skip
            self.assert_refused(200, b"", [(name, value)], "invalid header")
        self.assert_refused(200, b"OK\r\nx: y", [], "status text")

    def test_bad_lengths(self) -> None:
        """A Content-Length that is no number."""
        for value in (b"", b"-1", b"+1", b"1.0", b"1,1", b"0x1", b" 1", b"\xb2"):
            self.assert_refused(200, b"", [(b"content-length", value)], "Content-Length")

    def test_wrong_length(self) -> None:
        """A Content-Length that the body at hand does not have, or that contradicts another."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [(b"content-length", b"4")], None, b"hello")
        self.assertEqual(sink.status, 500)
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [(b"content-length", b"4"), (b"content-length", b"5")], None)
        self.assertEqual(sink.status, 500)

    def test_too_short(self) -> None:
        """A body that ends too early cuts the connection."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [], 6)
        exchange.write(b"hello")
        exchange.end()
        self.assertEqual((sink.was_cut, exchange.state, exchange.outcome), (True, ExchangeState.CUT, "exception"))

    def test_too_long(self) -> None:
        """So does one that does not end in time; nothing beyond the length is sent."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [], 6)
        exchange.write(b"hello")
        exchange.write(b"world")
        exchange.end()
        self.assertEqual((sink.body, sink.calls), (b"hello", ["head", "write", "cut"]))

    @given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=3), st.binary(max_size=8))
    def test_anything(self, headers: list[Header], reason: bytes) -> None:
        """Whatever an app says, no line of a head holds a line break."""
        exchange, sink = make_exchange()
        exchange.respond(200, reason, headers, None, b"")
        self.assertTrue(sink.finished)
        for part in (sink.reason, *(part for header in sink.headers for part in header)):
            self.assertFalse(set(part) & set(b"\r\n\0"))


class FailureTests(SynchronousTestCase):
    """Errors, before and after the head."""

    def test_before_the_head(self) -> None:
        """A clean answer that says what a client may know."""
        exchange, sink = make_exchange()
        exchange.fail(HandlerError("secret"))
        self.assertEqual((sink.status, sink.body), (500, b"Internal Server Error"))
        self.assertEqual((sink.header(b"nano-error"), sink.length), (b"exception", len(sink.body)))
        self.assertEqual((exchange.state, exchange.outcome), (ExchangeState.DONE, "exception"))
        self.assertEqual(exchange.body_bytes, len(sink.body))

    def test_known_before_the_head_is_sent(self) -> None:
        """The sink finds the error on the exchange when it is to write its head."""
        seen: list[object] = []

        class Sink(FakeSink):
            def head(self, status: int, reason: bytes, headers: list[Header], length: int | None) -> None:
                super().head(status, reason, headers, length)
                seen.append(exchange.error)

        exchange, _ = make_exchange(Sink())
        error = DrainingError()
        exchange.fail(error)
        self.assertEqual(seen, [error])

    def test_head_method(self) -> None:
        """An error that answers HEAD has no body."""
        exchange, sink = make_exchange(method="HEAD")
        exchange.fail(HandlerError())
        self.assertEqual((sink.status, sink.calls), (500, ["head", "finish"]))

    def test_after_the_head(self) -> None:
        """A cut connection, never a clean end."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [], None)
        exchange.write(b"half")
        exchange.fail(HandlerError())
        self.assertEqual(sink.calls, ["head", "write", "cut"])
        self.assertEqual((exchange.state, exchange.status, exchange.outcome), (ExchangeState.CUT, 200, "exception"))

    def test_too_late(self) -> None:
        """Once it is over nothing has any effect; before the head only an answer has."""
        endings: tuple[Callable[[Exchange], None], ...] = (
            lambda exchange: exchange.respond(200, b"", [], None, b"first"),
            lambda exchange: exchange.fail(HandlerError()),
            lambda exchange: exchange.client_gone("gone"),
        )
        for end in endings:
            exchange, sink = make_exchange()
            exchange.write(b"early")
            exchange.end()
            self.assertEqual((sink.calls, exchange.waiting), ([], True))
            end(exchange)
            calls, outcome = list(sink.calls), exchange.outcome
            exchange.respond(200, b"", [], None, b"second")
            exchange.write(b"x")
            exchange.end()
            exchange.fail(DrainingError())
            exchange.client_gone("late")
            self.assertEqual((sink.calls, exchange.outcome), (calls, outcome))

    def test_second_response(self) -> None:
        """The first response counts."""
        exchange, sink = make_exchange()
        exchange.respond(200, b"", [], None)
        exchange.respond(500, b"", [], None, b"second")
        exchange.end()
        self.assertEqual((sink.status, sink.calls), (200, ["head", "finish"]))

    def test_details(self) -> None:
        """Only where the app is being developed does a client see what happened."""
        error = HandlerError("Error: x\n    at index.js:1:2 \ud800")
        exchange, sink = make_exchange()
        exchange.dev = True
        exchange.fail(error)
        self.assertEqual(sink.body, b"Internal Server Error\n\nError: x\n    at index.js:1:2 \\ud800\n")
        self.assertEqual(error_answer(error)[2], b"Internal Server Error")

    def test_answers(self) -> None:
        """Errors are text, but for the unknown host; some say when to come back."""
        status, headers, body = error_answer(DrainingError("secret"))
        self.assertEqual((status, body, dict(headers)[b"retry-after"]), (503, b"Service Unavailable", b"1"))
        status, headers, body = error_answer(NoAppError('no app for host "x'))
        self.assertEqual((status, body), (404, b'{"error": "no app for host \\"x"}'))
        self.assertEqual(dict(headers), {b"content-type": b"application/json", b"nano-error": b"no-app"})


class ClientTests(SynchronousTestCase):
    """What a client does to an exchange."""

    def setUp(self) -> None:
        """An exchange that somebody answers."""
        self.exchange, self.sink = make_exchange()
        self.owner = _Owner()
        self.exchange.owner = self.owner

    def test_interface(self) -> None:
        """Transports take it for a producer."""
        verifyObject(IPushProducer, self.exchange)

    def test_gone(self) -> None:
        """A client that leaves is told to the owner once; the sink is not used again."""
        self.exchange.client_gone("reset")
        self.exchange.stopProducing()
        self.assertEqual((self.owner.told, self.sink.calls), (["gone: reset"], []))
        self.assertEqual((self.exchange.state, self.exchange.outcome), (ExchangeState.CUT, "client-gone"))

    def test_gone_while_responding(self) -> None:
        """So is one that leaves within the response."""
        self.exchange.respond(200, b"", [], None)
        self.exchange.stopProducing()
        self.exchange.write(b"x")
        self.exchange.end()
        self.assertEqual((len(self.owner.told), self.sink.calls), (1, ["head"]))

    def test_gone_afterwards(self) -> None:
        """After a whole response nobody minds."""
        self.exchange.respond(200, b"", [], None, b"")
        self.exchange.client_gone("reset")
        self.assertEqual((self.owner.told, self.exchange.outcome), ([], "ok"))

    def test_pause(self) -> None:
        """Pause and resume may come in any order and number; only the change is told."""
        self.exchange.resumeProducing()
        self.exchange.pauseProducing()
        self.exchange.pauseProducing()
        self.assertEqual((self.exchange.paused, self.owner.told), (True, []))
        self.exchange.resumeProducing()
        self.exchange.resumeProducing()
        self.assertEqual((self.exchange.paused, self.owner.told), (False, ["resumed"]))

    def test_nobody_owns_it(self) -> None:
        """Before somebody has taken an exchange over there is nobody to be told."""
        exchange, _ = make_exchange()
        exchange.pauseProducing()
        exchange.resumeProducing()
        exchange.client_gone("reset")
        self.assertTrue(exchange.over)


class FinishedTests(SynchronousTestCase):
    """Those who want to know when it is over."""

    def test_every_ending(self) -> None:
        """Each is called once, with the state it ended in, whatever the ending."""
        for end, state in (
            (lambda exchange: exchange.respond(200, b"", [], None, b""), ExchangeState.DONE),
            (lambda exchange: exchange.fail(HandlerError()), ExchangeState.DONE),
            (lambda exchange: exchange.client_gone("x"), ExchangeState.CUT),
            (lambda exchange: exchange.respond(0, b"", [], None), ExchangeState.DONE),
        ):
            exchange, _ = make_exchange()
            seen: list[ExchangeState] = []
            for _ in range(2):
                exchange.when_finished(lambda exchange, seen=seen: seen.append(exchange.state))  # type: ignore[misc]
            end(exchange)
            exchange.fail(HandlerError())
            self.assertEqual(seen, [state, state])

    def test_after_the_sink(self) -> None:
        """The response is out when they are called."""
        exchange, sink = make_exchange()
        seen: list[bool] = []
        exchange.when_finished(lambda exchange: seen.append(sink.finished))
        exchange.respond(200, b"", [], None, b"x")
        self.assertEqual(seen, [True])
