# -*- test-case-name: tests.engine.test_notices -*-
"""
What the threads of isolates have to tell the reactor thread.

Waking a reactor costs two system calls, and as a thread lets go of the interpreter's lock for each of them, a change of
threads as well.  A hundred isolates that answer side by side have much to tell, so they share one queue: the first of
them wakes the reactor, and those that come before it has looked only add to what it finds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from nano.interfaces import Reactor

__all__ = ["Notices"]


class Notices:
    """
    Calls that are to be made on the reactor thread, in the order in which they were put here.

    Args:
        reactor: makes them.
    """

    _log = Logger()

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False

    def put(self, call: Callable[..., object], *arguments: Any) -> None:
        """Have *call* made soon; on any thread."""
        # Two threads that find nobody woken wake the reactor twice, which does no harm.  Nothing is ever left: whoever
        # adds a call after the reactor has begun to look finds it not woken.
        self._calls.append((call, arguments))
        if not self._woken:
            self._woken = True
            self._reactor.callFromThread(self._make)

    def _make(self) -> None:
        self._woken = False
        for _ in range(len(self._calls)):
            call, arguments = self._calls.popleft()
            try:
                call(*arguments)
            except Exception:
                self._log.failure("what an isolate has told could not be handled")
