"""
Tests for `nano.engine.passing`: bodies from one side to the other, without an isolate.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.engine.passing import Relay, ResponsePass
from nano.exchange import Exchange
from nano.interfaces import IBodyConsumer, IRequestBody
from tests.fakes import FakeBody, FakeConsumer, FakeSink, make_exchange


class RelayTests(SynchronousTestCase):
    """
    A body that had begun for somebody else.
    """

    def relay(self, body: FakeBody | None, held: tuple[bytes, ...] = (), failure: str | None = None) -> Relay:
        """A relay; what it is over with stands in `over`."""
        self.over: list[str | None] = []
        relay = Relay(body, held, failure, self.over.append)
        if body is not None:
            body.start(relay)
        return relay

    def test_provides(self) -> None:
        """It is a body for the one, a consumer for the other."""
        relay = self.relay(None)
        verifyObject(IRequestBody, relay)
        verifyObject(IBodyConsumer, relay)

    def test_all(self) -> None:
        """What was there, then what comes, then the end."""
        consumer = FakeConsumer()
        relay = self.relay(FakeBody([b"c", b"d"]), (b"a", b"b"))
        self.assertEqual(self.over, [])
        relay.start(consumer)
        self.assertEqual((consumer.body, consumer.ended, self.over), (b"abcd", "finished", [None]))

    def test_nothing_more(self) -> None:
        """A body that has given all before; one that has broken off."""
        for failure in (None, "why"):
            consumer = FakeConsumer()
            self.relay(None, (b"a",), failure).start(consumer)
            self.assertEqual((consumer.body, consumer.ended, self.over), (b"a", failure or "finished", [failure]))

    def test_paused(self) -> None:
        """A consumer that takes no more gets no more, not even the end, and the body is paused."""
        consumer = FakeConsumer()
        body = SteadyBody()
        relay = self.relay(body, (b"a",))
        relay.start(consumer)
        relay.pauseProducing()
        relay.write(b"b")
        self.assertEqual((consumer.body, body.calls[-1]), (b"a", "pause"))
        relay.fail("why")
        self.assertEqual((consumer.body, consumer.ended, self.over), (b"a", None, []))
        relay.resumeProducing()
        self.assertEqual((consumer.body, consumer.ended, self.over), (b"ab", "why", ["why"]))

    def test_resumed(self) -> None:
        """With the consumer the body goes on."""
        body = SteadyBody()
        relay = self.relay(body)
        relay.start(FakeConsumer())
        relay.pauseProducing()
        relay.resumeProducing()
        self.assertEqual(body.calls, ["pause", "start", "resume", "pause", "resume"])

    def test_stopped(self) -> None:
        """The consumer wants no more."""
        body, consumer = SteadyBody(), FakeConsumer()
        relay = self.relay(body, (b"a",))
        relay.start(consumer)
        relay.stopProducing()
        relay.write(b"b")
        relay.finish()
        self.assertEqual((consumer.body, consumer.ended, body.calls[-1], self.over), (b"a", None, "stop", [None]))

    def test_broken_off(self) -> None:
        """The script wants it to end: both sides hear of it, before the start as well as after."""
        for started in (False, True):
            body, consumer = SteadyBody(), FakeConsumer()
            relay = self.relay(body)
            if started:
                relay.start(consumer)
            relay.break_off("why")
            expected = ("why" if started else None, "stop", ["why"])
            self.assertEqual((consumer.ended, body.calls[-1], self.over), expected)


class ResponsePassTests(SynchronousTestCase):
    """
    A body for an exchange.
    """

    def begin(self, body: FakeBody, method: str = "GET", length: int | None = None) -> tuple[Exchange, FakeSink]:
        """An exchange whose body passes through; how often it was over stands in `over`."""
        exchange, sink = make_exchange(method=method)
        exchange.respond(200, b"", [], length)
        self.over: list[bool] = []
        passing = ResponsePass(body, exchange, lambda: self.over.append(True))
        verifyObject(IBodyConsumer, passing)
        self.passing = passing
        passing.start()
        return exchange, sink

    def test_all(self) -> None:
        """The whole body."""
        exchange, sink = self.begin(FakeBody([b"ab", b"c"]))
        self.assertEqual((sink.body, sink.finished, exchange.outcome, self.over), (b"abc", True, "ok", [True]))

    def test_failure(self) -> None:
        """A body that breaks off cuts the response."""
        exchange, sink = self.begin(SteadyBody())
        self.passing.write(b"a")
        self.passing.fail("why")
        self.assertEqual((sink.body, sink.was_cut, self.over), (b"a", True, [True]))
        self.assertIn("why", str(exchange.error))

    def test_wrong_length(self) -> None:
        """A body that is longer or shorter than announced cuts the response, and is stopped."""
        _, sink = self.begin(body := FakeBody([b"abc", b"d"]), length=2)
        self.assertEqual((sink.was_cut, "stop" in body.calls, self.over), (True, True, [True]))
        _, sink = self.begin(FakeBody([b"a"]), length=2)
        self.assertEqual((sink.was_cut, self.over), (True, [True]))

    def test_client_gone(self) -> None:
        """Without a client the body is stopped."""
        body = SteadyBody()
        exchange, _ = self.begin(body)
        exchange.client_gone("gone")
        self.passing.write(b"late")
        self.assertEqual((body.calls, self.over, exchange.body_bytes), (["start", "stop"], [True], 0))

    def test_no_body(self) -> None:
        """What answers HEAD has no body, and nothing is fetched for it."""
        body = SteadyBody()
        _, sink = self.begin(body, "HEAD", 5)
        self.assertEqual((sink.calls, body.calls, self.over), (["head", "finish"], ["stop"], [True]))

    def test_over_before(self) -> None:
        """An exchange that has ended takes nothing."""
        body = SteadyBody()
        exchange, _ = make_exchange()
        exchange.client_gone("gone")
        ResponsePass(body, exchange, lambda: None).start()
        self.assertEqual(body.calls, ["stop"])

    def test_pause(self) -> None:
        """A client that does not read pauses the body, before it starts as well as after a piece."""
        body = SteadyBody()
        exchange, _ = make_exchange()
        exchange.respond(200, b"", [], None)
        exchange.pauseProducing()
        passing = ResponsePass(body, exchange, lambda: None)
        passing.start()
        self.assertEqual(body.calls, ["start", "pause"])
        exchange.resumeProducing()
        passing.resume()
        passing.write(b"a")
        self.assertEqual(body.calls[2:], ["resume"])
        exchange.pauseProducing()
        passing.write(b"b")
        self.assertEqual((body.calls[3:], exchange.body_bytes), (["pause"], 2))


class SteadyBody(FakeBody):
    """Gives nothing by itself."""

    def _flow(self) -> None: ...
