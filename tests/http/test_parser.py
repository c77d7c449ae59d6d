# -*- test-case-name: tests.http.test_parser -*-
"""
The parser by itself; its verdicts on bad requests are held in `tests.http.test_channel`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from nano.http.parser import Request, RequestParser

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def parse(raw: bytes, step: int = 0, limit: int = 32768) -> list[Request]:
    """The requests in *raw*."""
    parser = RequestParser(limit)
    for at in range(0, len(raw), step or len(raw)):
        parser.feed(raw[at : at + (step or len(raw))])
    return list(parser.requests)


class ParserTests(SynchronousTestCase):
    """Bytes in, requests out."""

    def test_head(self) -> None:
        """Method, target and fields, however the input is cut."""
        raw = b"\r\nPOST /a?b HTTP/1.1\r\nHOST: a\r\nx-Y:\t 1  2\t \r\nX-Empty:\r\nContent-Length: 2\r\n\r\nhi"
        for step in (0, 1, 3, 17):
            (request,) = parse(raw, step)
            self.assertEqual((request.method, request.target), (b"POST", b"/a?b"))
            self.assertEqual(request.headers, [(b"x-y", b"1  2"), (b"x-empty", b"")])
            self.assertEqual(request.special, {b"host": b"a", b"content-length": b"2"})
            self.assertEqual((request.take(), request.take(), request.complete), (b"hi", b"", True))

    def test_many(self) -> None:
        """One piece may hold many requests, and the beginning of one."""
        parser = RequestParser(1024)
        parser.feed(GET * 3 + GET[:10])
        self.assertEqual((len(parser.requests), parser.in_head), (3, True))
        parser.feed(GET[10:])
        self.assertEqual((len(parser.requests), parser.in_head), (4, False))

    def test_keep_alive(self) -> None:
        """Whether the connection goes on is up to version and Connection (RFC 9112 9.3)."""
        for version, connection, kept in (
            (b"1.1", b"", True),
            (b"1.1", b"Connection: keep-alive\r\n", True),
            (b"1.1", b"Connection: foo, Close\r\n", False),
            (b"1.1", b"Connection: keep-alive\r\nConnection: close\r\n", False),
            (b"1.1", b"Connection: close-x\r\n", True),
            (b"1.0", b"", False),
            (b"1.0", b"Connection: Keep-Alive\r\n", True),
            (b"1.0", b"Connection: close, keep-alive\r\n", False),
            (b"1.0", b"Proxy-Connection: keep-alive\r\n", False),
        ):
            (request,) = parse(b"GET / HTTP/%s\r\nHost: a\r\n%s\r\n" % (version, connection))
            self.assertEqual((request.keep_alive, request.error), (kept, None), (version, connection))

    def test_body_in_pieces(self) -> None:
        """A body is there as far as it has come."""
        parser = RequestParser(1024)
        parser.feed(CHUNKED + b"3\r\nab")
        (request,) = parser.requests
        self.assertEqual((request.take(), request.complete, request.length), (b"ab", False, None))
        parser.feed(b"c\r\n2\r\nde\r\n0\r\n\r\n")
        self.assertEqual((request.take(), request.complete, request.received), (b"cde", True, 5))

    def test_discard(self) -> None:
        """A body that nobody wants is counted and not kept."""
        parser = RequestParser(1024)
        parser.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
        (request,) = parser.requests
        request.discard()
        parser.feed(b"cde")
        self.assertEqual((request.take(), request.received, request.buffered, request.complete), (b"", 5, 0, True))

    def test_broken_body(self) -> None:
        """A body that breaks off is an error of its request, and the last word of the connection."""
        parser = RequestParser(1024)
        parser.feed(CHUNKED + b"3\r\nabc\r\nz\r\n")
        (request,) = parser.requests
        self.assertEqual((request.complete, parser.closed), (False, True))
        self.assertIn("chunk size", str(request.error))
        parser.feed(GET)
        self.assertEqual(len(parser.requests), 1)

    def test_limit_is_of_one_head(self) -> None:
        """Neither other requests nor bodies count against a head."""
        post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
        for step in (0, 1, 700):
            requests = parse((post + GET) * 4, step, 1024)
            self.assertEqual([request.error for request in requests], [None] * 8)

    def test_unfinished_heads(self) -> None:
        """The limit holds before a head is complete."""
        for step in (0, 1, 100):
            (request,) = parse(GET[:-2] + b"X: " + b"a" * 2000, step, 1024)
            self.assertEqual(getattr(request.error, "code", ""), "headers-too-large")

    def test_names_are_shared(self) -> None:
        """Common names are one object for all requests."""
        (one,), (two,) = parse(GET[:-2] + b"User-Agent: x\r\n\r\n"), parse(GET[:-2] + b"user-agent: y\r\n\r\n")
        self.assertIs(one.headers[0][0], two.headers[0][0])

    def test_upgrade(self) -> None:
        """A request with an Upgrade is one without, its body included."""
        upgrade = b"Connection: upgrade\r\nUpgrade: websocket\r\n"
        for framing, body in (
            (b"", b""),
            (b"Content-Length: 0\r\n", b""),
            (b"Content-Length: 3\r\n", b"abc"),
            (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
            (b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        ):
            raw = b"POST / HTTP/1.1\r\nHost: a\r\n" + upgrade + framing + b"\r\n" + body + GET
            for step in (0, 1, 5):
                one, two = parse(raw, step)
                self.assertEqual(
                    (one.take(), one.complete, one.error), (b"abc" if b"3" in framing + body else b"", True, None)
                )
                self.assertEqual((two.method, two.complete, two.error), (b"GET", True, None))
