# -*- test-case-name: tests.http.test_unclaimed -*-
"""
Hosts that no app claims.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.http.unclaimed import Unclaimed
from nano.interfaces import IEventHandler
from tests.fakes import FakeSink, make_exchange


class UnclaimedTests(SynchronousTestCase):
    """With one health check."""

    def setUp(self) -> None:
        """Which is not well."""
        self.unclaimed = Unclaimed(lambda path: (503, b'{"status":"draining"}') if path == "/health" else None)

    def answer(self, method: str, path: str, host: bytes = b"Any.test:80") -> FakeSink:
        """What a request gets."""
        exchange, sink = make_exchange(None, method, f"http://any.test{path}", [(b"host", host)])
        self.unclaimed.handle(exchange)
        self.assertTrue(sink.finished)
        return sink

    def test_interface(self) -> None:
        """It stands where an app could."""
        verifyObject(IEventHandler, self.unclaimed)

    def test_health(self) -> None:
        """A health check gets its answer, never to be cached; its query does not matter."""
        for path in ("/health", "/health?x=/y"):
            sink = self.answer("GET", path)
            self.assertEqual((sink.status, sink.body), (503, b'{"status":"draining"}'))
            self.assertEqual(sink.header(b"content-type"), b"application/json")
            self.assertEqual(sink.header(b"cache-control"), b"no-store")

    def test_health_by_head(self) -> None:
        """Proxies may ask with HEAD."""
        sink = self.answer("HEAD", "/health")
        self.assertEqual((sink.status, sink.body, sink.length), (503, b"", 21))

    def test_anything_else(self) -> None:
        """Everything else is a host that nobody claims."""
        for method, path in (("POST", "/health"), ("GET", "/health/"), ("GET", "/")):
            sink = self.answer(method, path)
            self.assertEqual((sink.status, sink.header(b"nano-error")), (404, b"no-app"))
            self.assertEqual(sink.body, b'{"error": "no app for host any.test"}')
