# -*- test-case-name: tests.apps.test_idle -*-
"""
Which apps keep their isolate while they have nothing to do.

A worker may have many more apps than isolates fit into it.  An app that rests may be *evicted*: its isolate is given
back, and with it what its modules remember, as on Workers; the next request has a spare evaluate the app again.  Three
rules say when, and all of them take the app that has rested for longest first:

- *limit*: there are more than `most` isolates with an app;
- *memory*: the process has grown beyond what it should have (`Memory`);
- *idle*: there are more than `KEPT` isolates, and an app has rested for `IDLE_TIME`.

Before that, an app that has rested for `TIDY_TIME` has its garbage collected once: what requests have left behind would
stay for as long as nothing new is allocated, which may be some megabytes.

An app with something under way in its isolate (a timer, a `waitUntil`, a body, a fetch) does not rest and is never
evicted.  So the limit is one for apps at rest: requests are never refused because of it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

__all__ = ["IDLE_TIME", "INTERVAL", "KEPT", "MOST_TIDIED", "TIDY_TIME", "IdleApps", "Memory", "RestingApp"]

#: Seconds between two looks.
INTERVAL = 1.0
#: So many isolates are kept however long their apps rest.
KEPT = 100
#: How long an app may rest before its isolate is worth more than its state, in seconds.
IDLE_TIME = 300.0
#: How long an app rests before its garbage is collected, in seconds.
TIDY_TIME = 10.0
#: For so many apps it is collected with one look, as it takes some milliseconds each.
MOST_TIDIED = 25
#: The part of the resting apps that is evicted with one look while there is too little memory.
_SHARE = 0.1


class RestingApp(Protocol):
    """An app (nano.apps.app.App)."""

    @property
    def name(self) -> str:
        """Its name."""

    def evict(self) -> bool:
        """Give its isolate back, unless something is under way in it; tells whether it has."""

    def tidy(self) -> None:
        """Have its isolate collect its garbage."""


class Memory(Protocol):
    """Tells whether the process has grown beyond what it should have."""

    def __call__(self) -> bool: ...


class IdleApps:
    """
    The apps that rest, and the count of all isolates with an app.

    Args:
        clock: tells how long an app has rested.
        most: so many isolates with an app there may be while some of them rest.
        short_of_memory: asked with each look.
        evicted: told of each eviction with the rule that asked for it: "limit", "memory" or "idle".

    Attributes:
        most: as given; may be changed.
        isolates: how many isolates have an app.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        most: int,
        short_of_memory: Memory = lambda: False,
        evicted: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.most = most
        self.isolates = 0
        self._clock = clock
        self._short_of_memory = short_of_memory
        self._evicted = evicted
        # Since when each has rested; the one that has for longest comes first.
        self._resting: dict[RestingApp, float] = {}
        # Those of them whose garbage is still to be collected.
        self._untidy: dict[RestingApp, float] = {}
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def __len__(self) -> int:
        return len(self._resting)

    def start(self) -> None:
        """Begin to look each `INTERVAL`."""
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    # What apps say.

    def taken(self) -> None:
        """An app has got an isolate."""
        self.isolates += 1
        self._evict(self.isolates - self.most, "limit")

    def given_back(self) -> None:
        """An app has an isolate less."""
        self.isolates -= 1

    def rests(self, app: RestingApp) -> None:
        """The app has an isolate, and no request in flight from now on."""
        self._resting[app] = self._untidy[app] = self._clock.seconds()

    def works(self, app: RestingApp) -> None:
        """The app has a request, or no isolate any more."""
        self._resting.pop(app, None)
        self._untidy.pop(app, None)

    # What follows from it.

    def look(self) -> None:
        """Look once whether there are more isolates than there should be."""
        self._tidy()
        self._evict(self.isolates - self.most, "limit")
        if self._resting and self._short_of_memory():
            self._evict(max(1, int(len(self._resting) * _SHARE)), "memory")
        overdue = self._clock.seconds() - IDLE_TIME
        old = 0
        for since in self._resting.values():
            if since > overdue or old >= self.isolates - KEPT:
                break
            old += 1
        self._evict(old, "idle")

    def _tidy(self) -> None:
        before = self._clock.seconds() - TIDY_TIME
        for app in list(islice((app for app, since in self._untidy.items() if since <= before), MOST_TIDIED)):
            del self._untidy[app]
            app.tidy()

    def _evict(self, number: int, reason: str) -> None:
        """Evict *number* apps, or as many as rest."""
        if number <= 0:
            return
        for app in list(self._resting):
            if number <= 0:
                break
            if app.evict():
                self.works(app)
                number -= 1
                self._evicted(reason)
                self._log.debug("app {app} was evicted", app=app.name, reason=reason, event="app-evicted")
            else:
                # It is at work in the background, and has to wait for its next turn.
                del self._resting[app]
                self._resting[app] = self._clock.seconds()
