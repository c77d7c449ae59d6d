# -*- test-case-name: tests.test_tap -*-
"""
`twistd nano`: its options, the service it makes, and twistd itself as a child process.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from twisted.application.app import ServerOptions
from twisted.application.service import IService, IServiceMaker, Service
from twisted.internet.error import CannotListenError
from twisted.internet.utils import getProcessOutputAndValue
from twisted.plugin import IPlugin, getPlugins
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano import __version__
from nano.config import Config
from nano.errors import EngineError
from nano.tap import Options, allow_many_descriptors, makeService, quiet_start_errors, stop_on_signals
from tests.cli.case import SERVICE
from tests.cli.test_serve import ServingTests
from tests.system.daemon import environment

TWISTD = "from twisted.scripts.twistd import run; run()"


class OptionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / "site").mkdir(parents=True)
        (self.folder / "site" / "index.js").touch()
        self.patch(os, "environ", environment())

    def parse(self, *arguments: str, parent: object = None) -> Options:
        options = Options()
        options.parent = parent
        options.parseOptions(list(arguments))
        return options

    def leaves(self, *arguments: str, parent: object = None) -> tuple[Any, str, str]:
        """Exit code and output of a command line that ends the process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            error = self.assertRaises(SystemExit, self.parse, *arguments, parent=parent)
        return error.code, out.getvalue(), err.getvalue()

    def write(self, raw: object) -> str:
        path = self.folder / "app.json"
        path.write_text(json.dumps(raw))
        return str(path)

    def test_file(self) -> None:
        """The file is read, and options win over it."""
        path = self.write({"port": 1, "apps": [{"name": "a", "path": "site"}]})
        config = self.parse("-c", path, "-p", "2", "-w", "3", "--log-format", "text").loaded
        self.assertEqual((config.listen, config.workers, config.log.format), (("tcp:2",), 3, "text"))
        self.assertEqual(config.apps[0].name, "a")

    def test_one_app(self) -> None:
        """A folder and a port are enough; the app answers for every host name."""
        config = self.parse("--app", str(self.folder / "site"), "--port", "2").loaded
        self.assertEqual(config.listen, ("tcp:2",))
        self.assertEqual([app.hostnames for app in config.apps], [("*",)])

    def test_missing_app_does_not_stop_the_others(self) -> None:
        """Only a check minds an app that is not there."""
        apps = [{"name": name, "path": name} for name in ("gone", "site")]
        path = self.write({"port": 1, "apps": apps})
        self.assertEqual(len(self.parse("-c", path).loaded.apps), 2)
        code, _, err = self.leaves("-c", path, "--check")
        self.assertEqual(code, 1)
        self.assertIn("gone does not exist", err)

    def test_wrong_usage(self) -> None:
        """Wrong usage is a `UsageError`; below twistd it ends the process with 2."""
        self.patch(sys.modules["nano.tap"], "leave_on_signals", lambda: None)
        twistd = ServerOptions()
        twistd.subCommand = "nano"
        for arguments in (
            (),
            ("-c", "x", "-a", "y"),
            ("-a", "x", "-p", "http"),
            ("-a", "x", "-w", "9999"),
            ("-a", "x", "--log-format", "xml"),
            ("--bogus",),
            ("-c",),
        ):
            self.assertRaises(UsageError, self.parse, *arguments)
            code, out, err = self.leaves(*arguments, parent=twistd)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertIn("twistd nano: ", err)

    def test_wrong_configuration(self) -> None:
        """All messages are printed, and the process ends with 1."""
        code, out, err = self.leaves("-c", self.write({"port": "x", "prot": 1}))
        self.assertEqual((code, out), (1, ""))
        self.assertIn("port: must be a whole number, not a string", err)
        self.assertIn('prot: unknown key; did you mean "port"?', err)

    def test_check(self) -> None:
        """`--check` reports and ends the process."""
        code, out, err = self.leaves("-c", self.write({"port": 1, "workers": 1}), "--check")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("OK: 0 apps, 0 host names, 1 worker, listening on tcp:1", out)

    def test_version(self) -> None:
        """`--version` is nano's, not Twisted's."""
        self.assertEqual(self.leaves("--version"), (0, f"nano {__version__}\n", ""))


class FakeReactor:
    """
    As much of a reactor as stopping it takes.
    """

    def __init__(self) -> None:
        self.when_running: list[Any] = []
        self.triggers: list[tuple[Any, ...]] = []
        self.stops = 0
        self.sigTerm: Any = None
        self.sigInt: Any = None

    def callWhenRunning(self, function: Any) -> None:
        """Kept for the test."""
        self.when_running.append(function)

    def addSystemEventTrigger(self, *arguments: Any) -> None:
        """Kept for the test."""
        self.triggers.append(arguments)

    def callFromThread(self, function: Any) -> None:
        """At once: there is no other thread."""
        function()

    def stop(self) -> None:
        """Counted."""
        self.stops += 1


class SignalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.handlers: dict[int, Any] = {}
        self.patch(sys.modules["signal"], "signal", self.handlers.__setitem__)
        self.reactor = FakeReactor()
        stop_on_signals(self.reactor)

    def test_from_now_on(self) -> None:
        """The handlers are there at once, are those that the reactor installs, and replace any others."""
        self.assertEqual({int(number) for number in self.handlers}, {2, 15})
        handler = self.handlers[15]
        self.assertEqual((self.reactor.sigTerm, self.reactor.sigInt), (handler, handler))
        self.handlers.clear()
        self.reactor.when_running[0]()
        self.assertEqual({int(number) for number in self.handlers}, {2, 15})

    def test_before_the_reactor_runs(self) -> None:
        """A signal that comes early stops the reactor when it runs; the next is the kernel's all the same."""
        self.handlers[15](15, None)
        self.assertEqual(self.reactor.stops, 1)
        self.reactor.when_running[0]()
        self.assertEqual([int(handler) for handler in self.handlers.values()], [0, 0])

    def test_first_signal(self) -> None:
        """It stops the reactor, and leaves the next to the kernel."""
        self.handlers[15](15, None)
        self.assertEqual(self.reactor.stops, 1)
        self.assertEqual([int(handler) for handler in self.handlers.values()], [0, 0])

    def test_already_stopping(self) -> None:
        """A reactor that somebody else is stopping is not stopped twice."""
        self.reactor.when_running[0]()
        phase, event, function, *arguments = self.reactor.triggers[0]
        self.assertEqual((phase, event), ("before", "shutdown"))
        function(*arguments)
        self.handlers[15](15, None)
        self.assertEqual(self.reactor.stops, 0)


class MakeServiceTests(SynchronousTestCase):
    def test_service(self) -> None:
        """The service is built of the configuration and the reactor that twistd has chosen."""
        from twisted.internet import reactor

        built: list[tuple[Config, object]] = []

        def build(config: Config, reactor: object, log: object) -> IService:
            built.append((config, reactor))
            return Service()

        self.patch(sys.modules["nano.tap"], "stop_on_signals", lambda reactor: None)
        self.patch(sys, "excepthook", sys.excepthook)
        options = Options()
        options.loaded = Config(port=1, workers=0)
        self.assertTrue(IService.providedBy(makeService(options, build)))
        self.assertEqual(built, [(options.loaded, reactor)])

    def test_start_errors(self) -> None:
        """What an operator can put right is a message; anything else keeps its traceback."""
        passed: list[type[BaseException]] = []
        self.patch(sys, "excepthook", lambda kind, error, traceback: passed.append(kind))
        quiet_start_errors()
        err = io.StringIO()
        self.patch(sys, "__stderr__", err)
        with contextlib.redirect_stderr(err):
            for error in (CannotListenError("", 80, "in use"), EngineError("no V8"), KeyError()):
                sys.excepthook(type(error), error, None)
        self.assertEqual(passed, [KeyError])
        self.assertEqual(err.getvalue(), "nano: Couldn't listen on any:80: in use.\nnano: no V8\n")


class DescriptorTests(SynchronousTestCase):
    def test_limit(self) -> None:
        """The server may open as many files as the system permits."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[0] - 1, limits[1]))
        allow_many_descriptors()
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE)[0], limits[1])


class PluginTests(SynchronousTestCase):
    def test_found(self) -> None:
        """twistd finds one plugin of ours, which names its module without importing it."""
        (plugin,) = [plugin for plugin in getPlugins(IServiceMaker) if getattr(plugin, "tapname", "") == "nano"]
        self.assertTrue(IPlugin.providedBy(plugin))
        self.assertEqual(getattr(plugin, "module", ""), "nano.tap")
        self.assertIs(plugin.options, Options)


class TwistdTests(TestCase):
    """The real twistd, from outside."""

    async def twistd(self, *arguments: str) -> tuple[bytes, bytes, int]:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "bad.json").write_text('{"prot": 1}')
        (folder / "good.json").write_text('{"port": 1, "workers": 1}')
        out, err, code = await getProcessOutputAndValue(
            sys.executable, ["-c", TWISTD, "-n", "nano", *arguments], environment(), str(folder)
        )
        return out, err, code

    async def test_wrong_usage(self) -> None:
        """Wrong usage is 2."""
        _, err, code = await self.twistd()
        self.assertEqual(code, 2)
        self.assertIn(b"give either --config FILE or --app PATH", err)

    async def test_wrong_configuration(self) -> None:
        """A wrong configuration is 1, with the messages and no traceback."""
        _, err, code = await self.twistd("--config", "bad.json")
        self.assertEqual(code, 1)
        self.assertIn(b'bad.json:1:2: prot: unknown key; did you mean "port"?', err)
        self.assertNotIn(b"Traceback", err)

    async def test_check(self) -> None:
        """A good one is 0."""
        out, err, code = await self.twistd("--config", "good.json", "--check")
        self.assertEqual((code, err), (0, b""))
        self.assertIn(b"good.json: OK", out)

    async def test_help(self) -> None:
        """Every option is explained."""
        out, _, code = await self.twistd("--help")
        self.assertEqual(code, 0)
        for option in (b"--config=", b"--app=", b"--port=", b"--workers=", b"--log-format="):
            self.assertIn(option, out)


class TwistdServingTests(ServingTests):
    """Whatever `nano serve` does about signals and failed starts, twistd does as well."""

    script = SERVICE + TWISTD
    arguments = ("-n", "nano")

    async def test_pid_file(self) -> None:
        """A graceful stop leaves no pid file."""
        await self.serve({"started": 15})
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["app.json"])


del ServingTests  # so that it runs in its own module only
