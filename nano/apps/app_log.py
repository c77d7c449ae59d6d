# -*- test-case-name: tests.apps.test_app_log -*-
"""
What an app writes to its console, on its way into the log: without its secrets, and at a rate that others can bear.

Two token buckets hold an app to `LINES` and `BYTES`.  A line goes through when neither is empty, whatever its size; the
debt that it leaves silences the app until it is paid.  What is dropped is counted, and told in one line per second.  So
an app that never stops writing fills a disk with about 90 GB a day at worst, in each worker.  Of a single text no more
than `LONGEST` characters are written: nothing that reads logs can do with more.

All of this happens before an event is made, so it holds for whatever observers a program has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger, LogLevel

from nano.config import Secret
from nano.errors import NanoError

__all__ = ["BYTES", "LINES", "LONGEST", "REDACTED", "AppLog", "Rate", "TokenBucket", "secret_texts"]


class Rate(NamedTuple):
    """So many a second, and so many at once."""

    per_second: float
    burst: float


LINES = Rate(1000, 5000)
"""How many lines an app may log."""
BYTES = Rate(2**20, 16 * 2**20)
"""How many characters an app may log, which are about as many bytes."""

LONGEST = 2**20
"""How many characters of one text are written."""

REDACTED = "[redacted]"
#: A shorter secret would blank out half of what is logged.
_SHORTEST_SECRET = 8
#: How long dropped lines are counted before they are told, in seconds.
_PAUSE = 1.0
#: Not on the class, where it would take the class's name, and be made anew for each line.
_log = Logger(namespace="nano.app")
_LEVELS = (LogLevel.debug, LogLevel.info, LogLevel.warn, LogLevel.error)


class TokenBucket:
    """
    A rate limit that lets bursts through; pure.

    Args:
        rate: how much per second, and at once.
        now: the time, in seconds; it starts full.
    """

    __slots__ = ("_level", "_rate", "_then")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._level = rate.burst
        self._then = now

    def open(self, now: float) -> bool:
        """Whether something may go through at the time *now*."""
        self._level = min(self._rate.burst, self._level + (now - self._then) * self._rate.per_second)
        self._then = now
        return self._level > 0

    def take(self, amount: float) -> None:
        """Take *amount* out, into debt if need be."""
        self._level -= amount


def secret_texts(value: Any) -> tuple[str, ...]:
    """
    The texts that must not be shown, given an app's `env`: its secrets, as they are and as JSON writes them, and the
    lines of those that have several.  Longest first.  Secrets of fewer than 8 characters are left out.
    """
    found: set[str] = set()
    for secret in _secrets(value):
        text = secret.reveal()
        found |= {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], *text.splitlines()}
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=lambda t: (-len(t), t)))


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _secrets(item)


class AppLog:
    """
    The log of one version of an app.

    Args:
        name: the app's.
        env: its `env`, for the secrets in it.
        clock: the time; without one there is no limit.
        path: where its source is, for observers that show it: `log_app_path` of its events.
    """

    def __init__(self, name: str, env: Mapping[str, Any], clock: IReactorTime | None = None, path: str = "") -> None:
        self._name = name
        self._path = path
        self._secrets = secret_texts(env)
        self._clock = clock
        now = clock.seconds() if clock is not None else 0.0
        self._lines, self._bytes = TokenBucket(LINES, now), TokenBucket(BYTES, now)
        self._dropped = self._dropped_bytes = 0
        self._report: IDelayedCall | None = None

    def redact(self, text: str) -> str:
        """*text* without the app's secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def _shown(self, text: str) -> str:
        """*text* as it may be written."""
        shown = self.redact(text)
        return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]} [{len(shown) - LONGEST} characters more]"

    def console(self, level: int, text: str, request_id: str = "") -> None:
        """
        The app has called `console`.

        Args:
            level: 0 debug, 1 info, 2 warn, 3 error.
            request_id: of the request that it answers, "" where that is not known.
        """
        if self._clock is not None and not self._admits(self._clock, len(text)):
            return
        _log.emit(
            _LEVELS[level] if level < len(_LEVELS) else LogLevel.info,
            "{text}",
            text=self._shown(text),
            app=self._name,
            request_id=request_id,
            event="console",
            log_app_path=self._path,
        )

    def failed(self, error: NanoError, request_id: str) -> None:
        """
        A request has failed.

        Args:
            error: with its details, which may be of any size: they are the app's.
            request_id: of the request.
        """
        text = error.detail or error.message
        if self._clock is not None and not self._admits(self._clock, len(text)):
            return
        _log.error(
            "{error}",
            error=self._shown(text),
            app=self._name,
            code=error.code,
            request_id=request_id,
            event="exchange-failed",
            log_app_path=self._path,
        )

    def _admits(self, clock: IReactorTime, size: int) -> bool:
        now = clock.seconds()
        # Both are asked, as both have to be told the time.
        lines, size_left = self._lines.open(now), self._bytes.open(now)
        if lines and size_left:
            self._lines.take(1)
            self._bytes.take(size)
            return True
        self._dropped += 1
        self._dropped_bytes += size
        if self._report is None:
            self._report = clock.callLater(_PAUSE, self._tell_dropped)
        return False

    def _tell_dropped(self) -> None:
        self._report = None
        dropped, self._dropped = self._dropped, 0
        size, self._dropped_bytes = self._dropped_bytes, 0
        _log.warn(
            "app {app} logs too much: {lines} lines with {size} characters were dropped",
            app=self._name,
            lines=dropped,
            size=size,
            event="console-dropped",
        )

    def close(self) -> None:
        """Tell what is still to be told: the app is gone."""
        report = self._report
        if report is not None:
            report.cancel()
            self._tell_dropped()
