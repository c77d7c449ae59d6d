# -*- test-case-name: tests.test_cli -*-
"""
The `nano` command: as a function where that is enough, as a child process where it is not.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano import __version__
from nano.cli import main
from nano.config import check_config, config_schema
from tests.test_config import TEN_MESSAGES, TEN_MISTAKES

ROOT = Path(__file__).resolve().parent.parent

# A service that says what is done to it, in place of ours.
SERVICE = """
import os, signal, sys
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from nano.errors import EngineError

class NanoService(Service):
    ready = True

    def __init__(self, config, reactor, log_changed=None):
        self.reactor = reactor
        self.control, self.config = self, config
        if "broken" in config.state_dir:
            raise EngineError("no V8")
        self.taken, self.hang = "taken" in config.state_dir, "hang" in config.state_dir
        self.early = "early" in config.state_dir

    def privilegedStartService(self):
        if self.early:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.taken:
            raise CannotListenError("", 80, "in use")

    def startService(self):
        self.reactor.callWhenRunning(print, "started", file=sys.__stderr__, flush=True)

    def stopService(self):
        print("stopping", file=sys.__stderr__, flush=True)
        done = Deferred()
        if not self.hang:
            self.reactor.callLater(0, done.callback, None)
        return done

sys.modules["nano.service"] = sys.modules["__main__"]
"""

SERVE = SERVICE + "from nano.cli import main; sys.exit(main())"


def environment() -> dict[str, str]:
    """The child's: ours, without what nano would read of it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NANO_")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), kept.get("PYTHONPATH", "")])}


def _kill(transport: IProcessTransport) -> None:
    with contextlib.suppress(ProcessExitedAlready):
        transport.signalProcess("KILL")


class Child(ProcessProtocol):
    """
    A child process that is answered: *signals* maps a line of its standard error to a signal.
    """

    def __init__(self, signals: dict[str, int]) -> None:
        self.signals = signals
        self.out = self.err = b""
        self.ended: Deferred[int] = Deferred()

    def outReceived(self, data: bytes) -> None:
        """Kept for the test."""
        self.out += data

    def errReceived(self, data: bytes) -> None:
        """A line we wait for may be in it."""
        self.err += data
        for line in [line for line in self.signals if f"{line}\n".encode() in self.err]:
            assert self.transport is not None
            self.transport.signalProcess(self.signals.pop(line))

    def processEnded(self, reason: Failure) -> None:
        """Fires `ended` with the exit code, or the signal's number below zero."""
        status = reason.value
        assert isinstance(status, (ProcessDone, ProcessTerminated))
        self.ended.callback(-status.signal if status.signal else status.exitCode or 0)


class Commands(SynchronousTestCase):
    """Runs commands in this process, in a folder of their own."""

    def setUp(self) -> None:
        self.folder = os.path.abspath(self.mktemp())
        os.makedirs(self.folder)
        self.patch(os, "environ", environment())

    def run_nano(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(arguments)
            except SystemExit as exit_:
                code = int(exit_.code or 0)
        return code, out.getvalue(), err.getvalue()

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text(text, "utf-8")
        return path


class CheckTests(Commands):
    def test_good(self) -> None:
        """One line says what is configured."""
        self.write("site/index.js", "")
        app = {"name": "a", "path": "site"}
        path = self.write("app.json", json.dumps({"port": 1, "workers": 1, "apps": [app]}))
        expected = f"{path}: OK: 1 app, 1 host name, 1 worker, listening on tcp:1\n"
        self.assertEqual(self.run_nano("check", path), (0, expected, ""))

    def test_bad(self) -> None:
        """Every problem is printed, and the exit code is 1."""
        path = self.write("app.json", '{"port": "x", "apps": [{"name": "a", "path": "gone"}]}')
        code, out, err = self.run_nano("check", path)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("port: must be a whole number", err)
        self.assertIn("gone does not exist", err)

    def test_no_file(self) -> None:
        """A missing file is a configuration error."""
        code, _, err = self.run_nano("check", os.path.join(self.folder, "no.json"))
        self.assertEqual(code, 1)
        self.assertIn("No such file", err)


class UsageTests(Commands):
    def test_wrong_usage(self) -> None:
        """Wrong usage is 2, with a hint on standard error."""
        for arguments in (
            ("run",),
            ("bogus",),
            ("check",),
            ("serve",),
            ("serve", "-c", "x", "-a", "y"),
            ("serve", "-a", "x", "-p", "http"),
            ("serve", "-a", "x", "-p", "65536"),
            ("serve", "-a", "x", "-w", "-1"),
            ("serve", "-a", "x", "--log-format", "xml"),
        ):
            code, out, err = self.run_nano(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertIn("usage: nano", err)

    def test_version(self) -> None:
        """`nano --version` prints the version."""
        self.assertEqual(self.run_nano("--version"), (0, f"nano {__version__}\n", ""))

    def test_schema(self) -> None:
        """`nano schema` prints the schema, and nothing else."""
        code, out, err = self.run_nano("schema")
        self.assertEqual((code, json.loads(out), err), (0, config_schema(), ""))


class ServeTests(Commands):
    def test_check(self) -> None:
        """`--check` looks at what would be served, the options included."""
        path = self.write("app.json", '{"workers": 1}')
        code, out, _ = self.run_nano("serve", "-c", path, "-p", "5", "-w", "0", "--check")
        self.assertEqual(code, 0)
        self.assertIn("0 workers, listening on tcp:5", out)

    def test_check_fails(self) -> None:
        """With problems it exits with 1."""
        path = self.write("app.json", "{}")
        code, _, err = self.run_nano("serve", "-c", path, "--check")
        self.assertEqual(code, 1)
        self.assertIn("nothing to listen on", err)

    def test_one_app(self) -> None:
        """A single app needs no file."""
        self.write("site/index.js", "")
        site = os.path.join(self.folder, "site")
        code, out, _ = self.run_nano("serve", "-a", site, "-p", "5", "--check")
        self.assertEqual(code, 0)
        self.assertIn("1 app, 1 host name", out)


class InitTests(Commands):
    def test_new_app(self) -> None:
        """What is written is a valid configuration of an app that is there."""
        folder = os.path.join(self.folder, "My shop!")
        code, out, _ = self.run_nano("init", folder)
        self.assertEqual(code, 0)
        self.assertIn(f"cd '{folder}' && nano serve -c app.json", out)
        config = check_config(os.path.join(folder, "app.json"), {})
        self.assertEqual((config.apps[0].name, config.apps[0].hostnames), ("My-shop", ("*",)))

    def test_existing_folder(self) -> None:
        """A folder may be there; its other files stay."""
        kept = self.write("shop/README", "mine")
        self.assertEqual(self.run_nano("init", os.path.dirname(kept))[0], 0)
        self.assertEqual(Path(kept).read_text(), "mine")

    def test_overwrites_nothing(self) -> None:
        """If one of the files is there, none is written."""
        mine = self.write("shop/src/index.js", "mine")
        code, _, err = self.run_nano("init", os.path.join(self.folder, "shop"))
        self.assertEqual(code, 1)
        self.assertIn("index.js is there already; nothing was written", err)
        self.assertEqual(Path(mine).read_text(), "mine")
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "shop"))), ["src"])

    def test_unwritable(self) -> None:
        """A folder that cannot be made is a message, not a traceback."""
        path = self.write("file", "")
        code, _, err = self.run_nano("init", os.path.join(path, "shop"))
        self.assertEqual(code, 1)
        self.assertIn("cannot write", err)


