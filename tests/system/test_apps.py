# -*- test-case-name: tests.system.test_apps -*-
"""
Apps that do not load, apps that do not end, apps that want too much: each hurts itself alone.
"""

from __future__ import annotations

import threading
import time
from typing import ClassVar

from tests.system.case import SystemTestCase
from tests.system.client import Answer, Client, RawClient, fetch
from tests.system.daemon import Daemon

GOOD = "let served = 0; export default { fetch: () => new Response(`good ${++served}`) };"


class LoadTests(SystemTestCase):
    """Apps that fail to load."""

    def assert_others_serve(self, daemon: Daemon, *failed: str) -> None:
        """The failed apps say so, each time; the good one serves."""
        for _ in range(2):
            for name in failed:
                answer = self.fetch(daemon, name)
                self.assert_error(answer, 503, "load-failed")
                self.assertNotIn("index.js", answer.text)
            self.assertRegex(self.get(daemon, "good"), "^good ")
        self.assertEqual(self.fetch(daemon, "nobody", "/readyz").status, 200)

    def test_missing_folder(self) -> None:
        """A folder that is not there."""
        daemon = self.serve({"good": GOOD, "gone": {}})
        self.assert_others_serve(daemon, "gone")
        self.assertIn("gone", daemon.wait_for("failed to load"))

    def test_no_entry(self) -> None:
        """A folder without an entry file; the log tells which names would do."""
        daemon = self.serve({"good": GOOD, "bad": {"main.js": GOOD}})
        self.assert_others_serve(daemon, "bad")
        daemon.wait_for("index.js")

    def test_syntax_error(self) -> None:
        """File, line and a caret below the place."""
        source = 'import "./lib/broken.js";\nexport default {};'
        broken = "const a = 1;\nconst b = [1, 2;\nexport { a, b };\n"
        daemon = self.serve({"good": GOOD, "bad": {"index.js": source, "lib/broken.js": broken}})
        self.assert_others_serve(daemon, "bad")
        lines = daemon.wait_for("lib/broken.js:2:16").splitlines()
        (at,) = (i for i, line in enumerate(lines) if line.strip() == "const b = [1, 2;")
        self.assertEqual(lines[at + 1].index("^"), lines[at].index("2;") + 1)

    def test_throws_at_load(self) -> None:
        """A global scope that throws; the log has the stack."""
        source = "function start() {\n  throw new RangeError('no luck');\n}\nstart();\nexport default {};"
        daemon = self.serve({"good": GOOD, "bad": source})
        self.assert_others_serve(daemon, "bad")
        log = daemon.wait_for("RangeError: no luck")
        self.assertIn("at start (index.js:2:9)", log)
        self.assertIn("index.js:4:1", log)

    def test_top_level_await_that_never_ends(self) -> None:
        """It ends with the time for starting, whether it waits for ever or for too long."""
        daemon = self.serve(
            {
                "good": GOOD,
                "never": "await new Promise(() => {});\nexport default {};",
                "late": "await new Promise((resolve) => setTimeout(resolve, 3_600_000));\nexport default {};",
                "busy": "for (;;);\nexport default {};",
            },
            defaults={"startup_timeout_ms": 500},
        )
        self.assert_others_serve(daemon, "never", "late", "busy")

    def test_bad_imports(self) -> None:
        """Imports of what is not there, or lies outside, name file and line."""
        bad = {
            "package": 'export default {};\nimport "express";',
            "file": 'export default {};\nimport "./gone.js";',
            "outside": 'export default {};\nimport "../good/index.js";',
            "name": 'export default {};\nimport { nothing } from "./lib.js";',
        }
        apps = {name: {"index.js": source, "lib.js": ""} for name, source in bad.items()}
        daemon = self.serve({"good": GOOD, **apps})
        self.assert_others_serve(daemon, *bad)
        log = daemon.messages()
        for word in ("express", "gone.js", "../good/index.js", "nothing"):
            self.assertIn(word, log)
        self.assertGreaterEqual(log.count("index.js:2:"), len(bad))

    def test_no_handler(self) -> None:
        """A module that exports nothing to serve with."""
        daemon = self.serve({"good": GOOD, "bad": "export default 42;"})
        self.assert_others_serve(daemon, "bad")

    def test_slow_start(self) -> None:
        """Requests wait for an app whose global scope awaits something that comes."""
        source = """
            const value = await new Promise((resolve) => setTimeout(resolve, 300, "in time"));
            export default { fetch: () => new Response(value) };"""
        folder = self.folder()
        (folder / "slow").mkdir()
        (folder / "slow" / "index.js").write_text(source)
        daemon = self.start(folder, {"apps": [{"name": "slow", "path": "slow"}]})
        self.addCleanup(self.stop, daemon)
        daemon.until(daemon.accepts, "its port")
        self.assertEqual(self.get(daemon, "slow"), "in time")


