# -*- test-case-name: tests.system.test_isolation -*-
"""
What keeps apps apart, from one another and from the daemon, as somebody finds out who tries.
"""

from __future__ import annotations

import json
from typing import Any

from tests.system.case import SystemTestCase
from tests.system.client import RawClient
from tests.system.daemon import Daemon, free_port

NEIGHBOUR = "export default { fetch: () => new Response('calm') };"


class FetchTests(SystemTestCase):
    """What apps may ask of the network at a time."""

    def serve_with_url(self, source: str, **apps: str) -> Daemon:
        """A daemon whose app `a` finds its own URL in its env."""
        port = free_port()
        keys = {"a": {"hostname": ["a", "127.0.0.1"], "env": {"URL": f"http://127.0.0.1:{port}/"}}}
        return self.serve({"a": source, **apps}, keys, port=port, drain_timeout_ms=300)

    def test_recursion(self) -> None:
        """A request that comes back again and again ends, after sixteen times, with an error."""
        source = """
            let count = 0;
            export default { async fetch(request, env) {
              if (request.url.endsWith("/count")) return Response.json(count);
              count++;
              const response = await fetch(env.URL);
              return new Response(await response.text(), { status: response.status, headers: response.headers });
            } };"""
        daemon = self.serve_with_url(source)
        self.assertEqual(self.fetch(daemon, "a").status, 508)
        self.assertEqual(self.fetch(daemon, "a", "/count").json, 17)

    def test_recursion_in_disguise(self) -> None:
        """It does not help to leave out, or to make up, the header that counts."""
        source = """
            let count = 0;
            export default { async fetch(request, env) {
              if (request.url.endsWith("/count")) return Response.json(count);
              if (count++ > 100) return new Response("no end");
              const headers = new Headers({ "nano-hops": "0" });
              headers.append("Nano-Hops", "-1");
              const response = await fetch(new Request(env.URL, { headers }));
              return new Response(null, { status: response.status });
            } };"""
        daemon = self.serve_with_url(source)
        self.assertEqual(self.fetch(daemon, "a").status, 508)
        self.assertEqual(self.fetch(daemon, "a", "/count").json, 17)

    def test_connections(self) -> None:
        """An app that reads no answers holds so many connections and no more; its neighbour is served."""
        source = """
            const kept = [];
            export default { async fetch(request, env) {
              if (request.url.endsWith("/endless")) return new Response(new ReadableStream({
                start: (controller) => controller.enqueue(new Uint8Array(10)),
                pull: () => new Promise((resolve) => setTimeout(resolve, 1e8)),
              }));
              const asked = Array.from({ length: 50 }, () => fetch(env.URL + "endless").then(
                (response) => { kept.push(response); return "ok" }, (error) => String(error)));
              return Response.json([kept.length, await Promise.all(asked)]);
            } };"""
        daemon = self.serve_with_url(source, neighbour=NEIGHBOUR)
        answers = [self.fetch(daemon, "a").json for _ in range(7)]
        self.assertLessEqual(answers[-1][0], 256)
        refused = [text for text in answers[-1][1] if text != "ok"]
        self.assertTrue(refused and all("connections are in use" in text for text in refused), refused[:1])
        self.assertEqual(self.get(daemon, "neighbour"), "calm")


