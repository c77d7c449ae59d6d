"""
The observers, the access log, and what twistd and `nano serve` print, as child processes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.application.service import Application, IService, Service
from twisted.internet import reactor as _reactor
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import ILogObserver, LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from nano.admin.log import AccessLog, LogObserver, file_observer, stream_observer
from nano.config import LogConfig
from nano.tap import _Logged, log_observer, rotate_on_signal
from tests.admin.test_log_format import event
from tests.cli.case import Child
from tests.fakes import make_exchange
from tests.system.daemon import environment

LEGACY = {"format", "isError", "message", "system", "time"}

# mypy takes the reactor for its least interface.
reactor: Any = _reactor


class ObserverTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lines: list[bytes] = []

    def observer(self, **config: Any) -> LogObserver:
        return LogObserver(LogConfig(**config), self.lines.append)

    def test_interface(self) -> None:
        """It is what `twisted.logger` asks for."""
        verifyObject(ILogObserver, self.observer())

    def test_levels(self) -> None:
        """Events below the level are left out."""
        for level, shown in (("debug", 5), ("info", 4), ("warn", 3), ("error", 2), ("critical", 1)):
            observer = self.observer(level=level)
            self.lines.clear()
            for each in LogLevel.iterconstants():
                observer(event(level=each))
            self.assertEqual(len(self.lines), shown, level)

    def test_no_level(self) -> None:
        """An event without a level is shown."""
        self.observer(level="critical")({"log_format": "hello", "log_time": 0.0})
        self.assertEqual(len(self.lines), 1)

    def test_access_lines_pass(self) -> None:
        """Requests have a switch of their own."""
        self.observer(level="error")(event(event="access"))
        self.assertEqual(len(self.lines), 1)

    def test_formats(self) -> None:
        """The format is the configuration's."""
        for format_, start in (("json", b'{"ts":'), ("text", b"2026-"), ("apache", b"2026-")):
            self.observer(format=format_)(event())
            self.assertTrue(self.lines.pop().startswith(start), format_)

    def test_bytes(self) -> None:
        """What UTF-8 cannot say does not stop the log."""
        for format_ in ("json", "text"):
            self.observer(format=format_)(event("{text}", text="\udc80"))
            self.assertIn(b"\\udc80", self.lines.pop())

    def test_never_raises(self) -> None:
        """Not even for an event that is none."""
        self.observer()({})
        self.observer()({"log_format": 3, "log_time": "x", "log_level": LogLevel.info, "log_failure": 5})
        self.assertEqual(len(self.lines), 2)

    def test_file(self) -> None:
        """A file takes lines as they are, and rotates."""
        path = os.path.abspath(self.mktemp())
        observer, file = file_observer(LogConfig(), path)
        self.addCleanup(file.close)
        observer(event("grüße"))
        file.rotate()
        observer(event("again"))
        self.assertEqual(json.loads(Path(f"{path}.1").read_text("utf-8"))["msg"], "grüße")
        self.assertEqual(json.loads(Path(path).read_text("utf-8"))["msg"], "again")

    def test_terminal(self) -> None:
        """A terminal is spared what is routine, unless the level is `debug`."""
        leader, follower = os.openpty()
        self.addCleanup(os.close, leader)
        self.addCleanup(os.close, follower)
        for level, shown in (("info", b"  after"), ("debug", b"  before")):
            observe = stream_observer(LogConfig(format="text", level=level), follower)  # type: ignore[arg-type]
            observe(event("before", event="app-ready"))
            observe(event("after", event="draining"))
            self.assertIn(shown, os.read(leader, 1000))

    def test_no_colours_in_pipes(self) -> None:
        """Only a terminal gets colours, and only where it wants them."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        stream_observer(LogConfig(format="text"), writer)(event(level=LogLevel.error))
        self.assertNotIn(b"\x1b", os.read(reader, 1000))

    def test_colours(self) -> None:
        """A terminal does, unless NO_COLOR is set or it is a dumb one."""
        leader, follower = os.openpty()
        self.addCleanup(os.close, leader)
        self.addCleanup(os.close, follower)
        for variables, coloured in (
            ({"NO_COLOR": ""}, True),
            ({"NO_COLOR": "1"}, False),
            ({"TERM": "dumb"}, False),
        ):
            self.patch(os, "environ", variables)
            stream_observer(LogConfig(format="text"), follower)(event(level=LogLevel.error))
            self.assertEqual(b"\x1b[31m" in os.read(leader, 1000), coloured)

    def test_worker(self) -> None:
        """A worker's lines have colours where they end at a terminal, and go there when the supervisor is gone."""
        leader, follower = os.openpty()
        reader, writer = os.pipe()
        for descriptor in (leader, follower, writer):
            self.addCleanup(os.close, descriptor)
        self.patch(os, "environ", {})
        observer = stream_observer(LogConfig(format="text"), writer, "1", fallback=follower)
        observer(event(level=LogLevel.error))
        self.assertIn(b"\x1b[31m", os.read(reader, 1000))
        os.close(reader)
        observer(event("orphaned", level=LogLevel.warn))
        self.assertIn(b"orphaned", os.read(leader, 1000))

    def test_adopt(self) -> None:
        """Level and format can change."""
        observer = self.observer(level="error")
        observer(event())
        observer.adopt(LogConfig(level="debug", format="text"))
        observer(event("a line"))
        self.assertEqual(len(self.lines), 1)
        self.assertTrue(self.lines[0].endswith(b" a line\n"), self.lines)


