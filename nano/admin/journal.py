# -*- test-case-name: tests.admin.test_journal -*-
"""
The last log events of a process, in memory, for those who look through the admin API.

A `Journal` is an observer beside the one that writes the log.  It takes what that writes, in the form of the JSON log,
whatever `log.format` is; secrets are gone from an event before any observer sees it.  It keeps two things, both of a
bounded size:

    lines    the last `LINES` events, or `BYTES` of them: the tail of the log
    errors   the last `ERRORS` different errors, each with how often it came and its latest stack: one that comes a
             thousand times a second washes away neither the others nor itself, and an app with many ones its own alone

Each line has a number.  Who asks again says up to which number it was told, so nothing is told twice, and learns how
many lines have gone by unseen.  A process answers for itself alone; `nano.admin.tail` puts the answers together.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import Any, NamedTuple

from twisted.logger import ILogObserver, LogLevel, globalLogPublisher
from zope.interface import implementer

from nano.admin.log_format import json_object

__all__ = ["BYTES", "ERRORS", "LEVELS", "LINES", "LONGEST_TEXT", "PAGE_BYTES", "Journal"]

#: How many lines are kept, and how many bytes of them, about.
LINES, BYTES = 5000, 4 * 2**20
#: How many different errors are kept.
ERRORS = 100
#: Longer texts are cut to so many characters.
LONGEST_TEXT = 8192
#: How many bytes of lines one answer has, about.
PAGE_BYTES = 2**20

LEVELS = ("debug", "info", "warn", "error", "critical")
"""All levels, from the least to the most urgent."""

_ERROR = LEVELS.index("error")
_INFO = LEVELS.index("info")
_NUMBERS: Mapping[Any, int] = {LogLevel.lookupByName(name): number for number, name in enumerate(LEVELS)}
#: Who logs requests.  Their events, and those of apps' consoles, consist of plain values: they become objects only when
#: somebody asks for them.
_ACCESS = "nano.access"
#: What a line costs besides its texts.
_OVERHEAD = 512
#: Of what is logged in a process of ours, who says it; a program that embeds nano may log what is not ours to tell.
_OURS = ("nano", "twisted")
#: Lines that a worker has logged, where the supervisor does not write the log: the worker's own journal has them.
_WORKERS = "nano.worker"


class _Entry(NamedTuple):
    number: int
    level: int
    app: str
    size: int
    event: Mapping[str, Any]
    is_object: bool


class _Error(NamedTuple):
    first: str
    times: int
    line: dict[str, Any]


@implementer(ILogObserver)
class Journal:
    """
    Keeps the last log events.  Events may come on any thread.

    Args:
        level: the least urgent that is kept; access lines are, whatever it is.
        worker: names this process; "" for the only one, and for the supervisor.
        lines, size: how many lines and bytes are kept.
    """

    def __init__(self, level: str = "info", worker: str = "", lines: int = LINES, size: int = BYTES) -> None:
        self.adopt(level)
        self._worker = worker
        self._lines, self._bytes = lines, size
        self._entries: deque[_Entry] = deque()
        self._size = 0
        self._next = 1
        self._errors: dict[tuple[str, ...], _Error] = {}
        self._lock = Lock()

    def adopt(self, level: str) -> None:
        """Go on with this level."""
        self._least = LEVELS.index(level)

    def open(self) -> None:
        """Begin to listen, beside whatever observers there are."""
        globalLogPublisher.addObserver(self)

    def close(self) -> None:
        """Listen no more; does nothing if it does not."""
        globalLogPublisher.removeObserver(self)

    # Keeping.

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Keep an event (ILogObserver)."""
        if event.get("log_namespace") == _ACCESS:
            self._keep_access(event)
            return
        level = _NUMBERS.get(event.get("log_level"), _INFO)
        if level < self._least or not _is_ours(event.get("log_namespace")):
            return
        plain = event.get("event") == "console"
        kept = _shortened(event if plain else json_object(event, self._worker))
        size = _OVERHEAD + sum(_size(value, plain) for value in kept.values())
        with self._lock:
            self._keep(_Entry(self._next, level, str(event.get("app") or ""), size, kept, not plain))
            if level >= _ERROR:
                self._keep_error(json_object(kept, self._worker) if plain else dict(kept))

    def _keep_access(self, event: Mapping[str, Any]) -> None:
        """There is one for each request: it is not looked at more closely than it must be."""
        size = len(event["path"]) + len(event["user_agent"]) + len(event["referer"])
        kept = event
        if size > LONGEST_TEXT:
            kept, size = _shortened(event), min(size, 3 * LONGEST_TEXT)
        with self._lock:
            self._keep(_Entry(self._next, _INFO, event["app"], _OVERHEAD + size, kept, False))

    def _keep(self, entry: _Entry) -> None:
        self._next += 1
        self._entries.append(entry)
        self._size += entry.size
        while len(self._entries) > self._lines or (self._size > self._bytes and len(self._entries) > 1):
            self._size -= self._entries.popleft().size

    def _keep_error(self, line: dict[str, Any]) -> None:
        key = tuple(str(line.get(name, "")) for name in ("app", "event", "code", "msg"))
        before = self._errors.pop(key, None)
        first, count = (before.first, before.times) if before is not None else (line["ts"], 0)
        self._errors[key] = _Error(first, count + 1, line)
        if len(self._errors) > ERRORS:
            apps = Counter(app for app, *_ in self._errors)
            most = max(apps, key=apps.__getitem__)
            del self._errors[next(key for key in self._errors if key[0] == most)]

    # Telling.

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """
        What somebody asks, who may sit in another process: all of it is JSON.

        Args:
            question: `about`, "lines" or "errors"; `app` and `level`, to be told of these alone, or of what is more
                urgent; and of lines: `after`, by process the number of the last line that is known, or None; `limit`,
                how many lines at most: the next ones, or the last ones for whoever knows none.
        """
        app, level = question.get("app"), LEVELS.index(question.get("level") or LEVELS[0])
        if question["about"] == "errors":
            with self._lock:
                errors = [_described(error) for error in self._errors.values() if app in (None, error.line.get("app"))]
            return {"errors": errors}
        process = str(os.getpid())
        known = question["after"]
        after = None if known is None else known.get(process, 0)
        with self._lock:
            entries, next_ = list(self._since(after)), self._next
        lost = max(0, (entries[0].number if entries else next_) - after - 1) if after is not None else 0
        found = [entry for entry in entries if entry.level >= level and app in (None, entry.app)]
        page, more = _page(found, question["limit"], newest=after is None)
        last = next_ - 1 if not more else page[-1].number if page else after
        return {
            "process": process,
            "last": last,
            "more": more,
            "lost": lost,
            "lines": [self._line(entry) for entry in page],
        }

    def _since(self, after: int | None) -> Iterator[_Entry]:
        """What came after the line of that number, oldest first."""
        if after is None or not self._entries:
            return iter(self._entries)
        return islice(self._entries, max(0, after + 1 - self._entries[0].number), None)

    def _line(self, entry: _Entry) -> Mapping[str, Any]:
        return entry.event if entry.is_object else json_object(entry.event, self._worker)


