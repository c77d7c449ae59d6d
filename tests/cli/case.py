# -*- test-case-name: tests.cli -*-
"""
What the tests of the `nano` command share: commands as functions, and as child processes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import unittest.mock
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano.cli import main, serve
from tests.system.daemon import Daemon, environment, free_port, write_apps

__all__ = ["SERVE", "SERVICE", "Child", "Commands", "RunningDaemon", "ServingProcesses"]


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
        # A signal to the tests' own process is not ours to hear.
        self.patch(serve, "leave_on_signals", lambda: None)

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


class RunningDaemon(Commands):
    """
    Commands with a daemon to talk to.

    Attributes:
        daemon: once it was started.
        where: options that name it.
        admin_url: its admin listener, if that is one of TCP.
    """

    def start(self, apps: Mapping[str, str], tcp: bool = False, **config: Any) -> None:
        """Start a daemon with the `index.js` of some apps, and an admin listener."""
        write_apps(Path(self.folder), apps)
        port = free_port()
        self.admin_url = f"http://127.0.0.1:{port}"
        # The path of a socket must be short, and that of a test's folder is not.
        runtime = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, runtime)
        admin = {"listen": f"tcp:{port}:interface=127.0.0.1", "token": "sesame"}
        whole = {
            "admin": admin if tcp else {"listen": f"unix:{runtime}/admin"},
            "apps": [{"name": name, "path": name} for name in apps],
            **config,
        }
        self.daemon = Daemon(Path(self.folder), whole, options=["--no-watch"])
        self.addCleanup(self.daemon.kill)
        self.daemon.wait_until_ready()
        self.where = ("--config", os.path.join(self.folder, "app.json"))

    @contextlib.contextmanager
    def environment(self, **variables: str) -> Iterator[None]:
        """With some more variables."""
        with unittest.mock.patch.dict(os.environ, variables):
            yield


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
