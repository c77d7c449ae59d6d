# -*- test-case-name: tests.supervisor.test_processes -*-
"""
One worker process, as the supervisor sees it.

    BOOTING ──> SPARE ──> LOADING ──> READY ──> DRAINING ──> GONE
       └── given its task while it boots ──┘                  ↑
                                 it may die at any time ──────┘

What its death means is worked out here (`Ending`); what follows from it is the supervisor's business.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from nano.config import Config
from nano.supervisor import control
from nano.supervisor.line_pipe import LinePipe
from nano.supervisor.listeners import Listeners
from nano.supervisor.scoreboard import Board, make_memory

__all__ = ["Ending", "WorkerGoneError", "WorkerOwner", "WorkerProcess", "WorkerState", "worker_environment"]

#: A worker's file descriptors.
CONTROL, SCOREBOARD, LOG, FIRST_SOCKET = 3, 4, 5, 6
#: How long a worker may go on after it was told to end at once, in seconds.
_PATIENCE = 2.0

#: V8 ends the process by one of these.
_CRASHES = frozenset(
    getattr(signal, name)
    for name in ("SIGTRAP", "SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS")
    if hasattr(signal, name)
)


_RUN_WORKER = "runpy.run_module('nano.worker', None, '__main__')"


@contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    """
    What a terminal sends to all processes at once is for the supervisor alone: a worker inherits that it is blocked,
    and so never hears of it, not even before it could ignore it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


#: In the name of workers, whose lines are made up already.
_worker_log = Logger(namespace="nano.worker")


class WorkerState(Enum):
    """Where a worker is in its life."""

    BOOTING = "booting"
    SPARE = "spare"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    GONE = "gone"


class WorkerGoneError(Exception):
    """The worker is gone, or went before it answered."""


@dataclass(frozen=True)
class Ending:
    """
    How a worker ended.

    Attributes:
        reason: one word: "drained", "exit", "signal", "crash", "memory", "stuck", "boot".
        text: the same for people.
        state: where the worker was in its life.
        suspects: the apps that may be to blame, and how long each had been computing, in seconds.
    """

    reason: str
    text: str
    state: WorkerState
    suspects: Mapping[str, float] = field(default_factory=dict)


class WorkerOwner(Protocol):
    """The supervisor, as its workers see it."""

    def worker_booted(self, worker: WorkerProcess) -> None:
        """It can be given its task."""

    def worker_ready(self, worker: WorkerProcess) -> None:
        """Its apps are loaded, and it accepts."""

    def worker_ended(self, worker: WorkerProcess, ending: Ending) -> None:
        """It is gone, and reaped."""


class _Channel(control.ControlProtocol):
    """The supervisor's end of the control socket."""

    def __init__(self, worker: WorkerProcess) -> None:
        super().__init__()
        self._worker = worker

    @control.Booted.responder
    def booted(self) -> dict[str, Any]:
        self._worker.booted()
        return {}

    @control.Ready.responder
    def ready(self, status: Any) -> dict[str, Any]:
        self._worker.loaded(status)
        return {}

    @control.Leaving.responder
    def leaving(self, status: Any) -> dict[str, Any]:
        self._worker.status = status
        return {}


