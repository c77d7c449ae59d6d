"""
The worker's half, with a server that is a fake.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.config import Config
from nano.errors import EngineError
from nano.supervisor import control
from nano.supervisor.scoreboard import Scoreboard, make_memory
from nano.supervisor.worker import ACCEPT_AFTER, Worker


class FakeVersion:
    """A version of an app."""

    def __init__(self, name: str, version: str, error: str | None = None) -> None:
        self.name, self.version, self.error = name, version, error


class FakeChange:
    """A change that is prepared."""

    def __init__(self, new: FakeVersion, failed: FakeVersion) -> None:
        self.apps = {new.name: new}
        self.fresh = (new,)
        self.failed = {failed.name: failed}


class FakeApps:
    """Apps that change when the test says so."""

    def __init__(self) -> None:
        self.change = FakeChange(FakeVersion("new", "2"), FakeVersion("bad", "3", "broken"))
        self.draining: Deferred[dict[str, bool]] = Deferred()
        self.calls: list[Any] = []

    def prepare(self, configs: Iterable[Any], keep: frozenset[str], versions: Mapping[str, str]) -> Deferred[Any]:
        """At once."""
        prepared: Deferred[Any] = Deferred()
        prepared.callback(self.change)
        return prepared

    def keeping(self, change: Any, names: Iterable[str]) -> Any:
        """Kept."""
        self.calls.append(("keeping", list(names)))
        return change

    def commit(self, change: Any) -> Deferred[dict[str, bool]]:
        """Fires when the test says so."""
        self.calls.append("commit")
        return self.draining

    def abandon(self, change: Any) -> None:
        """Kept."""
        self.calls.append("abandon")

    def quarantine(self, remaining: Mapping[str, Callable[[], float]]) -> None:
        """Kept."""
        self.quarantined = remaining


class FakeServer:
    """A server that does what the test says."""

    def __init__(self) -> None:
        self.apps = FakeApps()
        self.ready: Deferred[None] = Deferred()
        self.stopped: Deferred[None] = Deferred()
        self.calls: list[str] = []

    def privilegedStartService(self) -> None:
        """Kept."""
        self.calls.append("listen")

    def startService(self) -> None:
        """Kept."""
        self.calls.append("start")

    def stopService(self) -> Deferred[None]:
        """Fires when the test says so."""
        self.calls.append("stop")
        return self.stopped

    def when_ready(self) -> Deferred[None]:
        """Fires when the test says so."""
        return self.ready

    def status(self) -> dict[str, Any]:
        """No apps."""
        return {"apps": []}


class FakeChannel:
    """Keeps what the worker says."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.transport = self
        self.closed = False

    def callRemote(self, command: Any, **arguments: Any) -> Deferred[Any]:
        """Kept."""
        self.said.append(command)
        self.arguments = arguments
        return succeed({})

    def loseConnection(self) -> None:
        """Kept."""
        self.closed = True


class WorkerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.server: Any = FakeServer()
        self.exits: list[int] = []
        self.guards: list[float] = []
        self.patch(faulthandler, "dump_traceback_later", lambda seconds, **_: self.guards.append(seconds))
        memory = make_memory()
        self.addCleanup(os.close, memory)
        scoreboard = Scoreboard(memory, self.clock)
        self.addCleanup(scoreboard.close)
        self.worker = Worker(self.clock, lambda *_: self.server, scoreboard, self.exits.append)
        self.channel = FakeChannel()
        self.worker.connected(self.channel)  # type: ignore[arg-type]

    def configure(self, **quarantined: float) -> None:
        """Give it its task."""
        self.worker.configure(control.Task(1, Config(), (), quarantined))

    def accepts(self) -> bool:
        """Whether it takes connections."""
        return self.worker._ports._accepting

    def test_boots(self) -> None:
        """It says that it is there, and guards itself against standing still."""
        self.assertEqual(self.channel.said, [control.Booted])
        self.clock.pump([1.0] * 10)
        self.assertGreater(len(self.guards), 3)
        self.assertEqual(set(self.guards), {control.STUCK_AFTER})

    def test_ready(self) -> None:
        """It accepts and says so when its apps are loaded."""
        self.configure()
        self.assertEqual(self.server.calls, ["listen", "start"])
        self.assertFalse(self.accepts())
        self.server.ready.callback(None)
        self.assertTrue(self.accepts())
        self.assertEqual(self.channel.said[1:], [control.Ready])

    def test_slow_app(self) -> None:
        """It does not wait for an app that takes its time."""
        self.configure()
        self.clock.advance(ACCEPT_AFTER)
        self.assertTrue(self.accepts())
        self.assertEqual(self.channel.said[1:], [])

    def test_alone(self) -> None:
        """Where nobody else accepts, it does at once."""
        self.worker.configure(control.Task(1, Config(), alone=True))
        self.clock.advance(0)
        self.assertTrue(self.accepts())
        self.assertEqual(self.channel.said[1:], [])

    def test_quarantine(self) -> None:
        """Quarantine holds before the first app is loaded, and its time runs here."""
        self.configure(bad=10.0)
        remaining = self.server.apps.quarantined["bad"]
        self.clock.advance(4.0)
        self.assertEqual(remaining(), 6.0)

    def test_cannot_boot(self) -> None:
        """What hinders it is told, and then the exit code."""
        self.patch(self.server, "startService", _fail)
        self.assertRaises(control.BootError, self.configure)
        self.clock.advance(0)
        self.assertTrue(self.channel.closed)
        self.worker.disconnected()
        self.assertEqual(self.exits, [control.CANNOT_BOOT])

    def test_drain(self) -> None:
        """It exits with 0 when the server has stopped; connections that come meanwhile are the server's business."""
        self.configure()
        self.server.ready.callback(None)
        self.worker.drain(False)
        self.assertTrue(self.accepts())
        self.assertEqual(self.exits, [])
        self.server.stopped.callback(None)
        self.assertEqual(self.channel.said[-1], control.Leaving)
        self.assertEqual(self.channel.arguments, {"status": {"apps": []}})
        self.assertEqual(self.exits, [0])

    def test_leave(self) -> None:
        """One of several accepts nothing any more."""
        self.configure()
        self.server.ready.callback(None)
        self.worker.drain(True)
        self.assertFalse(self.accepts())
        self.clock.advance(ACCEPT_AFTER)
        self.assertFalse(self.accepts())

    def test_supervisor_is_gone(self) -> None:
        """What is in flight gets its time."""
        self.configure()
        self.worker.disconnected()
        self.assertEqual((self.server.calls[-1], self.exits), ("stop", []))
        self.server.stopped.callback(None)
        self.assertEqual(self.exits, [0])

    def test_supervisor_is_gone_while_draining(self) -> None:
        """A supervisor that goes without waiting was told to stop at once."""
        self.configure()
        self.worker.drain(False)
        self.worker.disconnected()
        self.assertEqual(self.exits, [0])

    def test_spare(self) -> None:
        """A spare has nothing to finish."""
        self.worker.disconnected()
        self.assertEqual(self.exits, [0])

    def test_change(self) -> None:
        """Prepare reports on each app, commit switches, and what is left behind is waited for."""
        self.configure()
        report = self.successResultOf(self.worker.prepare(control.Proposal(())))
        self.assertEqual(report["new"], {"version": "2", "fresh": True, "error": None})
        self.assertEqual(report["bad"], {"version": "3", "fresh": True, "error": "broken"})
        self.worker.commit(["bad"])
        self.assertEqual(self.server.apps.calls, [("keeping", ["bad"]), "commit"])
        drained = self.worker.when_drained()
        self.assertNoResult(drained)
        self.server.apps.draining.callback({"new": True})
        self.assertEqual(self.successResultOf(drained), {"new": True})

    def test_abandon(self) -> None:
        """A change that is given up is not committed; so is one that another follows."""
        self.configure()
        self.worker.prepare(control.Proposal(()))
        self.worker.prepare(control.Proposal(()))
        self.worker.abandon()
        self.worker.commit([])
        self.assertEqual(self.server.apps.calls, ["abandon", "abandon"])


def _fail() -> None:
    raise EngineError("no V8")
