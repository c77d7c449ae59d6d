# -*- test-case-name: tests.supervisor.test_quarantine -*-
"""
Which app to keep away from the workers, after workers have died.  Pure: it decides by what it is told alone.

A death names its suspects: the apps that were computing, each with how long it had been at it.  Under load there are
several, and most are innocent.  So deaths are held against the one app that explains most of them, of several such
apps the one that had computed longest; deaths that it explains are held against nobody else.

    served ── DEATHS within WINDOW ──> quarantined ── pause over ──> on probation ── GOOD_CONDUCT ──> served
                                            ↑                             │
                                            └─ a death that it explains ──┘   (the pause doubles)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["DEATHS", "FIRST_PAUSE", "GOOD_CONDUCT", "LONGEST_PAUSE", "WINDOW", "Quarantine"]

#: So many deaths within `WINDOW` seconds bring an app into quarantine.
DEATHS = 3
WINDOW = 60.0
#: How long the first pause lasts, and the longest, in seconds; each is twice the one before.
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 600.0
#: How long an app has to be served after a pause until its past is forgotten, in seconds.
GOOD_CONDUCT = 600.0


@dataclass(frozen=True)
class _Death:
    at: float
    suspects: Mapping[str, float]


@dataclass
class _Record:
    """An app that is, or was, in quarantine: for how long, and until when."""

    pause: float
    until: float


class Quarantine:
    """
    The apps in quarantine, and the deaths that may bring others there.

    Args:
        now: tells the time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._deaths: list[_Death] = []
        self._records: dict[str, _Record] = {}

    def died(self, suspects: Mapping[str, float]) -> str | None:
        """
        A worker has died.

        Args:
            suspects: the apps that were computing, and how long each had been at it, in seconds.

        Returns:
            The app that comes into quarantine for it, None for none.
        """
        now = self._now()
        self._forget(now)
        suspects = {app: seconds for app, seconds in suspects.items() if self.remaining(app) <= 0}
        relapsed = [app for app in suspects if app in self._records]
        self._deaths.append(_Death(now, suspects))
        culprit = max(relapsed, key=suspects.__getitem__) if relapsed else self._most_deadly()
        if culprit is not None:
            self._confine(culprit, now)
        return culprit

    def _most_deadly(self) -> str | None:
        deaths: dict[str, int] = {}
        seconds: dict[str, float] = {}
        for death in self._deaths:
            for app, spent in death.suspects.items():
                deaths[app] = deaths.get(app, 0) + 1
                seconds[app] = seconds.get(app, 0.0) + spent
        worst = max(deaths, key=lambda app: (deaths[app], seconds[app]), default=None)
        return worst if worst is not None and deaths[worst] >= DEATHS else None

    def _confine(self, app: str, now: float) -> None:
        record = self._records.get(app)
        pause = FIRST_PAUSE if record is None else min(record.pause * 2, LONGEST_PAUSE)
        self._records[app] = _Record(pause, now + pause)
        self._deaths = [death for death in self._deaths if app not in death.suspects]

    def _forget(self, now: float) -> None:
        self._deaths = [death for death in self._deaths if now - death.at <= WINDOW]
        self._records = {app: record for app, record in self._records.items() if now - record.until < GOOD_CONDUCT}

    def remaining(self, app: str) -> float:
        """How many seconds an app has to stay in quarantine; 0.0 for one that is not there."""
        record = self._records.get(app)
        return 0.0 if record is None else max(0.0, record.until - self._now())

    def apps(self) -> dict[str, float]:
        """The apps in quarantine, and how many seconds each has to stay there."""
        remaining = {app: self.remaining(app) for app in self._records}
        return {app: seconds for app, seconds in remaining.items() if seconds > 0}

    def lift(self, app: str) -> None:
        """Forget all that speaks against an app: it has a new version, or an operator says so."""
        self._records.pop(app, None)
        self._deaths = [
            _Death(death.at, {name: spent for name, spent in death.suspects.items() if name != app})
            for death in self._deaths
        ]
