# -*- test-case-name: tests.engine.test_host -*-
"""
The one time at which an isolate wants to be woken; which of its timers are due then is its own affair.

The other half is nano/runtime/timers.js.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from nano.engine.records import RecordError

__all__ = ["Alarm"]

#: Twisted keeps delays as they are; a month is longer than any isolate lives.
_LONGEST = 2**31 - 1


class Alarm:
    """
    An alarm that is set or not.

    Args:
        clock: calls back.
        wake: is called then.
    """

    def __init__(self, clock: IReactorTime, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._wake = wake
        self._call: IDelayedCall | None = None

    def __bool__(self) -> bool:
        return self._call is not None

    def set(self, payload: bytes) -> None:
        """
        Set it anew: *payload* is a number of milliseconds as a double; a negative one only takes back the last.

        Raises:
            RecordError: it is none.
        """
        self.cancel()
        if len(payload) != 8:
            msg = "a timer has no time"
            raise RecordError(msg)
        milliseconds = struct.unpack("<d", payload)[0]
        if milliseconds >= 0:
            self._call = self._clock.callLater(min(milliseconds, _LONGEST) / 1000, self._fired)

    def _fired(self) -> None:
        self._call = None
        self._wake()

    def cancel(self) -> None:
        """Take it back, if it is set."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