class ReachTests(SystemTestCase):
    """What there is of the daemon within an app's reach: nothing."""

    def test_environment(self) -> None:
        """The daemon's environment, arguments and files are nowhere to be found."""
        source = """
            import process from "node:process";
            import * as workers from "cloudflare:workers";
            export default { async fetch(request, env) {
              const seen = new Set(), texts = [];
              const look = (value) => {
                if (typeof value === "string") texts.push(value);
                if (Object(value) !== value || seen.has(value)) return;
                seen.add(value);
                for (const key of Reflect.ownKeys(value)) {
                  texts.push(String(key));
                  try { look(value[key]) } catch {}
                }
                look(Object.getPrototypeOf(value));
              };
              [globalThis, process, workers, env, request].forEach(look);
              const tried = [];
              for (const url of ["file:///etc/passwd", "/etc/passwd", "data:,x"]) {
                tried.push(await fetch(url).then((r) => r.text(), () => "refused"));
              }
              return Response.json([texts.join("\\n"), tried]);
            } };"""
        daemon = self.serve(
            {"a": source, "b": NEIGHBOUR}, {"b": {"env": {"KEY": "the-neighbours"}}}, environ={"KEY": "d43mon"}
        )
        text, tried = self.fetch(daemon, "a").json
        for secret in ("d43mon", "the-neighbours", "twistd", str(daemon.process.pid), "app.json"):
            self.assertNotIn(secret, text)
        self.assertIn("addEventListener", text)
        self.assertEqual(tried[:2], ["refused", "refused"])

    def test_key_derivation(self) -> None:
        """Deriving a key with endless iterations is refused, and holds nobody up."""
        source = """
            export default { async fetch() {
              const key = await crypto.subtle.importKey("raw", new Uint8Array(8), "PBKDF2", false, ["deriveBits"]);
              const algorithm = { name: "PBKDF2", hash: "SHA-512", salt: new Uint8Array(8), iterations: 2 ** 31 };
              return Response.json(await crypto.subtle.deriveBits(algorithm, key, 512).catch((error) => error.name));
            } };"""
        daemon = self.serve({"a": source})
        self.assertEqual(self.fetch(daemon, "a").json, "OperationError")


class LogTests(SystemTestCase):
    """The log is ours to write."""

    def test_forgery(self) -> None:
        """Neither apps nor clients can make up a line, or a field of one."""
        forged = '\\n{"level":"forged","event":"forged","msg":"forged"}\\r\\n'
        source = f"""
            export default {{ fetch(request) {{
              console.log('{forged}', "\\u2028forged\\u2029", "\\x1b[2K\\x00");
              if (request.url.endsWith("/throw")) throw new Error('{forged}');
              return new Response("x");
            }} }};"""
        daemon = self.serve({"a": source})
        for path in (b"/", b"/throw"):
            with RawClient(daemon.port) as client:
                agent = b'"} \\n {"event":"forged"} \xe2\x80\xa8 \xff'
                client.send(
                    b"GET %s HTTP/1.1\r\nHost: a\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n" % (path, agent)
                )
                client.read_all()
        self.stop(daemon)
        records: list[dict[str, Any]] = [json.loads(line) for line in daemon.log.splitlines()]
        self.assertNotIn("forged", {record["event"] for record in records})
        self.assertEqual([record["event"] for record in records].count("console"), 2)
        self.assertEqual(daemon.log.splitlines(), daemon.log.split("\n")[:-1], "other ends of lines")


class TimeTests(SystemTestCase):
    """Whose time is counted."""

    def test_waiting(self) -> None:
        """An app may wait much longer than it may compute."""
        source = """
            export default { async fetch() {
              for (let n = 0; n < 20; n++) await new Promise((resolve) => setTimeout(resolve, 50));
              return new Response("waited");
            } };"""
        daemon = self.serve({"a": source}, {"a": {"timeout_ms": 200}})
        self.assertEqual(self.get(daemon, "a"), "waited")

    def test_computing_in_pieces(self) -> None:
        """Computing counts, in however small pieces."""
        source = """
            export default { async fetch() {
              for (;;) {
                await new Promise((resolve) => setTimeout(resolve, 1));
                for (const end = Date.now() + 20, x = []; performance.now && x.length < 2e5;) x.push(x.length);
              }
            } };"""
        daemon = self.serve({"a": source}, {"a": {"timeout_ms": 300, "request_timeout_ms": 60_000}})
        self.assert_error(self.fetch(daemon, "a"), 503, "exceeded-cpu")
