"""
The last log events of a process.
"""

from __future__ import annotations

import json
import os
from typing import Any

from twisted.logger import ILogObserver, Logger, LogLevel, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.admin.journal import ERRORS, LINES, LONGEST_TEXT, PAGE_BYTES, Journal
from nano.admin.log import AccessLog
from tests.admin.test_metrics import done

PID = str(os.getpid())


def event(text: str, level: LogLevel = LogLevel.info, **fields: Any) -> dict[str, Any]:
    """As an app's console makes it."""
    return {
        "log_time": 1700000000.0,
        "log_level": level,
        "log_namespace": "nano.app",
        "log_format": "{text}",
        "event": "console",
        "app": "shop",
        "text": text,
        **fields,
    }


class Fixture(SynchronousTestCase):
    def setUp(self) -> None:
        self.journal = Journal(worker="3")

    def ask(self, after: int | None = None, **question: Any) -> dict[str, Any]:
        """What the journal answers, as it arrives in another process."""
        known = None if after is None else {PID: after}
        question = {"about": "lines", "limit": 100, "after": known, **question}
        answer: dict[str, Any] = json.loads(json.dumps(self.journal.answer(question)))
        return answer

    def texts(self, after: int | None = None, **question: Any) -> list[str]:
        """Of the lines that it answers."""
        return [line["msg"] for line in self.ask(after, **question)["lines"]]


class LinesTests(Fixture):
    def test_forms(self) -> None:
        """Lines are what the JSON log has, whatever its format is."""
        self.journal(event("hello", LogLevel.warn, request_id="7"))
        AccessLog(self.journal)(done(), "127.0.0.1", 0.25)
        log = Logger("nano.test", observer=self.journal)
        log.error("{what} failed", what="it", numbers={1: (2, 3)}, event="test")
        console, access, other = self.ask()["lines"]
        self.assertEqual(
            console,
            {
                "ts": "2023-11-14T22:13:20.000Z",
                "level": "warn",
                "event": "console",
                "logger": "nano.app",
                "app": "shop",
                "worker": "3",
                "request_id": "7",
                "msg": "hello",
            },
        )
        self.assertEqual((access["event"], access["status"], access["duration_ms"]), ("access", 200, 250))
        self.assertEqual((other["msg"], other["what"], other["numbers"]), ("it failed", "it", {"1": [2, 3]}))

    def test_next(self) -> None:
        """Who says what it knows is told what came since, the oldest first; who knows nothing, the latest."""
        for number in range(1, 8):
            self.journal(event(str(number)))
        first = self.ask(limit=3)
        self.assertEqual(([line["msg"] for line in first["lines"]], first["last"]), (["5", "6", "7"], 7))
        self.assertEqual(self.texts(7), [])
        second = self.ask(2, limit=3)
        self.assertEqual([line["msg"] for line in second["lines"]], ["3", "4", "5"])
        self.assertEqual((second["last"], second["more"], second["lost"]), (5, True, 0))
        third = self.ask(second["last"], limit=3)
        self.assertEqual((len(third["lines"]), third["last"], third["more"]), (2, 7, False))
        none = self.ask(2, limit=0)
        self.assertEqual((none["lines"], none["last"], none["more"]), ([], 2, True))

    def test_another_process(self) -> None:
        """Who knows other processes alone is told everything."""
        self.journal(event("new"))
        answer = self.journal.answer({"about": "lines", "limit": 10, "after": {"1": 5}})
        self.assertEqual([line["msg"] for line in answer["lines"]], ["new"])

    def test_filters(self) -> None:
        """By app and by level; what is filtered out counts as told."""
        self.journal(event("a"))
        self.journal(event("b", LogLevel.error, app="blog"))
        self.journal(event("c", LogLevel.critical))
        self.assertEqual(self.texts(app="shop"), ["a", "c"])
        self.assertEqual(self.texts(level="error"), ["b", "c"])
        self.assertEqual(self.texts(level="error", app="blog"), ["b"])
        self.assertEqual(self.ask(0, app="nobody")["last"], 3)

    def test_level(self) -> None:
        """What is too unimportant for the log is not kept, and access lines are."""
        self.journal = Journal("warn")
        self.journal(event("quiet"))
        self.journal(event("loud", LogLevel.warn))
        AccessLog(self.journal)(done(), "127.0.0.1", 0.25)
        self.assertEqual([line["event"] for line in self.ask()["lines"]], ["console", "access"])

    def test_of_others(self) -> None:
        """What a program that embeds nano logs is not told, nor what workers tell themselves; what Twisted says is."""
        for namespace in ("nano.app", "twisted.internet.defer", "nano.worker", "nanobot", "billing", None):
            self.journal(event(str(namespace), log_namespace=namespace))
        self.assertEqual(self.texts(), ["nano.app", "twisted.internet.defer"])

    def test_many(self) -> None:
        """Only so many lines are kept; who comes too late is told how many it missed."""
        for number in range(LINES + 10):
            self.journal(event(str(number)))
        self.assertEqual(self.ask(0, limit=1000)["lost"], 10)
        self.assertEqual(self.texts(0, limit=1), ["10"])
        self.assertEqual(self.ask(LINES)["lost"], 0)

    def test_large(self) -> None:
        """Long texts are cut, and only so many bytes are kept, and told at once."""
        self.journal = Journal(size=100_000)
        for _ in range(100):
            self.journal(event("x" * (LONGEST_TEXT + 5)))
        answer = self.ask(limit=1000)
        self.assertLess(len(answer["lines"]), 13)
        self.assertTrue(answer["lines"][0]["msg"].endswith("x… (5 more characters)"))

        self.journal = Journal(size=10 * PAGE_BYTES)
        for _ in range(300):
            self.journal(event("x" * LONGEST_TEXT))
        answer = self.ask(0, limit=1000)
        self.assertEqual((answer["more"], answer["last"]), (True, len(answer["lines"])))
        self.assertLess(len(json.dumps(answer)), 1.2 * PAGE_BYTES)

    def test_large_requests(self) -> None:
        """So are long paths."""
        exchange = done()
        exchange.url = "http://shop.test/" + "y" * 2 * LONGEST_TEXT
        AccessLog(self.journal)(exchange, "127.0.0.1", 0.25)
        (line,) = self.ask()["lines"]
        self.assertTrue(line["path"].endswith(f"y… ({LONGEST_TEXT + 1} more characters)"), line["path"][-40:])

    def test_large_fields(self) -> None:
        """What is in lists counts, too."""
        self.journal = Journal(size=100_000)
        for _ in range(10):
            self.journal(event("x", event="reloaded", created=["y" * 100] * 400))
        self.assertLess(len(self.ask()["lines"]), 4)

    def test_unformattable(self) -> None:
        """An event that cannot be formatted is a line that says so."""

        class Hostile:
            def __repr__(self) -> str:
                raise RuntimeError("no")

        self.journal({"log_time": "never", "log_level": LogLevel.info, "log_namespace": "nano.x", "a": Hostile()})
        (line,) = self.ask()["lines"]
        self.assertEqual(line["event"], "unformattable")

    def test_observer(self) -> None:
        """It hears what is logged between its opening and its closing."""
        verifyObject(ILogObserver, self.journal)
        self.journal.open()
        self.addCleanup(self.journal.close)
        globalLogPublisher(event("heard"))
        self.journal.close()
        self.journal.close()
        globalLogPublisher(event("not heard"))
        self.assertEqual(self.texts(), ["heard"])


