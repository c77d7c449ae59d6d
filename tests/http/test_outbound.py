"""
Tests for `nano.http.outbound`, `nano.http.dialing` and `nano.http.transfer`, against real servers, most of them
hostile.

Each test ends with all of its connections closed; trial finds what else is left on the reactor.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from nano.http import outbound
from nano.http.egress import EgressPolicy
from nano.http.outbound import Outbound, Timeouts, make_tls_policy
from nano.interfaces import IOutbound, IRequestBody, OutboundError, OutboundRequest, OutboundResponse
from tests.fakes import FakeBody, FakeConsumer
from tests.http.hostile import Authority, Script, ScriptedServer, ServerFactory

reactor: Any = installed

LOCAL = EgressPolicy()
#: Seconds; nothing waits for them in a run that succeeds.
PATIENCE = 30


class Collector(FakeConsumer):
    """
    Attributes:
        done: fires with this object when the body has ended.
        paused_after: pieces after which the body is paused.
    """

    def __init__(self) -> None:
        super().__init__()
        self.done: Deferred[Collector] = Deferred()
        self.largest = 0
        self.on_write: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        """Keep it (IBodyConsumer)."""
        super().write(data)
        self.largest = max(self.largest, len(data))
        self.on_write()

    def finish(self) -> None:
        """It is whole (IBodyConsumer)."""
        super().finish()
        self.done.callback(self)

    def fail(self, reason: str) -> None:
        """It breaks off (IBodyConsumer)."""
        super().fail(reason)
        self.done.callback(self)


@implementer(IHostnameResolver)
class Names:
    """
    A resolver that knows the names of the test, and changes its mind with each question if it shall.
    """

    def __init__(self, **names: list[str]) -> None:
        self.names = names
        self.asked: list[str] = []

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        """Answer from the table (IHostnameResolver)."""
        self.asked.append(hostName)
        resolutionReceiver.resolutionBegan(None)
        for address in self.names.get(hostName.partition(".")[0], []):
            resolutionReceiver.addressResolved(IPv4Address("TCP", address, portNumber))
        resolutionReceiver.resolutionComplete()
        return self


class Case(TestCase):
    """
    Tests with servers on this machine.
    """

    timeout = 60

    def serve(self, script: Script, tls: Any = None) -> tuple[str, ServerFactory]:
        """Start a server; its URL without a path, and its factory."""
        factory = ServerFactory(script)
        if tls is None:
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            port = reactor.listenSSL(0, factory, tls, interface="127.0.0.1")
        self.addCleanup(self._closed, factory)
        self.addCleanup(port.stopListening)
        scheme = "http" if tls is None else "https"
        return f"{scheme}://127.0.0.1:{port.getHost().port}", factory

    async def _closed(self, factory: ServerFactory) -> None:
        for _ in range(1000):
            if not factory.open:
                await deferLater(reactor, 0)
                return
            await deferLater(reactor, 0.005)
        self.fail("a connection is left open")

    def client(self, egress: EgressPolicy = LOCAL, **options: Any) -> Outbound:
        """A client that is closed after the test."""
        timeouts = options.pop("timeouts", Timeouts())
        tls = make_tls_policy(options.pop("trust_root", None))
        client = Outbound(reactor, "app", egress, tls, timeouts, **options)
        self.addCleanup(client.close)
        return client

    async def ask(self, client: Outbound, url: str, **request: Any) -> OutboundResponse:
        """The response to a request."""
        headers = request.pop("headers", [])
        asked = OutboundRequest(request.pop("method", "GET"), url, headers, **request)
        return await client.request(asked).addTimeout(PATIENCE, reactor)

    async def read(self, response: OutboundResponse) -> Collector:
        """The body of a response to its end."""
        collector = Collector()
        assert response.body is not None
        response.body.start(collector)
        return await collector.done.addTimeout(PATIENCE, reactor)

    async def refused(self, client: Outbound, url: str, **request: Any) -> str:
        """The code of the error that a request ends with."""
        try:
            await self.ask(client, url, **request)
        except OutboundError as error:
            return error.code
        self.fail("there is a response")
        raise AssertionError


def answers(body: bytes = b"hello", **options: Any) -> Script:
    """A script that answers each request the same."""
    return lambda server, number: server.answer(body, **options)


def says(data: bytes, close: bool = False) -> Script:
    """A script that sends the same bytes each time."""

    def script(server: ScriptedServer, number: int) -> None:
        server.say(data)
        if close:
            server.transport.loseConnection()

    return script


class RequestTests(Case):
    """
    Requests and responses as they should be.
    """

    async def test_get(self) -> None:
        """The head comes as it was sent, in lower case, and so does the body."""
        url, factory = self.serve(answers(headers="X-One: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"))
        client = self.client()
        verifyObject(IOutbound, client)
        response = await self.ask(client, f"{url}/path?q=1", headers=[(b"X-Mine", b"2"), (b"Accept-Encoding", b"br")])
        self.assertEqual((response.status, response.reason, response.length), (200, b"OK", 5))
        self.assertIn((b"x-one", b"1"), response.headers)
        self.assertEqual([v for n, v in response.headers if n == b"set-cookie"], [b"a", b"b"])
        verifyObject(IRequestBody, response.body)
        self.assertEqual((await self.read(response)).body, b"hello")
        head = factory.requests[0][0]
        self.assertTrue(head.startswith(b"GET /path?q=1 HTTP/1.1\r\n"))
        self.assertIn(b"\r\nX-Mine: 2", head)
        self.assertIn(b"\r\nAccept-Encoding: br", head)
        self.assertIn(b"\r\nHost: " + url.removeprefix("http://").encode(), head)

    async def test_our_headers(self) -> None:
        """Host, framing and hop-by-hop headers are ours; codings are accepted unless the app says which."""
        url, factory = self.serve(answers())
        names = (
            b"Host Connection Content-Length Transfer-Encoding Keep-Alive TE Trailer Upgrade Expect Proxy-Connection"
        )
        headers = [(name, b"evil") for name in names.split()]
        await self.read(await self.ask(self.client(), url, headers=headers))
        head = factory.requests[0][0]
        self.assertNotIn(b"evil", head)
        self.assertIn(b"\r\nAccept-Encoding: gzip, deflate, br, zstd", head)
        self.assertNotIn(b"User-Agent", head)

    async def test_invalid(self) -> None:
        """Nothing is sent that would not be a request."""
        client = self.client()
        for request in (
            {"method": "GET /", "url": "http://127.0.0.1/"},
            {"method": "CONNECT", "url": "http://127.0.0.1/"},
            {"method": "GET", "url": "ftp://127.0.0.1/"},
            {"method": "GET", "url": "http://127.0.0.1/a b"},
            {"method": "GET", "url": "http://127.0.0.1/", "headers": [(b"a b", b"c")]},
            {"method": "GET", "url": "http://127.0.0.1/", "headers": [(b"a", b"b\r\nc: d")]},
        ):
            self.assertIn(await self.refused(client, **request), ("ERR_INVALID_REQUEST", "ERR_INVALID_URL"))

    async def test_whole_body(self) -> None:
        """A whole body goes with its length."""
        url, factory = self.serve(answers())
        await self.read(await self.ask(self.client(), url, method="POST", body=b"12345"))
        self.assertEqual(factory.requests[0][1], b"12345")
        self.assertIn(b"Content-Length: 5", factory.requests[0][0])

    async def test_streamed_bodies(self) -> None:
        """A body of known length goes with it, another one in chunks."""
        url, factory = self.serve(answers())
        received: list[bytes] = []
        factory.on_data = lambda server, data: received.append(data)
        client = self.client()
        await self.read(await self.ask(client, url, method="PUT", body=FakeBody([b"abc", b"def"]), length=6))
        self.assertEqual(factory.requests[0][1], b"abcdef")
        del received[:]
        await self.read(await self.ask(client, url, method="PUT", body=FakeBody([b"abc", b"def"])))
        self.assertTrue(b"".join(received).endswith(b"\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"))

    async def test_wrong_length(self) -> None:
        """A body that is not as long as was said is an error, and no other request follows on the connection."""
        url, _ = self.serve(lambda server, number: None)
        for length in (5, 7):
            with self.assertRaises(OutboundError):
                await self.ask(self.client(), url, method="PUT", body=FakeBody([b"abcdef"]), length=length)

    async def test_failing_upload(self) -> None:
        """A body that breaks off ends the request."""
        url, _ = self.serve(lambda server, number: None)

        class Failing(FakeBody):
            def start(self, consumer: Any) -> None:
                consumer.write(b"abc")
                consumer.fail("no more")

        self.assertEqual(await self.refused(self.client(), url, method="PUT", body=Failing()), "ERR_REQUEST_BODY")

    async def test_upload_pauses(self) -> None:
        """A server that reads nothing stops the producer of the body, and the timeout ends it."""
        url, factory = self.serve(lambda server, number: None)
        factory.on_data = lambda server, data: server.transport.pauseProducing()

        class Endless(FakeBody):
            given = 0
            paused = False

            def start(self, consumer: Any) -> None:
                self.consumer = consumer
                self.resumeProducing()

            def pauseProducing(self) -> None:
                self.paused = True

            def resumeProducing(self) -> None:
                self.paused = False
                while not self.paused and self.consumer is not None:
                    self.given += 65536
                    self.consumer.write(bytes(65536))

            def stopProducing(self) -> None:
                self.consumer = None

        body = Endless()
        client = self.client(timeouts=Timeouts(idle=0.2))
        self.assertEqual(await self.refused(client, url, method="PUT", body=body), "ERR_BODY_TIMEOUT")
        self.assertTrue(body.paused and body.consumer is None)
        self.assertLess(body.given, 64 * 2**20)
        factory.on_data = None
        for server in factory.connections:
            server.transport.resumeProducing()

    async def test_no_body(self) -> None:
        """Some responses have none, whatever their headers say, and the connection is good for more."""
        url, factory = self.serve(answers(b"", status="204 No Content"))
        client = self.client()
        self.assertIsNone((await self.ask(client, url)).body)
        self.assertIsNone((await self.ask(client, url, method="HEAD")).body)
        self.assertEqual(len(factory.connections), 1)

    async def test_head_keeps_headers(self) -> None:
        """The response to HEAD tells what GET would have."""
        url, _ = self.serve(says(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Encoding: gzip\r\n\r\n"))
        response = await self.ask(self.client(), url, method="HEAD")
        self.assertEqual(sorted(response.headers), [(b"content-encoding", b"gzip"), (b"content-length", b"12")])

    async def test_keep_alive(self) -> None:
        """Connections are used again; fifty requests at a time get fifty, and all of those are kept."""
        url, factory = self.serve(answers())
        client = self.client()
        for _ in range(2):
            responses = await gatherResults(
                [client.request(OutboundRequest("GET", url, [])) for _ in range(50)], consumeErrors=True
            )
            for response in responses:
                self.assertEqual((await self.read(response)).body, b"hello")
        self.assertEqual(len(factory.connections), 50)

    async def test_most_requests(self) -> None:
        """No more than so many wait for their heads; those who wait for that can give up."""
        waiting: list[ScriptedServer] = []
        url, factory = self.serve(lambda server, number: waiting.append(server))
        client = self.client(max_requests=2)
        asked = [client.request(OutboundRequest("GET", url, [])) for _ in range(4)]
        while len(waiting) < 2:
            await deferLater(reactor, 0.005)
        asked[2].cancel()
        await self.assertFailure(asked[2], CancelledError)
        await deferLater(reactor, 0)
        self.assertEqual(len(factory.requests), 2)
        for server in waiting:
            server.answer(b"hello")
        for first in asked[:2]:
            await self.read(await first)
        while len(factory.requests) < 3:
            await deferLater(reactor, 0.005)
        waiting[-1].answer(b"last")
        self.assertEqual((await self.read(await asked[3])).body, b"last")

    async def test_most_open(self) -> None:
        """Responses whose bodies nobody reads hold so many connections and no more; one that ends makes room."""
        url, _ = self.serve(lambda server, number: server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"))
        client = self.client(max_open=3)
        open_ = [await self.ask(client, url) for _ in range(3)]
        failed: Any = await self.assertFailure(self.asking(client, url), OutboundError)
        self.assertEqual(failed.code, "ERR_TOO_MANY_CONNECTIONS")
        self.stop(open_.pop())
        for _ in range(1000):
            await deferLater(reactor, 0.005)
            if len(client._dialer.lines) < 3:
                break
        open_.append(await self.ask(client, url))
        for response in open_:
            self.stop(response)

    def asking(self, client: Outbound, url: str) -> Deferred[OutboundResponse]:
        """A request that may fail."""
        return client.request(OutboundRequest("GET", url, []))

    def stop(self, response: OutboundResponse) -> None:
        """Nobody wants its body."""
        assert response.body is not None
        response.body.stopProducing()

    async def test_most_kept(self) -> None:
        """Of all connections that are idle, to however many servers, so many are kept."""
        urls = [self.serve(answers())[0] for _ in range(5)]
        client = self.client()
        self.patch(outbound, "_KEPT", 3)
        for url in urls:
            await self.read(await self.ask(client, url))
        self.assertEqual(client._pool.idle, 3)

    async def test_closed_while_kept(self) -> None:
        """A request on a connection that its server has just closed is sent again, if that can do no harm."""

        def script(server: ScriptedServer, number: int) -> None:
            if len(factory.connections) == 1 and number > 1:
                server.transport.abortConnection()
            else:
                server.answer(b"hello")

        url, factory = self.serve(script)
        client = self.client()
        await self.read(await self.ask(client, url))
        self.assertEqual((await self.read(await self.ask(client, url))).body, b"hello")
        self.assertEqual(len(factory.requests), 3)

    async def test_closed_while_kept_post(self) -> None:
        """A request that may have done something is not sent twice."""

        def script(server: ScriptedServer, number: int) -> None:
            if number > 1:
                server.transport.abortConnection()
            else:
                server.answer(b"hello")

        url, factory = self.serve(script)
        client = self.client()
        await self.read(await self.ask(client, url))
        self.assertEqual(await self.refused(client, url, method="POST"), "ECONNRESET")
        self.assertEqual(len(factory.requests), 2)

    async def test_cancel(self) -> None:
        """Cancelling a request, or stopping its body, ends the connection."""
        url, factory = self.serve(
            lambda server, number: server.say(b"HTTP/1.1 200 OK\r\n\r\nx") if number > 1 else None
        )
        client = self.client()
        asked = client.request(OutboundRequest("GET", url, []))
        while not factory.requests:
            await deferLater(reactor, 0.005)
        asked.cancel()
        await self.assertFailure(asked, CancelledError)
        response = await self.ask(client, url)
        assert response.body is not None
        response.body.stopProducing()
        await self._closed(factory)


class HostileTests(Case):
    """
    Servers that do not behave: each ends in the right error, and leaves nothing behind.
    """

    async def test_slow_head(self) -> None:
        """A head that does not come in time."""
        url, _ = self.serve(says(b"HTTP/1.1 200 OK\r\nA: b\r\n"))
        self.assertEqual(await self.refused(self.client(timeouts=Timeouts(head=0.1)), url), "ERR_HEADERS_TIMEOUT")

    async def test_slow_body(self) -> None:
        """A body that does not go on."""
        url, _ = self.serve(says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"))
        body = await self.read(await self.ask(self.client(timeouts=Timeouts(idle=0.1)), url))
        self.assertEqual(body.body, b"abc")
        self.assertTrue(str(body.ended).startswith("ERR_BODY_TIMEOUT: "))

    async def test_unread_body(self) -> None:
        """A body that nobody reads does not keep its connection forever."""
        url, _ = self.serve(answers(bytes(4 * 2**20)))
        response = await self.ask(self.client(timeouts=Timeouts(idle=0.1)), url)
        collector, body = Collector(), response.body
        assert body is not None
        collector.on_write = body.pauseProducing
        body.start(collector)
        self.assertTrue(str((await collector.done).ended).startswith("ERR_BODY_TIMEOUT: "))

    async def test_endless_head(self) -> None:
        """Headers without end, and interim responses without end."""
        for line, piece in (
            (b"HTTP/1.1 200 OK\r\n", b"A: " + b"a" * 1000 + b"\r\n"),
            (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        ):

            def endless(server: ScriptedServer, number: int, piece: bytes = piece) -> None:
                if server.transport.connected:
                    server.say(piece * 100)
                    reactor.callLater(0, endless, server, number)

            def begin(server: ScriptedServer, number: int, go: Script = endless, line: bytes = line) -> None:
                server.say(line)
                go(server, number)

            url, _ = self.serve(begin)
            self.assertEqual(await self.refused(self.client(), url), "ERR_HEADERS_OVERFLOW")

    async def test_malformed_heads(self) -> None:
        """What is no response."""
        for head in (
            b"hello\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nbad name: 1\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        ):
            url, _ = self.serve(says(head))
            self.assertEqual(await self.refused(self.client(), url), "ERR_BAD_RESPONSE", head)

    async def test_bad_chunk(self) -> None:
        """A chunk that is none."""
        url, _ = self.serve(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"))
        body = await self.read(await self.ask(self.client(), url))
        self.assertEqual(body.body, b"abc")
        self.assertTrue(str(body.ended).startswith("ERR_BODY_INCOMPLETE: "), body.ended)

    async def test_truncated(self) -> None:
        """Bodies that end early, by length and by chunks; one that ends with its connection is whole."""
        for head, whole in (
            (b"Content-Length: 10\r\n\r\nabc", False),
            (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", False),
            (b"\r\nabc", True),
        ):
            url, _ = self.serve(says(b"HTTP/1.1 200 OK\r\n" + head, close=True))
            body = await self.read(await self.ask(self.client(), url))
            self.assertEqual(body.body, b"abc")
            if whole:
                self.assertEqual(body.ended, "finished")
            else:
                self.assertTrue(str(body.ended).startswith("ERR_BODY_INCOMPLETE: "), body.ended)

    async def test_no_answer(self) -> None:
        """A server that hangs up at once, and one that is not there."""
        url, _ = self.serve(lambda server, number: server.transport.loseConnection())
        self.assertEqual(await self.refused(self.client(), url), "ECONNRESET")
        self.assertEqual(await self.refused(self.client(), f"http://127.0.0.1:{unused_port()}/"), "ECONNREFUSED")

    async def test_connect_timeout(self) -> None:
        """A name that never gets resolved."""

        class Silent(Names):
            def resolveHostName(self, resolutionReceiver: Any, *args: Any, **kwargs: Any) -> Any:
                return self

        self.install(Silent())
        client = self.client(timeouts=Timeouts(connect=0.05))
        self.assertEqual(await self.refused(client, "http://silent.test/"), "ETIMEDOUT")

    def install(self, names: Names) -> Names:
        """Have the reactor resolve names by a table."""
        self.addCleanup(reactor.installNameResolver, reactor.installNameResolver(names))
        return names

    async def test_dns_failure(self) -> None:
        """A name that is none."""
        self.install(Names())
        self.assertEqual(await self.refused(self.client(), "http://nowhere.test/"), "ENOTFOUND")

    async def test_gzip(self) -> None:
        """A compressed body comes out plain, without the headers that spoke of the compressed one."""
        packed = gzip.compress(b"hello" * 1000)
        url, _ = self.serve(answers(packed, headers="Content-Encoding: gzip\r\nContent-Type: a/b\r\n"))
        response = await self.ask(self.client(), url)
        self.assertEqual((response.headers, response.length), ([(b"content-type", b"a/b")], None))
        self.assertEqual((await self.read(response)).body, b"hello" * 1000)

    async def test_wrong_gzip(self) -> None:
        """One that is not what it says, or not whole."""
        for packed in (b"this is plain", gzip.compress(b"hello" * 1000)[:-9]):
            url, _ = self.serve(answers(packed, headers="Content-Encoding: gzip\r\n"))
            body = await self.read(await self.ask(self.client(), url))
            self.assertTrue(str(body.ended).startswith("ERR_BAD_ENCODING: "), body.ended)

    async def test_bomb(self) -> None:
        """A small body that stands for a large one is decoded no further than it is read."""
        packed = gzip.compress(bytes(50 * 2**20))
        url, _ = self.serve(answers(packed, headers="Content-Encoding: gzip\r\n"))
        body = (await self.ask(self.client(), url)).body
        assert body is not None
        collector = Collector()
        collector.on_write = body.pauseProducing
        body.start(collector)
        for _ in range(20):
            await deferLater(reactor, 0)
            self.assertLessEqual(collector.largest, 65536)
        self.assertEqual(len(collector.body), 65536)
        body.resumeProducing()
        self.assertEqual(len(collector.body), 2 * 65536)
        body.stopProducing()

    async def test_unknown_coding(self) -> None:
        """A coding that nobody knows is the app's business; too many are nobody's."""
        url, _ = self.serve(answers(b"x", headers="Content-Encoding: gzip, rot13\r\n"))
        response = await self.ask(self.client(), url)
        self.assertIn((b"content-encoding", b"gzip, rot13"), response.headers)
        self.assertEqual((await self.read(response)).body, b"x")
        url, _ = self.serve(answers(b"x", headers=f"Content-Encoding: {', '.join(['gzip'] * 6)}\r\n"))
        self.assertEqual(await self.refused(self.client(), url), "ERR_BAD_ENCODING")

    async def test_large_body_with_pauses(self) -> None:
        """All of a large body comes, however often it is paused."""
        data = bytes(range(256)) * 4096 * 4
        for headers, sent in (("", data), ("Content-Encoding: gzip\r\n", gzip.compress(data, 1))):
            url, _ = self.serve(answers(sent, headers=headers))
            body = (await self.ask(self.client(), url)).body
            assert body is not None
            collector = Collector()

            def pause(body: Any = body) -> None:
                body.pauseProducing()
                reactor.callLater(0, body.resumeProducing)

            collector.on_write = pause
            body.start(collector)
            await collector.done.addTimeout(PATIENCE, reactor)
            await deferLater(reactor, 0)
            self.assertEqual((collector.body == data, collector.ended), (True, "finished"))


def unused_port() -> int:
    """A port of this machine where nobody listens."""
    port = reactor.listenTCP(0, ServerFactory(answers()), interface="127.0.0.1")
    number: int = port.getHost().port
    port.stopListening()
    return number


class TLSTests(Case):
    """
    Servers are who they say they are, or there is no response.
    """

    def setUp(self) -> None:
        self.authority = Authority()

    async def test_good(self) -> None:
        """By a name and by an address."""
        url, _ = self.serve(answers(), self.authority.server_options("127.0.0.1"))
        client = self.client(trust_root=self.authority.trust_root)
        self.assertEqual((await self.read(await self.ask(client, url))).body, b"hello")

    async def test_bad(self) -> None:
        """What is wrong with a certificate is said."""
        for code, options in (
            ("ERR_TLS_CERT_ALTNAME_INVALID", self.authority.server_options("other.test")),
            ("CERT_HAS_EXPIRED", self.authority.server_options("127.0.0.1", begins=-5, ends=-2)),
            ("CERT_NOT_YET_VALID", self.authority.server_options("127.0.0.1", begins=2, ends=5)),
            ("DEPTH_ZERO_SELF_SIGNED_CERT", self.authority.server_options("127.0.0.1", self_signed=True)),
            ("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", Authority("another").server_options("127.0.0.1")),
        ):
            url, factory = self.serve(answers(), options)
            client = self.client(trust_root=self.authority.trust_root)
            self.assertEqual(await self.refused(client, url), code)
            self.assertEqual(factory.requests, [])

    async def test_no_tls(self) -> None:
        """A server that speaks no TLS."""

        def hello(server: ScriptedServer, data: bytes) -> None:
            server.say(b"I speak no TLS\r\n")
            server.transport.loseConnection()

        plain, plain_factory = self.serve(answers())
        plain_factory.on_data = hello
        port = int(plain.rpartition(":")[2])
        client = self.client(trust_root=self.authority.trust_root)
        self.assertIn(await self.refused(client, f"https://127.0.0.1:{port}/"), ("ERR_TLS", "EPROTO"))


class EgressTests(Case):
    """
    The policy is asked with the address that is connected to.
    """

    async def test_denied(self) -> None:
        """A denied address is not connected to, whatever name it goes by; the log says so."""
        url, factory = self.serve(answers())
        port = url.rpartition(":")[2]
        names = Names(local=["127.0.0.1"])
        self.addCleanup(reactor.installNameResolver, reactor.installNameResolver(names))
        client = self.client(EgressPolicy(deny=["loopback"]))
        events: list[Any] = []
        observer: Any = events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        for host in ("127.0.0.1", "local.test", "[::1]"):
            self.assertEqual(await self.refused(client, f"http://{host}:{port}/"), "ERR_EGRESS_DENIED")
        self.assertEqual(factory.connections, [])
        denials = [event for event in events if event.get("event") == "egress-denied"]
        self.assertEqual([event["app"] for event in denials], ["app"] * 3)

    async def test_other_addresses(self) -> None:
        """Of several addresses those are tried that are permitted, and a name is resolved once for a connection."""
        url, _ = self.serve(answers())
        names = Names(both=["169.254.169.254", "127.0.0.1"])
        self.addCleanup(reactor.installNameResolver, reactor.installNameResolver(names))
        client = self.client()
        response = await self.ask(client, f"http://both.test:{url.rpartition(':')[2]}/")
        self.assertEqual((await self.read(response)).body, b"hello")
        self.assertEqual(names.asked, ["both.test"])


__all__ = ["Case", "Collector", "Names", "answers", "says"]
