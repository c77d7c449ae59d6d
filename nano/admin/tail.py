# -*- test-case-name: tests.admin.test_tail -*-
"""
The tail of the log, over all processes: one answer, or a stream for as long as the client stays.

What the processes' journals tell (`nano.admin.journal`) is put in the order of its time.  How far a client has been
told is its *cursor*: for each process, by its id, the number of the last line.  A process that the cursor does not
know is new, and all of it is told.

A follower is a line of JSON for each log line.  Twice a second it asks for what is new, and not while its client
does not read: what the journals cannot keep until then is told as one line, `log-lost`.  An empty line now and
then finds out whether the client is still there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from nano.admin.journal import LEVELS
from nano.admin.problems import ProblemDetails

__all__ = ["INTERVAL", "LARGEST_LIMIT", "SIGN_OF_LIFE", "Follower", "Query", "Tail", "error_groups", "tail"]

#: Seconds between two looks for something new, and between two signs of life.
INTERVAL, SIGN_OF_LIFE = 0.5, 15.0
#: How many lines one answer may have for each process, and how many it has if nobody says.
LARGEST_LIMIT, _LIMIT = 1000, 100

#: How many processes a cursor remembers.
_PROCESSES = 256
_CURSOR = re.compile(r"\d{1,10}\.\d{1,15}(,\d{1,10}\.\d{1,15}){0,999}", re.ASCII).fullmatch
_YES = ("true", "1", "")
_PARAMETERS = frozenset(("app", "level", "limit", "after", "follow"))


@dataclass(frozen=True)
class Query:
    """
    What a client wants to see.

    Attributes:
        app: of this one alone.
        level: at least so urgent.
        limit: so many lines.
        cursor: what it has been told; None for a client that begins with the last lines.
        follow: whether it stays.
    """

    app: str | None = None
    level: str = LEVELS[0]
    limit: int = _LIMIT
    cursor: Mapping[str, int] | None = None
    follow: bool = False

    @classmethod
    def parse(cls, arguments: Mapping[bytes, Iterable[bytes]]) -> Query:
        """
        Of the parameters of a URL.

        Raises:
            ProblemDetails: 400, with all that is wrong.
        """
        given = {
            name.decode("utf-8", "replace"): next(iter(values)).decode("utf-8", "replace")
            for name, values in arguments.items()
        }
        wrong = dict.fromkeys(given.keys() - _PARAMETERS, "there is no such parameter")
        if given.get("level", LEVELS[0]) not in LEVELS:
            wrong["level"] = f"must be one of {', '.join(LEVELS)}"
        limit = given.get("limit", str(_LIMIT))
        if not re.fullmatch(r"[0-9]{1,4}", limit) or int(limit) > LARGEST_LIMIT:
            wrong["limit"] = f"must be a number from 0 to {LARGEST_LIMIT}"
        if "after" in given and given["after"] and not _CURSOR(given["after"]):
            wrong["after"] = "must be the `next` of an earlier answer"
        if given.get("follow", "false") not in (*_YES, "false", "0"):
            wrong["follow"] = "must be true or false"
        if wrong:
            parts = [{"path": name, "detail": detail} for name, detail in sorted(wrong.items())]
            raise ProblemDetails(400, "invalid-request", "the parameters are wrong", parts)
        return cls(
            given.get("app"),
            given.get("level", LEVELS[0]),
            int(limit),
            _read_cursor(given["after"]) if "after" in given else None,
            given.get("follow", "false") in _YES,
        )

    def question(self, cursor: Mapping[str, int] | None) -> dict[str, Any]:
        """As the journals take it (`Journal.answer`)."""
        after = None if cursor is None else dict(cursor)
        # A follower says with how many lines it begins; what comes then is all its.
        limit = self.limit if cursor is None or not self.follow else LARGEST_LIMIT
        return {"about": "lines", "app": self.app, "level": self.level, "limit": limit, "after": after}


def _read_cursor(text: str) -> dict[str, int]:
    pairs = (part.split(".") for part in text.split(",") if part)
    return {process: int(number) for process, number in pairs}


@dataclass(frozen=True)
class Tail:
    """
    Lines of all processes.

    Attributes:
        lines: by their time.
        cursor: what is known now.
        lost: how many lines went by that no journal has any more.
        more: whether there are lines that had no room.
    """

    lines: list[dict[str, Any]]
    cursor: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    more: bool = False

    def described(self) -> dict[str, Any]:
        """As a client sees it."""
        next_ = ",".join(f"{process}.{number}" for process, number in self.cursor.items())
        return {"lines": self.lines, "next": next_, "more": self.more, "lost": self.lost}


def tail(query: Query, cursor: Mapping[str, int] | None, answers: Iterable[Mapping[str, Any]]) -> Tail:
    """
    Put the *answers* of all processes together.

    A worker, in which code of strangers runs, is believed no more than that its lines are lines.
    """
    lines: list[dict[str, Any]] = []
    # Who did not answer this time is asked on from where it was; the oldest are those that are gone.
    known = dict(list((cursor or {}).items())[-_PROCESSES:])
    lost, more = 0, False
    for answer in answers:
        lines += [line for line in answer.get("lines", ()) if _is_line(line)]
        process = str(int(answer["process"]))
        known.pop(process, None)
        known[process] = int(answer["last"])
        lost += int(answer["lost"])
        more = more or bool(answer["more"])
    lines.sort(key=_time)
    if cursor is None:
        lines = lines[len(lines) - min(query.limit, len(lines)) :]
    return Tail(lines, known, lost, more)


def error_groups(answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """
    The errors of all processes, the latest first; what is the same in several is one.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for answer in answers:
        for error in answer.get("errors", ()):
            if not (_is_line(error) and isinstance(error.get("count"), int) and isinstance(error.get("first"), str)):
                continue
            key = tuple(str(error.get(name, "")) for name in ("app", "event", "code", "msg"))
            other = found.get(key)
            if other is not None:
                latest = error if _time(error) > _time(other) else other
                count, first = error["count"] + other["count"], min(error["first"], other["first"])
                error = {**latest, "count": count, "first": first}
            found[key] = error
    return sorted(found.values(), key=_time, reverse=True)


