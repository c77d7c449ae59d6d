"""
Fetches are measured, and otherwise left alone.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from nano.admin.fetches import MeteredOutbound
from nano.admin.metrics import Metrics, Readings
from nano.interfaces import IOutbound, OutboundError


@implementer(IOutbound)
class FakeOutbound:
    """Keeps requests for the test to answer."""

    def __init__(self) -> None:
        self.requests: list[tuple[Any, Deferred[Any]]] = []
        self.closed = False

    def request(self, request: Any) -> Deferred[Any]:
        """Keep it (IOutbound)."""
        answer: Deferred[Any] = Deferred()
        self.requests.append((request, answer))
        return answer

    def close(self) -> None:
        """Note it (IOutbound)."""
        self.closed = True


class MeteredOutboundTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.inner = Clock(), FakeOutbound()
        self.metrics = Metrics(self.clock, lambda: Readings({"shop": 0}))
        self.outbound = MeteredOutbound(self.inner, self.metrics.meter("shop"), self.clock)
        verifyObject(IOutbound, self.outbound)

    def counted(self) -> dict[str, tuple[int, float]]:
        family = self.metrics.snapshot()["http_client_request_duration_seconds"]
        return {labels[1]: (sum(counts), total) for labels, (counts, total) in family}

    def request(self) -> Deferred[Any]:
        request: Any = object()
        asking = self.outbound.request(request)
        self.assertIs(self.inner.requests[-1][0], request)
        self.clock.advance(0.5)
        return asking

    def test_answer(self) -> None:
        """The response is passed on, and counted by its status."""
        asking, response = self.request(), SimpleNamespace(status=204)
        self.inner.requests[0][1].callback(response)
        self.assertIs(self.successResultOf(asking), response)
        self.assertEqual(self.counted(), {"204": (1, 0.5)})

    def test_no_answer(self) -> None:
        """So is a failure, and one that was cancelled."""
        asking = self.request()
        self.inner.requests[0][1].errback(OutboundError("ERR_CONNECT", "refused"))
        self.failureResultOf(asking, OutboundError)
        cancelled = self.request()
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.assertEqual(self.counted(), {"error": (2, 1.0)})

    def test_close(self) -> None:
        """Closing is the other's business."""
        self.outbound.close()
        self.assertTrue(self.inner.closed)