class LimitTests(SystemTestCase):
    """What an app may take."""

    GREEDY: ClassVar[str] = """
        const kept = [];
        let served = 0;
        const actions = {
          "/loop": () => { for (;;); },
          "/microtasks": async () => { for (;;) await 1; },
          "/regex": () => /^(a+)+$/.test("a".repeat(40) + "!"),
          "/sort": () => { for (;;) new Array(1e6).fill(0).map(Math.random).sort(); },
          "/heap": () => { for (;;) kept.push({ text: `${kept.length}`.repeat(100) }); },
          "/buffers": () => { for (;;) kept.push(new Uint8Array(1e7).fill(1)); },
        };
        export default { async fetch(request) {
          await actions[new URL(request.url).pathname]?.();
          return new Response(`greedy ${++served}`);
        } };"""

    def test_cpu(self) -> None:
        """CPU time is limited, and the next request is served by a new isolate; the neighbour notices nothing."""
        daemon = self.serve({"greedy": self.GREEDY, "good": GOOD}, {"greedy": {"timeout_ms": 200}})
        for path in ("/loop", "/microtasks", "/regex", "/sort"):
            self.assertEqual(self.get(daemon, "greedy"), "greedy 1")
            answer = self.fetch(daemon, "greedy", path)
            self.assertEqual((path, answer.status, answer.error), (path, 503, "exceeded-cpu"))
            self.assertEqual(self.get(daemon, "greedy"), "greedy 1")
            self.assertRegex(self.get(daemon, "good"), "^good ")
            # The isolate in which that was served has seen one request; the next loop finds another one.
            self.fetch(daemon, "greedy", "/loop")
        self.assertEqual(self.get(daemon, "good"), "good 5")

    def test_memory(self) -> None:
        """So is memory, of the heap as of buffers."""
        daemon = self.serve({"greedy": self.GREEDY, "good": GOOD}, {"greedy": {"memory_mb": 64, "timeout_ms": 60_000}})
        for path in ("/heap", "/buffers"):
            answer = self.fetch(daemon, "greedy", path)
            self.assertEqual((path, answer.status, answer.error), (path, 503, "exceeded-memory"))
            self.assertEqual(self.get(daemon, "greedy"), "greedy 1")
            self.assertRegex(self.get(daemon, "good"), "^good ")

    def test_neighbour_during_a_loop(self) -> None:
        """While one app is at its loop, another is served."""
        daemon = self.serve({"greedy": self.GREEDY, "good": GOOD}, {"greedy": {"timeout_ms": 2000}})
        answers: list[Answer] = []
        loop = threading.Thread(target=lambda: answers.append(fetch(daemon.port, "greedy", "/loop")))
        loop.start()
        served = 0
        while not answers:
            self.assertEqual(self.get(daemon, "good"), f"good {(served := served + 1)}")
        loop.join()
        self.assert_error(answers[0], 503, "exceeded-cpu")
        self.assertGreater(served, 3)

    def test_request_timeout(self) -> None:
        """No head in time is a 504, and the request's signal tells the handler, whose isolate lives on."""
        source = """
            let aborted = 0;
            export default { async fetch(request) {
              if (request.url.endsWith("/aborted")) return new Response(`${aborted}`);
              request.signal.addEventListener("abort", () => aborted++);
              await new Promise((resolve) => setTimeout(resolve, 3_600_000));
              return new Response("too late");
            } };"""
        daemon = self.serve({"a": source}, {"a": {"request_timeout_ms": 200}})
        self.assert_error(self.fetch(daemon, "a"), 504, "timeout")
        daemon.until(lambda: self.get(daemon, "a", "/aborted") == "1", "the abort event")

    def test_timeout_is_for_the_head(self) -> None:
        """A response whose head came in time may take its time."""
        source = """
            export default { fetch: () => new Response(new ReadableStream({ async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, 500));
              controller.enqueue(new TextEncoder().encode("late, but there"));
              controller.close();
            } })) };"""
        daemon = self.serve({"a": source}, {"a": {"request_timeout_ms": 200}})
        self.assertEqual(self.get(daemon, "a"), "late, but there")

    def test_hung(self) -> None:
        """A handler that waits for what cannot happen is answered for at once, and the log says so."""
        source = """
            export default { async fetch(request) {
              if (request.url.endsWith("/body")) await request.text();
              if (!request.url.endsWith("/fine")) await new Promise(() => {});
              return new Response("fine");
            } };"""
        daemon = self.serve({"a": source}, {"a": {"request_timeout_ms": 50_000}})
        started = time.monotonic()
        self.assert_error(self.fetch(daemon, "a"), 500, "hung")
        self.assert_error(self.fetch(daemon, "a", "/body", "POST", body=b"x"), 500, "hung")
        self.assertLess(time.monotonic() - started, 40, "it was the timeout that ended it")
        self.assertEqual(self.get(daemon, "a", "/fine"), "fine")
        daemon.wait_for("can never happen")

    def test_too_many_requests(self) -> None:
        """More requests than an app may have at once are refused, with a time to come again."""
        source = """
            let release;
            const released = new Promise((resolve) => { release = resolve; });
            export default { async fetch(request) {
              if (request.url.endsWith("/release")) { release(); return new Response("released"); }
              if (request.url.endsWith("/hold")) {
                const alive = setInterval(() => {}, 1000);
                await released;
                clearInterval(alive);
              }
              return new Response("done");
            } };"""
        daemon = self.serve({"a": source, "good": GOOD}, {"a": {"max_concurrent_requests": 2}})
        with Client(daemon.port) as first:
            held: list[Answer] = []
            waiting = threading.Thread(target=lambda: held.append(first.fetch("a", "/hold")))
            waiting.start()
            # Of two more at a time one has to be refused, once the first has arrived.
            refused: list[Answer] = []

            def look() -> bool:
                answers: list[Answer] = []
                pair = [
                    threading.Thread(target=lambda: answers.append(fetch(daemon.port, "a", "/pause"))) for _ in range(8)
                ]
                for thread in pair:
                    thread.start()
                for thread in pair:
                    thread.join()
                refused.extend(answer for answer in answers if answer.status != 200)
                return bool(refused)

            daemon.until(look, "a refusal")
            self.assert_error(refused[0], 503, "overloaded")
            self.assertEqual(refused[0].header("retry-after"), "1")
            self.assertRegex(self.get(daemon, "good"), "^good ")
            self.assertEqual(self.get(daemon, "a", "/release"), "released")
            waiting.join()
        self.assertEqual([answer.text for answer in held], ["done"])


