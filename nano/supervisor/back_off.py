# -*- test-case-name: tests.supervisor.test_back_off -*-
"""
What is tried again after a pause, which is twice as long each time: the start of a worker's process.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = ["FIRST_DELAY", "LONGEST_DELAY", "BackOff"]

#: How long to wait the first time and at most, in seconds.
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0


class BackOff:
    """
    The next tries, one for each number at most.

    Args:
        clock: waits.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._failures: dict[int, int] = {}
        self._waiting: dict[int, IDelayedCall] = {}

    def failed(self, number: int, again: Callable[[], object]) -> float:
        """Call *again* after a pause, and not what was to be called before; tells how long that is, in seconds."""
        self.cancel(number)
        failures = self._failures[number] = self._failures.get(number, 0) + 1
        delay: float = min(FIRST_DELAY * 2 ** min(failures - 1, 10), LONGEST_DELAY)
        self._waiting[number] = self._clock.callLater(delay, again)
        return delay

    def succeeded(self, number: int) -> None:
        """The next failure of that number will be its first one."""
        self._failures.pop(number, None)

    def cancel(self, number: int) -> None:
        """Do not try again; does nothing if nobody waits, or for the try that is under way."""
        call = self._waiting.pop(number, None)
        if call is not None and call.active():
            call.cancel()

    def cancel_all(self) -> None:
        """Try nothing again."""
        for number in list(self._waiting):
            self.cancel(number)
