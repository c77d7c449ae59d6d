# -*- test-case-name: tests.http.test_channel -*-
"""
The HTTP/1.1 channel: what all fronts do, and what it does beyond.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from nano.config import LimitsConfig
from nano.errors import DrainingError, HandlerError, OverloadedError
from nano.exchange import Exchange, ExchangeState
from nano.http.channel import BODY_BUFFER, LINGERED_BODY, SKIPPED_BODY
from tests.fakes import FakeConsumer
from tests.http.fronts import ChannelFront, ClientEnd, Front
from tests.http.suite import CHUNKED, GET, OLD, POST, HTTPSuite

HELLO = b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n"


class SuiteTests(HTTPSuite, SynchronousTestCase):
    """The rules for all fronts, input in one piece."""

    def make_front(self) -> Front:
        """The channel."""
        return ChannelFront()


class ByteWiseSuiteTests(HTTPSuite, SynchronousTestCase):
    """The rules for all fronts, input byte by byte."""

    def make_front(self) -> Front:
        """The channel."""
        return ChannelFront(step=1)


class ChannelTestCase(SynchronousTestCase):
    """A channel and its client."""

    step = 0

    def setUp(self) -> None:
        """Connect."""
        self.front = ChannelFront(self.step)
        self.client = self.front.connect()

    @property
    def exchange(self) -> Exchange:
        """What the app was given last."""
        return self.front.exchange

    def start_body(self, pause: bool = False) -> FakeConsumer:
        """Have the app read."""
        body, consumer = self.exchange.body, FakeConsumer()
        assert body is not None and not isinstance(body, bytes)
        if pause:
            body.pauseProducing()
        body.start(consumer)
        return consumer

    def assert_refused(self, raw: bytes, status: int, code: str) -> None:
        """An error answer, and the end of the connection, however the input is cut."""
        for step in (0, 1):
            front = ChannelFront(step)
            client = front.connect().send(raw)
            (response,) = client.responses()
            self.assertEqual((response.status, response.code), (status, code), raw)
            self.assertEqual(response.header("connection"), "close")
            self.assertTrue(client.transport.ended)
            self.assertEqual(front.app.exchanges, [])


class RefusalTests(ChannelTestCase):
    """What never gets to an app."""

    def test_grammar(self) -> None:
        """Anything but the grammar of RFC 9112 is refused."""
        head = b"GET / HTTP/1.1\r\nHost: app.test\r\n"
        for raw in (
            b"GARBAGE\r\n\r\n",
            b"GET /\r\n\r\n",
            b"get / HTTP/1.1\r\nHost: app.test\r\n\r\n",
            b"GET\t/ HTTP/1.1\r\nHost: app.test\r\n\r\n",
            b"GET / HTTP/1.1 \r\nHost: app.test\r\n\r\n",
            b"GET / http/1.1\r\nHost: app.test\r\n\r\n",
            b"GET / HTTP/1.2\r\nHost: app.test\r\n\r\n",
            b"GET / HTTP/0.9\r\nHost: app.test\r\n\r\n",
            b"GET / HTTP/2.0\r\nHost: app.test\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: app.test\r\n\r\n",
            b"GET * HTTP/1.1\r\nHost: app.test\r\n\r\n",
            b"GET / HTTP/1.1\nHost: app.test\n\n",
            head + b"X: 1\nY: 2\r\n\r\n",
            head + b"X: a\r\n b\r\n\r\n",
            head + b"X: a\r\n\tb\r\n\r\n",
            b"GET / HTTP/1.1\r\n Host: app.test\r\n\r\n",
            head + b"X: a\0b\r\n\r\n",
            head + b"X: a\x01b\r\n\r\n",
            head + b"X: a\rb\r\n\r\n",
            head + b"X: a\r\r\n\r\n",
            head + b"X : a\r\n\r\n",
            head + b": a\r\n\r\n",
            head + b"X\r\n\r\n",
            head + b"X\xff: a\r\n\r\n",
        ):
            self.assert_refused(raw, 400, "invalid-request")

    def test_other_protocols(self) -> None:
        """TLS, HTTP/2 and SSH get an answer that is none of theirs, and a closed connection."""
        for raw in (b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"):
            self.assert_refused(raw, 400, "invalid-request")

    def test_framing(self) -> None:
        """Transfer codings other than chunked, and chunks for HTTP/1.0, are refused."""
        for fields in (
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"Transfer-Encoding: chunked, chunked\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            b"Transfer-Encoding: chunked;q=1\r\n",
            b"Transfer-Encoding: \x0bchunked\r\n",
            b"Transfer-Encoding:\r\n",
            b"Transfer-Encoding : chunked\r\n",
            b"Content-Length: 5\r\nContent-Length: 5\r\n",
            b"Content-Length: 99999999999999999999\r\n",
            b"Content-Length:\r\n",
        ):
            self.assert_refused(POST + fields + b"\r\n", 400, "invalid-request")
        old = POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        self.assert_refused(old, 400, "invalid-request")

    def test_methods(self) -> None:
        """What proxies and other protocols are asked is not for us."""
        for line in (b"CONNECT app.test:80 HTTP/1.1", b"TRACE / HTTP/1.1", b"SOURCE / ICE/1.0", b"DESCRIBE / RTSP/1.0"):
            self.assert_refused(line + b"\r\nHost: app.test\r\n\r\n", 501, "unsupported-method")

    def test_large_heads(self) -> None:
        """A head beyond the limit is refused, be it complete or not, of many fields or one, or a target."""
        head = b"GET / HTTP/1.1\r\nHost: app.test\r\n"
        for raw in (
            head + b"X: " + b"a" * 40000 + b"\r\n\r\n",
            head + b"X: " + b"a" * 40000,
            head + b"X: a\r\n" * 7000 + b"\r\n",
            b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: app.test\r\n\r\n",
            b"GET /" + b"a" * 40000,
        ):
            self.assert_refused(raw, 431, "headers-too-large")

    def test_largest_head(self) -> None:
        """A head of just the allowed size is served, one byte more is not."""
        fixed = len(b"GET / HTTP/1.1\r\nHost: hello.test\r\nX: \r\n\r\n")
        for size, status in ((32768, 200), (32769 + 4, 431)):
            client = ChannelFront().connect()
            client.send(b"GET / HTTP/1.1\r\nHost: hello.test\r\nX: " + b"a" * (size - fixed) + b"\r\n\r\n")
            self.assertEqual(client.response().status, status)

    def test_errors_keep_their_place(self) -> None:
        """Garbage behind a request is answered after it."""
        self.client.send(GET + b"GARBAGE\r\n\r\n")
        self.assertEqual(self.client.raw, b"")
        self.exchange.respond(200, b"", [], None, b"first")
        self.assertEqual([response.status for response in self.client.responses()], [200, 400])
        self.assertTrue(self.client.transport.ended)

    def test_nothing_after_an_error(self) -> None:
        """What comes after an error is not looked at."""
        self.client.send(b"GARBAGE\r\n\r\n" + HELLO).send(HELLO)
        self.assertEqual(self.client.response().status, 400)


class SmugglingTests(ChannelTestCase):
    """Requests that want to be two, or half of one."""

    def assert_only(self, raw: bytes, *statuses: int) -> None:
        """No more answers than these, however the input is cut."""
        for step in (0, 1, 7):
            client = ChannelFront(step).connect().send(raw)
            self.assertEqual([response.status for response in client.responses()], list(statuses), raw)

    def test_both_framings(self) -> None:
        """CL.TE and TE.CL end the connection; what follows is no request."""
        post = POST.replace(b"app.test", b"hello.test")
        for fields in (
            b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
            b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: x\r\n\r\n",
        ):
            self.assert_only(post + fields + HELLO, 400)

    def test_hidden_in_get(self) -> None:
        """The body of a GET is a body."""
        self.assert_only(b"GET / HTTP/1.1\r\nHost: hello.test\r\nContent-Length: %d\r\n\r\n" % len(HELLO) + HELLO, 200)

    def test_upgrade_with_body(self) -> None:
        """Upgrade is ignored, and a body behind it is no request."""
        upgrade = b"Connection: upgrade\r\nUpgrade: h2c\r\n"
        for framing, body in (
            (b"Content-Length: %d" % len(HELLO), HELLO),
            (b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(HELLO), HELLO)),
        ):
            raw = b"POST / HTTP/1.1\r\nHost: hello.test\r\n" + upgrade + framing + b"\r\n\r\n" + body
            self.assert_only(raw, 200)
            self.assert_only(raw + HELLO, 200, 200)
        self.assert_only(HELLO[:-2] + upgrade + b"\r\n" + HELLO, 200, 200)

    def test_after_close(self) -> None:
        """Nothing is served after the last request of a connection."""
        self.assert_only(HELLO[:-2] + b"Connection: close\r\n\r\n" + HELLO, 200)
        self.assert_only(HELLO.replace(b"1.1", b"1.0") + HELLO, 200)

    def test_bad_chunks(self) -> None:
        """A chunk that is none ends the request; the app never has it whole."""
        for chunks in (
            b"z\r\n",
            b"0x3\r\nabc\r\n",
            b"-3\r\nabc\r\n",
            b"3 \r\nabc\r\n",
            b"3\nabc\n",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"3;a\nb\r\nabc\r\n",
            b"3;\0\r\nabc\r\n",
            b"fffffffffffffffff\r\nabc",
            b"0\r\nContent-Length: 5\r\n\r\n",
            b"0\r\nX : 1\r\n\r\n",
            b"0\r\n\n",
            b"\r\n",
        ):
            for step in (0, 1):
                front = ChannelFront(step)
                client = front.connect().send(CHUNKED + chunks)
                self.assertEqual((client.response().status, client.response().code), (400, "invalid-request"), chunks)
                self.assertTrue(client.transport.ended)
                self.assertTrue(all(exchange.over for exchange in front.app.exchanges))

    def test_endless_extensions(self) -> None:
        """Chunk extensions and trailers are bounded, whatever they are spread over."""
        for piece in (b"1;" + b"a" * 900 + b"\r\nx\r\n", b"1;" + b"a" * 900):
            client = ChannelFront().connect().send(CHUNKED)
            for _ in range(80):
                client.send(piece)
            self.assertEqual(client.response().status, 400)
        client = ChannelFront().connect().send(CHUNKED + b"0\r\n")
        for _ in range(80):
            client.send(b"X: " + b"a" * 900 + b"\r\n")
        self.assertEqual(client.response().status, 400)

    def test_small_chunks(self) -> None:
        """Chunks of one byte are silly, and allowed."""
        self.client.send(CHUNKED)
        consumer = self.start_body()
        for _ in range(100):
            self.client.send(b"1\r\nx\r\n" * 100)
        self.client.send(b"0\r\n\r\n")
        self.assertEqual((len(consumer.body), consumer.ended), (10000, "finished"))


class HeadTests(ChannelTestCase):
    """What an app gets to see."""

    def headers(self, name: bytes) -> list[bytes]:
        """Values of the last request's fields."""
        return [value for key, value in self.exchange.headers if key == name]

    def test_whole_server(self) -> None:
        """OPTIONS may ask about the server as a whole, which for an app is its root."""
        self.client.send(b"OPTIONS * HTTP/1.1\r\nHost: app.test\r\n\r\n")
        self.assertEqual(self.exchange.url, "http://app.test/")

    def test_hop_by_hop(self) -> None:
        """Fields about the connection, and those that Connection names, are not the app's."""
        self.client.send(
            b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
            b"Proxy-Connection: close\r\nUpgrade: websocket\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n"
        )
        names = {name for name, _ in self.exchange.headers}
        forwarded = {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-request-id"}
        self.assertEqual(names, {b"host", b"x-end"} | forwarded)

    def test_forwarded_by_anybody(self) -> None:
        """Nobody may say of himself who he is."""
        self.client.send(GET[:-2] + b"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=x\r\n\r\n")
        self.assertEqual(self.headers(b"x-forwarded-for"), [b"192.168.1.1"])
        self.assertEqual(self.headers(b"x-forwarded-proto"), [b"http"])
        self.assertEqual(self.headers(b"forwarded"), [])

    def test_request_ids(self) -> None:
        """Each request has an id of its own, which the app can read."""
        self.client.send(GET)
        self.exchange.respond(200, b"", [], None, b"")
        self.client.send(GET)
        one, two = (exchange.request_id for exchange in self.front.app.exchanges)
        self.assertNotEqual(one, two)
        self.assertEqual(self.headers(b"x-request-id"), [two.encode()])

    def test_content_length_is_told(self) -> None:
        """Apps look at Content-Length before they read."""
        self.client.send(POST + b"Content-Length: 5\r\n\r\nhello")
        self.assertEqual(self.headers(b"content-length"), [b"5"])

    def test_empty_body(self) -> None:
        """A body of no bytes is none."""
        self.client.send(POST + b"Content-Length: 0\r\n\r\n")
        self.assertIsNone(self.exchange.body)


class UploadTests(ChannelTestCase):
    """Request bodies that take time."""

    def test_handed_over_with_the_head(self) -> None:
        """The app is called when the head is there, and gets the body as it comes."""
        self.client.send(POST + b"Content-Length: 10\r\n\r\nhello")
        consumer = self.start_body()
        self.assertEqual(consumer.body, b"hello")
        self.client.send(b"world")
        self.assertEqual((consumer.body, consumer.ended), (b"helloworld", "finished"))

    def test_counted(self) -> None:
        """However an exchange ends, it is known how much of its body was read."""
        for end in (
            lambda: self.exchange.respond(200, b"", [], None, b""),
            lambda: self.exchange.fail(HandlerError()),
            lambda: self.client.leave(),
        ):
            self.client = self.front.connect().send(POST + b"Content-Length: 10\r\n\r\nhello")
            end()
            self.assertEqual(self.exchange.received, 5)
        self.front.connect().send(POST + b"Content-Length: 5\r\n\r\nhello")
        self.assertEqual(self.exchange.received, 5)

    def test_outlived_by_its_reader(self) -> None:
        """Who still reads a body when the response is over, or cut, is told that no more will come."""
        for whole, word in ((b"", "over"), (None, "cut")):
            self.client = self.front.connect().send(POST + b"Content-Length: 10\r\n\r\nhello")
            consumer = self.start_body()
            self.exchange.respond(200, b"", [], 5 if whole is None else 0, whole)
            self.exchange.fail(HandlerError())
            self.assertIn(word, consumer.ended or "")

    def test_reader_fails_with_its_body(self) -> None:
        """A body that is too large is answered as such, also if its reader fails the exchange in its own words."""
        self.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        consumer = self.start_body()
        consumer.fail = lambda reason: self.exchange.fail(HandlerError(reason))  # type: ignore[method-assign]
        self.front.app.max_body = 10
        self.client.send(b"a\r\n" + b"x" * 10 + b"\r\n")
        self.assertEqual(self.exchange.outcome, "body-too-large")

    def test_nobody_reads(self) -> None:
        """While the app does not read, the client has to wait; nothing is lost."""
        self.client.send(POST + b"Content-Length: 200000\r\n\r\n")
        self.client.send(b"x" * (BODY_BUFFER - 1))
        self.assertTrue(self.client.transport.reading)
        self.client.send(b"x")
        self.assertFalse(self.client.transport.reading)
        consumer = self.start_body()
        self.assertTrue(self.client.transport.reading)
        self.client.send(b"x" * (200000 - BODY_BUFFER))
        self.assertEqual((len(consumer.body), consumer.ended), (200000, "finished"))

    def test_paused(self) -> None:
        """A consumer that pauses gets nothing until it resumes."""
        self.client.send(POST + b"Content-Length: 200000\r\n\r\n")
        body = self.exchange.body
        consumer = self.start_body(pause=True)
        assert body is not None and not isinstance(body, bytes)
        self.client.send(b"x" * 100000)
        self.assertEqual((consumer.body, self.client.transport.reading), (b"", False))
        body.resumeProducing()
        self.assertEqual((len(consumer.body), self.client.transport.reading), (100000, True))

    def test_continue(self) -> None:
        """A client that asks is told to go on when the app first reads, once."""
        self.client.send(POST + b"Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n")
        self.assertEqual(self.client.raw, b"")
        consumer = self.start_body()
        self.assertEqual(self.client.raw, b"HTTP/1.1 100 Continue\r\n\r\n")
        self.client.send(b"hello")
        self.exchange.respond(200, b"", [], None, b"")
        self.assertEqual(consumer.ended, "finished")
        self.assertEqual(self.client.raw.count(b"HTTP/1.1"), 2)
        self.assertFalse(self.client.transport.ended)

    def test_not_continued(self) -> None:
        """An answer without reading ends the connection, as nobody knows whether the body will come."""
        self.client.send(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        self.exchange.respond(403, b"", [], None, b"no")
        self.assertEqual(self.client.response().header("connection"), "close")
        self.assertTrue(self.client.transport.ended)

    def test_continue_for_old_clients(self) -> None:
        """HTTP/1.0 knows no 100."""
        self.client.send(POST.replace(b"1.1", b"1.0") + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        self.start_body()
        self.assertEqual(self.client.raw, b"")

    def test_announced_too_large(self) -> None:
        """A length beyond the limit is refused before any of it is read, and the app is not called."""
        self.front.app.max_body = 10
        self.assert_too_large(POST + b"Content-Length: 11\r\n\r\n")
        self.assertEqual(self.front.app.exchanges, [])

    def assert_too_large(self, raw: bytes) -> None:
        """413, and the end."""
        self.client.send(raw)
        self.assertEqual((self.client.response().status, self.client.response().code), (413, "body-too-large"))
        self.assertTrue(self.client.transport.ended)

    def test_chunked_too_large(self) -> None:
        """A chunked body is refused when it grows beyond the limit, and the app's reading fails."""
        self.front.app.max_body = 10
        self.client.send(CHUNKED)
        consumer = self.start_body()
        self.assert_too_large(b"b\r\nhello world\r\n")
        self.assertIn("10 bytes", consumer.ended or "")

    def test_too_large_while_answering(self) -> None:
        """Once the answer has begun, all that is left is to cut it."""
        self.front.app.max_body = 10
        self.client.send(CHUNKED)
        self.start_body()
        self.exchange.respond(200, b"", [], None)
        self.client.send(b"b\r\nhello world\r\n")
        self.assertTrue(self.client.transport.aborted)

    def test_unread_body_is_skipped(self) -> None:
        """A handler that does not read leaves a connection that works."""
        self.client.send(POST + b"Content-Length: 100000\r\n\r\n" + b"x" * 70000)
        self.assertFalse(self.client.transport.reading)
        self.exchange.respond(200, b"", [], None, b"done")
        self.assertTrue(self.client.transport.reading)
        self.client.send(b"x" * 30000 + HELLO)
        self.assertEqual([response.status for response in self.client.responses()], [200, 200])

    def test_too_much_to_skip(self) -> None:
        """What would take too long to read ends the connection instead, after the answer."""
        for raw in (POST + b"Content-Length: %d\r\n\r\n" % (SKIPPED_BODY + 1), CHUNKED):
            client = self.front.connect().send(raw)
            self.exchange.respond(200, b"", [], None, b"done")
            if raw is CHUNKED:
                self.assertFalse(client.transport.ended)
                client.send(b"%x\r\n" % (SKIPPED_BODY + 1) + b"x" * (SKIPPED_BODY + 1))
            self.assertEqual(client.response().body, b"done")
            self.assertTrue(client.transport.half_closed)

    def test_refused_body(self) -> None:
        """An app that wants no more stops the upload; its answer still comes."""
        self.client.send(POST + b"Content-Length: 100000\r\n\r\nx")
        self.start_body()
        body = self.exchange.body
        assert body is not None and not isinstance(body, bytes)
        body.stopProducing()
        self.assertFalse(self.client.transport.reading)
        self.exchange.respond(200, b"", [], None, b"enough")
        self.client.send(b"x" * 99999 + HELLO)
        self.assertEqual([response.status for response in self.client.responses()], [200, 200])

    def test_client_leaves(self) -> None:
        """A client that leaves in the middle is an error for who reads."""
        self.client.send(POST + b"Content-Length: 10\r\n\r\nhello")
        consumer = self.start_body()
        self.client.leave()
        self.assertEqual(consumer.ended, "the client has gone")
        self.assertEqual(self.exchange.state, ExchangeState.CUT)

    def test_hung_up(self) -> None:
        """So is one of whom only a `HangupWatch` knows, as nothing was read."""
        self.client.send(POST + b"Content-Length: 100000\r\n\r\n" + b"x" * 70000)
        self.client.protocol.hung_up()
        self.assertEqual(self.exchange.outcome, "client-gone")
        self.assertTrue(self.client.transport.aborted)
        self.client.leave()
        self.assertEqual(len(self.front.seen), 1)


class DownloadTests(ChannelTestCase):
    """Responses, as far as they are the channel's own."""

    def test_one_write(self) -> None:
        """Head and body of a response that is there at once are one write."""
        self.client.send(HELLO)
        self.assertEqual(len(self.client.transport.writes), 1)

    def test_date(self) -> None:
        """Date is the time of the answer, to the second."""
        for seconds, date in ((0, "Sun, 09 Sep 2001 01:46:40 GMT"), (0.9, "40 GMT"), (0.2, "41 GMT")):
            self.front.clock.advance(seconds)
            response = self.front.connect().send(HELLO).response()
            self.assertTrue((response.header("date") or "").endswith(date))

    def test_reset_content(self) -> None:
        """205 says that it is empty."""
        self.client.send(GET)
        self.exchange.respond(205, b"", [], None)
        self.exchange.end()
        self.assertEqual(self.client.response().header("content-length"), "0")

    def test_old_keep_alive(self) -> None:
        """HTTP/1.0 stays connected if it asks to and the length is known."""
        self.client.send(OLD[:-2] + b"Connection: Keep-Alive\r\n\r\n")
        self.exchange.respond(200, b"", [], None, b"hi")
        self.assertEqual(self.client.response().header("connection"), "keep-alive")
        self.assertFalse(self.client.transport.ended)
        self.client.send(OLD[:-2] + b"Connection: Keep-Alive\r\n\r\n")
        self.exchange.respond(200, b"", [], None)
        self.exchange.end()
        self.assertTrue(self.client.transport.ended)

    def test_errors_that_close(self) -> None:
        """Some errors are about the connection as well."""
        for error, closed in ((DrainingError(), True), (HandlerError(), False), (OverloadedError(), False)):
            client = self.front.connect().send(GET)
            self.exchange.fail(error)
            self.assertEqual(client.transport.disconnecting, closed)
            self.assertEqual(client.response().header("connection"), "close" if closed else None)

    def test_handler_raises(self) -> None:
        """A handler that raises does not take the connection with it."""

        def broken(exchange: Exchange) -> None:
            raise ZeroDivisionError

        self.front.app.handle = broken  # type: ignore[method-assign]
        self.client.send(GET)
        self.assertEqual(self.client.response().code, "engine-failure")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_pipelined_requests_wait(self) -> None:
        """While one waits nothing more is read; many answered at once are no deep recursion."""
        self.client.send(GET + HELLO)
        self.assertFalse(self.client.transport.reading)
        self.exchange.respond(200, b"", [], None, b"")
        self.assertTrue(self.client.transport.reading)
        self.client.send(HELLO * 3000)
        self.assertEqual(len(self.client.responses()), 3002)

    def test_unread_responses(self) -> None:
        """A client that sends and does not read is not served on."""
        self.client.protocol.pauseProducing()
        self.client.send(HELLO * 2)
        self.assertEqual(self.client.raw, b"")
        self.client.protocol.resumeProducing()
        self.assertEqual(len(self.client.responses()), 2)


class EndTests(ChannelTestCase):
    """How connections end."""

    def after(self, seconds: float) -> ClientEnd:
        """Let time pass."""
        for _ in range(int(seconds * 8)):
            self.front.clock.advance(0.125)
        return self.client

    def test_idle(self) -> None:
        """An idle connection is closed after a while, without a word, and not before."""
        for before in (b"", HELLO, b"\r\n"):
            self.client = self.front.connect().send(before)
            said = self.client.raw
            self.assertFalse(self.after(74).transport.ended)
            self.assertTrue(self.after(2).transport.disconnecting)
            self.assertEqual(self.client.raw, said)
            self.client.leave()

    def test_never_early(self) -> None:
        """However the clock of the factory stands, nobody gets less than his time."""
        client = self.front.connect()
        self.front.clock.pump([0.25, 0.2])
        client.send(HELLO)
        for _ in range(749):
            self.front.clock.advance(0.1)
        self.assertFalse(client.transport.ended)
        for _ in range(10):
            self.front.clock.advance(0.1)
        self.assertTrue(client.transport.ended)

    def test_slow_head(self) -> None:
        """A head that takes too long is answered 408, however steadily it comes."""
        for before in (b"", HELLO):
            self.client = self.front.connect().send(before)
            for byte in b"GET / HT":
                self.client.send(bytes([byte]))
                self.after(1)
            self.assertFalse(self.client.transport.ended)
            self.after(3)
            response = self.client.responses()[-1]
            self.assertEqual((response.status, response.code), (408, "headers-timeout"))
            self.assertTrue(self.client.transport.ended)
            self.client.leave()

    def test_slow_app(self) -> None:
        """The app's time is not the client's."""
        self.client.send(GET)
        self.after(200)
        self.exchange.respond(200, b"", [], None, b"at last")
        self.assertEqual(self.client.response().body, b"at last")
        self.assertFalse(self.after(70).transport.ended)

    def test_idle_body(self) -> None:
        """A body that stops coming is answered 408."""
        self.client.send(POST + b"Content-Length: 10\r\n\r\nhello")
        consumer = self.start_body()
        self.after(70)
        self.client.send(b"w")
        self.assertEqual(self.after(70).raw, b"")
        self.after(6)
        self.assertEqual((self.client.response().status, self.client.response().code), (408, "body-timeout"))
        self.assertIn("75 s", consumer.ended or "")

    def test_idle_body_while_answering(self) -> None:
        """Once the answer has begun it is cut."""
        self.client.send(POST + b"Content-Length: 10\r\n\r\nhello")
        self.start_body()
        self.exchange.respond(200, b"", [], None)
        self.assertTrue(self.after(76).transport.aborted)

    def test_body_nobody_waits_for(self) -> None:
        """Where the app does not read the client is not late."""
        self.client.send(POST + b"Content-Length: 10\r\n\r\nhello")
        self.assertEqual(self.after(200).raw, b"")

    def test_client_does_not_read(self) -> None:
        """A client that does not read at all is cut off, one that reads slowly is not."""
        self.client.send(GET)
        self.exchange.respond(200, b"", [], None)
        self.client.protocol.pauseProducing()
        for offset in range(4):
            self.client.transport.offset = offset
            self.assertFalse(self.after(70).transport.ended)
        self.assertTrue(self.after(150).transport.aborted)
        self.assertEqual(self.exchange.outcome, "client-gone")

    def test_half_closed(self) -> None:
        """A client that sends no more gets its answer, if that does not take long."""
        self.client.send(GET)
        self.client.protocol.readConnectionLost()
        self.exchange.respond(200, b"", [], None, b"hi")
        self.assertEqual(self.client.response().body, b"hi")
        self.assertTrue(self.client.transport.disconnecting)

    def test_half_closed_and_gone(self) -> None:
        """One that has in fact gone is noticed within a second."""
        self.client.send(GET)
        self.client.protocol.readConnectionLost()
        self.after(1)
        self.assertEqual(self.exchange.outcome, "client-gone")

    def test_half_closed_stream(self) -> None:
        """A response that gets on is no reason to worry."""
        self.client.send(GET)
        self.client.protocol.readConnectionLost()
        self.exchange.respond(200, b"", [], None)
        for _ in range(20):
            self.exchange.write(b"more")
            self.after(0.25)
        self.assertFalse(self.exchange.over)

    def test_half_closed_without_a_request(self) -> None:
        """Where no answer is due the connection ends, and where a body is missing the exchange."""
        for raw in (b"", b"GET /", HELLO):
            client = self.front.connect().send(raw)
            client.protocol.readConnectionLost()
            self.assertTrue(client.transport.disconnecting)
        client = self.front.connect().send(POST + b"Content-Length: 10\r\n\r\nhello")
        client.protocol.readConnectionLost()
        self.assertEqual(self.exchange.outcome, "client-gone")

    def test_linger(self) -> None:
        """After an error input is read and dropped for a while, so that the client gets to see the answer."""
        self.client.send(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
        self.assertTrue(self.client.transport.ended)
        self.client = self.front.connect().send(POST + b"Content-Length: 9999999999\r\n\r\n")
        self.assertTrue(self.client.transport.half_closed)
        self.assertFalse(self.client.transport.disconnecting)
        self.client.send(b"x" * LINGERED_BODY)
        self.assertFalse(self.client.transport.disconnecting)
        self.client.send(b"x")
        self.assertTrue(self.client.transport.disconnecting)

    def test_linger_ends(self) -> None:
        """Who neither closes nor sends is not waited for."""
        self.client.send(POST + b"Content-Length: 9999999999\r\n\r\n")
        self.assertTrue(self.after(3).transport.aborted)

    def test_access(self) -> None:
        """Each exchange is told of once, whatever became of it."""
        self.client.send(HELLO)
        self.client.send(GET)
        self.front.clock.advance(2)
        self.client.leave()
        self.front.connect().send(b"GARBAGE\r\n\r\n")
        seen = [(exchange.status, exchange.outcome, client, took) for exchange, client, took in self.front.seen]
        self.assertEqual(
            seen,
            [
                (200, "ok", "192.168.1.1", 0),
                (0, "client-gone", "192.168.1.1", 2),
                (400, "invalid-request", "192.168.1.1", 0),
            ],
        )


class LimitTests(SynchronousTestCase):
    """Limits that are configured."""

    def test_short_timeouts(self) -> None:
        """Time-outs shorter than the usual tick are kept as well."""
        front = ChannelFront(limits=LimitsConfig(header_timeout=0.05, idle_timeout=0.1))
        slow, idle = front.connect().send(b"GET"), front.connect()
        for _ in range(30):
            front.clock.advance(0.01)
        self.assertEqual(slow.response().status, 408)
        self.assertTrue(idle.transport.disconnecting)
