# -*- test-case-name: tests.system.test_answers -*-
"""
What a client sees, of requests that are in order and of those that are not.
"""

from __future__ import annotations

import http.client
from typing import ClassVar

from tests.system.case import MB, SystemTestCase
from tests.system.client import Client, RawClient, raw_fetch

ECHO = """
export default { async fetch(request) {
  const { method, url, headers } = request;
  return Response.json({ method, url, headers: [...headers], body: await request.text() });
} };"""

OTHER = "export default { fetch: () => new Response('other') };"


class WellFormedTests(SystemTestCase):
    """Requests that nothing is wrong with."""

    def test_request_arrives(self) -> None:
        """Method, URL, headers and body are what the client sent."""
        daemon = self.serve({"a": ECHO})
        headers = [("X-One", "1"), ("x-many", "a"), ("X-Many", "b"), ("X-Latin", "\xe4")]
        answer = self.fetch(daemon, "a", "/p%20q/../r?x=1&y=%C3%A4", "PUT", headers=headers, body="ä€".encode())
        seen = answer.json
        self.assertEqual((seen["method"], seen["body"]), ("PUT", "ä€"))
        self.assertEqual(seen["url"], "http://a/r?x=1&y=%C3%A4")
        found = dict(seen["headers"])
        self.assertEqual((found["x-one"], found["x-many"], found["x-latin"]), ("1", "a, b", "\xe4"))
        self.assertEqual((found["host"], found["content-length"]), ("a", "5"))

    def test_every_method(self) -> None:
        """Apps decide which methods they know."""
        daemon = self.serve({"a": ECHO})
        with Client(daemon.port) as client:
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
                self.assertEqual(client.fetch("a", method=method).json["method"], method)

    def test_url_has_the_hosts_port(self) -> None:
        """A request's URL is what the client asked for."""
        daemon = self.serve({"a": ECHO})
        self.assertEqual(self.fetch(daemon, "A:81", "/x").json["url"], "http://a:81/x")

    def test_nothing_is_invented(self) -> None:
        """A response carries what the handler set, the date, and framing."""
        app = """
            export default { fetch: () => new Response("ok", {
              status: 418,
              statusText: "Short and stout",
              headers: [["X-A", "1"], ["set-cookie", "a=1"], ["Set-Cookie", "b=2"]],
            }) };"""
        daemon = self.serve({"a": app})
        answer = self.fetch(daemon, "a")
        self.assertEqual((answer.status, answer.body), (418, b"ok"))
        headers = sorted((name.lower(), value) for name, value in answer.headers if name.lower() != "date")
        self.assertEqual(
            headers,
            [
                ("content-length", "2"),
                ("content-type", "text/plain;charset=UTF-8"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("x-a", "1"),
            ],
        )
        self.assertRegex(answer.header("date") or "", r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")

    def test_status_line(self) -> None:
        """The reason phrase is the handler's, or the status's own."""
        app = """
            export default { fetch(request) {
              const [, status, statusText] = new URL(request.url).pathname.split("/");
              return new Response(null, { status: Number(status), statusText });
            } };"""
        daemon = self.serve({"a": app})
        for path, line in {
            "/201": b"HTTP/1.1 201 Created\r\n",
            "/404/Gone-fishing": b"HTTP/1.1 404 Gone-fishing\r\n",
            "/204": b"HTTP/1.1 204 No Content\r\n",
        }.items():
            request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            self.assertTrue(raw_fetch(daemon.port, request.encode()).startswith(line), line)

    def test_responses_without_a_body(self) -> None:
        """HEAD, 204 and 304 have no body, and the connection goes on."""
        app = """
            export default { fetch: (request) => {
              const status = Number(new URL(request.url).pathname.slice(1));
              return new Response(status === 200 ? "twelve bytes" : null, { status });
            } };"""
        daemon = self.serve({"a": app})
        with Client(daemon.port) as client:
            head = client.fetch("a", "/200", "HEAD")
            self.assertEqual((head.status, head.body, head.header("content-length")), (200, b"", "12"))
            for status in (204, 304):
                answer = client.fetch("a", f"/{status}")
                self.assertEqual((answer.status, answer.body), (status, b""))
                self.assertIsNone(answer.header("transfer-encoding"))
            self.assertEqual(client.fetch("a", "/200").body, b"twelve bytes")

    def test_pipelining(self) -> None:
        """Requests in one packet are answered in their order, though the later handler is done first."""
        app = """
            export default { async fetch(request) {
              const { pathname } = new URL(request.url);
              if (pathname === "/slow") await new Promise((resolve) => setTimeout(resolve, 50));
              return new Response(`<${pathname}>`);
            } };"""
        daemon = self.serve({"a": app})
        one = "GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n"
        last = one.format("/last", "Connection: close\r\n")
        said = raw_fetch(daemon.port, (one.format("/slow", "") + one.format("/quick", "") + last).encode())
        self.assertEqual([said.count(b"HTTP/1.1 200 OK"), said.count(b"<")], [3, 3])
        self.assertTrue(said.index(b"</slow>") < said.index(b"</quick>") < said.index(b"</last>"))

    def test_one_byte_at_a_time(self) -> None:
        """How a request is cut into packets does not matter."""
        daemon = self.serve({"a": ECHO})
        request = b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        request += b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        with RawClient(daemon.port) as client:
            for i in range(len(request)):
                client.send(request[i : i + 1])
            self.assertIn(b'"body":"abc"', client.read_all())

    def test_http_1_0(self) -> None:
        """An old client gets its answer, unframed, and then the end of the connection."""
        app = """
            export default { fetch() {
              return new Response(ReadableStream.from(["a", "b"]).pipeThrough(new TextEncoderStream()));
            } };"""
        daemon = self.serve({"a": app})
        head, _, body = raw_fetch(daemon.port, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", head)
        self.assertNotIn(b"transfer-encoding", head.lower())
        self.assertEqual(body, b"ab")

    def test_expect_continue(self) -> None:
        """A client that asks before it sends is told to go on when the app wants the body."""
        daemon = self.serve({"a": ECHO})
        with RawClient(daemon.port) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(client.read_head().startswith(b"HTTP/1.1 100 "))
            client.send(b"abc")
            self.assertTrue(client.read_head().startswith(b"HTTP/1.1 200 "))

    def test_forwarding_headers(self) -> None:
        """Nobody is believed unasked: what clients say of themselves is stripped and set."""
        daemon = self.serve({"a": ECHO})
        lies = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Request-Id", "lie")]
        found = dict(self.fetch(daemon, "a", headers=lies).json["headers"])
        self.assertEqual((found["x-forwarded-for"], found["x-forwarded-proto"]), ("127.0.0.1", "http"))
        self.assertTrue(found["x-request-id"])
        self.assertNotEqual(found["x-request-id"], "lie")

    def test_trusted_proxy(self) -> None:
        """A proxy that is trusted is believed."""
        daemon = self.serve({"a": ECHO, "b": OTHER}, trusted_proxies=["127.0.0.0/8"])
        said = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Request-Id", "id-of-the-proxy")]
        seen = self.fetch(daemon, "a", "/x", headers=said).json
        found = dict(seen["headers"])
        self.assertEqual((seen["url"], found["x-request-id"]), ("https://a/x", "id-of-the-proxy"))
        self.assertTrue(found["x-forwarded-for"].startswith("6.6.6.6"), found)


class MalformedTests(SystemTestCase):
    """Requests that are not to be guessed at."""

    BAD: ClassVar[dict[str, bytes]] = {
        "no Host": b"GET / HTTP/1.1\r\n\r\n",
        "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "Host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "Host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "Host with a user": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "Host with a bad port": b"GET / HTTP/1.1\r\nHost: a:http\r\n\r\n",
        "no version": b"GET /\r\nHost: a\r\n\r\n",
        "nonsense": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "bad version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "bad method": b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "spaces in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "length and chunks": (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "bad length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        "negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "unknown coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "bad chunk size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "bad chunk end": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        "folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n",
        "folded first header": b"GET / HTTP/1.1\r\n X-A: 1\r\nHost: a\r\n\r\n",
        "NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\x002\r\n\r\n",
        "bare CR in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r2\r\n\r\n",
        "space before a colon": b"GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n",
        "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nX-A\r\n\r\n",
        "header without a name": b"GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n",
    }

    def test_bad_requests(self) -> None:
        """They are answered 400 once, and the connection is closed: nothing behind them is taken for a request."""
        daemon = self.serve({"a": ECHO})
        smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        wrong = {}
        for name, request in self.BAD.items():
            said = raw_fetch(daemon.port, request + smuggled)
            refused = said.startswith(b"HTTP/1.1 400 ") and b"nano-error: invalid-request\r\n" in said.lower()
            if not refused or said.count(b"HTTP/1.1 ") != 1 or b"smuggled" in said:
                wrong[name] = said
        self.assertEqual(wrong, {})
        self.assertEqual(self.fetch(daemon, "a").status, 200)

    def test_large_headers(self) -> None:
        """Headers beyond the limit are 431, those below it are served."""
        daemon = self.serve({"a": ECHO})
        fine = self.fetch(daemon, "a", headers=[(f"x-{i}", "v" * 1000) for i in range(30)])
        self.assertEqual(fine.status, 200)
        head = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: " + b"v" * 40_000 + b"\r\n\r\n"
        self.assert_refused(raw_fetch(daemon.port, head), b"431", b"headers-too-large")

    def test_endless_headers(self) -> None:
        """Nobody waits for the end of headers that are too large already."""
        daemon = self.serve({"a": ECHO}, limits={"max_header_bytes": 4096})
        with RawClient(daemon.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: 1\r\n" * 600)
            self.assert_refused(client.read_all(), b"431", b"headers-too-large")

    def test_slow_headers(self) -> None:
        """A client that does not come to the end of its headers is told so, and left."""
        daemon = self.serve({"a": ECHO}, limits={"header_timeout_ms": 300})
        with RawClient(daemon.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
            self.assert_refused(client.read_all(), b"408", b"headers-timeout")

    def test_idle_connection(self) -> None:
        """A connection that is kept for nothing is closed without a word."""
        daemon = self.serve({"a": OTHER}, limits={"idle_timeout_ms": 300})
        with RawClient(daemon.port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            said = client.read_all()
            self.assertTrue(said.endswith(b"\r\n\r\nother"), said)

    def test_large_body(self) -> None:
        """A body beyond the app's limit is 413, announced or not."""
        daemon = self.serve({"a": ECHO}, {"a": {"max_body_mb": 1}})
        fine = self.fetch(daemon, "a", method="POST", body=b"x" * MB)
        self.assertEqual(len(fine.json["body"]), MB)
        announced = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MB + 1)
        self.assert_refused(raw_fetch(daemon.port, announced), b"413", b"body-too-large")
        chunked = (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17
        )
        self.assert_refused(raw_fetch(daemon.port, chunked), b"413", b"body-too-large")

    def assert_refused(self, said: bytes, status: bytes, code: bytes) -> None:
        """An answer is one error of ours, and the last on its connection."""
        self.assertTrue(said.startswith(b"HTTP/1.1 " + status + b" "), said[:200])
        self.assertIn(b"nano-error: " + code + b"\r\n", said.lower())
        self.assertEqual(said.count(b"HTTP/1.1 "), 1)


class HandlerErrorTests(SystemTestCase):
    """Handlers that fail."""

    FAILING = """
function inner() {
  throw new TypeError("it broke");
}
export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/throw": return inner();
    case "/reject": await 0; return inner();
    case "/nothing": return;
    case "/text": return "text";
    case "/object": return { status: 200 };
    case "/string": throw "only a string";
    case "/null": throw null;
    case "/used": { const r = new Response("x"); await r.text(); return r; }
  }
  return new Response("fine");
} };"""

    def test_exceptions(self) -> None:
        """Whatever goes wrong in a handler is a 500 that tells nothing; the log tells file and line."""
        daemon = self.serve({"a": self.FAILING, "b": OTHER})
        for path in ("/throw", "/reject", "/nothing", "/text", "/object", "/string", "/null", "/used"):
            answer = self.fetch(daemon, "a", path)
            self.assert_error(answer, 500, "exception")
            self.assertEqual((path, answer.body), (path, b"Internal Server Error"))
            self.assertEqual(self.get(daemon, "b"), "other")
        self.assertEqual(self.get(daemon, "a"), "fine")
        log = daemon.wait_for("TypeError: it broke")
        self.assertIn("at inner (index.js:3:9)", log)
        self.assertIn("only a string", log)

    def test_dev(self) -> None:
        """With dev the stack stands in the answer."""
        daemon = self.serve({"a": self.FAILING}, {"a": {"dev": True}})
        answer = self.fetch(daemon, "a", "/throw")
        self.assert_error(answer, 500, "exception")
        self.assertIn("TypeError: it broke", answer.text)
        self.assertIn("index.js:3:9", answer.text)

    def test_log_names_the_app(self) -> None:
        """In the log an error belongs to its app and its request."""
        daemon = self.serve({"a": self.FAILING, "b": OTHER})
        self.fetch(daemon, "a", "/throw")
        daemon.wait_for("TypeError: it broke", "a")
        (record,) = (record for record in daemon.records() if record.get("event") == "exchange-failed")
        self.assertEqual((record["app"], record["level"]), ("a", "error"))
        self.assertTrue(record["request_id"])

    def test_failure_after_the_head(self) -> None:
        """A response that cannot be finished is cut off, so that the client can tell."""
        app = """
            export default { fetch(request) {
              let pulls = 0;
              const body = new ReadableStream({ pull(controller) {
                if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("begun"));
                else controller.error(new Error("in the middle"));
              } }, { highWaterMark: 0 });
              const headers = request.url.endsWith("/length") ? { "content-length": "100" } : {};
              return new Response(body, { headers });
            } };"""
        daemon = self.serve({"a": app})
        for path in ("/chunked", "/length"):
            with Client(daemon.port) as client, client.open("a", path) as response:
                self.assertEqual(response.status, 200)
                self.assertRaises((http.client.IncompleteRead, ConnectionResetError), response.read)
        daemon.wait_for("in the middle")

    def test_too_short_and_too_long(self) -> None:
        """A body that is not as long as was announced is cut off as well, and never runs into the next response."""
        app = """
            export default { fetch(request) {
              const text = request.url.endsWith("/short") ? "abc" : "abcdefghij";
              const body = ReadableStream.from([text]).pipeThrough(new TextEncoderStream());
              return new Response(body, { headers: { "content-length": "5" } });
            } };"""
        daemon = self.serve({"a": app})
        request = "GET {} HTTP/1.1\r\nHost: a\r\n\r\n"
        for path in ("/short", "/long"):
            said = raw_fetch(daemon.port, (request.format(path) * 2).encode())
            # What had not gone out when it was cut off never comes, be it the head.
            self.assertLessEqual(said.count(b"HTTP/1.1 "), 1, said)
            body = said.partition(b"\r\n\r\n")[2]
            self.assertTrue(b"abcde".startswith(body) and len(body) <= 5, said)
