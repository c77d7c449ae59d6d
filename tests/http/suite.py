# -*- test-case-name: tests.http.test_channel -*-
"""
What every HTTP front of nano does with raw requests: mixed into a test case per front.
"""

from __future__ import annotations

from typing import Any

from nano.errors import DrainingError, HandlerError
from nano.exchange import ExchangeState
from tests.fakes import FakeConsumer
from tests.http.fronts import ClientEnd, Front

__all__ = ["HTTPSuite"]

GET = b"GET /a?b=%20c HTTP/1.1\r\nHost: app.test\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\nHost: app.test\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: app.test\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class HTTPSuite:
    """
    Needs `make_front`; everything else is a test.
    """

    assertEqual: Any
    assertIn: Any
    assertIsNone: Any
    assertTrue: Any
    assertFalse: Any

    def make_front(self) -> Front:
        """A new front."""
        raise NotImplementedError

    def setUp(self) -> None:
        """A front, and a client of it."""
        self.front = self.make_front()
        self.client = self.front.connect()

    def request(self, raw: bytes = GET) -> ClientEnd:
        """Have the client send a request."""
        return self.client.send(raw)

    def assert_refused(self, raw: bytes, status: int = 400) -> None:
        """A request that is answered with an error, without any app seeing it, and that ends the connection."""
        front = self.make_front()
        client = front.connect().send(raw)
        self.assertEqual(client.raw[9:12], b"%d" % status, client.raw)
        self.assertTrue(client.transport.ended, raw)
        self.assertEqual(front.app.exchanges, [])

    # Requests.

    def test_request(self) -> None:
        """An app gets method, absolute URL and headers, with names in lower case and values untouched."""
        self.request(b"GET /a?b=%20c HTTP/1.1\r\nHOST: App.Test:80\r\nX-Thing:  \xe4  b \r\nX-Empty:\r\n\r\n")
        exchange = self.front.exchange
        self.assertEqual(exchange.method, "GET")
        self.assertEqual(exchange.url, "http://App.Test:80/a?b=%20c")
        self.assertIn((b"x-thing", b"\xe4  b"), exchange.headers)
        self.assertIn((b"x-empty", b""), exchange.headers)
        self.assertIn((b"host", b"App.Test:80"), exchange.headers)
        self.assertIsNone(exchange.body)

    def test_repeated_headers(self) -> None:
        """Fields that come twice are given twice, in their order."""
        self.request(b"GET / HTTP/1.1\r\nHost: app.test\r\nCookie: a=1\r\nX-A: 1\r\nCookie: b=2\r\n\r\n")
        cookies = [value for name, value in self.front.exchange.headers if name == b"cookie"]
        self.assertEqual(cookies, [b"a=1", b"b=2"])

    def test_targets(self) -> None:
        """The absolute form names the same host; percent-encodings stay as they are."""
        for method, target, url in (
            (b"GET", b"http://app.test/x?y", "http://app.test/x?y"),
            (b"GET", b"http://APP.test?y=/z", "http://app.test/?y=/z"),
            (b"GET", b"/%2e%2E/%zz%00//b", "http://app.test/%2e%2E/%zz%00//b"),
            (b"GET", b"//evil.test/", "http://app.test//evil.test/"),
        ):
            front = self.make_front()
            front.connect().send(b"%s %s HTTP/1.1\r\nHost: app.test\r\n\r\n" % (method, target))
            self.assertEqual(front.exchange.url, url)

    def test_bad_targets(self) -> None:
        """A target that is none, or that names another host, is refused."""
        for target in (b"http://other.test/", b"app.test:80", b"foo", b"/a\x01b"):
            self.assert_refused(b"GET %s HTTP/1.1\r\nHost: app.test\r\n\r\n" % target)

    def test_bad_hosts(self) -> None:
        """Without exactly one valid Host nobody knows whom a request is for."""
        for hosts in (
            b"",
            b"Host: app.test\r\nHost: app.test\r\n",
            b"Host: app.test\r\nhost: other.test\r\n",
            b"Host:\r\n",
            b"Host: app test\r\n",
            b"Host: app.test/x\r\n",
            b"Host: user@app.test\r\n",
            b"Host: app.test:80:80\r\n",
            b"Host: app.test:65536\r\n",
            b"Host: app%2etest\r\n",
            b"Host: [::g]\r\n",
            b"Host: 1.2.3.4.5\r\n",
            b"Host: \xe4pp.test\r\n",
            b"Host: app.test, app.test\r\n",
        ):
            self.assert_refused(b"GET / HTTP/1.1\r\n%s\r\n" % hosts)

    def test_no_app(self) -> None:
        """A host that no app claims gets 404 and the word for it."""
        response = self.request(b"GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n").response()
        self.assertEqual((response.status, response.code), (404, "no-app"))
        self.assertEqual(response.body, b'{"error": "no app for host nobody.test"}')

    def test_health(self) -> None:
        """Health checks are answered where no app is, and never shadow an app's own paths."""
        self.request(b"GET /health HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
        self.assertEqual(self.client.response().body, b'{"status":"ok"}')
        self.request(b"GET /health HTTP/1.1\r\nHost: app.test\r\n\r\n")
        self.assertEqual(self.front.exchange.url, "http://app.test/health")

    # Bodies.

    def test_body(self) -> None:
        """A small body comes with its head."""
        self.request(POST + b"Content-Length: 5\r\n\r\nhello")
        self.assertEqual(self.body(), b"hello")

    def test_chunked_body(self) -> None:
        """Chunks, extensions and trailers included, become one body; trailer fields are no headers."""
        self.request(CHUNKED + b'2\r\nhe\r\n3;a="b;c"\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n')
        self.assertEqual(self.body(), b"hello")
        self.assertFalse([name for name, _ in self.front.exchange.headers if name == b"x-trailer"])

    def body(self) -> bytes:
        """What the app's last exchange has for a body."""
        body, consumer = self.front.exchange.body, FakeConsumer()
        if body is None or isinstance(body, bytes):
            return body or b""
        body.start(consumer)
        self.front.turn()
        self.front.turn()
        self.assertEqual(consumer.ended, "finished")
        return consumer.body

    def test_large_body(self) -> None:
        """A body of any allowed size arrives whole."""
        data = bytes(range(256)) * 600
        self.request(POST + b"Content-Length: %d\r\n\r\n" % len(data))
        for at in range(0, len(data), 5000):
            self.request(data[at : at + 5000])
        consumer = FakeConsumer()
        body = self.front.exchange.body
        assert body is not None and not isinstance(body, bytes)
        body.start(consumer)
        for _ in range(8):
            self.front.turn()
        self.assertEqual((consumer.body == data, consumer.ended), (True, "finished"))

    def test_body_too_large(self) -> None:
        """A body beyond the app's limit is answered 413."""
        self.front.app.max_body = 10
        self.request(POST + b"Content-Length: 11\r\n\r\nhello world")
        response = self.client.response()
        self.assertEqual((response.status, response.code), (413, "body-too-large"))

    def test_bad_framing(self) -> None:
        """Framing that two servers could read in two ways is refused (RFC 9112 6 and 11.2)."""
        for fields in (
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n",
            b"Content-Length: -5\r\n",
            b"Content-Length: +5\r\n",
            b"Content-Length: 5,5\r\n",
            b"Content-Length: 0x5\r\n",
            b"Content-Length: 5 5\r\n",
            b"Transfer-Encoding: xchunked\r\n",
            b"Transfer-Encoding: gzip\r\n",
        ):
            self.assert_refused(POST + fields + b"\r\n")

    # Responses.

    def test_response(self) -> None:
        """A response carries what the app set, Date and its length, and nothing else."""
        self.request()
        self.front.exchange.respond(
            201, b"", [(b"x-a", b"1"), (b"set-cookie", b"a"), (b"set-cookie", b"b")], None, b"hi"
        )
        response = self.client.response()
        self.assertEqual((response.status, response.reason, response.body), (201, "Created", b"hi"))
        self.assertEqual(response.header("set-cookie"), "a, b")
        self.assertEqual(response.header("content-length"), "2")
        self.assertIn(" GMT", response.header("date"))
        names = {name.lower() for name, _ in response.headers}
        self.assertEqual(names, {"x-a", "set-cookie", "content-length", "date"})

    def test_app_sets_date(self) -> None:
        """There is one Date, the app's if it set one."""
        self.request()
        self.front.exchange.respond(200, b"", [(b"Date", b"yesterday")], None, b"")
        self.assertEqual(self.client.response().header("date"), "yesterday")

    def test_reason(self) -> None:
        """The app's status text is sent."""
        self.request()
        self.front.exchange.respond(299, b"So so", [], None, b"")
        self.assertEqual((self.client.response().status, self.client.response().reason), (299, "So so"))

    def test_unknown_length(self) -> None:
        """A body of unknown length is chunked."""
        self.request()
        exchange = self.front.exchange
        exchange.respond(200, b"", [], None)
        self.assertIn(b"200 OK", self.client.raw)
        exchange.write(b"one")
        exchange.write(b"")
        exchange.write(b"two")
        exchange.end()
        response = self.client.response()
        self.assertEqual((response.body, response.header("transfer-encoding")), (b"onetwo", "chunked"))
        self.assertFalse(self.client.transport.ended)

    def test_announced_length(self) -> None:
        """A body of announced length is sent as it comes, its head at once."""
        self.request()
        exchange = self.front.exchange
        exchange.respond(200, b"", [], 6)
        self.front.turn()
        self.assertIn(b"\r\n\r\n", self.client.raw)
        exchange.write(b"one")
        self.assertTrue(self.client.raw.endswith(b"one"))
        exchange.write(b"two")
        exchange.end()
        response = self.client.response()
        self.assertEqual((response.body, response.header("content-length")), (b"onetwo", "6"))

    def test_head(self) -> None:
        """HEAD is answered like GET, without the body."""
        self.request(HEAD)
        self.front.exchange.respond(200, b"", [], None, b"hello")
        response = self.client.response("HEAD")
        self.assertEqual((response.header("content-length"), response.body), ("5", b""))
        self.assertFalse(self.client.raw.endswith(b"hello"))
        self.assertFalse(self.client.transport.ended)

    def test_head_error(self) -> None:
        """An error that answers HEAD has no body, either."""
        self.request(HEAD)
        self.front.exchange.fail(HandlerError("x"))
        self.assertTrue(self.client.raw.endswith(b"\r\n\r\n"))

    def test_no_content(self) -> None:
        """204 and 304 have neither body nor framing."""
        for status in (204, 304):
            front = self.make_front()
            client = front.connect().send(GET)
            front.exchange.respond(status, b"", [], None)
            front.exchange.end()
            response = client.response()
            self.assertEqual((response.status, response.body), (status, b""))
            self.assertIsNone(response.header("transfer-encoding"))
            self.assertFalse(client.transport.ended)

    def test_old_client(self) -> None:
        """HTTP/1.0 gets no chunks: the end of the connection is the end of the body."""
        self.request(OLD)
        exchange = self.front.exchange
        exchange.respond(200, b"", [], None)
        exchange.write(b"one")
        exchange.end()
        self.assertEqual(self.client.response().body, b"one")
        self.assertIsNone(self.client.response().header("transfer-encoding"))
        self.assertTrue(self.client.transport.ended)

    def test_close(self) -> None:
        """A client that wants the connection closed gets it closed after its answer."""
        self.request(b"GET / HTTP/1.1\r\nHost: hello.test\r\nConnection: close\r\n\r\n")
        self.assertEqual(self.client.response().header("connection"), "close")
        self.assertTrue(self.client.transport.ended)

    def test_keep_alive(self) -> None:
        """Request follows request on one connection."""
        for _ in range(3):
            self.request(b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n")
        self.assertEqual([response.status for response in self.client.responses()], [200] * 3)
        self.assertFalse(self.client.transport.ended)

    def test_pipelining(self) -> None:
        """Pipelined requests are answered in their order, whenever the apps answer."""
        hello = b"GET /%d HTTP/1.1\r\nHost: hello.test\r\n\r\n"
        self.request(GET + hello % 1 + hello % 2)
        self.assertEqual(self.client.raw, b"")
        self.front.exchange.respond(200, b"", [], None, b"first")
        self.front.turn()
        bodies = [response.body for response in self.client.responses()]
        self.assertEqual(bodies, [b"first", b"http://hello.test/1", b"http://hello.test/2"])

    # Failures.

    def test_failure(self) -> None:
        """An app that fails before the head is answered 500, and the connection goes on."""
        self.request()
        self.front.exchange.fail(HandlerError("secret"))
        response = self.client.response()
        self.assertEqual((response.status, response.code), (500, "exception"))
        self.assertEqual(response.body, b"Internal Server Error")
        self.assertFalse(self.client.transport.ended)

    def test_retry_after(self) -> None:
        """A refusal that may be over soon says when to come back."""
        self.request()
        self.front.exchange.fail(DrainingError())
        self.assertEqual((self.client.response().status, self.client.response().header("retry-after")), (503, "1"))

    def test_cut(self) -> None:
        """A failure after the head resets the connection, so that the client can tell."""
        for length in (None, 10):
            front = self.make_front()
            client = front.connect().send(GET)
            front.exchange.respond(200, b"", [], length)
            front.exchange.write(b"12345")
            front.exchange.fail(HandlerError("x"))
            self.assertTrue(client.transport.aborted)
            self.assertFalse(client.raw.endswith(b"0\r\n\r\n"))

    def test_short_body(self) -> None:
        """So does a body shorter than announced."""
        self.request()
        self.front.exchange.respond(200, b"", [], 10)
        self.front.exchange.write(b"12345")
        self.front.exchange.end()
        self.assertTrue(self.client.transport.aborted)

    def test_response_splitting(self) -> None:
        """Headers that would end the head early never leave the house."""
        for name, value in (
            (b"x", b"a\r\nset-cookie: b"),
            (b"x\r\ny", b"1"),
            (b"x", b"a\nb"),
            (b"x:", b"a"),
            (b"", b""),
        ):
            front = self.make_front()
            client = front.connect().send(GET)
            front.exchange.respond(200, b"", [(name, value)], None, b"")
            response = client.response()
            self.assertEqual((response.status, response.code), (500, "exception"))

    def test_client_leaves(self) -> None:
        """A client that leaves is known to the exchange at once, whatever it is at."""
        self.request()
        self.client.leave()
        self.assertEqual(self.front.exchange.state, ExchangeState.CUT)
        self.assertEqual(self.front.exchange.outcome, "client-gone")

    def test_backpressure(self) -> None:
        """A client that does not read pauses the exchange, one that reads on resumes it."""
        self.request()
        exchange = self.front.exchange
        exchange.respond(200, b"", [], None)
        producer = self.client.transport.producer
        assert producer is not None
        producer.pauseProducing()
        self.assertTrue(exchange.paused)
        producer.resumeProducing()
        self.assertFalse(exchange.paused)
