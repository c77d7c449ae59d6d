# -*- test-case-name: tests.http.test_fuzz -*-
"""
Bytes from nowhere: whatever a client sends, the channel never raises, and what it writes is HTTP.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from nano.http.channel import Phase
from tests.fakes import FakeConsumer
from tests.http.fronts import ChannelFront, ClientEnd

_BOUNDED = settings(max_examples=300, database=None, suppress_health_check=list(HealthCheck))

#: What requests are made of, and what they should not be made of.
_TOKENS = [
    b"GET / HTTP/1.1\r\n", b"POST /x?y HTTP/1.1\r\n", b"HEAD / HTTP/1.0\r\n", b"OPTIONS * HTTP/1.1\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"Host: hello.test\r\n", b"Host: app.test\r\n",
    b"Host: \xff\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: 99999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"X-Forwarded-For: ::1\r\n", b"X: " + b"a" * 3000 + b"\r\n", b"X: a\r\n b\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r",
    b"\0", b"hello", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nX: 1\r\n\r\n", b"5;a=b\r\n", b"fffffffffffffffff\r\n",
    b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n", b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\n",
]  # fmt: skip

_INPUT = st.lists(st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=20)), max_size=25).map(b"".join)

#: What happens besides input: to the app's exchanges, and to the connection.
_ACTIONS = st.sampled_from(("answer", "stream", "end", "read", "stop", "pause", "resume", "wait", "half", "nothing"))


class FuzzTests(SynchronousTestCase):
    """Hypothesis plays the client, the app and the clock."""

    def act(self, front: ChannelFront, client: ClientEnd, action: str) -> None:
        """Do one thing, as far as it may be done now."""
        exchange = front.app.exchanges[-1] if front.app.exchanges else None
        if action == "pause" and client.transport.producer is not None:
            client.protocol.pauseProducing()
        elif action == "resume" and client.transport.producer is not None:
            client.protocol.resumeProducing()
        elif action == "wait":
            front.clock.pump([0.25] * 50)
        elif action == "half":
            client.protocol.readConnectionLost()
        elif exchange is None or exchange.over:
            return
        elif action == "answer":
            exchange.respond(200, b"", [], None, b"whole")
        elif action == "stream":
            exchange.respond(200, b"", [], None)
            exchange.write(b"piece")
        elif action == "end":
            exchange.end()
        elif exchange.body is not None and not isinstance(exchange.body, bytes):
            if action == "read":
                exchange.body.start(FakeConsumer())
            elif action == "stop":
                exchange.body.stopProducing()

    def check(self, front: ChannelFront, client: ClientEnd) -> None:
        """End everything; look at what is left."""
        if not client.transport.aborted:
            # The client is patient until the server has nothing more to say.
            for _ in range(200):
                if client.protocol.phase in (Phase.CLOSED, Phase.CLOSING) or client.transport.ended:
                    break
                client.protocol.resumeProducing()
                self.act(front, client, "answer")
                self.act(front, client, "end")
                front.clock.pump([0.25] * 50)
            if not client.transport.aborted:
                client.responses(*(exchange.method for exchange, _, _ in front.seen))
        client.leave()
        front.turn()
        self.assertTrue(all(exchange.over for exchange in front.app.exchanges))
        self.assertEqual(front.factory.connections, 0)
        self.assertEqual(front.clock.getDelayedCalls(), [])

    @_BOUNDED
    @given(_INPUT, st.integers(0, 40))
    def test_input(self, data: bytes, step: int) -> None:
        """Any bytes, cut anywhere."""
        front = ChannelFront(step)
        self.check(front, front.connect().send(data))

    @_BOUNDED
    @given(st.lists(st.tuples(_INPUT, _ACTIONS), max_size=12))
    def test_events(self, events: list[tuple[bytes, str]]) -> None:
        """Any bytes, with anything happening in between."""
        front = ChannelFront()
        client = front.connect()
        for data, action in events:
            client.send(data)
            if client.transport.disconnecting:
                break
            self.act(front, client, action)
        self.check(front, client)

    @_BOUNDED
    @given(_INPUT)
    def test_cuts_do_not_matter(self, data: bytes) -> None:
        """
        The same bytes are the same requests, however they are cut.

        But for those that break off: of them an app may see the beginning, or nothing if all came at once.
        """
        seen = []
        for step in (0, 1, 7):
            front = ChannelFront(step)
            client = front.connect().send(data)
            for _ in range(30):
                self.act(front, client, "answer")
            client.leave()
            whole = [exchange for exchange in front.app.exchanges if exchange.outcome == "ok"]
            seen.append([(exchange.method, exchange.url) for exchange in whole])
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])