class WorkerProcess(ProcessProtocol):
    """
    A worker.

    Args:
        reactor: spawns it.
        owner: is told of its life.
        listeners: the sockets it gets.
        output: takes the lines that it logs, some at a time; by default each is an event of its own.

    Attributes:
        state: see the module's text.
        pid: its process id.
        task: what it is there for, None for a spare.
        status: what it said of itself last.
        config: what it serves, None for a spare.
        app_names: the apps that it may be running, those of a change under way included.
        preparing: whether it loads what a change brings; a death is the change's fault then.
        ending: how it ended, once it has.
        replaces: the worker whose place it takes as soon as it is ready.
        over_budget: how many times in a row it was seen to have too much memory.
        started: when the process was started, by the reactor's clock.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        owner: WorkerOwner,
        listeners: Listeners,
        output: Callable[[bytes], object] | None = None,
    ) -> None:
        self.state = WorkerState.BOOTING
        self.pid = 0
        self.task: control.Task | None = None
        self.status: dict[str, Any] = {}
        self.config: Config | None = None
        self.preparing = False
        self.ending: Ending | None = None
        self.app_names: set[str] = set()
        self.over_budget = 0
        self.replaces: WorkerProcess | None = None
        self.started = reactor.seconds()
        self._reactor = reactor
        self._owner = owner
        self._listeners = listeners
        self._output = output
        self._pipes: list[LinePipe] = []
        #: Closes our ends of what it has.
        self._kept = ExitStack()
        self._channel = _Channel(self)
        self._deaths_by_memory = oom_kills()
        self._stuck = False
        self._booting_error = ""
        self._when_ready: list[Deferred[bool]] = []
        self._when_gone: list[Deferred[None]] = []

    @property
    def number(self) -> int:
        """Its number, from 1; 0 for a spare.  The one that replaces it has the same."""
        return self.task.worker if self.task is not None else 0

    # Its life.

    def start(self) -> None:
        """
        Start the process.

        Raises:
            OSError: when the system has no room for it.
        """
        try:
            with ExitStack() as handed_over:
                self._start(handed_over)
        except OSError:
            self._kept.close()
            raise

    def _start(self, handed_over: ExitStack) -> None:
        """Start the process; what is its alone is closed with *handed_over*, whether it has got it or not."""
        ours, theirs = socket.socketpair()
        handed_over.enter_context(ours)
        handed_over.enter_context(theirs)
        memory = make_memory()
        handed_over.callback(os.close, memory)
        for take in (self._logged if self._output is None else self._output, self._complained):
            pipe = LinePipe(self._reactor, take)
            self._pipes.append(pipe)
            self._kept.callback(pipe.finish)
            handed_over.callback(pipe.started)
        log, errors = self._pipes
        self.board = Board(memory)
        self._kept.callback(self.board.close)
        self._kept.callback(self._hang_up)
        ours.setblocking(False)
        self._reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, control.ControlFactory(self._channel))
        sockets, self._bound = self._listeners.handed_over(FIRST_SOCKET)
        descriptors = {
            0: 0,
            1: 1,
            2: errors.writer,
            CONTROL: theirs.fileno(),
            SCOREBOARD: memory,
            LOG: log.writer,
            **sockets,
        }
        # What we import, the worker imports: `-m` alone would look into the working directory first.
        code = f"import runpy, sys; sys.path[:] = {sys.path!r}; {_RUN_WORKER}"
        command = [sys.executable, "-c", code]
        environment = worker_environment()
        if self._output is None:
            environment["NO_COLOR"] = "1"
        with _terminal_signals_blocked():
            transport = self._reactor.spawnProcess(self, command[0], command, environment, childFDs=descriptors)
        self.pid = transport.pid or 0

    def _hang_up(self) -> None:
        if self._channel.transport is not None:
            self._channel.transport.loseConnection()

    def _logged(self, lines: bytes) -> None:
        for line in lines.splitlines():
            _worker_log.info("{line}", line=line.decode("utf-8", "replace"))

    def _complained(self, lines: bytes) -> None:
        """What V8, faulthandler and the interpreter write when there is nothing else that they can do."""
        text = lines.decode("utf-8", "backslashreplace").strip("\n")
        self._log.warn("{text}", text=text, worker=self.number, pid=self.pid, event="worker-output")

    def assign(self, task: control.Task) -> None:
        """Give it its task: it begins at once, or when it has booted."""
        self.config = task.config
        self.app_names.update(app.name for app in task.config.apps)
        self.task = replace(task, bound=self._bound, config=replace(task.config, listen=self._listeners.endpoints))
        if self.state is WorkerState.SPARE:
            self._configure()

    def _configure(self) -> None:
        self.state = WorkerState.LOADING
        self.ask(control.Configure, task=self.task).addErrback(self._not_configured)

    def _not_configured(self, failure: Failure) -> None:
        if failure.check(control.BootError):
            self._booting_error = failure.getErrorMessage()
        elif not failure.check(WorkerGoneError):
            self._log.failure("worker {worker} could not be configured", failure, worker=self.number)
            self.kill()

    def booted(self) -> None:
        """It has told that it can be given its task."""
        if self.state is WorkerState.BOOTING:
            self.state = WorkerState.SPARE
            self._owner.worker_booted(self)
            if self.task is not None and self.state is WorkerState.SPARE:
                self._configure()

    def loaded(self, status: dict[str, Any]) -> None:
        """It has told that its apps are loaded or have failed."""
        self.status = status
        if self.state is WorkerState.LOADING:
            self.state = WorkerState.READY
            self._owner.worker_ready(self)
            self._tell_ready(True)

    def _tell_ready(self, ready: bool) -> None:
        waiting, self._when_ready = self._when_ready, []
        for deferred in waiting:
            deferred.callback(ready)

    def when_ready(self) -> Deferred[bool]:
        """Fires with True when it is READY, and with False when it has ended without; it does not fail."""
        ready: Deferred[bool] = Deferred(self._when_ready.remove)
        if self.state in (WorkerState.READY, WorkerState.DRAINING, WorkerState.GONE):
            ready.callback(self.state is WorkerState.READY)
        else:
            self._when_ready.append(ready)
        return ready

    def when_gone(self) -> Deferred[None]:
        """Fires with None when the process has ended; it does not fail."""
        gone: Deferred[None] = Deferred(self._when_gone.remove)
        if self.state is WorkerState.GONE:
            gone.callback(None)
        else:
            self._when_gone.append(gone)
        return gone

    # Talking to it.

    def ask(self, command: type[amp.Command], **arguments: Any) -> Deferred[dict[str, Any]]:
        """
        Send it a command.

        Fires with its answer; fails with `WorkerGoneError`, or with what the command may fail with.
        """
        if self._channel.transport is None or self.state is WorkerState.GONE:
            return fail(WorkerGoneError(f"worker {self.number} is gone"))
        try:
            asked: Deferred[dict[str, Any]] = self._channel.callRemote(command, **arguments)
        except (ConnectionDone, ConnectionLost) as error:
            return fail(WorkerGoneError(str(error)))
        return asked.addErrback(self._not_answered)

    def _not_answered(self, failure: Failure) -> Failure:
        if failure.check(ConnectionDone, ConnectionLost):
            return Failure(WorkerGoneError(f"worker {self.number} went before it answered"))
        return failure

    def set_quarantine(self, apps: Mapping[str, float]) -> Deferred[object]:
        """
        Tell it all apps that are in quarantine, and for how many seconds.

        Fires when it keeps to that, or is gone; it does not fail.
        """
        if self.state is WorkerState.BOOTING and self.task is not None:
            self.task = replace(self.task, quarantined=apps)
        elif self.state in (WorkerState.LOADING, WorkerState.READY):
            asked = self.ask(control.Quarantined, apps=apps)
            return asked.addErrback(lambda failure: failure.trap(WorkerGoneError) and None)
        return succeed(None)

    def drain(self, leave: bool) -> None:
        """Let it finish what it has, and exit; with *leave*, others go on accepting."""
        if self.state in (WorkerState.DRAINING, WorkerState.GONE):
            return
        if self.state in (WorkerState.BOOTING, WorkerState.SPARE):
            self.kill()
        else:
            self.ask(control.Drain, leave=leave).addErrback(lambda failure: failure.trap(WorkerGoneError) and None)
        self.state = WorkerState.DRAINING
        self._tell_ready(False)

    def kill(self) -> None:
        """End it: at once if it can be reached, otherwise soon after."""
        self._signal("TERM")
        killing = self._reactor.callLater(_PATIENCE, self._signal, "KILL")
        self.when_gone().addCallback(lambda _: killing.active() and killing.cancel())

    def kill_stuck(self) -> None:
        """End it, since its reactor stands still."""
        if not self._stuck:
            self._stuck = True
            self._signal("KILL")

    def _signal(self, name: str) -> None:
        try:
            transport: Any = self.transport  # None until the process is spawned
            if transport is not None:
                transport.signalProcess(name)
        except ProcessExitedAlready:
            pass

    # Its end.

    def processEnded(self, reason: Failure) -> None:
        """The process is gone and reaped (IProcessProtocol)."""
        state, self.state = self.state, WorkerState.GONE
        for pipe in self._pipes:
            pipe.finish()
        self.ending = ending = self._ending(reason, state)
        self._kept.close()
        self._owner.worker_ended(self, ending)
        self._tell_ready(False)
        waiting, self._when_gone = self._when_gone, []
        for deferred in waiting:
            deferred.callback(None)

    def _ending(self, reason: Failure, state: WorkerState) -> Ending:
        code: int | None = getattr(reason.value, "exitCode", None)
        number: int | None = getattr(reason.value, "signal", None)
        if self._stuck or (code == control.STUCK and state is not WorkerState.BOOTING):
            return Ending("stuck", "its reactor stood still", state, self._suspects(control.STUCK_AFTER / 2))
        if number is not None and number in _CRASHES:
            return Ending("crash", f"killed by {signal.Signals(number).name}", state, self._suspects())
        if number == signal.SIGKILL and oom_kills() > self._deaths_by_memory:
            return Ending("memory", "killed by the system for its memory", state, self._suspects())
        if number is not None:
            return Ending("signal", f"killed by {signal.Signals(number).name}", state)
        if code == control.CANNOT_BOOT:
            return Ending("boot", f"cannot boot: {self._booting_error or 'see above'}", state)
        if state is WorkerState.DRAINING and code == 0:
            return Ending("drained", "drained", state)
        return Ending("exit", f"exited with {code}", state)

    def worst_suspect(self) -> str | None:
        """The app that had computed longest when it died; None if nobody knows."""
        suspects = {} if self.ending is None else self.ending.suspects
        return max(suspects, key=suspects.__getitem__, default=None)

    def _suspects(self, at_least: float = 0.0) -> dict[str, float]:
        computing = self.board.computing(self.app_names)
        return {app: seconds for app, seconds in computing.items() if seconds >= at_least}


def worker_environment() -> dict[str, str]:
    """
    A worker's environment: ours, and the places where we found our modules.

    A relative `PYTHONPATH`, or a program that extends `sys.path`, would otherwise leave the worker without them.
    """
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path)}


def oom_kills() -> int:
    """How many processes this machine has killed so far because memory ran out; 0 where it does not say."""
    try:
        with open("/proc/vmstat", encoding="ascii") as vmstat:
            counts = dict(line.split() for line in vmstat)
        return int(counts.get("oom_kill", 0))
    except (OSError, ValueError):
        return 0