class AccessLogTests(SynchronousTestCase):
    def told(self, exchange: Any) -> dict[str, Any]:
        with capturedLogs() as events:
            AccessLog()(exchange, "192.0.2.1", 0.0123456)
        (event,) = events
        return event

    def test_fields(self) -> None:
        """All that is asked for."""
        headers = [(b"user-agent", b"curl/8"), (b"referer", b"http://x/"), (b"accept", b"*/*")]
        exchange, _ = make_exchange(url="http://shop.test:80/a/b?c=d", headers=headers)
        exchange.app = "shop"
        exchange.respond(201, b"", [], None, b"four")
        event = self.told(exchange)
        self.assertEqual(event["log_namespace"], "nano.access")
        self.assertEqual(
            # The test runner's own observer adds what old observers want to find.
            {key: value for key, value in event.items() if not key.startswith("log_") and key not in LEGACY},
            {
                "event": "access",
                "app": "shop",
                "request_id": "request-1",
                "method": "GET",
                "path": "/a/b?c=d",
                "status": 201,
                "bytes": 4,
                "duration_ms": 12.346,
                "client": "192.0.2.1",
                "user_agent": "curl/8",
                "referer": "http://x/",
                "outcome": "ok",
            },
        )

    def test_client_gone(self) -> None:
        """Without an answer the status is the error's."""
        exchange, _ = make_exchange()
        exchange.client_gone("reset")
        event = self.told(exchange)
        self.assertEqual((event["status"], event["outcome"], event["bytes"]), (499, "client-gone", 0))

    def test_bad_request(self) -> None:
        """A request that could not be read has no path."""
        exchange, _ = make_exchange(url="", headers=[(b"user-agent", b"\xff")])
        event = self.told(exchange)
        self.assertEqual((event["path"], event["user_agent"]), ("-", "\\xff"))

    def test_no_path(self) -> None:
        """A URL without a path has the root's."""
        self.assertEqual(self.told(make_exchange(url="http://shop.test")[0])["path"], "/")


class TwistdOptionsTests(SynchronousTestCase):
    def test_users_choice(self) -> None:
        """Where the user has chosen a log, it is not replaced."""
        for options in ({"logfile": "x"}, {"logger": "y"}, {"syslog": True}, None):
            self.assertIsNone(log_observer(LogConfig(), options, None))

    def test_foreground(self) -> None:
        """In the foreground it is standard output."""
        self.assertIsInstance(log_observer(LogConfig(), {"nodaemon": True}, None), LogObserver)

    def test_daemon(self) -> None:
        """A daemon has no standard output: its log is twistd.log."""
        folder, before = self.mktemp(), os.getcwd()
        os.mkdir(folder)
        os.chdir(folder)
        self.addCleanup(os.chdir, before)
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
        observer = log_observer(LogConfig(), {}, None)
        assert observer is not None
        observer(event())
        self.assertEqual(json.loads(Path("twistd.log").read_text())["msg"], "hello")

    def test_rotation(self) -> None:
        """SIGUSR1 rotates, unless somebody has a use for it."""
        handlers: dict[Any, Any] = {}
        self.patch(signal, "signal", handlers.__setitem__)
        called: list[str] = []

        class Reactor:
            def callFromThread(self, function: Any) -> None:
                function()

        rotate_on_signal(Reactor(), lambda: called.append("rotate"))
        handlers[signal.SIGUSR1](signal.SIGUSR1, None)
        self.assertEqual(called, ["rotate"])
        self.patch(signal, "getsignal", lambda number: signal.SIG_IGN)
        handlers.clear()
        rotate_on_signal(Reactor(), lambda: None)
        self.assertEqual(handlers, {})

    def test_application(self) -> None:
        """The application that the service joins has our observer, where twistd looks for it."""
        observer, service, application = LogObserver(LogConfig(), bytes), Service(), Application("nano")
        _Logged(service, observer).setServiceParent(application)
        self.assertIs(application.getComponent(ILogObserver), observer)
        IService(application).startService()
        self.assertTrue(service.running)


