# -*- test-case-name: tests.apps.test_app -*-
"""
What an app needs of those around it, and stands-in for those it can do without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from nano.config import AppConfig
from nano.errors import NanoError
from nano.exchange import Exchange
from nano.interfaces import AppMeter, IsolateProgram

__all__ = ["PERMANENT", "UNMETERED", "Host", "HostSource", "Residence"]


class Host(Protocol):
    """An isolate host, as its app sees it."""

    @property
    def request_id(self) -> str:
        """Of the one request it is at work on."""

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way in it."""

    def load(self, program: IsolateProgram, owner: Any, timeout: float) -> Deferred[Any]:
        """Evaluate the app."""

    def dispatch(self, exchange: Exchange) -> Any:
        """Have the handler answer an exchange."""

    def retire(self) -> None:
        """Finish what is in flight, and leave."""

    def reclaim(self, done: Callable[[], None]) -> None:
        """Have it collect its garbage."""

    def condemn(self, error: NanoError) -> None:
        """Take it out of service."""


class HostSource(Protocol):
    """Where an app gets isolates, and who watches them."""

    def get(self, urgent: bool) -> Deferred[Any]:
        """A spare isolate host; *urgent* if requests wait for it."""

    def watch(self, host: Any, config: AppConfig) -> None:
        """Hold a host to the app's limits."""

    def forget(self, host: Any) -> None:
        """The host is out of service."""


class _Unmetered:
    """An `AppMeter` that counts nothing."""

    def starting(self) -> Callable[[], None]:
        return lambda: None

    def spent(self, seconds: float) -> None: ...

    def fetched(self, status: str, seconds: float) -> None: ...


class Residence(Protocol):
    """Told who has isolates and who rests (nano.apps.idle.IdleApps)."""

    def taken(self) -> None:
        """An app has got an isolate."""

    def given_back(self) -> None:
        """An app has an isolate less."""

    def rests(self, app: Any) -> None:
        """The app has an isolate, and no request in flight from now on."""

    def works(self, app: Any) -> None:
        """The app has a request, or no isolate any more."""


class _Permanent:
    """A `Residence` that evicts nobody."""

    def taken(self) -> None: ...

    def given_back(self) -> None: ...

    def rests(self, app: Any) -> None: ...

    def works(self, app: Any) -> None: ...


UNMETERED: AppMeter = _Unmetered()
PERMANENT: Residence = _Permanent()
