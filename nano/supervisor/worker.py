# -*- test-case-name: tests.supervisor.test_worker -*-
"""
The worker's half: does what the supervisor says with the service that serves the apps.

It accepts connections when its apps are loaded, or a little later if one of them takes its time: until then the other
workers accept.  Where there is no other it accepts at once, so that each app answers as soon as it can.  It outlives
its supervisor only to finish what is in flight, and its own reactor standing still not at all: faulthandler, which
needs neither the reactor nor the interpreter's lock, ends it then.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from nano.config import AppConfig
from nano.errors import NanoError
from nano.supervisor import control
from nano.supervisor.listeners import Adopter
from nano.supervisor.scoreboard import Scoreboard

__all__ = ["ACCEPT_AFTER", "Apps", "Build", "Channel", "Server", "Worker"]

#: How long apps may take to load before connections are accepted all the same, in seconds.
ACCEPT_AFTER = 0.5


class Apps(Protocol):
    """The apps of a server, as they change (nano.apps.app_set.AppSet)."""

    def prepare(self, configs: Iterable[AppConfig], keep: frozenset[str], versions: Mapping[str, str]) -> Deferred[Any]:
        """Load what is new; fires with the change."""

    def keeping(self, change: Any, names: Iterable[str]) -> Any:
        """The same change, but for these apps."""

    def commit(self, change: Any) -> Deferred[dict[str, bool]]:
        """Switch; fires when what was left has drained."""

    def abandon(self, change: Any) -> None:
        """Give a change up."""

    def quarantine(self, remaining: Mapping[str, Callable[[], float]]) -> None:
        """All apps that are in quarantine from now on, with what tells for how many more seconds."""


class Server(Protocol):
    """What serves the apps (nano.service.NanoService)."""

    @property
    def apps(self) -> Apps:
        """The apps."""

    def privilegedStartService(self) -> None:
        """Open the listeners."""

    def startService(self) -> None:
        """Begin to load the apps."""

    def stopService(self) -> Deferred[None]:
        """Drain; fires with None."""

    def when_ready(self) -> Deferred[None]:
        """Fires with None when every app is loaded or has failed."""

    def status(self) -> dict[str, Any]:
        """How it is, in JSON: `apps`, a list."""

    def journal(self, question: dict[str, Any]) -> dict[str, Any]:
        """What it has told its log lately, in JSON."""


#: Makes the server: for a task, with a reactor for its endpoints and a scoreboard.
Build = Callable[[control.Task, Any, Scoreboard], Server]


class Channel(control.ControlProtocol):
    """
    The worker's end of the control socket.

    Args:
        worker: does what arrives here.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    def connectionMade(self) -> None:
        """The worker has booted."""
        super().connectionMade()
        self._worker.connected(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The supervisor is gone, or has been told that we go."""
        super().connectionLost(reason)
        self._worker.disconnected()

    @control.Configure.responder
    def configure(self, task: control.Task) -> dict[str, Any]:
        self._worker.configure(task)
        return {}

    @control.Prepare.responder
    def prepare(self, proposal: control.Proposal) -> Deferred[dict[str, Any]]:
        return self._worker.prepare(proposal).addCallback(lambda apps: {"apps": apps})

    @control.Commit.responder
    def commit(self, keep: list[str]) -> dict[str, Any]:
        self._worker.commit(keep)
        return {}

    @control.Abandon.responder
    def abandon(self) -> dict[str, Any]:
        self._worker.abandon()
        return {}

    @control.AwaitDrained.responder
    def await_drained(self) -> Deferred[dict[str, Any]]:
        return self._worker.when_drained().addCallback(lambda apps: {"apps": apps})

    @control.Quarantined.responder
    def quarantined(self, apps: dict[str, float]) -> dict[str, Any]:
        self._worker.quarantine(apps)
        return {}

    @control.Status.responder
    def status(self) -> dict[str, Any]:
        return {"status": self._worker.status()}

    @control.Journal.responder
    def journal(self, question: dict[str, Any]) -> dict[str, Any]:
        return {"answer": self._worker.journal(question)}

    @control.Drain.responder
    def drain(self, leave: bool) -> dict[str, Any]:
        self._worker.drain(leave)
        return {}


class Worker:
    """
    A worker process, from its first word to its exit.

    Args:
        reactor: runs it.
        build: makes the server.
        scoreboard: what it leaves behind.
        leave: ends the process with an exit code.

    Attributes:
        draining: whether it takes nothing new.
    """

    _log = Logger()

    def __init__(self, reactor: Any, build: Build, scoreboard: Scoreboard, leave: Callable[[int], None]) -> None:
        self.draining = False
        self._reactor = reactor
        self._build = build
        self._scoreboard = scoreboard
        self._leave = leave
        self._exit_code = 0
        self._channel: Channel | None = None
        self._server: Server | None = None
        self._ports = Adopter(reactor, ())
        self._change: Any = None
        self._drained: list[Deferred[dict[str, Any]]] = []
        self._drain_result: dict[str, bool] | None = {}
        self._guard = LoopingCall(_arm)
        self._guard.clock = reactor

    # Its life.

    def connected(self, channel: Channel) -> None:
        """The supervisor is there: tell it that we are."""
        self._channel = channel
        self._guard.start(control.STUCK_AFTER / 5)
        self._scoreboard.start()
        self._tell(control.Booted)

    def _tell(self, command: type[amp.Command], **arguments: Any) -> None:
        if self._channel is not None:
            # What cannot be told is told to nobody: the supervisor is gone.
            self._channel.callRemote(command, **arguments).addErrback(lambda _: None)

    def disconnected(self) -> None:
        """The supervisor is gone: finish what is in flight, unless a drain is cut short by this."""
        self._channel = None
        if self.draining or self._server is None:
            self._leave(self._exit_code)
        else:
            self._log.warn("the supervisor is gone", event="supervisor-gone")
            self.drain(True)

    def configure(self, task: control.Task) -> None:
        """
        Begin to serve.

        Raises:
            BootError: when that is not possible, whatever the apps are; the process exits then.
        """
        self._ports = Adopter(self._reactor, task.bound)
        try:
            server = self._build(task, self._ports, self._scoreboard)
            self._server = server
            self.quarantine(task.quarantined)
            server.privilegedStartService()
            server.startService()
        except Exception as error:
            if not isinstance(error, (NanoError, CannotListenError)):
                self._log.failure("the worker cannot boot")
            self._exit_code, self._server = control.CANNOT_BOOT, None
            self._reactor.callLater(0, self._hang_up)
            raise control.BootError(str(error)) from error
        accepting = self._reactor.callLater(0 if task.alone else ACCEPT_AFTER, self._accept)
        server.when_ready().addCallback(self._loaded, accepting)

    def _hang_up(self) -> None:
        if self._channel is not None and self._channel.transport is not None:
            self._channel.transport.loseConnection()

    def _accept(self) -> None:
        if not self.draining:
            self._ports.accept()

    def _loaded(self, _result: None, accepting: Any) -> None:
        if accepting.active():
            accepting.cancel()
        self._accept()
        self._tell(control.Ready, status=self.status())

    def drain(self, leave: bool) -> None:
        """Finish what is in flight, and exit; with *leave*, accept no connection any more."""
        if self.draining:
            return
        self.draining = True
        if leave:
            self._ports.refrain()
        stopping = maybeDeferred(self._server.stopService) if self._server is not None else succeed(None)
        stopping.addErrback(lambda failure: self._log.failure("the drain failed", failure))
        stopping.addCallback(self._take_leave)

    def _take_leave(self, _result: None) -> None:
        if self._channel is None:
            self._leave(self._exit_code)
        else:
            told = self._channel.callRemote(control.Leaving, status=self.status())
            told.addBoth(lambda _: self._leave(self._exit_code))

    # What is asked of it.

    def status(self) -> dict[str, Any]:
        """How it is, in JSON."""
        return self._server.status() if self._server is not None else {"apps": []}

    def journal(self, question: dict[str, Any]) -> dict[str, Any]:
        """What it has told its log lately, in JSON; nothing if it does not serve yet."""
        return self._server.journal(question) if self._server is not None else {}

    def quarantine(self, apps: Mapping[str, float]) -> None:
        """These apps are in quarantine from now on, for so many seconds."""
        if self._server is not None:
            now = self._reactor.seconds()
            self._server.apps.quarantine({app: self._until(now + seconds) for app, seconds in apps.items()})

    def _until(self, end: float) -> Callable[[], float]:
        return lambda: float(max(0.0, end - self._reactor.seconds()))

    def prepare(self, proposal: control.Proposal) -> Deferred[dict[str, Any]]:
        """Load what is new; fires with the report that `control.Prepare` speaks of."""
        self.abandon()
        if self._server is None:
            return succeed({})
        preparing = self._server.apps.prepare(proposal.apps, proposal.keep, proposal.versions)
        return preparing.addCallback(self._prepared)

    def _prepared(self, change: Any) -> dict[str, Any]:
        self._change = change
        fresh = set(change.fresh)
        report = {
            app.name: {"version": app.version, "fresh": app in fresh, "error": None} for app in change.apps.values()
        }
        for name, app in change.failed.items():
            report[name] = {"version": app.version, "fresh": True, "error": str(app.error)}
        return report

    def commit(self, keep: Iterable[str]) -> None:
        """Switch to what is prepared, but for the apps in *keep*."""
        change, self._change = self._change, None
        if change is None or self._server is None:
            return
        apps = self._server.apps
        self._drain_result = None
        apps.commit(apps.keeping(change, keep)).addCallback(self._left_behind)

    def _left_behind(self, result: dict[str, bool]) -> None:
        self._drain_result = result
        waiting, self._drained = self._drained, []
        for deferred in waiting:
            deferred.callback(result)

    def when_drained(self) -> Deferred[dict[str, bool]]:
        """Fires when what the last commit left behind is over: by app, whether it drained in time."""
        drained: Deferred[dict[str, bool]] = Deferred(self._drained.remove)
        if self._drain_result is not None:
            drained.callback(self._drain_result)
        else:
            self._drained.append(drained)
        return drained

    def abandon(self) -> None:
        """Give up what is prepared."""
        change, self._change = self._change, None
        if change is not None and self._server is not None:
            self._server.apps.abandon(change)


def _arm() -> None:
    """Unless this is called again in time, say where every thread is and end the process."""
    faulthandler.dump_traceback_later(control.STUCK_AFTER, exit=True)
