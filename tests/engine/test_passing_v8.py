"""
Bodies that pass through, with real isolates and servers: all bytes arrive, and none of them enters an isolate.
"""

from __future__ import annotations

import gzip
from collections import deque
from typing import Any

from twisted.internet.defer import Deferred

from nano.engine.host import IsolateHost
from nano.engine.records import Inward
from nano.errors import DrainingError, MemoryExceededError
from nano.exchange import Exchange
from nano.http.outbound import OutboundSource
from tests.fakes import FakeBody, FakeSink
from tests.http.hostile import ScriptedServer, ServerFactory
from tests.ops.fetch_case import FetchTestCase, reactor

#: More than is fetched before anybody reads, and than the windows of isolates hold.
LARGE = bytes(range(256)) * 4096

#: Ways to answer with what comes from elsewhere, or to send it there.
APP = """
const BASE = "%s";
let kept = null;
const ways = {
  fetch: () => fetch(BASE),
  request: (request) => fetch(new Request(BASE, request)),
  body: async () => new Response((await fetch(BASE)).body),
  init: async () => { const r = await fetch(BASE); return new Response(r.body, { status: 201, headers: r.headers }); },
  response: async () => { const r = await fetch(BASE); return new Response(r.body, r); },
  looked: async () => { const r = await fetch(BASE); r.body.getReader().releaseLock(); return r; },
  echo: (request) => new Response(request.body),
  copied: (request) => new Response(new Request(request).body),
  upload: (request) => fetch(BASE, { method: "POST", body: request.body, duplex: "half" }),
  tee: async () => new Response((await fetch(BASE)).body.tee()[0]),
  clone: async () => (await fetch(BASE)).clone(),
  through: async () => new Response((await fetch(BASE)).body.pipeThrough(new TransformStream())),
  late: async (request, context) => {
    context.waitUntil(new Promise((resolve) => setTimeout(resolve, 20)));
    return fetch(BASE);
  },
  kept: async () => { kept = await fetch(BASE); return kept; },
  ask: async () => {
    const states = [kept.bodyUsed, kept.body.locked];
    const failed = await kept.text().catch((error) => error.name);
    return Response.json([...states, failed]);
  },
  aborted: async (request) => {
    const controller = kept = new AbortController();
    return fetch(BASE, { signal: controller.signal });
  },
  abort: () => { kept.abort(); return new Response("aborted"); },
  early: (request) => {
    const sent = fetch(BASE, { method: "POST", body: request.body, duplex: "half" });
    kept = sent.then((response) => response.status, (error) => error.cause.code);
    return new Response("done");
  },
  result: async () => new Response(await kept),
};
export default { fetch(request, env, context) { return ways[request.headers.get("x-way")](request, context); } };
"""


class Watched(deque[Any]):
    """A queue for an isolate that counts pieces of bodies."""

    pieces = 0

    def append(self, record: Any) -> None:
        self.pieces += record[4] == Inward.BODY_CHUNK
        super().append(record)


