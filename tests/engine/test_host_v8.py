"""
Tests for `nano.engine.host`, its events and nano/runtime/host.js with real isolates on the real reactor.
"""

# ruff: noqa: E501 -- the lines of scripts are their own

from __future__ import annotations

import json
import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from nano.bundle import read_bundle
from nano.engine.events import WINDOW
from nano.engine.host import BACKLOG, HostState, IsolateHost
from nano.engine.records import Inward, encode
from nano.errors import AppLoadError, AppStartupTimeoutError, EngineError, MemoryExceededError
from nano.interfaces import OpError
from nano.ops.registry import OpTable
from tests.engine.scripts import app_program, link
from tests.engine.v8_case import PATIENCE, Owner, V8TestCase
from tests.fakes import FakeBody

#: A runtime of the crossing alone, whose functions are globals.
CROSSING = """
(get) => (notify) => {
  const { OP_RESULT, BODY_CHUNK } = get("records.js", "Inward"), onOpResult = get("host.js", "onOpResult");
  let received = 0;
  for (const name of ["hostOp", "hostTell", "hostAskBytes", "hostCallSync", "hostLog", "hostTimer"])
    globalThis[name] = get("host.js", name);
  return get("host.js", "connect")(notify, (type, flags, small, id, bytes, start, end) => {
    if (type === OP_RESULT) onOpResult(id, flags, bytes, start, end);
    else if (type === BODY_CHUNK) {
      let sum = 0;
      for (let i = start; i < end; i++) sum = (sum * 31 + bytes[i]) >>> 0;
      hostTell(REPORT, [id, end - start, sum]);
    } else hostTell(REPORT, [type]);
  });
}
"""
MODULES = ("records.js", "host.js")


