# -*- test-case-name: tests.engine.test_host -*-
"""
What an isolate host is there for, and whom it tells what happens.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from nano.errors import NanoError
from nano.interfaces import Trace

if TYPE_CHECKING:
    from nano.engine.host import IsolateHost

__all__ = ["NO_TRACE", "UNOWNED", "HostState", "IsolateOwner"]


class HostState(Enum):
    """What an isolate host is there for."""

    SPARE = "spare"
    LOADING = "loading"
    SERVING = "serving"
    RETIRED = "retired"
    CONDEMNED = "condemned"


class IsolateOwner(Protocol):
    """The app, as its isolate host sees it."""

    @property
    def name(self) -> str:
        """The app's name."""

    def isolate_log(self, host: IsolateHost, level: int, text: str) -> None:
        """The app has logged a line: 0 debug, 1 info, 2 warn, 3 error."""

    def isolate_retired(self, host: IsolateHost) -> None:
        """The host finishes what it has, and wants no more."""

    def isolate_condemned(self, host: IsolateHost, error: NanoError) -> None:
        """The host is out of service; its events fail."""


class _Unowned:
    """What a spare has in the place of an owner."""

    name = ""

    def isolate_log(self, host: IsolateHost, level: int, text: str) -> None: ...

    def isolate_retired(self, host: IsolateHost) -> None: ...

    def isolate_condemned(self, host: IsolateHost, error: NanoError) -> None: ...


class _NoTrace:
    """A `Trace` that leaves none."""

    def requested(self) -> None: ...

    def started(self) -> None: ...

    def read(self) -> None: ...

    def close(self) -> None: ...


NO_TRACE: Trace = _NoTrace()
UNOWNED: IsolateOwner = _Unowned()