def _is_line(line: Any) -> bool:
    return isinstance(line, dict) and isinstance(line.get("ts"), str)


def _time(line: Mapping[str, Any]) -> str:
    return str(line["ts"])


@implementer(IPushProducer)
class Follower:
    """
    A client that follows the log; `run` it once.

    Args:
        request: of twisted.web; its head is set.
        query: what the client wants to see.
        ask: asks all journals.
        clock: the reactor.
    """

    def __init__(
        self, request: Any, query: Query, ask: Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]], clock: Any
    ) -> None:
        self._request = request
        self._query = query
        self._ask = ask
        self._clock = clock
        self._over = self._paused = self._gone = False
        self._waiting: Deferred[None] | None = None
        self._written = clock.seconds()

    async def run(self) -> None:
        """Write until the client has left, or `stop`."""
        self._request.notifyFinish().addErrback(lambda _: self._left())
        self._request.registerProducer(self, True)
        self._request.write(b"")  # sends the head
        try:
            cursor = self._query.cursor
            while not self._over:
                found = tail(self._query, cursor, await self._ask(self._query.question(cursor)))
                cursor = found.cursor
                self._write(found)
                await self._pause(0.0 if found.more else INTERVAL)
        finally:
            if not self._gone:
                self._request.unregisterProducer()

    def _left(self) -> None:
        self._gone = True
        self.stop()

    def _write(self, found: Tail) -> None:
        """What was found, or, if there was nothing for long, a sign of life."""
        lines = found.lines
        if found.lost:
            lines = [self._lost(found.lost), *lines]
        now = self._clock.seconds()
        if self._over or not (lines or now - self._written >= SIGN_OF_LIFE):
            return
        self._written = now
        self._request.write(b"".join(json.dumps(line).encode("ascii") + b"\n" for line in lines) or b"\n")

    def _lost(self, lost: int) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._clock.seconds(), timezone.utc).isoformat(timespec="milliseconds")
        text = f"{lost} log lines went by faster than they were read"
        return {"ts": now.replace("+00:00", "Z"), "level": "warn", "event": "log-lost", "lost": lost, "msg": text}

    async def _pause(self, seconds: float) -> None:
        """Wait so long, and then until the client reads."""
        if not self._over:
            call = self._clock.callLater(seconds, self._wake)
            await self._woken()
            if call.active():
                call.cancel()
        while self._paused and not self._over:
            await self._woken()

    def _woken(self) -> Deferred[None]:
        self._waiting = Deferred()
        return self._waiting

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stop(self) -> None:
        """The end; may be called more than once."""
        self._over = True
        self._wake()

    # IPushProducer.

    def pauseProducing(self) -> None:
        """The client does not read (IPushProducer)."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The client reads again (IPushProducer)."""
        self._paused = False
        self._wake()

    def stopProducing(self) -> None:
        """The client has left (IPushProducer)."""
        self.stop()
