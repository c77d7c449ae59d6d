# -*- test-case-name: tests.admin.test_fetches -*-
"""
How long the fetches of an app take: an `IOutbound` around another.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from nano.interfaces import AppMeter, IOutbound, OutboundRequest, OutboundResponse

__all__ = ["MeteredOutbound"]


@implementer(IOutbound)
class MeteredOutbound:
    """
    Tells a meter of each request, from its beginning to the head of its response.

    Args:
        outbound: does the work.
        meter: of the app.
        clock: the time.
    """

    def __init__(self, outbound: IOutbound, meter: AppMeter, clock: IReactorTime) -> None:
        self._outbound = outbound
        self._meter = meter
        self._clock = clock

    def request(self, request: OutboundRequest) -> Deferred[OutboundResponse]:
        """Send a request (IOutbound)."""
        began = self._clock.seconds()

        def answered(response: OutboundResponse) -> OutboundResponse:
            self._meter.fetched(str(response.status), self._clock.seconds() - began)
            return response

        def failed(failure: Failure) -> Failure:
            self._meter.fetched("error", self._clock.seconds() - began)
            return failure

        return self._outbound.request(request).addCallbacks(answered, failed)

    def close(self) -> None:
        """Close the connections that are idle (IOutbound)."""
        self._outbound.close()
