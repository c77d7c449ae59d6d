# -*- test-case-name: tests.http.test_response -*-
"""
Responses as bytes, without a connection.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.exchange import Exchange
from nano.http.parser import Request
from nano.http.response import ResponseWriter
from nano.interfaces import IResponseSink


class FakeWire:
    """Keeps what is sent."""

    date_line = b"Date: now\r\n"

    def __init__(self, stays_open: bool = True) -> None:
        self.open = stays_open
        self.sent: list[bytes] = []
        self.soon = 0
        self.ended: list[object] = []

    def send(self, data: bytes) -> None:
        """Keep it."""
        self.sent.append(data)

    def send_soon(self) -> None:
        """Count."""
        self.soon += 1

    def stays_open(self, exchange: Exchange) -> bool:
        """As the test says."""
        return self.open

    def response_finished(self, exchange: Exchange, keep_alive: bool) -> None:
        """Keep it."""
        self.ended.append(keep_alive)

    def response_cut(self, exchange: Exchange) -> None:
        """Keep it."""
        self.ended.append("cut")


class WriterTests(SynchronousTestCase):
    """Head, framing, end."""

    def begin(
        self, method: str = "GET", http10: bool = False, keep_alive: bool = True, stays_open: bool = True
    ) -> None:
        """A writer whose response is due."""
        self.wire = FakeWire(stays_open)
        self.writer = ResponseWriter(self.wire)
        request = Request(method.encode(), b"/", [], {})
        request.http10, request.keep_alive = http10, keep_alive
        self.exchange = Exchange(self.writer, method, "http://a/", [], None, "id")
        self.writer.begin(self.exchange, request)

    def test_interface(self) -> None:
        """It is a sink."""
        self.begin()
        verifyObject(IResponseSink, self.writer)

    def test_whole(self) -> None:
        """A response that is there at once is one piece, in exactly these bytes."""
        self.begin()
        self.exchange.respond(200, b"", [(b"x-a", b"1"), (b"x-a", b"2")], None, b"hello")
        self.assertEqual(
            self.wire.sent,
            [b"HTTP/1.1 200 OK\r\nDate: now\r\nx-a: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello"],
        )
        self.assertEqual(self.wire.ended, [True])

    def test_flushed_head(self) -> None:
        """A head that waits for its body does not wait for ever, and is sent once."""
        self.begin()
        self.exchange.respond(200, b"", [], 3)
        self.assertEqual((self.wire.sent, self.wire.soon), ([], 1))
        self.writer.flush()
        self.writer.flush()
        self.exchange.write(b"abc")
        self.exchange.end()
        self.assertEqual([len(self.wire.sent), self.wire.sent[1]], [2, b"abc"])

    def test_chunks(self) -> None:
        """A body of unknown length, its head at once; empty pieces would end it, and are none."""
        self.begin()
        self.exchange.respond(200, b"", [], None)
        self.assertTrue(self.wire.sent[0].endswith(b"Transfer-Encoding: chunked\r\n\r\n"))
        for piece in (b"x" * 17, b"", b"y"):
            self.exchange.write(piece)
        self.exchange.end()
        self.assertEqual(self.wire.sent[1:], [b"11\r\n" + b"x" * 17 + b"\r\n", b"1\r\ny\r\n", b"0\r\n\r\n"])

    def test_large_pieces(self) -> None:
        """Large pieces are sent as they are, not copied."""
        data = b"x" * 100000
        for length in (len(data), None):
            self.begin()
            self.exchange.respond(200, b"", [], length)
            self.exchange.write(data)
            self.exchange.end()
            self.assertTrue(any(piece is data for piece in self.wire.sent))
            framed = b"186a0\r\n" + data + b"\r\n0\r\n\r\n" if length is None else data
            self.assertEqual(b"".join(self.wire.sent).partition(b"\r\n\r\n")[2], framed)

    def test_connection(self) -> None:
        """Whether the connection goes on is told where it is not obvious."""
        for http10, keep_alive, stays_open, length, said, kept in (
            (False, True, True, 0, b"", True),
            (False, False, True, 0, b"Connection: close\r\n", False),
            (False, True, False, 0, b"Connection: close\r\n", False),
            (True, True, True, 0, b"Connection: keep-alive\r\n", True),
            (True, False, True, 0, b"Connection: close\r\n", False),
            (True, True, True, None, b"Connection: close\r\n", False),
        ):
            self.begin(http10=http10, keep_alive=keep_alive, stays_open=stays_open)
            self.exchange.respond(200, b"", [], length)
            self.exchange.end()
            fields = b"".join(line + b"\r\n" for line in self.wire.sent[0].split(b"\r\n") if b"onnection" in line)
            self.assertEqual((fields, self.wire.ended), (said, [kept]))

    def test_no_framing(self) -> None:
        """Where there is no body there is none to frame, but for the length that HEAD asks about."""
        for method, status, length, line in (
            ("GET", 204, None, b""),
            ("GET", 304, None, b""),
            ("GET", 304, 7, b"Content-Length: 7\r\n"),
            ("HEAD", 200, None, b""),
            ("HEAD", 200, 7, b"Content-Length: 7\r\n"),
            ("GET", 205, None, b"Content-Length: 0\r\n"),
        ):
            self.begin(method)
            self.exchange.respond(status, b"x", [], length)
            self.exchange.end()
            expected = b"HTTP/1.1 %d x\r\nDate: now\r\n%b\r\n" % (status, line)
            self.assertEqual((b"".join(self.wire.sent), self.wire.ended), (expected, [True]))

    def test_cut(self) -> None:
        """A head that was not sent is not sent any more."""
        self.begin()
        self.exchange.respond(200, b"", [], 3)
        self.exchange.write(b"")
        self.exchange.end()
        self.writer.flush()
        self.assertEqual((self.wire.sent, self.wire.ended), ([], ["cut"]))
