# -*- test-case-name: tests.http.test_sockets -*-
"""
The channel over real sockets: what fakes of transports cannot show.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.ssl import KeyPair
from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SkipTest, TestCase
from zope.interface import implementer

from nano.config import LimitsConfig
from nano.exchange import Exchange
from nano.http.factory import HTTPFactory
from nano.interfaces import IEventHandler
from tests.fakes import FakeAppLookup, FakeConsumer
from tests.http.fronts import read_responses
from tests.http.suite import GET, POST


@implementer(IEventHandler)
class _App:
    """Does what the test says."""

    max_body = 1 << 30

    def __init__(self) -> None:
        self.answer: Callable[[Exchange], None] = lambda exchange: None

    def handle(self, exchange: Exchange) -> None:
        """Do it (IEventHandler)."""
        self.answer(exchange)


class SocketTests(TestCase):
    """A listener on a free port; clients are blocking sockets on threads of their own."""

    def setUp(self) -> None:
        """Listen."""
        self.app = _App()
        limits = LimitsConfig(idle_timeout=20.0)
        self.factory = HTTPFactory(reactor, FakeAppLookup(**{"app.test": self.app}), self.app, limits)
        port: Any = IReactorTCP(reactor).listenTCP(0, cast(Any, self.factory), interface="127.0.0.1")
        self.address = ("127.0.0.1", port.getHost().port)
        self.addCleanup(self.stop, port)

    async def stop(self, port: Any) -> None:
        """Stop listening, and wait for the connections."""
        await port.stopListening()
        drained = self.factory.drain()
        self.factory.cut()
        await drained

    def connect(self) -> socket.socket:
        """A client."""
        client = socket.create_connection(self.address, timeout=20)
        self.addCleanup(client.close)
        return client

    async def talk(self, raw: bytes, shutdown: bool = False) -> bytes:
        """Send bytes, and give all that comes back until the server closes."""
        client = self.connect()

        def run() -> bytes:
            client.sendall(raw)
            if shutdown:
                client.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            return answer

        return await deferToThread(run)

    async def test_large_response(self) -> None:
        """What the kernel does not take at once comes later, in its order."""

        def write_all(write: Callable[[bytes], None], pieces: list[bytes]) -> None:
            for piece in pieces:
                write(piece)

        await self.download(write_all)

    async def test_slow_client(self) -> None:
        """An exchange is paused before the kernel has taken much more than its client has read."""
        if not hasattr(socket, "TCP_NOTSENT_LOWAT"):
            raise SkipTest("this system does not know how to be asked")
        paused: Deferred[int] = Deferred()

        def answer(exchange: Exchange) -> None:
            exchange.respond(200, b"", [], None)
            write(exchange)

        def write(exchange: Exchange) -> None:
            if exchange.paused or exchange.body_bytes > 16 * 2**20:
                paused.callback(exchange.body_bytes)
            else:
                exchange.write(bytes(32768))
                reactor.callLater(0, write, exchange)

        self.app.answer = answer
        client = self.connect()
        client.sendall(GET)
        self.assertLess(await paused, 2**20)

    async def test_large_response_over_time(self) -> None:
        """Also when some of it is written while some of it waits."""

        def write_on(write: Callable[[bytes], None], pieces: list[bytes]) -> None:
            write(pieces.pop(0))
            if pieces:
                reactor.callLater(0, write_on, write, pieces)

        await self.download(write_on)

    async def download(self, pour: Callable[[Callable[[bytes], None], list[bytes]], object]) -> None:
        """A response of announced length, with *pour* giving its pieces."""
        # More than a kernel buffers for both ends, in pieces that are no multiple of what it takes.
        data = bytes(range(251)) * 80000

        def answer(exchange: Exchange) -> None:
            def write(piece: bytes) -> None:
                exchange.write(piece)
                if exchange.body_bytes == len(data):
                    exchange.end()

            exchange.respond(200, b"", [], len(data))
            pour(write, [data[at : at + 50000] for at in range(0, len(data), 50000)])

        self.app.answer = answer
        raw = await self.talk(GET[:-2] + b"Connection: close\r\n\r\n")
        (response,) = read_responses(raw)
        self.assertTrue(response.body == data)

    async def test_answer_to_unread_body(self) -> None:
        """A client that is still sending gets to see why it should stop."""
        self.app.max_body = 1000
        size = 600_000
        raw = await self.talk(POST + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
        (response,) = read_responses(raw)
        self.assertEqual((response.status, response.code), (413, "body-too-large"))

    async def test_half_closed(self) -> None:
        """A client that closes its half after its request gets its answer."""
        self.app.answer = lambda exchange: exchange.respond(200, b"", [], None, b"hi")
        (response,) = read_responses(await self.talk(GET, shutdown=True))
        self.assertEqual(response.body, b"hi")

    async def test_cut(self) -> None:
        """A response that breaks off is a reset connection."""

        def answer(exchange: Exchange) -> None:
            exchange.respond(200, b"", [], 100)
            exchange.write(b"some")
            exchange.end()

        self.app.answer = answer
        with self.assertRaises(ConnectionResetError):
            await self.talk(GET)

    async def gone(self, raw: bytes, answer: Callable[[Exchange], None]) -> str:
        """The outcome of an exchange whose client vanishes once *answer* was called."""
        over: Deferred[Exchange] = Deferred()
        client = self.connect()

        def handle(exchange: Exchange) -> None:
            exchange.when_finished(over.callback)
            answer(exchange)
            # With a reset, as of a process that was killed with input unread.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

        self.app.answer = handle
        client.sendall(raw)
        return (await over).outcome

    async def test_client_vanishes(self) -> None:
        """A client that vanishes is noticed while it waits, …"""
        self.assertEqual(await self.gone(GET, lambda exchange: None), "client-gone")

    async def test_client_vanishes_while_streaming(self) -> None:
        """… while it gets its response, …"""
        outcome = await self.gone(GET, lambda exchange: exchange.respond(200, b"", [], None))
        self.assertEqual(outcome, "client-gone")

    async def test_client_vanishes_unread(self) -> None:
        """… and while nothing of it is read."""
        raw = POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 200000
        self.assertEqual(await self.gone(raw, lambda exchange: None), "client-gone")

    async def test_upload(self) -> None:
        """A large upload arrives whole, through pauses."""
        data = bytes(range(256)) * 8192

        class Slow(FakeConsumer):
            exchange: Any

            def write(self, data: bytes) -> None:
                super().write(data)
                self.exchange.body.pauseProducing()
                reactor.callLater(0, self.exchange.body.resumeProducing)

            def finish(self) -> None:
                self.exchange.respond(200, b"", [], None, b"%d" % len(self.body))

        consumer = Slow()

        def answer(exchange: Exchange) -> None:
            consumer.exchange = exchange
            consumer.exchange.body.start(consumer)

        self.app.answer = answer
        head = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(data)
        (response,) = read_responses(await self.talk(head + data))
        self.assertEqual(response.body, b"%d" % len(data))
        self.assertTrue(consumer.body == data)

    async def test_tls(self) -> None:
        """Behind TLS the same channel serves https, and nothing goes around the encryption."""
        certificate = KeyPair.generate().selfSignedCert(1, CN="app.test")
        factory = TLSMemoryBIOFactory(certificate.options(), False, cast(Any, self.factory))
        port: Any = IReactorTCP(reactor).listenTCP(0, cast(Any, factory), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.app.answer = lambda exchange: exchange.respond(200, b"", [], None, exchange.url.encode())
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def run() -> bytes:
            plain = socket.create_connection(("127.0.0.1", port.getHost().port), timeout=20)
            with context.wrap_socket(plain) as client:
                client.sendall(GET[:-2] + b"Connection: close\r\n\r\n")
                answer = b""
                while piece := client.recv(65536):
                    answer += piece
                return answer

        (response,) = read_responses(await deferToThread(run))
        self.assertEqual(response.body, b"https://app.test/a?b=%20c")
