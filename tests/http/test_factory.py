# -*- test-case-name: tests.http.test_factory -*-
"""
What connections share: their number, and how they end together.
"""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocolFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.addresses import network
from nano.config import LimitsConfig
from tests.http.fronts import ChannelFront
from tests.http.suite import GET

HELLO = b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n"


class FactoryTests(SynchronousTestCase):
    """A factory and some clients."""

    def test_interface(self) -> None:
        """Listeners take it."""
        verifyObject(IProtocolFactory, ChannelFront().factory)

    def test_nothing_runs_without_connections(self) -> None:
        """There is no timer before the first connection and none after the last."""
        front = ChannelFront()
        self.assertEqual(front.clock.getDelayedCalls(), [])
        clients = [front.connect(), front.connect()]
        self.assertEqual((front.factory.connections, len(front.clock.getDelayedCalls())), (2, 1))
        for client in clients:
            client.leave()
        self.assertEqual((front.factory.connections, front.clock.getDelayedCalls()), (0, []))

    def test_other_limits(self) -> None:
        """Changed limits hold for connections that begin then, and how often deadlines are looked at follows them."""
        front = ChannelFront()
        before = front.connect()
        factory = front.factory
        factory.adopt(LimitsConfig(max_header_bytes=1024, header_timeout=0.4), ())
        self.assertEqual(factory.tick, 0.1)
        large = b"GET / HTTP/1.1\r\nHost: app.test\r\nX: " + b"x" * 2000 + b"\r\n\r\n"
        self.assertEqual(front.connect().send(large).response().status, 431)
        self.assertFalse(before.send(large).transport.ended)

    def test_time_goes_on_without_connections(self) -> None:
        """A connection after a long silence is not late at once."""
        front = ChannelFront()
        front.connect().leave()
        front.clock.advance(1000)
        client = front.connect()
        front.clock.advance(1)
        self.assertFalse(client.transport.ended)

    def test_too_many_connections(self) -> None:
        """Beyond the limit connections are refused with a reason, and far beyond without."""
        front = ChannelFront(limits=LimitsConfig(max_connections=2))
        first = [front.connect() for _ in range(2)]
        refused = front.connect().send(HELLO)
        self.assertEqual((refused.response().status, refused.response().code), (503, "overloaded"))
        self.assertEqual(refused.response().header("retry-after"), "1")
        self.assertTrue(refused.transport.disconnecting)
        others = [front.protocol() for _ in range(63)]
        for protocol in others:
            protocol.makeConnection(type(refused.transport)())
        self.assertIsNone(front.protocol())
        self.assertEqual(first[0].send(HELLO).response().status, 200)
        refused.leave()
        for protocol in others:
            protocol.connectionLost(Failure(ConnectionDone()))
        first[1].leave()
        self.assertEqual(front.connect().send(HELLO).response().status, 200)

    def test_access_is_optional(self) -> None:
        """Without a callback nobody is called."""
        front = ChannelFront()
        front.factory.access = None
        self.assertEqual(front.connect().send(HELLO).response().status, 200)

    def test_access_fails(self) -> None:
        """A callback that raises harms nobody."""

        def broken(*args: object) -> None:
            raise ZeroDivisionError

        front = ChannelFront()
        front.factory.access = broken
        self.assertEqual(front.connect().send(HELLO * 2).responses()[1].status, 200)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_trusted_proxies(self) -> None:
        """The peers of connections are held against the configured networks."""
        front = ChannelFront(trusted_proxies=[network("192.168.0.0/16")])
        front.connect().send(GET[:-2] + b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: hello.test\r\n\r\n")
        self.assertEqual(front.app.exchanges, [])
        (exchange, _, _) = front.seen[0]
        self.assertEqual(exchange.url, "https://hello.test/a?b=%20c")


class DrainTests(SynchronousTestCase):
    """How a factory comes to an end."""

    def setUp(self) -> None:
        """One idle connection, one with a request under way."""
        self.front = ChannelFront()
        self.idle = self.front.connect().send(HELLO)
        self.busy = self.front.connect().send(GET)

    def test_drain(self) -> None:
        """Idle connections are closed at once, others with their response, and then it is over."""
        drained = self.front.factory.drain()
        self.assertTrue(self.idle.transport.ended)
        self.assertFalse(self.busy.transport.ended)
        self.idle.leave()
        self.front.exchange.respond(200, b"", [], None, b"last")
        self.assertEqual(self.busy.response().header("connection"), "close")
        self.assertTrue(self.busy.transport.disconnecting)
        self.assertNoResult(drained)
        self.busy.leave()
        self.assertIsNone(self.successResultOf(drained))
        self.front.turn()
        self.assertEqual(self.front.clock.getDelayedCalls(), [])

    def test_request_crosses(self) -> None:
        """A request that is sent just as its idle connection is closed meets the end of it, and no reset."""
        self.front.factory.drain()
        self.idle.send(HELLO)
        self.assertTrue(self.idle.transport.ended)
        self.assertFalse(self.idle.transport.aborted or self.idle.transport.disconnecting)

    def test_response_had_begun(self) -> None:
        """A response whose head said nothing of the end is the last one all the same."""
        self.front.exchange.respond(200, b"", [], None)
        self.front.factory.drain()
        self.assertFalse(self.busy.transport.ended)
        self.front.exchange.end()
        self.assertTrue(self.busy.transport.disconnecting)

    def test_request_on_its_way(self) -> None:
        """A request whose head had begun is answered."""
        client = self.front.connect().send(HELLO[:10])
        self.front.factory.drain()
        client.send(HELLO[10:])
        self.assertEqual(client.response().status, 200)
        self.assertTrue(client.transport.disconnecting)

    def test_nothing_to_drain(self) -> None:
        """Without connections it is over at once."""
        self.assertIsNone(self.successResultOf(ChannelFront().factory.drain()))

    def test_every_waiter(self) -> None:
        """Each call has a Deferred of its own, which may be cancelled."""
        one, two = self.front.factory.drain(), self.front.factory.drain()
        one.addErrback(lambda _: None)
        one.cancel()
        self.idle.leave()
        self.busy.leave()
        self.assertIsNone(self.successResultOf(two))

    def test_cut(self) -> None:
        """What is left is broken, and counted."""
        self.assertEqual(self.front.factory.cut(), 1)
        self.assertTrue(self.busy.transport.aborted and self.idle.transport.aborted)
        self.assertEqual(self.front.exchange.outcome, "client-gone")