class PassThroughTests(FetchTestCase):
    """
    What passes through, and how it ends.
    """

    async def app_for(self, script: Any) -> tuple[IsolateHost, ServerFactory]:
        """An app in front of a server."""
        base, factory = self.serve(script)
        host = await self.start(APP % base)
        host.outbound = OutboundSource(reactor).make("app")
        host._queue = Watched()
        return host, factory

    def go(self, host: IsolateHost, way: str, **request: Any) -> tuple[Exchange, FakeSink, Deferred[Exchange]]:
        """Begin one way."""
        return self.begin(host, headers=[(b"x-way", way.encode())], **request)

    async def answer(self, host: IsolateHost, way: str, **request: Any) -> tuple[FakeSink, int]:
        """The answer that came one way, and in how many pieces bodies entered the isolate meanwhile."""
        queue: Any = host._queue
        before = queue.pieces
        _, sink, done = self.go(host, way, **request)
        await done
        return sink, queue.pieces - before

    async def settled(self, host: IsolateHost) -> None:
        """Nothing is left of what was in flight."""
        await self.until(lambda: not host.events and not len(host._channels))

    async def test_responses(self) -> None:
        """Every way to answer with the body of a response."""
        host, _ = await self.app_for(lambda server, number: server.answer(LARGE, headers="X-A: b\r\n"))
        for way in ("fetch", "body", "init", "response", "looked", "late"):
            sink, pieces = await self.answer(host, way)
            self.assertEqual((sink.body == LARGE, sink.finished, pieces), (True, True, 0), way)
            self.assertEqual((sink.length, sink.status), (len(LARGE), 201 if way == "init" else 200), way)
            self.assertEqual(sink.header(b"x-a"), None if way == "body" else b"b", way)
            await self.settled(host)

    async def test_touched(self) -> None:
        """What a script has its hands in comes through the isolate."""
        host, _ = await self.app_for(lambda server, number: server.answer(LARGE))
        for way in ("tee", "clone", "through"):
            sink, pieces = await self.answer(host, way)
            self.assertEqual((sink.body == LARGE, sink.finished, pieces > 0), (True, True, True), way)

    async def test_request_bodies(self) -> None:
        """A request's body as a response's, and as that of a fetch, whichever way it is given."""
        host, factory = await self.app_for(lambda server, number: server.answer(b"thanks"))
        for way in ("echo", "copied", "request", "upload"):
            sink, pieces = await self.answer(host, way, method="POST", body=FakeBody([LARGE, b"end"]))
            received = sink.body if way in ("echo", "copied") else factory.requests[-1][1]
            self.assertEqual((received == LARGE + b"end", sink.finished, pieces), (True, True, 0), way)
            await self.settled(host)

    async def test_lengths(self) -> None:
        """What a client announces is its Content-Length alone, whatever its other headers look like."""
        host, _ = await self.app_for(lambda server, number: server.answer(b""))
        trap = [(b"x-a", b"content-length"), (b"9" * 20, b"1"), (b"x-b", b"content-length"), (b"5", b"x")]
        for headers, length in ((trap, None), ([*trap, (b"content-length", b"3")], 3)):
            _, sink, done = self.begin(
                host, method="POST", headers=[(b"x-way", b"echo"), *headers], body=FakeBody([b"abc"])
            )
            await done
            self.assertEqual((sink.status, sink.length, sink.body), (200, length, b"abc"))
        self.assertEqual(self.owners[host].condemned, [])

    async def test_encoded(self) -> None:
        """What was sent compressed goes on decoded, and its length is not known."""
        coded = gzip.compress(LARGE)
        host, _ = await self.app_for(
            lambda server, number: server.answer(coded * 8, headers="Content-Encoding: gzip\r\n")
        )
        sink, pieces = await self.answer(host, "fetch")
        self.assertEqual((sink.body == LARGE * 8, sink.length, pieces), (True, None, 0))
        self.assertIsNone(sink.header(b"content-encoding"))

    async def test_head(self) -> None:
        """Nothing is fetched for an answer without a body."""
        host, factory = await self.app_for(lambda server, number: server.answer(LARGE * 20))
        sink, pieces = await self.answer(host, "fetch", method="HEAD")
        self.assertEqual((sink.body, sink.length, sink.finished, pieces), (b"", len(LARGE) * 20, True, 0))
        await self.settled(host)
        await self.until(lambda: not factory.open)

    async def test_states(self) -> None:
        """What has gone is used and locked, for the script that kept it."""
        host, _ = await self.app_for(lambda server, number: server.answer(LARGE))
        await self.answer(host, "kept")
        sink, _ = await self.answer(host, "ask")
        self.assertEqual(sink.body, b'[true,true,"TypeError"]')

    async def test_slow_client(self) -> None:
        """A client that does not read stops the server that the body comes from."""
        host, factory = await self.app_for(lambda server, number: server.answer(LARGE * 12))
        exchange, sink, done = self.go(host, "fetch")
        sink.on_write = lambda data: exchange.pauseProducing()
        await self.until(lambda: exchange.paused)
        (server,) = factory.connections
        # What goes on after this would have been let go by the time that the next answer is there.
        await self.answer(host, "fetch", method="HEAD")
        self.assertLess(exchange.body_bytes, 2**20)
        self.assertTrue(server.transport.dataBuffer)
        sink.on_write = lambda data: None
        exchange.resumeProducing()
        await done
        self.assertEqual(sink.body, LARGE * 12)

    async def test_slow_server(self) -> None:
        """A server that does not take it stops the client who sends it."""

        def held(server: ScriptedServer, data: bytes) -> None:
            server.transport.pauseProducing()

        host, factory = await self.app_for(lambda server, number: server.answer(b"thanks"))
        factory.on_data = held
        body = FakeBody([LARGE] * 12)
        _, sink, done = self.go(host, "upload", method="POST", body=body)
        await self.until(lambda: "pause" in body.calls)
        self.assertTrue(body.left)
        factory.on_data = None
        factory.connections[0].transport.resumeProducing()
        await done
        self.assertEqual((sink.body, len(factory.requests[0][1])), (b"thanks", 12 * len(LARGE)))

    async def test_client_gone(self) -> None:
        """With the client its server's connection ends, while the body passes and before it does."""
        heads = []

        def slow(server: ScriptedServer, number: int) -> None:
            heads.append(server)
            if number == 1:
                server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")

        host, factory = await self.app_for(slow)
        values = host.isolate.value_count()
        exchange, sink, _ = self.go(host, "fetch")
        await self.until(lambda: sink.body == b"123")
        exchange.client_gone("gone")
        await self.until(lambda: not factory.open)
        await self.settled(host)
        exchange, sink, _ = self.go(host, "fetch")
        await self.until(lambda: len(heads) == 2)
        exchange.client_gone("gone")
        heads[1].say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")
        await self.until(lambda: not factory.open)
        await self.settled(host)
        self.assertEqual(host.isolate.value_count(), values)

    async def test_server_fails(self) -> None:
        """A body that breaks off breaks off for the client as well."""

        def truncated(server: ScriptedServer, number: int) -> None:
            server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")
            server.transport.loseConnection()

        host, _ = await self.app_for(truncated)
        exchange, sink, done = self.go(host, "fetch")
        await done
        self.assertEqual((sink.body, sink.was_cut, exchange.outcome), (b"123", True, "exception"))
        self.assertIn("ERR_BODY_INCOMPLETE", str(exchange.error))
        await self.settled(host)

    async def test_hostile_server(self) -> None:
        """What cannot be read cuts the response, whatever is wrong with it."""
        heads = {
            "ERR_BODY_INCOMPLETE": b"Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\nno number\r\n",
            "ERR_BAD_ENCODING": b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nno gzip!!",
        }
        for code, head in heads.items():
            # Apart, so that the head is there before anything is wrong with the body.
            def answer(server: ScriptedServer, number: int, head: bytes = head) -> None:
                start, _, body = head.partition(b"\r\n\r\n")
                server.say(b"HTTP/1.1 200 OK\r\n" + start + b"\r\n\r\n")
                reactor.callLater(0.02, server.say, body)

            host, factory = await self.app_for(answer)
            exchange, sink, done = self.go(host, "fetch")
            await done
            self.assertEqual((sink.was_cut, exchange.outcome), (True, "exception"), code)
            self.assertIn(code, str(exchange.error))
            await self.until(lambda factory=factory: not factory.open)
            await self.settled(host)

    async def test_client_fails(self) -> None:
        """An upload whose client breaks off fails, and its connection ends."""
        host, factory = await self.app_for(lambda server, number: server.answer(b"thanks"))

        class Breaking(FakeBody):
            def _flow(self) -> None:
                self.consumer.write(b"begin")
                self.consumer.fail("gone")

        _, sink, done = self.go(host, "upload", method="POST", body=Breaking())
        await done
        self.assertEqual(sink.status, 500)
        await self.until(lambda: not factory.open)
        await self.settled(host)

    async def test_signal(self) -> None:
        """The signal of the fetch ends its body also when that passes through."""
        host, factory = await self.app_for(
            lambda server, number: server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")
        )
        _, sink, done = self.go(host, "aborted")
        await self.until(lambda: sink.body == b"123")
        await self.answer(host, "abort")
        await done
        self.assertEqual((sink.was_cut, sink.body), (True, b"123"))
        await self.until(lambda: not factory.open)
        await self.settled(host)

    async def test_isolate_dies(self) -> None:
        """What passes goes on without its isolate, unless the app goes with it."""
        for error, whole in ((MemoryExceededError("too much"), True), (DrainingError("over"), False)):
            host, factory = await self.app_for(
                lambda server, number: server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")
            )
            exchange, sink, done = self.go(host, "fetch")
            await self.until(lambda sink=sink: sink.body == b"123")
            host.condemn(error)
            self.assertEqual(exchange.over, not whole)
            if whole:
                factory.connections[0].say(b"456789")
            await done
            self.assertEqual((sink.body, sink.finished), (b"123456789" if whole else b"123", whole))
            if host.outbound is not None:
                host.outbound.close()
            await self.until(lambda factory=factory: not factory.open)

    async def test_response_before_the_upload_ends(self) -> None:
        """An upload that outlives the response it belonged to fails, rather than to wait for ever."""
        host, _ = await self.app_for(lambda server, number: server.answer(b"thanks"))

        class Endless(FakeBody):
            def _flow(self) -> None:
                self.consumer.write(b"begin")

        body = Endless()
        _, sink, done = self.go(host, "early", method="POST", body=body)
        await done
        await self.until(lambda: body.consumer is not None)
        # As connections do when the response is over.
        body.consumer.fail("the response is over")
        sink, _ = await self.answer(host, "result")
        self.assertEqual(sink.body, b"ERR_REQUEST_BODY")