@lru_cache(256)
def _is_ours(namespace: object) -> bool:
    return isinstance(namespace, str) and namespace.partition(".")[0] in _OURS and namespace != _WORKERS


def _shortened(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """*event* without the rest of its long texts."""
    if not any(isinstance(value, str) and len(value) > LONGEST_TEXT for value in event.values()):
        return event
    return {name: _cut(value) if isinstance(value, str) else value for name, value in event.items()}


def _cut(text: str) -> str:
    rest = len(text) - LONGEST_TEXT
    return text if rest <= 0 else f"{text[:LONGEST_TEXT]}… ({rest} more characters)"


def _size(value: Any, plain: bool) -> int:
    if isinstance(value, str):
        return len(value)
    return 0 if plain else len(repr(value))


def _described(error: _Error) -> dict[str, Any]:
    return {**error.line, "count": error.times, "first": error.first}


def _page(entries: list[_Entry], limit: int, newest: bool) -> tuple[list[_Entry], bool]:
    """So many of *entries*, the oldest or the newest of them; and whether there are more for whoever asks next."""
    size, count = 0, 0
    for entry in reversed(entries) if newest else entries:
        if count == limit or size > PAGE_BYTES:
            break
        count, size = count + 1, size + entry.size
    if newest:
        return entries[len(entries) - count :], False
    return entries[:count], count < len(entries)