class CrossingTests(V8TestCase):
    """
    Records, ops and questions between Python and nano/runtime/host.js.
    """

    def setUp(self) -> None:
        super().setUp()
        self.reports: list[Any] = []
        self.waiting: list[Deferred[Any]] = []
        ops = {
            "t.report": lambda context, args, buffers: self.reports.append(args),
            "t.echo": lambda context, args, buffers: (args, buffers),
            "t.later": self.later,
            "t.refuse": self.refuse,
            "t.break": lambda context, args, buffers: 1 // 0,
        }
        questions = {
            "t.repeat": lambda question: question * 100,
            "t.wrong": lambda question: 1 // 0,
        }
        names = (*ops, *questions)

        class Table:
            pass

        table: Any = Table()
        table.names = names
        table.ops = (*ops.values(), *(None for _ in questions))
        table.questions = (*(None for _ in ops), *questions.values())
        numbers = "".join(f"globalThis.{name.split('.')[1].upper()} = {number};" for number, name in enumerate(names))
        self.pool = self.make_pool(table, f"{numbers}\n{link(MODULES, CROSSING)}")

    def later(self, context: Any, args: Any, buffers: list[bytes]) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        self.waiting.append(deferred)
        return deferred

    def refuse(self, context: Any, args: Any, buffers: list[bytes]) -> None:
        raise OpError("DataError", "nö")

    async def spare(self) -> IsolateHost:
        host: IsolateHost = await self.pool.get()
        self.owners[host] = Owner()
        return host

    async def run_script(self, host: IsolateHost, source: str) -> None:
        ended: Deferred[str | None] = Deferred()
        host.isolate.evaluate(source, lambda result: host.reactor.callFromThread(ended.callback, result.error))
        self.assertIsNone(await ended)

    async def reported(self, count: int = 1) -> list[Any]:
        await self.until(lambda: len(self.reports) >= count)
        return self.reports

    async def test_ops(self) -> None:
        """Values and buffers there and back; failures with their names."""
        host = await self.spare()
        await self.run_script(
            host,
            """(async () => {
              const answer = await hostOp(ECHO, { text: "ü\\ud800", list: [1, null] }, new Uint8Array([1, 2]),
                new Uint8Array(0));
              const seen = [answer.value, answer.buffers.map((buffer) => [...buffer])];
              for (const op of [REFUSE, BREAK])
                await hostOp(op, undefined).catch((error) => seen.push([error instanceof Error, error.name,
                  error.message, Object.keys(error)]));
              hostTell(REPORT, seen);
            })()""",
        )
        await self.reported()
        self.assertEqual(
            self.reports[0],
            [
                {"text": "ü\ud800", "list": [1, None]},
                [[1, 2], []],
                [True, "DataError", "nö", []],
                [True, "Error", "internal error", []],
            ],
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_large_ops(self) -> None:
        """Ten megabytes as an argument, and as an answer, in pieces of the shared memory."""
        host = await self.spare()
        await self.run_script(
            host,
            """(async () => {
              const bytes = new Uint8Array(10_000_001).map((_, i) => i * 7);
              const { value, buffers } = await hostOp(ECHO, "x".repeat(3_000_000), bytes);
              hostTell(REPORT, [value.length, buffers[0].length, buffers[0].every((byte, i) => byte === bytes[i])]);
            })()""",
        )
        await self.reported()
        self.assertEqual(self.reports, [[3000000, 10000001, True]])

    async def test_many_at_once(self) -> None:
        """A thousand ops of one turn, answered out of order, each gets its own answer."""
        host = await self.spare()
        await self.run_script(
            host,
            """{
              const results = [];
              for (let i = 0; i < 1000; i++)
                hostOp(i % 2 ? ECHO : LATER, i).then(({ value }) => {
                  if (results.push([i, value]) === 1000) hostTell(REPORT, results);
                });
            }""",
        )
        await self.until(lambda: len(self.waiting) == 500)
        for number, deferred in reversed(list(enumerate(self.waiting))):
            deferred.callback(-number)
        await self.reported()
        self.assertEqual(dict(self.reports[0]), {i: i if i % 2 else -(i // 2) for i in range(1000)})

    async def test_questions(self) -> None:
        """Synchronous questions, with answers larger than the memory they come through."""
        host = await self.spare()
        await self.run_script(
            host,
            """{
              const seen = [hostCallSync(REPEAT, "").length, hostCallSync(REPEAT, "ä") === "ä".repeat(100)];
              for (const size of [655, 656, 5000, 65528]) {
                const question = new Uint8Array(size).map((_, i) => i);
                const answer = hostAskBytes(REPEAT, question);
                seen.push([answer.length, answer.every((byte, i) => byte === ((i % size) & 255))]);
              }
              try { hostAskBytes(REPEAT, new Uint8Array(65529)) } catch (error) { seen.push(error.name) }
              seen.push(hostCallSync(WRONG, "x"));
              hostTell(REPORT, seen);
            }""",
        )
        await self.reported()
        self.assertEqual(
            self.reports[0],
            [0, True, [65500, True], [65600, True], [500000, True], [6552800, True], "RangeError", ""],
        )
        await self.until(lambda: self.flushLoggedErrors(ZeroDivisionError))

    async def test_records_before_a_question_arrive_first(self) -> None:
        """What was written before a question is handed over before it, in order."""
        host = await self.spare()
        await self.run_script(
            host,
            """for (let i = 0; i < 100; i++) {
              hostTell(REPORT, i);
              hostCallSync(REPEAT, "x");
            }""",
        )
        await self.reported(100)
        self.assertEqual(self.reports, list(range(100)))

    async def test_large_records_inwards(self) -> None:
        """Records much larger than the inbox, with small ones between."""
        host = await self.spare()
        expected = []
        for number, size in enumerate((0, 1, 262128, 262129, 1_000_000, 3)):
            data = bytes((i * 13 + number) & 255 for i in range(size))
            total = 0
            for byte in data:
                total = (total * 31 + byte) & 0xFFFFFFFF
            expected.append([number, size, total])
            host.send(encode(Inward.BODY_CHUNK, number, data))
        await self.reported(6)
        self.assertEqual(self.reports, expected)

    async def test_backlog_blocks_the_isolate(self) -> None:
        """
        An isolate that writes more than the reactor reads stands still; nothing is lost, and memory stays bounded.
        """
        host = await self.spare()
        ended = threading.Event()
        host.isolate.evaluate(
            """{
              const bytes = new Uint8Array(200_000);
              for (let i = 0; i < 100; i++) hostTell(REPORT, i, bytes);
            }""",
            lambda result: ended.set(),
        )
        # The reactor stands still here; the isolate must not get further than the backlog.
        self.assertFalse(ended.wait(0.5))
        self.assertLessEqual(host._backlog, BACKLOG + 2**18)
        self.assertGreater(host._backlog, BACKLOG)
        await self.reported(100)
        self.assertEqual(self.reports, list(range(100)))

    async def test_condemned_while_blocked(self) -> None:
        """An isolate that stands still because of its backlog can be condemned and freed."""
        host = await self.spare()
        host.isolate.evaluate("for (;;) hostTell(REPORT, 1, new Uint8Array(200_000));", lambda result: None)
        for _ in range(2000):
            if host._backlog > BACKLOG:
                break
            threading.Event().wait(0.005)
        host.condemn(EngineError("x"))
        self.assertTrue(host.isolate._freed.wait(PATIENCE))

    async def test_loop_of_questions_is_stopped(self) -> None:
        """An isolate that asks without end can be condemned at any moment."""
        for _ in range(5):
            host = await self.spare()
            host.isolate.evaluate('for (;;) { hostCallSync(REPEAT, "x"); hostTell(REPORT, 0) }', lambda result: None)
            await self.until(lambda: len(self.reports) > 10)
            self.reports.clear()
            host.condemn(EngineError("x"))
            await self.until(lambda host=host: host.isolate.freed)


class ServingTests(V8TestCase):
    """
    Apps in the product's runtime.
    """

    async def test_hello(self) -> None:
        """A response, and the event is over."""
        host = await self.start('export default { fetch: (r) => new Response("hi " + new URL(r.url).pathname) }')
        sink = await self.fetch(host, url="http://a/b")
        self.assertEqual((sink.status, sink.body), (200, b"hi /b"))
        await self.until(lambda: not host.events)

    async def test_thousand_at_once(self) -> None:
        """A thousand requests of one turn, each gets its own answer."""
        host = await self.start(
            """export default { async fetch(r) {
              const { pathname } = new URL(r.url);
              if (pathname.length % 2) await new Promise((resolve) => setTimeout(resolve, 1));
              return new Response(pathname, { headers: { "x-path": pathname } });
            } }"""
        )
        begun = [self.begin(host, url=f"http://a/{number}") for number in range(1000)]
        await gatherResults([done for *_, done in begun])
        for number, (_, sink, _) in enumerate(begun):
            self.assertEqual((sink.body, sink.header(b"x-path")), (b"/%d" % number, b"/%d" % number))
        await self.until(lambda: not host.events)

    async def test_value_count_stays(self) -> None:
        """Requests do not leave values behind."""
        host = await self.start("export default { fetch: async (r) => new Response(await r.text()) }")
        await self.fetch(host, method="POST", body=b"x")
        before = host.isolate.value_count()
        for _ in range(300):
            await self.fetch(host, method="POST", body=b"x")
        self.assertEqual(host.isolate.value_count(), before)

    async def test_large_response_waits_for_the_client(self) -> None:
        """A client that does not read gets no more than a window; when it reads it gets everything."""
        host = await self.start(
            """export default { fetch() {
              const bytes = new Uint8Array(2 ** 22).map((_, i) => i % 251);
              return new Response(bytes);
            } }"""
        )
        exchange, sink, done = self.begin(host)
        sink.on_write = lambda data: exchange.pauseProducing()
        await self.until(lambda: len(sink.body) >= WINDOW)
        await deferLater(reactor, 0.05)
        self.assertEqual(len(sink.body), WINDOW)
        sink.on_write = lambda data: None
        exchange.resumeProducing()
        await done
        self.assertEqual(sink.body, bytes(i % 251 for i in range(2**22)))
        self.assertEqual((sink.length, exchange.outcome), (2**22, "ok"))

    async def test_stream_waits_for_the_client(self) -> None:
        """The app's stream is not pulled for a client that does not read."""
        host = await self.start(
            """let pulls = 0;
            export default { fetch(r) {
              if (r.url.endsWith("/pulls")) return new Response(String(pulls));
              return new Response(new ReadableStream({ pull(controller) {
                if (++pulls > 100) controller.close();
                else controller.enqueue(new Uint8Array(65536));
              } }));
            } }"""
        )
        exchange, sink, done = self.begin(host)
        sink.on_write = lambda data: exchange.pauseProducing()
        await self.until(lambda: len(sink.body) >= WINDOW)
        pulls = await self.fetch(host, url="http://a/pulls")
        self.assertLessEqual(int(pulls.body), WINDOW // 65536 + 2)
        sink.on_write = lambda data: None
        exchange.resumeProducing()
        await done
        self.assertEqual(len(sink.body), 100 * 65536)

    async def test_upload(self) -> None:
        """A streamed body in pieces of odd sizes arrives whole, whichever way it is read."""
        host = await self.start(
            """export default { async fetch(r) {
              if (r.url.endsWith("/all")) return new Response(await r.arrayBuffer());
              if (r.url.endsWith("/pass")) return new Response(r.body);
              let size = 0, sum = 0;
              for await (const chunk of r.body) { size += chunk.length; for (const byte of chunk) sum += byte }
              return new Response(`${size} ${sum}`);
            } }"""
        )
        pieces = [bytes((number * 31 + i) & 255 for i in range(100_001)) for number in range(17)]
        whole = b"".join(pieces)
        for path in ("all", "pass"):
            sink = await self.fetch(host, method="POST", url=f"http://a/{path}", body=FakeBody(pieces))
            self.assertTrue(sink.body == whole, path)
        sink = await self.fetch(host, method="POST", body=FakeBody(pieces))
        self.assertEqual(sink.body, b"%d %d" % (len(whole), sum(whole)))
        await self.until(lambda: not host.events)

    async def test_upload_is_not_read_ahead(self) -> None:
        """An app that reads one chunk and stops lets no more than a window in."""
        host = await self.start(
            """export default { async fetch(r) {
              const reader = r.body.getReader();
              await reader.read();
              await new Promise((resolve) => setTimeout(resolve, 50));
              return new Response("enough");
            } }"""
        )
        body = FakeBody([bytes(50_000)] * 100)
        sink = await self.fetch(host, method="POST", body=body)
        self.assertEqual(sink.body, b"enough")
        await self.until(lambda: body.calls[-1] == "stop")

    async def test_upload_breaks_off(self) -> None:
        """A body that breaks off rejects the read."""
        host = await self.start(
            """export default { async fetch(r) {
              try { await r.text() } catch (error) { return new Response(`${error.name}: ${error.message}`) }
            } }"""
        )

        class Broken(FakeBody):
            def start(self, consumer: Any) -> None:
                consumer.write(b"abc")
                consumer.fail("the client left")

        sink = await self.fetch(host, method="POST", body=Broken())
        self.assertEqual(sink.body, b"TypeError: the client left")

    async def test_wait_until_goes_on(self) -> None:
        """What waitUntil keeps runs on after the response, nested too; the event ends with it."""
        host = await self.start(
            """export default { fetch(r, env, ctx) {
              const later = (ms, text) => new Promise((resolve) => setTimeout(() => { console.log(text); resolve() }, ms));
              ctx.waitUntil(later(20, "one").then(() => ctx.waitUntil(later(20, "two"))));
              return new Response("now");
            } }"""
        )
        sink = await self.fetch(host)
        self.assertEqual(sink.body, b"now")
        self.assertEqual(len(host.events), 1)
        await self.until(lambda: not host.events)
        self.assertEqual([text for _, text in self.owners[host].logs], ["one", "two"])

    async def test_large_strings(self) -> None:
        """They leave in pieces, none of which ends within a character, and their length is announced."""
        host = await self.start(
            """export default { fetch: (r) => new Response("a" + "\\u{1f600}é".repeat(Number(r.headers.get("n")))) }"""
        )
        for count in (21_845, 40_000, 200_000):
            sink = await self.fetch(host, headers=[(b"n", b"%d" % count)])
            self.assertEqual((sink.length, len(sink.body), sink.finished), (1 + 6 * count, 1 + 6 * count, True))
            self.assertEqual(sink.body.decode(), "a" + "\U0001f600é" * count)

    async def test_client_gone_at_every_moment(self) -> None:
        """Whenever the client leaves, the signal aborts, the stream is cancelled, and the event ends."""
        host = await self.start(
            """const log = [];
            export default { async fetch(r) {
              const { pathname } = new URL(r.url);
              if (pathname === "/log") return new Response(log.splice(0).join(" "));
              r.signal.addEventListener("abort", () => log.push(pathname.slice(1)));
              if (pathname === "/upload") await r.text().catch(() => log.push("unread"));
              if (pathname === "/wait") await new Promise((resolve) => setTimeout(resolve, 100000));
              return new Response(new ReadableStream({
                async pull(controller) {
                  await new Promise((resolve) => setTimeout(resolve, 1));
                  controller.enqueue(new Uint8Array(1000));
                },
                cancel() { log.push("cancelled") },
              }));
            } }"""
        )

        class Silent(FakeBody):
            def start(self, consumer: Any) -> None:
                self.calls.append("start")

        for path, body, ready in (
            ("wait", None, lambda sink, body: True),
            ("upload", Silent(), lambda sink, body: body.calls),
            ("stream", None, lambda sink, body: sink.body),
        ):
            exchange, sink, _ = self.begin(host, url=f"http://a/{path}", body=body, method="POST")
            await self.until(lambda ready=ready, sink=sink, body=body: ready(sink, body))
            await deferLater(reactor, 0.02)
            exchange.client_gone("gone")
            await self.until(lambda: not host.events)
            log = await self.fetch(host, url="http://a/log")
            expected = {"wait": b"wait", "upload": b"upload unread cancelled", "stream": b"stream cancelled"}[path]
            self.assertEqual(log.body, expected)

    async def test_client_gone_before_it_began(self) -> None:
        """A client that leaves in the same turn."""
        host = await self.start('export default { fetch: (r) => new Response("x") }')
        exchange, sink, _ = self.begin(host)
        exchange.client_gone("gone")
        await self.until(lambda: not host.events)
        self.assertEqual(sink.calls, [])

    async def test_hangs(self) -> None:
        """Promises that nothing can settle: 500 at once, and the next request works."""
        host = await self.start(
            """const held = [];
            export default { async fetch(r) {
              const { pathname } = new URL(r.url);
              if (pathname === "/never") await new Promise(() => {});
              if (pathname === "/cleared") { const t = setTimeout(() => {}, 1e6); clearTimeout(t); await new Promise(() => {}) }
              if (pathname === "/busy") { for (let i = 0; i < 1e6; i++) await null; await new Promise(() => {}) }
              if (pathname === "/kept") { const { promise } = Promise.withResolvers(); held.push(promise); return promise }
              if (pathname === "/thenable") return { then() {} };
              return new Response("ok");
            } }"""
        )
        for path in ("never", "busy", "kept", "thenable"):
            exchange, sink, done = self.begin(host, url=f"http://a/{path}")
            await done
            self.assertEqual((sink.status, exchange.outcome), (500, "hung"), path)
        self.assertEqual((await self.fetch(host)).body, b"ok")

    async def test_does_not_hang(self) -> None:
        """Whatever takes its time, but can end, is left alone."""
        host = await self.start(
            """
            const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
            // A module of many functions, so that compiling it takes a while.
            function bigModule(functions) {
              const leb = (n) => { const out = []; do { let b = n & 127; n >>>= 7; out.push(n ? b | 128 : b) } while (n); return out };
              const section = (id, body) => [id, ...leb(body.length), ...body];
              const code = [0, ...Array(200).fill([0x41, 1, 0x1a]).flat(), 0x0b];
              const bodies = [];
              for (let i = 0; i < functions; i++) { bodies.push(...leb(code.length)); for (const b of code) bodies.push(b) }
              const out = [0, 97, 115, 109, 1, 0, 0, 0, ...section(1, [1, 0x60, 0, 0]),
                ...section(3, [...leb(functions), ...Array(functions).fill(0)])];
              const last = [...leb(functions)];
              const size = last.length + bodies.length;
              return Uint8Array.from(out.concat([10], leb(size), last, bodies));
            }
            export default { async fetch(r, env, ctx) {
              const { pathname } = new URL(r.url);
              if (pathname === "/timer") await sleep(150);
              if (pathname === "/interval") await new Promise((resolve) => { let n = 0; const i = setInterval(() => { if (++n === 5) { clearInterval(i); resolve() } }, 30) });
              if (pathname === "/microtasks") for (let i = 0; i < 3e6; i++) await null;
              if (pathname === "/compute") { const end = Date.now() + 150; while (Date.now() < end); }
              if (pathname === "/wasm") await WebAssembly.compile(bigModule(1200));
              if (pathname === "/message") { const { port1, port2 } = new MessageChannel(); await new Promise((resolve) => { port2.onmessage = resolve; setTimeout(() => port1.postMessage(1), 50) }) }
              if (pathname === "/scheduler") await scheduler.wait(60);
              if (pathname === "/abort") await new Promise((resolve) => AbortSignal.timeout(60).addEventListener("abort", resolve));
              if (pathname === "/kept") ctx.waitUntil(sleep(100));
              return new Response("ok");
            } }"""
        )
        for path in ("timer", "interval", "microtasks", "compute", "wasm", "message", "scheduler", "abort", "kept"):
            exchange, sink, done = self.begin(host, url=f"http://a/{path}")
            await done
            self.assertEqual((sink.body, exchange.outcome), (b"ok", "ok"), (path, str(exchange.error)))

    async def test_endless_upload_does_not_hang(self) -> None:
        """A handler waits for its request's body as long as the client takes."""
        host = await self.start("export default { fetch: async (r) => new Response(await r.text()) }")

        class Slow(FakeBody):
            def start(self, consumer: Any) -> None:
                consumer.write(b"abc")
                self.consumer = consumer

        body = Slow()
        exchange, sink, done = self.begin(host, body=body, method="POST")
        await deferLater(reactor, 0.2)
        self.assertTrue(exchange.waiting)
        body.consumer.write(b"def")
        body.consumer.finish()
        await done
        self.assertEqual(sink.body, b"abcdef")

    async def test_condemned_while_it_runs(self) -> None:
        """Loops of every kind end with the isolate, whose requests fail at once."""
        for loop in (
            "for (;;);",
            "(async () => { for (;;) await 1 })();",
            "const spin = () => Promise.resolve().then(spin); spin();",
            '/^(a+)+$/.test("a".repeat(40) + "b");',
            "const f = () => { try { f() } finally { for (;;); } }; f();",
        ):
            host = await self.start(f"export default {{ fetch() {{ {loop} return new Promise(() => {{}}) }} }}")
            _, sink, _ = self.begin(host)
            await self.until(lambda host=host: host.cpu_since_rest() > 0.05)
            host.condemn(EngineError("enough"))
            self.assertEqual(sink.status, 503)
            await self.until(lambda host=host: host.isolate.freed)

    async def test_heap_limit(self) -> None:
        """An app that outgrows its heap is condemned for that."""
        host = await self.start(
            "export default { fetch() { const all = []; for (;;) all.push(new Array(1000).fill(1.5)) } }", memory_mb=32
        )
        exchange, sink, done = self.begin(host)
        await done
        self.assertEqual((sink.status, exchange.outcome), (503, "exceeded-memory"))
        self.assertIsInstance(self.owners[host].condemned[0], MemoryExceededError)

    async def test_heap_limit_in_a_promise_job(self) -> None:
        """The same when it is a promise job that V8 ends, of which no drain tells."""
        host = await self.start(
            "export default { async fetch() { const all = []; for (;;) { await null; all.push(new Array(9999).fill(1.5)) } } }",
            memory_mb=32,
        )
        exchange, sink, done = self.begin(host)
        await done
        self.assertEqual((sink.status, exchange.outcome), (503, "exceeded-memory"))

    async def test_reclaim(self) -> None:
        """Garbage is collected between two batches, and the host told on the reactor's thread."""
        host = await self.start(
            "const ref = new WeakRef({}); export default { fetch: () => new Response(typeof ref.deref()) }"
        )
        done: Deferred[None] = Deferred()
        host.reclaim(lambda: done.callback(None))
        await done
        self.assertEqual((await self.fetch(host)).body, b"undefined")

    async def fails_to_load(self, source: str, timeout: float = PATIENCE) -> Exception:
        host: IsolateHost = await self.pool.get()
        self.owners[host] = Owner()
        try:
            await host.load(app_program(source, self.mktemp()), self.owners[host], timeout)
        except AppLoadError as error:
            self.assertIs(host.state, HostState.CONDEMNED)
            return error
        self.fail("the app has loaded")

    async def test_load_failures(self) -> None:
        """Each way in which a global scope can fail, with the app's file and line where there is one."""
        for source, text in (
            ("\nthrow new Error('no')", "index.js:2"),
            ("\n\nawait Promise.reject(new TypeError('later'))", "index.js:3"),
            ("null.x", "index.js:1"),
            ("export default 5", "no fetch handler"),
            ("export default { fetch: 5 }", "no fetch handler"),
            ("throw null", "null"),
            ("throw { get message() { throw 1 }, toString() { throw 2 } }", ""),
            ("await new Promise(() => {})", "can never happen"),
        ):
            error = await self.fails_to_load(source)
            self.assertIn(text, str(error), source)

    async def test_load_timeout(self) -> None:
        """A global scope that does not come to its end, computing or waiting."""
        for source in ("for (;;);", "await new Promise((resolve) => setTimeout(resolve, 1e6))"):
            error = await self.fails_to_load(source, 0.3)
            self.assertIsInstance(error, AppStartupTimeoutError)

    async def test_logs(self) -> None:
        """Console lines arrive with their levels, also those of the global scope and before a throw."""
        host = await self.start(
            """console.warn("loading");
            export default { fetch() { console.debug("a"); console.error("b" + "x".repeat(600000)); throw new Error("c") } }"""
        )
        sink = await self.fetch(host)
        self.assertEqual(sink.status, 500)
        levels = [(level, text[:7], len(text)) for level, text in self.owners[host].logs]
        self.assertEqual(levels, [(2, "loading", 7), (0, "a", 1), (3, "bxxxxxx", 600001)])

    async def test_rejections(self) -> None:
        """Promises that the runtime was given tell the app when they are rejected; it may keep waitUntil's from the log."""
        host = await self.start("""
            const seen = [];
            addEventListener("unhandledrejection", (event) => {
              seen.push(`${event.reason.message} ${event.promise instanceof Promise}`);
              if (event.reason.message === "quiet") event.preventDefault();
            });
            onunhandledrejection = () => { seen.push("on"); };
            export default { async fetch(request, env, ctx) {
              const { pathname } = new URL(request.url);
              if (pathname === "/seen") return Response.json(seen);
              if (pathname === "/throw") throw new Error("thrown");
              ctx.waitUntil(Promise.reject(new Error("quiet")));
              ctx.waitUntil(Promise.reject(new Error("loud")));
              return new Response();
            } };
        """)
        self.assertEqual((await self.fetch(host, url="http://app.test/throw")).status, 500)
        await self.fetch(host, url="http://app.test/wait")
        seen = json.loads((await self.fetch(host, url="http://app.test/seen")).body)
        self.assertEqual(seen, ["thrown true", "on", "quiet true", "on", "loud true", "on"])
        texts = " ".join(text for _, text in self.owners[host].logs)
        self.assertIn("waitUntil: Error: loud", texts)
        self.assertNotIn("quiet", texts)


class LateLoadingTests(V8TestCase):
    """
    Parts of the runtime that are loaded when they are first used.
    """

    def setUp(self) -> None:
        super().setUp()
        self.loaded: list[bytes] = []
        ops = OpTable(json.loads(read_bundle("ops.json")), self.op_modules())
        number = ops.names.index("host.chunk")
        source = ops.questions[number]
        assert source is not None

        def chunk(question: bytes) -> bytes:
            self.loaded.append(question)
            return source(question)

        ops.questions = (*ops.questions[:number], chunk, *ops.questions[number + 1 :])
        self.pool = self.make_pool(ops, read_bundle("runtime.js"))

    async def test_ordinary(self) -> None:
        """What most requests do needs nothing beyond the boot bundle."""
        host = await self.start("""
            export default { async fetch(request, env) {
              const url = new URL(request.url);
              if (request.method === "POST") {
                const body = await request.json();
                return Response.json({ ...body, path: url.pathname, q: url.searchParams.get("q") }, { headers: { a: "b" } });
              }
              return new Response(url.pathname, { status: 203, headers: new Headers([["x-a", request.headers.get("host")]]) });
            } }
        """)
        self.assertEqual((await self.fetch(host, url="http://app.test/a?q=1")).status, 203)
        sink = await self.fetch(host, url="http://app.test/b?q=2", method="POST", body=FakeBody([b'{"c": 3}']))
        self.assertEqual(json.loads(sink.body), {"c": 3, "path": "/b", "q": "2"})
        self.assertEqual(self.loaded, [])

    async def test_patched(self) -> None:
        """An app that has replaced the language's own functions hears nothing of what comes, and breaks nothing of it."""
        host = await self.start("""
            let seen = "";
            const { getOwnPropertyDescriptors, entries } = Object;
            const owners = [Object, Object.prototype, Reflect, Array, Array.prototype, Function.prototype, String.prototype, RegExp.prototype];
            const members = owners.flatMap((owner) => entries(getOwnPropertyDescriptors(owner)).map(([name, { value }]) => ({ owner, name, value })));
            // Responses are written with the app's own charCodeAt: see records.js.
            const spared = ["constructor", "charCodeAt"];
            const functions = members.filter(({ name, value }) => typeof value === "function" && !spared.includes(name));
            for (let i = 0; i < functions.length; i++) {
              const { owner, name } = functions[i];
              owner[name] = function () { seen += ` ${name}`; throw new Error(`${name} was called`); };
            }
            for (const name of ["Object", "Array", "Map", "Promise", "Reflect", "Uint8Array"]) globalThis[name] = null;
            export default { async fetch() {
              const pattern = new URLPattern({ pathname: "/books/:id" });
              const found = pattern.exec("https://EXAMPLE.com/books/7").pathname.groups.id;
              const text = await new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("x")); c.close(); } })).text();
              const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x"));
              const form = await new Response("a=b", { headers: { "content-type": "application/x-www-form-urlencoded" } }).formData();
              const data = await (await fetch("data:,y")).text();
              const { readable, writable } = new TransformStream();
              writable.close();
              await readable.pipeTo(new WritableStream());
              return new Response(`${found} ${text} ${digest.byteLength} ${form.get("a")} ${data} ${structuredClone({ z: 1 }).z} ${atob("eA==")} ${seen}`);
            } };
        """)
        sink = await self.fetch(host)
        self.assertEqual((sink.body, sink.error), (b"7 x 32 b y 1 x ", ""))
        self.assertLessEqual(
            {b"patterns", b"urls", b"readable", b"writable", b"crypto", b"fetch", b"mime", b"clone", b"base64"},
            set(self.loaded),
        )

    async def test_once(self) -> None:
        """A part comes once, and what it brings is what the standards say."""
        host = await self.start("""
            export default { fetch() {
              const pattern = new URLPattern({ pathname: "/books/:id" });
              const { groups } = pattern.exec("https://example.com/books/7").pathname;
              return new Response([groups.id, structuredClone(new Map([[1, 2]])).get(1), structuredClone.name, fetch.length]);
            } }
        """)
        for _ in range(2):
            self.assertEqual((await self.fetch(host)).body, b"7,2,structuredClone,1")
        self.assertEqual(sorted(self.loaded), sorted(set(self.loaded)))
        self.assertLess({b"patterns", b"clone"}, set(self.loaded))


class EventsOfOneHostTests(V8TestCase):
    """
    Many events at a time.
    """

    async def test_some_leave_some_stay(self) -> None:
        """A hundred streams, every second client leaves in the middle: the others get every byte."""
        host = await self.start(
            """export default { fetch(r) {
              const n = Number(new URL(r.url).pathname.slice(1));
              let i = 0;
              return new Response(new ReadableStream({ async pull(c) {
                if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
                if (i++ === 20) c.close(); else c.enqueue(new Uint8Array(5000).fill(n));
              } }));
            } }"""
        )
        begun = [self.begin(host, url=f"http://a/{number}") for number in range(100)]
        await self.until(lambda: all(sink.body for _, sink, _ in begun[1::2]))
        for exchange, _, _ in begun[1::2]:
            exchange.client_gone("gone")
        await gatherResults([done for *_, done in begun[::2]])
        for number, (_, sink, _) in list(enumerate(begun))[::2]:
            self.assertEqual(sink.body, bytes([number]) * 100_000)
        await self.until(lambda: not host.events)
