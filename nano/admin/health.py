# -*- test-case-name: tests.admin.test_health -*-
"""
Health checks: what a load balancer or an orchestrator asks.

They answer on the admin listener, and on the main port for hosts that no app claims, so that they never shadow an
app's own paths.
"""

from __future__ import annotations

import json
from typing import Protocol

__all__ = ["Health", "health_answer"]


class Health(Protocol):
    """How the server is."""

    @property
    def ready(self) -> bool:
        """Whether every app is loaded, or has failed to."""

    @property
    def draining(self) -> bool:
        """Whether nothing new is accepted."""


def health_answer(path: str, health: Health) -> tuple[int, bytes] | None:
    """
    Status and JSON body for a health check's path; None for any other path.

    `/livez` tells that the process works; `/readyz` that it can take requests; `/health` and `/healthz` that it is
    not draining.
    """
    if path == "/livez":
        good, word = True, "ok"
    elif path == "/readyz":
        good = health.ready and not health.draining
        word = "draining" if health.draining else "ok" if good else "loading"
    elif path in ("/health", "/healthz"):
        good = not health.draining
        word = "ok" if good else "draining"
    else:
        return None
    return (200 if good else 503), json.dumps({"status": word}, separators=(",", ":")).encode()