class ErrorsTests(Fixture):
    def errors(self, **question: Any) -> list[dict[str, Any]]:
        """What the journal answers, as it arrives in another process."""
        found: list[dict[str, Any]] = json.loads(json.dumps(self.journal.answer({"about": "errors", **question})))[
            "errors"
        ]
        return found

    def test_groups(self) -> None:
        """The same error is one, with how often it came, and when first; other lines are no errors."""
        self.journal(event("fine"))
        for seconds in range(3):
            self.journal(event("Error: no luck\n    at x", LogLevel.error, log_time=1700000000.0 + seconds))
        self.journal(event("Error: other", LogLevel.critical))
        one, other = self.errors()
        self.assertEqual((one["count"], one["first"]), (3, "2023-11-14T22:13:20.000Z"))
        self.assertEqual((one["ts"], one["msg"]), ("2023-11-14T22:13:22.000Z", "Error: no luck\n    at x"))
        self.assertEqual((other["count"], other["level"]), (1, "critical"))

    def test_traceback(self) -> None:
        """A failure of ours has its traceback."""
        log = Logger("nano.test", observer=self.journal)
        log.failure("it broke", Failure(ZeroDivisionError("by nothing")))
        (error,) = self.errors()
        self.assertIn("ZeroDivisionError: by nothing", error["traceback"])

    def test_app(self) -> None:
        """Those of one app."""
        for app in ("shop", "blog"):
            self.journal(event("no", LogLevel.error, app=app))
        self.assertEqual([error["app"] for error in self.errors(app="blog")], ["blog"])

    def test_flood(self) -> None:
        """One error that comes all the time leaves the others; of many different ones the latest are kept."""
        self.journal(event("rare", LogLevel.error))
        for _ in range(LINES + 1):
            self.journal(event("frequent", LogLevel.error))
        self.assertEqual([error["count"] for error in self.errors()], [1, LINES + 1])
        for number in range(ERRORS):
            self.journal(event(str(number), LogLevel.error))
        self.assertEqual([error["msg"] for error in self.errors()], [str(number) for number in range(ERRORS)])

    def test_flood_of_one_app(self) -> None:
        """An app that fails in ever new ways washes away its own errors alone."""
        self.journal(event("rare", LogLevel.error, app="blog"))
        Logger("nano.test", observer=self.journal).error("of the daemon")
        for number in range(2 * ERRORS):
            self.journal(event(str(number), LogLevel.error))
        self.assertEqual([error["msg"] for error in self.errors(app="blog")], ["rare"])
        found = [error["msg"] for error in self.errors()]
        self.assertEqual(found, ["rare", "of the daemon", *map(str, range(ERRORS + 2, 2 * ERRORS))])

    def test_floods_of_several_apps(self) -> None:
        """Several of them share the room."""
        for number in range(ERRORS):
            for app in ("shop", "blog"):
                self.journal(event(str(number), LogLevel.error, app=app))
        latest = [str(number) for number in range(ERRORS // 2, ERRORS)]
        for app in ("shop", "blog"):
            self.assertEqual([error["msg"] for error in self.errors(app=app)], latest)