class LifeTests(SystemTestCase):
    """Global scope, waitUntil, and what a client that leaves means."""

    def test_global_scope_runs_once(self) -> None:
        """It runs once per isolate, not once per request."""
        source = """
            globalThis.runs = (globalThis.runs ?? 0) + 1;
            let requests = 0;
            export default { fetch: () => Response.json([runs, ++requests]) };"""
        daemon = self.serve({"a": source})
        self.assertEqual([self.fetch(daemon, "a").json for _ in range(3)], [[1, 1], [1, 2], [1, 3]])

    def test_wait_until(self) -> None:
        """Work goes on after the response, in nested calls too; the response does not wait for it."""
        source = """
            const done = [];
            let finish;
            const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
            export default { async fetch(request, env, ctx) {
              if (request.url.endsWith("/done")) return Response.json(done);
              const { waitUntil } = { waitUntil: ctx.waitUntil.bind(ctx) };
              waitUntil((async () => {
                await later(20);
                done.push("outer");
                waitUntil((async () => { await later(20); done.push("inner");
                  waitUntil(later(20).then(() => done.push("innermost"))); })());
              })());
              waitUntil(Promise.reject(new Error("of waitUntil")));
              return Response.json(done);
            } };"""
        daemon = self.serve({"a": source})
        self.assertEqual(self.fetch(daemon, "a").json, [])
        expected = ["outer", "inner", "innermost"]
        daemon.until(lambda: bool(self.fetch(daemon, "a", "/done").json == expected), "the work after the response")
        daemon.wait_for("of waitUntil")

    def test_client_that_leaves(self) -> None:
        """The request's signal aborts, and a response stream is cancelled."""
        source = """
            const seen = [];
            export default { fetch(request) {
              const { pathname } = new URL(request.url);
              if (pathname === "/seen") return Response.json(seen.toSorted());
              request.signal.addEventListener("abort", () => seen.push(`abort ${pathname}`));
              if (pathname === "/wait") return new Promise((resolve) => setTimeout(resolve, 3_600_000));
              return new Response(new ReadableStream({
                pull(controller) { controller.enqueue(new Uint8Array(65536)); },
                cancel() { seen.push("cancel"); },
              }));
            } };"""
        daemon = self.serve({"a": source})
        with Client(daemon.port) as client, client.open("a", "/stream") as response:
            self.assertEqual(len(response.read(65536)), 65536)
        daemon.until(lambda: "cancel" in self.fetch(daemon, "a", "/seen").json, "the cancellation")
        self.leave_while_waiting(daemon)
        daemon.until(lambda: "abort /wait" in self.fetch(daemon, "a", "/seen").json, "the abort event")

    def leave_while_waiting(self, daemon: Daemon) -> None:
        """Send a request, and go without its answer."""
        with RawClient(daemon.port) as client:
            client.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            # Another request behind it, on its own connection, shows that the first has been read.
            self.fetch(daemon, "a", "/seen")

    def test_errors_stay_with_their_app(self) -> None:
        """What one app throws, logs and rejects shows nowhere in another's answers."""
        noisy = """
            setInterval(() => { throw new Error("from a timer") }, 10);
            export default { fetch() {
              Promise.reject(new Error("unheard"));
              console.error("noise");
              throw new Error("from a handler");
            } };"""
        quiet = """
            let errors = 0;
            addEventListener("error", () => errors++);
            addEventListener("unhandledrejection", () => errors++);
            export default { fetch: () => new Response(`${errors}`) };"""
        daemon = self.serve({"noisy": noisy, "quiet": quiet})
        for _ in range(10):
            self.assert_error(self.fetch(daemon, "noisy"), 500, "exception")
            self.assertEqual(self.get(daemon, "quiet"), "0")
        daemon.wait_for("noise", "noisy")
        self.assertEqual([word for word in ("noise", "from a", "unheard") if word in daemon.messages("quiet")], [])
