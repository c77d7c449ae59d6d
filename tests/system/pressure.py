# -*- test-case-name: tests.system.test_endurance -*-
"""
Clients that ask at a steady rate, and remember how long each answer took.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from types import TracebackType

from tests.system.client import Client

__all__ = ["Visitors", "percentile"]

#: Makes one request; what is wrong with the answer, or None.
Visit = Callable[[Client], "str | None"]


def percentile(values: list[float], share: float) -> float:
    """The value that *share* of all are not above; 0.0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Visitors:
    """
    Visit again and again while the context lasts.

    Args:
        port: where.
        visit: makes one request, on any thread.
        connections: how many do so at a time.
        pause: how long each rests between two visits, in seconds.

    Attributes:
        wrong: what was wrong with answers.
        broken: what happened to requests that got none.
    """

    def __init__(self, port: int, visit: Visit, connections: int = 4, pause: float = 0.01) -> None:
        self.wrong: list[str] = []
        self.broken: list[str] = []
        self._took: list[float] = []
        self._port = port
        self._visit = visit
        self._pause = pause
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]

    @property
    def answered(self) -> int:
        """How many requests were answered so far."""
        return len(self._took)

    def took(self, since: int = 0) -> list[float]:
        """How long the answers took, in seconds, those after the first *since*."""
        return self._took[since:]

    def _run(self) -> None:
        client = Client(self._port)
        while not self._over.wait(self._pause):
            began = time.perf_counter()
            try:
                problem = self._visit(client)
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                client.close()
                client = Client(self._port)
                continue
            self._took.append(time.perf_counter() - began)
            if problem is not None:
                self.wrong.append(problem)
        client.close()

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