class ProcessTests(TestCase):
    """The real command, from outside."""

    async def test_ten_mistakes(self) -> None:
        """Ten mistakes in a file are ten messages, no traceback, and exit code 1."""
        folder = Path(self.mktemp()).absolute()
        (folder / "site").mkdir(parents=True)
        (folder / "site" / "index.js").touch()
        (folder / "app.json").write_text(TEN_MISTAKES)
        out, err, code = await getProcessOutputAndValue(
            sys.executable, ["-m", "nano.cli", "check", "app.json"], environment(), str(folder)
        )
        heads = [line for line in err.decode().splitlines() if not line.startswith("    ")]
        self.assertEqual((code, out, heads), (1, b"", TEN_MESSAGES))

    async def test_check_loads_no_reactor(self) -> None:
        """A check is quick: neither the reactor nor the engine is loaded for it."""
        script = (
            "import sys; from nano.cli import main; main(['schema'])\n"
            "loaded = {'twisted.internet.reactor', 'py_mini_racer', 'klein', 'nano.service'}\n"
            "sys.exit(3 if loaded & set(sys.modules) else 0)"
        )
        _, err, code = await getProcessOutputAndValue(sys.executable, ["-c", script], environment())
        self.assertEqual((code, err), (0, b""))


class ServingProcesses(TestCase):
    """
    Starts and stops a server, whose service is a stand-in, from outside.
    """

    script = SERVE
    arguments: tuple[str, ...] = ("serve",)

    async def serve(self, signals: dict[str, int], manner: str = "well") -> tuple[int, Child]:
        """The exit code of a server that gets *signals*, and all it said."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        (self.folder / "app.json").write_text(json.dumps({"port": 1, "workers": 0, "state_dir": manner}))
        child = Child(signals)
        arguments = [*self.arguments, "-c", "app.json"]
        transport = reactor.spawnProcess(
            child,
            sys.executable,
            [sys.executable, "-c", self.script, *arguments],
            environment(),
            str(self.folder),
        )
        self.addCleanup(_kill, transport)
        return await child.ended, child


class ServingTests(ServingProcesses):
    """`nano serve`, and by inheritance `twistd nano`."""

    async def test_graceful_stop(self) -> None:
        """A signal stops the service, and the process ends clean."""
        for number in (signal.SIGTERM, signal.SIGINT):
            code, child = await self.serve({"started": number})
            self.assertEqual((code, child.err), (0, b"started\nstopping\n"), child.out)

    async def test_early_signal(self) -> None:
        """A signal that comes before the reactor runs stops it as soon as it does."""
        code, child = await self.serve({}, "early")
        self.assertEqual(code, 0, child.out + child.err)
        self.assertTrue(child.err.endswith(b"stopping\n"), child.err)

    async def test_second_signal(self) -> None:
        """A second signal ends a stop that takes too long."""
        code, child = await self.serve({"started": signal.SIGTERM, "stopping": signal.SIGINT}, "hang")
        self.assertEqual(code, -signal.SIGINT, child.err)

    async def test_taken_port(self) -> None:
        """What hinders the start is a message, and exit code 1."""
        code, child = await self.serve({}, "taken")
        message = b"nano: Couldn't listen on any:80: in use.\n"
        self.assertEqual((code, child.err), (1, message), child.out)

    async def test_broken(self) -> None:
        """So is what hinders the service from being made."""
        code, child = await self.serve({}, "broken")
        self.assertEqual((code, child.err), (1, b"nano: no V8\n"), child.out)