#: In place of the service: logs as nano does, and stops.
CHATTY = """
import sys
from types import SimpleNamespace
from twisted.application.service import Service
from twisted.logger import Logger

class NanoService(Service):
    draining = False
    ready = True

    def __init__(self, config, reactor, log_changed=None):
        self.reactor = reactor
        self.control = SimpleNamespace(config=config, hangup=lambda: None)

    def startService(self):
        self.reactor.callWhenRunning(self.talk)

    def talk(self):
        log = Logger(namespace="nano.test")
        log.info("ready {app}", app="shop", event="app-ready")
        log.debug("not shown")
        try:
            1 / 0
        except ZeroDivisionError:
            log.failure("broken")
        {extra}
        self.reactor.stop()

sys.modules["nano.service"] = sys.modules["__main__"]
"""
TWISTD = "from twisted.scripts.twistd import run; run()"
SERVE = "from nano.cli import main; sys.exit(main())"


class ProcessTests(TestCase):
    async def run_server(self, script: str, *arguments: str, config: Any = None, extra: str = "pass") -> bytes:
        """What a server prints; it ends well and prints nothing to standard error."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        (self.folder / "app.json").write_text(json.dumps({"port": 1, "workers": 0, **(config or {})}))
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-c", CHATTY.replace("{extra}", extra) + script, *arguments, "-c", "app.json"],
            environment(),
            str(self.folder),
        )
        self.assertEqual((err, code), (b"", 0), out)
        return bytes(out)

    def lines(self, out: bytes) -> dict[str, dict[str, Any]]:
        """By message."""
        return {line["msg"]: line for line in map(json.loads, out.splitlines())}

    async def test_twistd_json(self) -> None:
        """Under twistd each line of standard output is a JSON object, Twisted's own and printed ones included."""
        lines = self.lines(await self.run_server(TWISTD, "-n", "nano", extra="print('printed')"))
        self.assertEqual((lines["ready shop"]["event"], lines["ready shop"]["app"]), ("app-ready", "shop"))
        self.assertIn("ZeroDivisionError", lines["broken"]["traceback"])
        self.assertEqual(lines["printed"]["logger"], "stdout")
        self.assertNotIn("not shown", lines)

    async def test_twistd_text(self) -> None:
        """Format and level are the configuration's."""
        out = await self.run_server(TWISTD, "-n", "nano", config={"log": {"format": "text", "level": "warn"}})
        self.assertTrue(out.splitlines()[0].endswith(b" critical broken"), out)
        self.assertIn(b"\n    builtins.ZeroDivisionError", out)
        self.assertNotIn(b"ready shop", out)

    async def test_twistd_logfile(self) -> None:
        """A log that the user has chosen is twistd's."""
        out = await self.run_server(TWISTD, "-n", "--logfile", "my.log", "nano")
        self.assertEqual(out, b"")
        self.assertIn("[nano.test#info] ready shop", (self.folder / "my.log").read_text())

    async def test_serve(self) -> None:
        """`nano serve` logs the same way."""
        lines = self.lines(await self.run_server(SERVE, "serve"))
        self.assertEqual(lines["ready shop"]["app"], "shop")
        self.assertIn("traceback", lines["broken"])

    async def test_stuck_pipe(self) -> None:
        """A reader of standard output that does not read keeps the server neither from working nor from ending."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "app.json").write_text('{"port": 1, "workers": 0}')
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        flood = "for n in range(100): log.info('{text}', text='x' * 10000)"
        script = CHATTY.replace("{extra}", flood) + SERVE
        child = Child({})
        reactor.spawnProcess(
            child,
            sys.executable,
            [sys.executable, "-c", script, "serve", "-c", "app.json"],
            environment(),
            str(folder),
            childFDs={0: "w", 1: writer, 2: "r"},
        )
        os.close(writer)
        self.assertEqual((await child.ended, child.err), (0, b""))
        self.assertIn(b"ready shop", os.read(reader, 4096))
