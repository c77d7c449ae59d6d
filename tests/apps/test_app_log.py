"""
What apps write to their console: without secrets, and at a rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from nano.apps.app import App
from nano.apps.app_log import BYTES, LINES, LONGEST, AppLog, Rate, TokenBucket, secret_texts
from nano.config import AppConfig, Secret
from nano.errors import EngineError, HandlerError
from nano.interfaces import IsolateProgram
from tests.fakes import FakeIsolateHost, make_exchange

KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----"


class TokenBucketTests(SynchronousTestCase):
    def test_burst_then_rate(self) -> None:
        """A burst goes through, then so many a second."""
        bucket = TokenBucket(Rate(2, 3), 0.0)

        def through(now: float) -> int:
            count = 0
            while bucket.open(now):
                bucket.take(1)
                count += 1
            return count

        self.assertEqual([through(0.0), through(0.0), through(1.0), through(100.0)], [3, 0, 2, 3])

    def test_debt(self) -> None:
        """What is larger than the burst goes through, and is paid for."""
        bucket = TokenBucket(Rate(10, 10), 0.0)
        bucket.take(110)
        self.assertFalse(bucket.open(9.9))
        self.assertTrue(bucket.open(10.1))


class RedactionTests(SynchronousTestCase):
    def redacted(self, text: str, **env: Any) -> str:
        return AppLog("shop", env).redact(text)

    def test_exact(self) -> None:
        """A secret is blanked wherever it stands, at any depth of the env."""
        env = {"A": Secret("hunter2-hunter2"), "B": {"c": [Secret("s3cr3t-token")]}}
        text = "x hunter2-hunter2y s3cr3t-token"
        self.assertEqual(self.redacted(text, **env), "x [redacted]y [redacted]")

    def test_plain_values_stay(self) -> None:
        """Only secrets are."""
        self.assertEqual(self.redacted("public-value", A="public-value"), "public-value")

    def test_short(self) -> None:
        """A secret that is hardly one would blank out words."""
        self.assertEqual(secret_texts({"A": Secret("abc1234")}), ())
        self.assertEqual(secret_texts({"A": Secret("")}), ())

    def test_longest_first(self) -> None:
        """A secret that begins with another leaves no rest."""
        env = {"A": Secret("password"), "B": Secret("password-and-more")}
        self.assertEqual(self.redacted("password-and-more", **env), "[redacted]")

    def test_as_json(self) -> None:
        """A secret inside of a logged object has its escapes."""
        self.assertEqual(self.redacted('{"k":"say \\"friend\\""}', A=Secret('say "friend"')), '{"k":"[redacted]"}')
        self.assertEqual(self.redacted("gr\\u00fc\\u00dfe dich", A=Secret("grüße dich")), "[redacted]")

    def test_lines(self) -> None:
        """Of a secret with several lines none is shown, by itself or with the others."""
        for text in (KEY, KEY.replace("\n", "\\n"), "MIIEvQIBADANBg"):
            self.assertEqual(self.redacted(text, A=Secret(KEY)), "[redacted]")


class ConsoleTests(SynchronousTestCase):
    def test_event(self) -> None:
        """A line is an event with its level, the app's name and the request's id."""
        with capturedLogs() as events:
            for level in range(5):
                AppLog("shop", {}).console(level, "hello", "r1")
        self.assertEqual([event["log_level"].name for event in events], ["debug", "info", "warn", "error", "info"])
        (kinds,) = {(e["text"], e["app"], e["request_id"], e["event"], e["log_namespace"]) for e in events}
        self.assertEqual(kinds, ("hello", "shop", "r1", "console", "nano.app"))

    def test_secret(self) -> None:
        """Secrets are gone before there is an event, so no observer sees them."""
        with capturedLogs() as events:
            AppLog("shop", {"A": Secret("hunter2-hunter2")}).console(1, "it is hunter2-hunter2")
        self.assertEqual(events[0]["text"], "it is [redacted]")

    def test_too_many_lines(self) -> None:
        """Beyond the burst lines are dropped, and told in one line a second later."""
        clock = Clock()
        log = AppLog("shop", {}, clock)
        with capturedLogs() as events:
            for _ in range(int(LINES.burst) + 7):
                log.console(1, "abc")
            self.assertEqual(len(events), LINES.burst)
            clock.advance(1)
            self.assertEqual(len(events), LINES.burst + 1)
            told = events[-1]
            self.assertEqual((told["event"], told["lines"], told["size"]), ("console-dropped", 7, 21))
            for _ in range(int(LINES.per_second) + 1):
                log.console(1, "abc")
            self.assertEqual(len(events), LINES.burst + 1 + LINES.per_second)
            log.close()
        self.assertEqual(events[-1]["lines"], 1)
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_huge_line(self) -> None:
        """Of a line of any size the beginning is written; the debt it leaves is paid with silence."""
        clock = Clock()
        log = AppLog("shop", {}, clock)
        text = "x" * int(BYTES.burst + 5 * BYTES.per_second)
        with capturedLogs() as events:
            log.console(1, text)
            cut = f"{text[:LONGEST]} [{len(text) - LONGEST} characters more]"
            self.assertEqual(events[0]["text"], cut)
            log.console(1, "too soon")
            clock.advance(4.9)
            log.console(1, "too soon")
            clock.advance(0.2)
            log.console(1, "paid")
            log.close()
        self.assertEqual([event["text"] for event in events if event["event"] == "console"], [cut, "paid"])

    def test_no_limit(self) -> None:
        """Without a clock there is no limit: scripts and tests."""
        log = AppLog("shop", {})
        with capturedLogs() as events:
            for _ in range(int(LINES.burst) + 1):
                log.console(1, "abc")
        self.assertEqual(len(events), LINES.burst + 1)


class Hosts:
    """A source of hosts that load at once."""

    def __init__(self) -> None:
        self.hosts: list[FakeIsolateHost] = []

    def get(self, urgent: bool) -> Deferred[Any]:
        """A new one (HostSource)."""
        host = FakeIsolateHost()
        host.loading.callback({})
        self.hosts.append(host)
        return succeed(host)

    def watch(self, host: Any, config: AppConfig) -> None:
        """Nobody watches (HostSource)."""

    def forget(self, host: Any) -> None:
        """Nobody watches (HostSource)."""


class Meter:
    """Counts starts (AppMeter)."""

    def __init__(self) -> None:
        self.began = self.ended = 0

    def starting(self) -> Callable[[], None]:
        """A start begins (AppMeter)."""
        self.began += 1
        return self.started

    def started(self) -> None:
        """A start has ended."""
        self.ended += 1

    def spent(self, seconds: float) -> None:
        """Not asked here (AppMeter)."""

    def fetched(self, status: str, seconds: float) -> None:
        """Not asked here (AppMeter)."""


class AppTests(SynchronousTestCase):
    """What an app hands to its log and to its meter."""

    def setUp(self) -> None:
        config = AppConfig("shop", "/srv", env={"A": Secret("hunter2-hunter2")})
        self.meter, self.hosts = Meter(), Hosts()
        program = IsolateProgram((), None, (), 0, "1")
        self.app = App(config, self.hosts, lambda config: succeed(program), meter=self.meter)
        self.app.load()
        (self.host,) = self.hosts.hosts

    def test_names(self) -> None:
        """An exchange knows its app, also one that is refused."""
        for _ in range(2):
            exchange, _sink = make_exchange()
            self.app.handle(exchange)
            self.assertEqual(exchange.app, "shop")
            self.app.close()

    def test_starts(self) -> None:
        """A start is measured to its end."""
        self.assertEqual((self.meter.began, self.meter.ended), (1, 1))

    def test_console(self) -> None:
        """A console line has the id of the request that its isolate is at work on."""
        self.host.request_id = "r1"
        with capturedLogs() as events:
            self.app.isolate_log(self.host, 2, "about hunter2-hunter2")
        (event,) = events
        self.assertEqual((event["text"], event["request_id"]), ("about [redacted]", "r1"))

    def test_errors(self) -> None:
        """No error of the app tells its secrets."""
        exchange, _ = make_exchange()
        with capturedLogs() as events:
            self.app.handle(exchange)
            exchange.fail(HandlerError("cannot open hunter2-hunter2"))
            self.host.condemn(EngineError("hunter2-hunter2"))
        self.assertEqual([event["event"] for event in events], ["exchange-failed", "isolate-condemned"])
        self.assertNotIn("hunter2", repr([event["error"] for event in events]))
        self.assertEqual(events[0]["code"], "exception")
