# -*- test-case-name: tests.supervisor.test_supervisor -*-
"""
The supervisor: owns the listening sockets and the configuration, and sees to it that workers serve them.

It keeps one process for each of `workers` numbers, and a spare one that has imported everything and waits, so that the
place of a dead worker is taken in a fraction of a second.  It loads no V8 itself, so nothing that apps do can end it.

    a worker has died        its number goes to the spare at once; or, if it died before it was ready, after a pause
    … and none can start     as the system has no room for a process now: it is tried again after a pause
    … of what an app did     is noted (nano.supervisor.quarantine); the app may be kept from all workers for a while
    … and cannot boot        before any worker ever was ready, the whole server gives up: see `give_up`
    a worker does not turn   it is killed
    a worker has grown       another takes its place, and then it drains
    settings have changed    the same, one worker after the other

Changes of apps reach the workers in two steps (nano.supervisor.changes); they come one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, DeferredLock, gatherResults, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from nano.config import AppConfig, Config, LogConfig, restart_keys
from nano.supervisor import changes, control
from nano.supervisor.back_off import BackOff
from nano.supervisor.listeners import Listeners
from nano.supervisor.memory import available_memory, memory_budget, resident_memory
from nano.supervisor.process import Ending, WorkerGoneError, WorkerProcess, WorkerState
from nano.supervisor.quarantine import Quarantine
from nano.supervisor.version_folder import VersionFolder

__all__ = ["Counters", "Supervisor"]

#: Seconds between two looks at the workers.
_LOOK_INTERVAL = 1.0
#: How long a worker's reactor may stand still before it is killed, in seconds: a little longer than it gives itself.
_STUCK_AFTER = control.STUCK_AFTER + 5.0
#: How long a process may take until it has imported everything, in seconds.
_BOOT_TIME = 60.0
#: So many looks in a row have to find a worker too large before it is replaced.
_PERSISTENT = 5
#: How much longer than `drain_timeout` a worker may take to end, in seconds.
_MARGIN = 10.0
#: How long a worker may take to say how it is, in seconds.
_ANSWER_TIME = 2.0

#: What workers are told once, when they start, and what nobody can change while the server runs.
_WORKER_KEYS = ("drain_timeout", "limits", "log", "trusted_proxies")
_FIXED_KEYS = ("listen", "admin", "state_dir")
_LISTENING_KEYS = ("listen", "port", "interface")

#: In place of a number, the spare.
_SPARE = 0


class Counters(Protocol):
    """Counts what happens to workers (nano.admin.totals.SupervisorMetrics)."""

    def worker_restarted(self, reason: str) -> None:
        """A worker was replaced; *reason* is one of a few words."""

    def worker_gone(self, snapshot: Mapping[str, Any]) -> None:
        """A worker is gone; *snapshot* are the figures that it told last."""


class _NoCounters:
    def worker_restarted(self, reason: str) -> None: ...

    def worker_gone(self, snapshot: Mapping[str, Any]) -> None: ...


def _trap_timeout(failure: Failure) -> None:
    failure.trap(CancelledError, DeferredTimeoutError)


class Supervisor(Service):
    """
    All of nano in several processes, as an `IService`.

    Args:
        config: what to serve, by at least one worker.
        reactor: runs it.
        counters: told of workers that were replaced.
        give_up: called with the reason when no worker can ever boot; by default the pauses just grow.
        budget: bytes that a worker may have; worked out if not given.

    Attributes:
        config: what is served now.
        quarantine: which apps are kept from the workers.
        draining: whether nothing new is accepted.
        gave_up: why no worker can ever boot; "" as long as one might.
    """

    _log = Logger()

    def __init__(
        self,
        config: Config,
        reactor: Any,
        counters: Counters | None = None,
        give_up: Callable[[str], None] = lambda reason: None,
        budget: int | None = None,
    ) -> None:
        self.config = config
        self.draining = False
        self.gave_up = ""
        self.quarantine = Quarantine(reactor.seconds)
        self._reactor = reactor
        self._counters = _NoCounters() if counters is None else counters
        self._give_up = give_up
        self._budget = budget
        self._output: Callable[[bytes], object] | None = None
        self._log_changed: Callable[[LogConfig], object] | None = None
        self._listeners = Listeners(reactor, config.listen)
        self._open = False
        self._ever_ready = False
        self._workers: dict[int, WorkerProcess] = {}
        self._leaving: set[WorkerProcess] = set()
        self._spare: WorkerProcess | None = None
        self._back_off = BackOff(reactor)
        self._releasing: dict[str, IDelayedCall] = {}
        #: Of the apps in `config`, as they are served.
        self._versions: dict[str, str] = {}
        self._folder = VersionFolder()
        self._lock = DeferredLock()
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor

    def log_to(self, output: Callable[[bytes], object] | None, changed: Callable[[LogConfig], object]) -> None:
        """
        Have somebody else write the log; called before the start.

        Args:
            output: takes the lines that workers log, some at a time; None makes each of them an event.
            changed: called with the log's settings when they have changed.
        """
        self._output, self._log_changed = output, changed

    # What others may ask.

    @property
    def addresses(self) -> list[str]:
        """Where it listens: `HOST:PORT`, or the path of a unix socket."""
        return self._listeners.addresses

    @property
    def ready(self) -> bool:
        """Whether every worker was ready once, and one is now."""
        return self._ever_ready and any(w.state is WorkerState.READY for w in self._workers.values())

    @property
    def processes(self) -> list[WorkerProcess]:
        """All worker processes, the spare and those that leave included."""
        spare = [self._spare] if self._spare is not None else []
        replaced = [worker.replaces for worker in self._workers.values() if worker.replaces is not None]
        return [*self._workers.values(), *replaced, *self._leaving, *spare]

    @property
    def serving(self) -> list[WorkerProcess]:
        """The workers that are READY, by number."""
        found = [worker for worker in self.processes if worker.state is WorkerState.READY]
        return sorted(found, key=lambda worker: worker.number)

    def age(self, worker: WorkerProcess) -> float:
        """How long ago a worker's process was started, in seconds."""
        return float(self._reactor.seconds() - worker.started)

    async def statuses(self) -> list[tuple[WorkerProcess, dict[str, Any]]]:
        """What each worker says of itself now; one that is not ready, or does not answer, what it said last."""

        for worker, answer in await self._ask_all(self.serving, control.Status):
            worker.status = answer["status"]
        return [(worker, worker.status) for worker in self.processes if worker.number]

    async def journals(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        """What each worker has told its log lately; those that drain have something to tell, too."""
        able = (WorkerState.READY, WorkerState.DRAINING)
        workers = [worker for worker in self.processes if worker.number and worker.state in able]
        answers = await self._ask_all(workers, control.Journal, question=question)
        return [answer["answer"] for _, answer in answers if answer["answer"]]

    async def _ask_all(
        self, workers: Iterable[WorkerProcess], command: type[amp.Command], **arguments: Any
    ) -> list[tuple[WorkerProcess, dict[str, Any]]]:
        """What those workers answer that answer soon."""
        found: list[tuple[WorkerProcess, dict[str, Any]]] = []

        def told(answer: dict[str, Any], worker: WorkerProcess) -> None:
            found.append((worker, answer))

        def silent(failure: Failure) -> None:
            if not failure.check(WorkerGoneError):
                _trap_timeout(failure)

        asked = [
            worker.ask(command, **arguments)
            .addTimeout(_ANSWER_TIME, self._reactor)
            .addCallback(told, worker)
            .addErrback(silent)
            for worker in workers
        ]
        await gatherResults(asked)
        return found

    # IService.

    def privilegedStartService(self) -> None:
        """
        Bind the sockets.

        Raises:
            CannotListenError: when one is taken.
        """
        super().privilegedStartService()
        if not self._open:
            self._listeners.open()
            self._open = True

    def startService(self) -> None:
        """Start the workers."""
        self.privilegedStartService()
        super().startService()
        self._folder.open(self.config.state_dir)
        self._looking.start(_LOOK_INTERVAL, now=False)
        for number in range(1, self.config.workers + 1):
            self._fill(number)

    def stopService(self) -> Deferred[None]:
        """
        Drain all workers, and wait for their ends.

        Fires with None when no process is left: at the latest `drain_timeout` and a margin after the call.  It does not
        fail.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        Service.stopService(self)
        self.draining = True
        if self._looking.running:
            self._looking.stop()
        self._back_off.cancel_all()
        for call in self._releasing.values():
            call.cancel()
        self._releasing.clear()
        processes = self.processes
        self._log.info("draining {workers} workers", workers=len(self._workers), event="draining")
        for worker in processes:
            worker.drain(False)
        self._listeners.close_network()
        gone = DeferredList([worker.when_gone() for worker in processes], consumeErrors=True)
        await gone.addTimeout(self.config.drain_timeout + _MARGIN, self._reactor)
        await self._end_at_once([worker for worker in processes if worker.state is not WorkerState.GONE])
        self._folder.close()
        await self._listeners.close()

    async def _end_at_once(self, workers: list[WorkerProcess]) -> None:
        for worker in workers:
            self._log.warn("worker {worker} does not end and is killed", worker=worker.number, event="worker-killed")
            worker.kill()
        await gatherResults([worker.when_gone() for worker in workers])

    # Workers come.

    def _spawn(self) -> WorkerProcess:
        worker = WorkerProcess(self._reactor, self, self._listeners, self._output)
        worker.start()
        return worker

    def _fill(self, number: int) -> WorkerProcess | None:
        """Give a number to the spare or a new process; None if all is ending, or none can start, and will later."""
        self._back_off.cancel(number)
        if self.draining:
            return None
        try:
            worker, self._spare = self._spare or self._spawn(), None
        except OSError as error:
            self._not_started(f"worker {number}", error, self._back_off.failed(number, partial(self._fill, number)))
            return None
        worker.replaces = self._replaced_by_next(number)
        self._workers[number] = worker
        worker.assign(
            control.Task(
                number,
                self.config,
                quarantined=self.quarantine.apps(),
                versions=dict(self._versions),
                store=self._folder.path,
                alone=self._is_alone(worker),
            )
        )
        return worker

    def _replaced_by_next(self, number: int) -> WorkerProcess | None:
        """Whom the next one replaces: not one that is about to replace another, but that one; there are no chains."""
        present = self._workers.get(number)
        if present is None or present.replaces is None or present.replaces.state is WorkerState.GONE:
            return present
        old, present.replaces = present.replaces, None
        self._let_go(present)
        return old

    def _prepare_spare(self) -> None:
        """Start the spare, unless there is one, or a worker is about to be ready: it would take that one's CPU."""
        self._back_off.cancel(_SPARE)
        if self._spare is not None or any(each.state is not WorkerState.READY for each in self._workers.values()):
            return
        try:
            self._spare = self._spawn()
        except OSError as error:
            self._not_started("the spare worker", error, self._back_off.failed(_SPARE, self._prepare_spare))
        else:
            self._back_off.succeeded(_SPARE)

    def _not_started(self, who: str, error: OSError, delay: float) -> None:
        self._log.error(
            "{who} cannot be started: {text}; the next try comes in {delay:g} s",
            who=who,
            text=str(error),
            delay=delay,
            event="worker-not-started",
        )

    def _is_alone(self, worker: WorkerProcess) -> bool:
        """Whether no other worker accepts connections, or will before its apps are loaded."""
        others = [each for each in self._workers.values() if each is not worker]
        return not any(
            each.state is WorkerState.READY or (each.task is not None and each.task.alone) for each in others
        )

    def worker_booted(self, worker: WorkerProcess) -> None:
        """A process has imported everything (WorkerOwner)."""

    def worker_ready(self, worker: WorkerProcess) -> None:
        """A worker accepts (WorkerOwner)."""
        self._log.info("worker {worker} is ready", worker=worker.number, pid=worker.pid, event="worker-ready")
        self._back_off.succeeded(worker.number)
        differs = self._compare_versions(worker)
        old, worker.replaces = worker.replaces, None
        self._let_go(old)
        if all(each.state is WorkerState.READY for each in self._workers.values()):
            self._ever_ready = True
            if not self.draining:
                self._prepare_spare()
        if differs or worker.config is not self.config:
            self._lock.run(lambda: Deferred.fromCoroutine(self._catch_up(worker, differs))).addErrback(
                lambda failure: self._log.failure("a worker could not be brought up to date", failure)
            )

    def _compare_versions(self, worker: WorkerProcess) -> bool:
        """Whether a worker serves other versions than those before it; what it is the first to serve is right."""
        configured = {app.name for app in self.config.apps}
        differs = False
        for app in worker.status.get("apps", ()):
            name, version = str(app.get("name")), str(app.get("version"))
            if name in configured and app.get("state") == "ready":
                differs |= self._versions.setdefault(name, version) != version
            elif app.get("state") == "failed":
                differs |= name in self._versions
        return differs

    async def _catch_up(self, worker: WorkerProcess, differs: bool = False) -> None:
        """The apps have changed while the worker started, or it has read other files than those before it."""
        if worker.state is WorkerState.READY and (differs or worker.config is not self.config):
            served = frozenset(app.name for app in worker.config.apps) if worker.config is not None else frozenset()
            prepared = await changes.prepare([worker], self.config.apps, frozenset(), served, dict(self._versions))
            worker.config = self.config
            await changes.commit(prepared, prepared.failed)

    # Workers go.

    def _let_go(self, worker: WorkerProcess | None) -> None:
        if worker is not None and worker.state is not WorkerState.GONE:
            self._leaving.add(worker)
            worker.drain(True)

    def worker_ended(self, worker: WorkerProcess, ending: Ending) -> None:
        """A worker is gone (WorkerOwner)."""
        number = worker.number
        expected = ending.reason == "drained" or worker in self._leaving or self.draining
        log = self._log.info if expected else self._log.error
        log(
            "worker {worker} has ended: {text}",
            worker=number,
            pid=worker.pid,
            text=ending.text,
            reason=ending.reason,
            suspects=sorted(ending.suspects),
            event="worker-ended",
        )
        self._leaving.discard(worker)
        self._counters.worker_gone(worker.status.get("metrics", {}))
        if ending.suspects and not (worker.preparing or self.draining):
            self._blame(ending)
        if self._spare is worker:
            self._spare = None
        if self._workers.get(number) is not worker:
            return
        self._counters.worker_restarted(ending.reason)
        del self._workers[number]
        if worker.replaces is not None and worker.replaces.state is not WorkerState.GONE:
            self._workers[number] = worker.replaces
        elif not self.draining:
            self._replace_dead(number, ending)

    def _replace_dead(self, number: int, ending: Ending) -> None:
        if ending.state is WorkerState.READY:
            self._fill(number)
            return
        if ending.reason == "boot" and not self._ever_ready:
            self._log.critical("no worker can boot: {text}", text=ending.text, event="cannot-boot")
            self.gave_up = ending.text
            self._give_up(ending.text)
        self._log.warn(
            "worker {worker} died before it was ready; the next one comes in {delay:g} s",
            worker=number,
            delay=self._back_off.failed(number, partial(self._fill, number)),
            event="worker-delayed",
        )

    # Quarantine.

    def _blame(self, ending: Ending) -> None:
        app = self.quarantine.died(ending.suspects)
        if app is None:
            return
        pause = round(self.quarantine.remaining(app), 1)
        self._log.error(
            "app {app} is in quarantine for {pause:g} s: it brought down workers",
            app=app,
            pause=pause,
            event="app-quarantined",
        )
        self._tell_quarantine()
        self._releasing[app] = self._reactor.callLater(pause, self._release, app)

    def _release(self, app: str) -> Deferred[object]:
        del self._releasing[app]
        self._log.info("app {app} has left quarantine", app=app, event="app-released")
        return self._tell_quarantine()

    async def lift_quarantine(self, app: str) -> bool:
        """
        Let an app out of quarantine before its time; it is, in all workers, when this returns.

        Returns:
            Whether it was there.
        """
        self.quarantine.lift(app)
        call = self._releasing.get(app)
        if call is None:
            return False
        call.cancel()
        await self._release(app)
        return True

    def _tell_quarantine(self) -> Deferred[object]:
        apps = self.quarantine.apps()
        told = DeferredList([worker.set_quarantine(apps) for worker in self.processes], consumeErrors=True)
        # Who does not answer is not waited for: it stands still, and will be killed for that.
        return told.addTimeout(_ANSWER_TIME, self._reactor).addErrback(_trap_timeout)

    # Looking after workers.

    def _look(self) -> None:
        budget = self._budget or memory_budget(self.config.workers, available_memory())
        for worker in self.processes:
            if self._stands_still(worker):
                self._log.error("worker {worker} does not answer", worker=worker.number, event="worker-stuck")
                worker.kill_stuck()
            elif worker.state is WorkerState.READY and self._workers.get(worker.number) is worker:
                self._weigh(worker, budget)

    def _stands_still(self, worker: WorkerProcess) -> bool:
        if worker.board.beat:
            return time.monotonic() - worker.board.beat > _STUCK_AFTER
        return bool(self._reactor.seconds() - worker.started > _BOOT_TIME)

    def _weigh(self, worker: WorkerProcess, budget: int) -> None:
        memory = resident_memory(worker.pid)
        worker.over_budget = worker.over_budget + 1 if memory > budget else 0
        if worker.over_budget == _PERSISTENT:
            self._log.warn(
                "worker {worker} uses {memory} bytes of {budget}: another takes its place",
                worker=worker.number,
                memory=memory,
                budget=budget,
                event="worker-outgrown",
            )
            self._counters.worker_restarted("memory-budget")
            self.renew(worker.number)

    def renew(self, number: int) -> Deferred[bool]:
        """
        Let another process take a worker's place, and the worker drain then.

        Fires with whether it has; it does not fail.
        """
        worker = self._fill(number)
        return worker.when_ready() if worker is not None else succeed(False)

    # Changes.

    async def change(self, apps: tuple[AppConfig, ...], keep: frozenset[str], partly: bool) -> changes.Prepared:
        """
        Serve *apps* from now on; the caller has the lock.

        Args:
            apps: all that shall be served.
            keep: names of those that stay as they are.
            partly: whether apps that fail to load keep the others from changing not.

        Returns:
            What has changed, and what failed; unless *partly*, nothing has changed if any failed.

        Raises:
            WorkerGoneError: when there is no worker that could load them.
        """
        await gatherResults([worker.when_ready() for worker in self._workers.values()])
        old = {app.name: app for app in self.config.apps}
        prepared = await changes.prepare(self.serving, apps, keep, frozenset(old))
        if prepared.failed and not partly:
            await changes.abandon(prepared.workers)
            return prepared
        known = {name for name, version in prepared.fresh.items() if self._versions.get(name) == version}
        quarantined = known & self.quarantine.apps().keys()
        self.config = replace(
            self.config,
            apps=tuple(old.get(app.name, app) if app.name in prepared.failed else app for app in prepared.apps),
        )
        for worker in prepared.workers:
            worker.config = self.config
        before = self._versions
        served = {**before, **prepared.fresh}
        self._versions = {app.name: served[app.name] for app in self.config.apps if app.name in served}
        await changes.commit(prepared, {*prepared.failed, *quarantined})
        for name in prepared.fresh.keys() - quarantined:
            await self.lift_quarantine(name)
        # Those that have started meanwhile: nobody gets an old version once the change is reported done.
        for worker in list(self._workers.values()):
            await worker.when_ready()
            await self._catch_up(worker)
        # A worker that starts now may have been told the versions of before.
        self._folder.prune({*before.values(), *self._versions.values()})
        return prepared

    async def adopt(self, config: Config) -> list[str]:
        """
        Take over everything of *config* but its apps; the caller has the lock.

        Returns:
            The keys whose change waits for a restart.
        """
        old = self.config
        fixed = restart_keys(old, config, _FIXED_KEYS)
        kept: dict[str, Any] = {key: getattr(old, key) for key in (*fixed, *_LISTENING_KEYS, "apps")}
        if not config.workers:
            fixed.append("workers")
            kept["workers"] = old.workers
        self.config = replace(config, **kept)
        if config.log != old.log and self._log_changed is not None:
            self._log_changed(config.log)
        for worker in self.processes:
            if worker.config is old:
                worker.config = self.config
        if any(getattr(config, key) != getattr(old, key) for key in _WORKER_KEYS):
            for each in sorted(self._workers):
                await self.renew(each)
        self._resize(old.workers)
        return fixed

    def _resize(self, number: int) -> None:
        for surplus in range(self.config.workers + 1, number + 1):
            self._back_off.cancel(surplus)
            worker = self._workers.pop(surplus, None)
            if worker is not None:
                self._let_go(worker.replaces)
                self._let_go(worker)
        for lacking in range(number + 1, self.config.workers + 1):
            self._fill(lacking)

    def locked(self, action: Callable[[], Any]) -> Deferred[Any]:
        """Run *action*, a coroutine function, when all changes before it have ended; fires with its result."""
        return self._lock.run(lambda: Deferred.fromCoroutine(action()))
