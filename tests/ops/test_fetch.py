"""
Tests for `nano.ops.fetch`, `nano.engine.channels` and nano/runtime/fetch.js together: apps that fetch from real
servers.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

from twisted.internet import reactor as installed

from nano.engine.channels import MOST_CHANNELS
from tests.http.hostile import ScriptedServer
from tests.ops.fetch_case import FetchTestCase, echo, redirect, route

reactor: Any = installed


class FetchTests(FetchTestCase):
    """
    What scripts see.
    """

    async def test_response(self) -> None:
        """Status, text, headers, URL, type and body."""

        def answer(server: ScriptedServer, head: bytes) -> None:
            server.answer("hüllo".encode(), "418 I am", "X-A: 1\r\nX-A: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n")

        base, _ = self.serve(route(it=answer))
        result = await self.run_step(
            base,
            """async (base) => {
              const r = await fetch(`${base}/it#fragment`);
              const text = await r.text();
              return [r.status, r.statusText, r.ok, r.url === `${base}/it`, r.redirected, r.type, r.headers.get("x-a"),
                r.headers.getSetCookie(), text, r.bodyUsed];
            }""",
        )
        self.assertEqual(result, [418, "I am", False, True, False, "basic", "1, 2", ["a", "b"], "hüllo", True])

    async def test_request(self) -> None:
        """Method, headers and each kind of body arrive."""
        base, _ = self.serve(route(echo=echo))
        result = await self.run_step(
            base,
            """async (base) => {
              const post = (body, more) => fetch(`${base}/echo`, { method: "POST", body, ...more });
              const send = async (body, more) => (await post(body, more)).json();
              const { readable, writable } = new FixedLengthStream(5);
              const writer = writable.getWriter();
              writer.write(new TextEncoder().encode("fixed")), writer.close();
              return {
                text: await send("text"), bytes: await send(new Uint8Array([65, 66])),
                blob: await send(new Blob(["b"])),
                none: await send(null), params: await send(new URLSearchParams({ a: "b" })),
                big: (await send("x".repeat(300000))).body.length,
                pairs: (await send("a" + "\\u{1f600}".repeat(100000))).body.length,
                fixed: await send(readable, { duplex: "half" }),
              };
            }""",
        )
        bodies = {name: value["body"] for name, value in result.items() if name not in ("big", "pairs")}
        expected = {"text": "text", "bytes": "AB", "blob": "b", "none": "", "params": "a=b", "fixed": "fixed"}
        self.assertEqual(bodies, expected)
        self.assertEqual((result["big"], result["pairs"]), (300000, 400001))
        headers = result["text"]["headers"]
        self.assertEqual((headers["accept"], headers["content-type"]), ("*/*", "text/plain;charset=UTF-8"))
        self.assertEqual(result["none"]["headers"]["content-length"], "0")

    async def test_large_download(self) -> None:
        """A large body comes whole, as bytes and as a stream; a small share of it is enough for those who stop."""
        data = bytes(range(256)) * 4096 * 8
        base, _ = self.serve(route(big=data))
        result = await self.run_step(
            base,
            """async (base) => {
              const hash = (bytes) => bytes.reduce((h, b) => (h * 31 + b) >>> 0, 7);
              const whole = await (await fetch(`${base}/big`)).bytes();
              let streamed = 0;
              for await (const chunk of (await fetch(`${base}/big`)).body) streamed += chunk.length;
              const reader = (await fetch(`${base}/big`)).body.getReader({ mode: "byob" });
              const first = await reader.read(new Uint8Array(10));
              await reader.cancel("enough");
              return [whole.length, hash(whole), streamed, [...first.value]];
            }""",
        )
        value = 7
        for byte in data:
            value = (value * 31 + byte) & 0xFFFFFFFF
        self.assertEqual(result, [len(data), value, len(data), list(range(10))])

    async def test_large_upload(self) -> None:
        """A stream is sent as it is read."""

        def count(server: ScriptedServer, number: int) -> None:
            server.answer(str(len(server.factory.requests[-1][1])).encode())

        base, _ = self.serve(count)
        result = await self.run_step(
            base,
            """async (base) => {
              let left = 80;
              const pull = (c) => (left-- > 0 ? c.enqueue(new Uint8Array(65536)) : c.close());
              const body = new ReadableStream({ pull });
              return (await fetch(base, { method: "POST", body, duplex: "half" })).json();
            }""",
        )
        self.assertEqual(result, 80 * 65536)

    async def test_redirects(self) -> None:
        """Followed, shown or refused; methods and bodies as the standard says."""
        other, _ = self.serve(route(echo=echo))
        base, _ = self.serve(
            route(
                echo=echo,
                r301=redirect(301, "/echo"),
                r303=redirect(303, "/echo"),
                r307=redirect(307, "echo"),
                away=redirect(302, f"{other}/echo"),
                loop=redirect(302, "/loop"),
                ftp=redirect(302, "ftp://a/"),
                nowhere=lambda server, head: server.answer(b"", "302 Found"),
            )
        )
        result = await self.run_step(
            base,
            """async (base) => {
              const stream = () => ({ method: "POST", body: new Blob(["x"]).stream(), duplex: "half" });
              const get = async (path, init) => {
                try {
                  const r = await fetch(base + path, init);
                  if (r.status !== 200) return [r.status, r.redirected, r.headers.get("location")];
                  const { method, body, headers } = await r.json();
                  return [method, body, headers["content-type"], headers.authorization, headers.cookie, r.redirected];
                } catch (e) { return [e.name, e.cause.code]; }
              };
              const headers = { authorization: "me", cookie: "c", "content-type": "a/b" };
              const post = { method: "POST", body: "body", headers };
              return {
                r301: await get("/r301", post), r303: await get("/r303", { ...post, method: "PUT" }),
                r307: await get("/r307", post), stream: await get("/r307", stream()),
                away: await get("/away", { headers }), loop: await get("/loop"), ftp: await get("/ftp"),
                nowhere: await get("/nowhere"), manual: await get("/r301", { redirect: "manual" }),
                error: await get("/r301", { redirect: "error" }),
              };
            }""",
        )
        self.assertEqual(
            result,
            {
                "r301": ["GET", "", None, "me", "c", True],
                "r303": ["GET", "", None, "me", "c", True],
                "r307": ["POST", "body", "a/b", "me", "c", True],
                "stream": ["TypeError", "ERR_REDIRECT"],
                "away": ["GET", "", "a/b", None, None, True],
                "loop": ["TypeError", "ERR_TOO_MANY_REDIRECTS"],
                "ftp": ["TypeError", "ERR_REDIRECT"],
                "nowhere": [302, False, None],
                "manual": [301, False, "/echo"],
                "error": ["TypeError", "ERR_REDIRECT"],
            },
        )

    async def test_aborts(self) -> None:
        """Before, while the head is awaited, while the body flows, and when all has come but was not read."""
        base, factory = self.serve(
            route(
                silent=lambda server, head: None,
                slow=lambda server, head: server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
                small=b"hello",
            )
        )
        result = await self.run_step(
            base,
            """async (base) => {
              const caught = (promise) => promise.then(() => "fine", (e) => e);
              const before = await caught(fetch(`${base}/silent`, { signal: AbortSignal.abort("before") }));
              const c = new AbortController();
              const waiting = caught(fetch(`${base}/silent`, { signal: c.signal }));
              setTimeout(() => c.abort("waiting"), 20);
              const d = new AbortController();
              const slow = await fetch(`${base}/slow`, { signal: d.signal });
              const reader = slow.body.getReader();
              const first = await reader.read();
              const reading = caught(reader.read());
              d.abort("reading");
              const e = new AbortController();
              const small = await fetch(`${base}/small`, { signal: e.signal });
              e.abort("unread");
              const timeout = await caught(fetch(`${base}/silent`, { signal: AbortSignal.timeout(20) }));
              const unread = await caught(small.text());
              return [before, await waiting, first.value.length, await reading, unread, timeout.name];
            }""",
        )
        self.assertEqual(result, ["before", "waiting", 3, "reading", "unread", "TimeoutError"])
        await self.until(lambda: not factory.open)

    async def test_errors(self) -> None:
        """A TypeError whose cause says what went wrong."""
        base, _ = self.serve(
            route(
                hangup=lambda server, head: server.transport.loseConnection(),
                short=lambda server, head: (
                    server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
                    server.transport.loseConnection(),
                ),
            )
        )
        result = await self.run_step(
            base,
            """async (base) => {
              const code = (promise) => promise.then((r) => "fine", (e) => [e.name, e.cause?.code]);
              return [
                await code(fetch(`${base}/hangup`)),
                await code((await fetch(`${base}/short`)).text()),
                await code(fetch("http://127.0.0.1:1/")),
                await code(fetch("ftp://example.com/")),
                await code(fetch("/relative")),
                await code(fetch("http://169.254.169.254/latest/meta-data/")),
                await code(fetch(base, { cache: "only-if-cached", mode: "same-origin" })),
              ];
            }""",
        )
        self.assertEqual(
            result,
            [
                ["TypeError", "ECONNRESET"],
                ["TypeError", "ERR_BODY_INCOMPLETE"],
                ["TypeError", "ECONNREFUSED"],
                ["TypeError", "ERR_SCHEME"],
                ["TypeError", None],
                ["TypeError", "ERR_EGRESS_DENIED"],
                ["TypeError", "ERR_NOT_CACHED"],
            ],
        )

    async def test_denied_redirect(self) -> None:
        """The policy holds for every hop."""
        base, _ = self.serve(route(away=redirect(302, "http://169.254.169.254/")))
        result = await self.run_step(base, "(base) => fetch(`${base}/away`)")
        self.assertEqual(result["error"]["code"], "ERR_EGRESS_DENIED")

    async def test_failing_upload(self) -> None:
        """A body that fails is the cause of the error."""
        base, _ = self.serve(lambda server, number: None)
        result = await self.run_step(
            base,
            """(base) => fetch(base, { method: "POST", duplex: "half",
              body: new ReadableStream({ pull() { throw new RangeError("mine") } }) })""",
        )
        self.assertEqual((result["error"]["name"], result["error"]["cause"]), ("TypeError", "mine"))

    async def test_encoding(self) -> None:
        """A compressed body is read plain, and can be passed on."""
        packed = gzip.compress(b"hello" * 100)
        base, _ = self.serve(route(gz=lambda server, head: server.answer(packed, headers="Content-Encoding: gzip\r\n")))
        result = await self.run_step(
            base,
            """async (base) => {
              const r = await fetch(`${base}/gz`);
              return [(await r.text()).length, r.headers.get("content-encoding"), r.headers.get("content-length")];
            }""",
        )
        self.assertEqual(result, [500, None, None])

    async def test_integrity(self) -> None:
        """A body that is not the one that was meant is not given out."""
        base, _ = self.serve(route(it=b"hello"))
        good = base64.b64encode(hashlib.sha384(b"hello").digest()).decode()
        weak = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
        result = await self.run_step(
            base,
            """async (base) => {
              const check = async (integrity) => {
                try {
                  return await (await fetch(`${base}/it`, { integrity })).text();
                } catch (e) { return e.cause.code; }
              };
              return [await check("sha384-GOOD"), await check("sha256-WEAK sha512-AAAA"), await check("md5-AAAA"),
                await check("sha256-AAAA")];
            }""".replace("GOOD", good).replace("WEAK", weak),
        )
        self.assertEqual(result, ["hello", "ERR_INTEGRITY", "hello", "ERR_INTEGRITY"])

    async def test_fifty_at_a_time(self) -> None:
        """Fifty fetches of one handler are all under way before the first is answered."""
        waiting: list[ScriptedServer] = []

        def gather(server: ScriptedServer, number: int) -> None:
            waiting.append(server)
            if len(waiting) == 50:
                for each in waiting:
                    each.answer(b"1")

        base, _ = self.serve(gather)
        result = await self.run_step(
            base,
            """async (base) => {
              const all = await Promise.all(Array.from({ length: 50 }, async () => (await fetch(base)).json()));
              return all.reduce((a, b) => a + b);
            }""",
        )
        self.assertEqual(result, 50)

    async def test_unread_bodies(self) -> None:
        """Bodies that nobody reads do not stop the fetches after them."""
        base, _ = self.serve(route(big=bytes(300000)))
        result = await self.run_step(
            base,
            """async (base) => {
              let n = 0;
              for (let i = 0; i < 40; i++) n += (await fetch(`${base}/big`)).status;
              return n;
            }""",
        )
        self.assertEqual(result, 8000)
        self.assertLess(40, MOST_CHANNELS)
        for host in list(self.owners):
            host.condemn(self.gone)

    @property
    def gone(self) -> Any:
        """Why isolates of the test end."""
        from nano.errors import DrainingError

        return DrainingError("the test is over")

    async def test_condemned(self) -> None:
        """What an isolate has under way ends with it."""
        base, factory = self.serve(
            route(
                silent=lambda server, head: None,
                slow=lambda server, head: server.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            )
        )
        host = await self.app(
            run="""async (base) => {
              const r = await fetch(`${base}/slow`);
              await Promise.all([r.text(), fetch(`${base}/silent`),
                fetch(`${base}/silent`, { method: "POST", duplex: "half", body: new ReadableStream({}) })]);
            }"""
        )
        test = json.dumps({"base": base, "step": "run"}).encode()
        _, _, done = self.begin(host, headers=[(b"x-test", test)])
        await self.until(lambda: factory.open == 3)
        host.condemn(self.gone)
        await done
        await self.until(lambda: not factory.open)
        self.assertEqual(len(host._channels), 0)

    async def test_client_leaves(self) -> None:
        """With the request's signal a fetch ends when the client leaves."""
        base, factory = self.serve(lambda server, number: None)
        host = await self.app(run="(base, request) => fetch(base, { signal: request.signal })")
        test = json.dumps({"base": base, "step": "run"}).encode()
        exchange, _, done = self.begin(host, headers=[(b"x-test", test)])
        await self.until(lambda: factory.open == 1)
        exchange.client_gone("the client has left")
        await done
        await self.until(lambda: not factory.open)

    async def test_hang(self) -> None:
        """A handler that awaits a fetch does not hang; one that awaits what nobody fetches does."""
        base, _ = self.serve(
            route(late=lambda server, head: reactor.callLater(0.2, server.answer, b"late"), small=b"x")
        )
        host = await self.app(
            run="async (base) => (await fetch(`${base}/late`)).text()",
            hang="async (base) => { await fetch(`${base}/small`); await new Promise(() => {}); }",
        )
        self.assertEqual(await self.step(host, base), "late")
        test = json.dumps({"base": base, "step": "hang"}).encode()
        sink = await self.fetch(host, headers=[(b"x-test", test)])
        self.assertEqual((sink.status, sink.header(b"nano-error")), (500, b"hung"))

    async def test_patched(self) -> None:
        """An app that patches built-ins breaks nothing of fetch."""
        base, _ = self.serve(route(echo=echo))
        result = await self.run_step(
            base.replace("127.0.0.1", "localhost"),
            """async (base) => {
              const names = ["over", "length", "code", "signal", "headers", "parts", "then"];
              for (const name of names) {
                const accessor = { __proto__: null, configurable: true, get() {}, set() {} };
                Object.defineProperty(Object.prototype, name, accessor);
              }
              const { push, [Symbol.iterator]: iterator } = Array.prototype;
              Array.prototype.push = Array.prototype[Symbol.iterator] = () => { throw new Error("patched"); };
              const r = await fetch(`${base}/echo`, { __proto__: null, method: "POST", body: "body" });
              const { body } = JSON.parse(await r.text());
              for (let i = 0; i < names.length; i++) delete Object.prototype[names[i]];
              Array.prototype.push = push, Array.prototype[Symbol.iterator] = iterator;
              return body;
            }""",
        )
        self.assertEqual(result, "body")

    async def test_loops(self) -> None:
        """A request that has come through too many fetches is refused; apps never see the count."""
        base, _ = self.serve(route(echo=echo))
        host = await self.app(
            run="(base, request) => [request.headers.get('nano-hops')]",
            now="async (base) => (await fetch(`${base}/echo`)).json()",
            later="""async (base) => {
              await new Promise((resolve) => setTimeout(resolve, 1));
              return (await fetch(`${base}/echo`)).json();
            }""",
        )

        async def ask(step: str, hops: bytes) -> Any:
            test = json.dumps({"base": base, "step": step}).encode()
            return await self.fetch(host, headers=[(b"x-test", test), (b"nano-hops", hops)])

        self.assertEqual(json.loads((await ask("run", b"3")).body), [None])
        for step in ("now", "later"):
            for hops, sent in ((b"3", "4"), (b"16", "17"), (b"nonsense", "1")):
                answer = json.loads((await ask(step, hops)).body)
                self.assertEqual(answer["headers"]["nano-hops"], sent)
        sink = await ask("now", b"17")
        self.assertEqual((sink.status, sink.header(b"nano-error")), (508, b"loop"))
        await self.until(lambda: not host.events)

    async def test_replaceable(self) -> None:
        """An app may put another fetch in its place."""
        result = await self.run_step("x", "async () => { globalThis.fetch = async () => 7; return [await fetch()]; }")
        self.assertEqual(result[0], 7)
