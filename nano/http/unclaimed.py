# -*- test-case-name: tests.http.test_unclaimed -*-
"""
What hosts that no app claims are answered: health checks, and otherwise 404.
"""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from nano.errors import NoAppError
from nano.exchange import Exchange
from nano.http.headers import host_name, url_path
from nano.interfaces import IEventHandler

__all__ = ["Unclaimed"]

_JSON = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


@implementer(IEventHandler)
class Unclaimed:
    """
    The handler for every host that has no app.

    Args:
        health: gives status and JSON body for the path of a health check, None for any other path.
    """

    max_body = 65536

    def __init__(self, health: Callable[[str], tuple[int, bytes] | None]) -> None:
        self._health = health

    def handle(self, exchange: Exchange) -> None:
        """Answer (IEventHandler)."""
        answer = self._health(url_path(exchange.url)) if exchange.method in ("GET", "HEAD") else None
        if answer is not None:
            exchange.respond(answer[0], b"", _JSON, None, answer[1])
            return
        host = next((value for name, value in exchange.headers if name == b"host"), b"")
        exchange.fail(NoAppError(f"no app for host {host_name(host)}"))
