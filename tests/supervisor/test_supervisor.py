"""
The supervisor's decisions, with workers that are fakes and a clock that is one.
"""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.config import AppConfig, Config
from nano.supervisor import control
from nano.supervisor.back_off import FIRST_DELAY, LONGEST_DELAY
from nano.supervisor.process import Ending, WorkerState
from nano.supervisor.supervisor import Supervisor


class FakeBoard:
    """A scoreboard that tells nothing."""

    beat = 0.0


class FakeWorker:
    """
    A worker process (nano.supervisor.process.WorkerProcess) whose life the test tells.

    Attributes:
        said: the commands that it got.
    """

    def __init__(self, supervisor: Any, pid: int, clock: Clock) -> None:
        self.supervisor = supervisor
        self.pid = pid
        self.state = WorkerState.BOOTING
        self.task: control.Task | None = None
        self.config: Config | None = None
        self.status: dict[str, Any] = {}
        self.replaces: Any = None
        self.preparing = False
        self.over_budget = 0
        self.board = FakeBoard()
        self.started = clock.seconds()
        self.drained: bool | None = None
        self.quarantined: Any = None
        self.stuck = False
        self.gone: list[Deferred[None]] = []

    @property
    def number(self) -> int:
        """Its number."""
        return self.task.worker if self.task else 0

    def assign(self, task: control.Task) -> None:
        """Its task."""
        self.task, self.config = task, task.config

    def set_quarantine(self, apps: Any) -> Deferred[object]:
        """Kept."""
        self.quarantined = apps
        return succeed(None)

    def drain(self, leave: bool) -> None:
        """Kept."""
        self.drained = leave

    def kill_stuck(self) -> None:
        """Kept."""
        self.stuck = True

    def when_ready(self) -> Deferred[bool]:
        """It is, or it is not."""
        return succeed(self.state is WorkerState.READY)

    def when_gone(self) -> Deferred[None]:
        """Fired by `end`."""
        self.gone.append(Deferred())
        return self.gone[-1]

    def be_ready(self) -> None:
        """Its apps are loaded."""
        self.state = WorkerState.READY
        self.supervisor.worker_ready(self)

    def end(self, reason: str = "signal", **suspects: float) -> None:
        """It is gone."""
        state, self.state = self.state, WorkerState.GONE
        self.supervisor.worker_ended(self, Ending(reason, reason, state, suspects))
        for deferred in self.gone:
            deferred.callback(None)


class Counting:
    """Counts restarts by reason."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.gone: list[Any] = []

    def worker_restarted(self, reason: str) -> None:
        """Counted."""
        self.reasons.append(reason)

    def worker_gone(self, snapshot: Any) -> None:
        """Kept."""
        self.gone.append(snapshot)


class SupervisorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.spawned: list[FakeWorker] = []
        self.counting = Counting()
        self.gave_up: list[str] = []
        self.full = False
        self.refused: list[float] = []

    def start(self, workers: int = 2) -> Supervisor:
        """A supervisor whose workers boot."""
        config = Config(workers=workers, apps=(AppConfig("app", "/app"),))
        supervisor = Supervisor(config, self.clock, self.counting, self.gave_up.append)
        self.patch(supervisor, "_spawn", lambda: self.spawn(supervisor))
        supervisor.startService()
        return supervisor

    def spawn(self, supervisor: Supervisor) -> Any:
        """A new process, if there is room for one."""
        if self.full:
            self.refused.append(self.clock.seconds())
            raise OSError(errno.EMFILE, "Too many open files")
        self.spawned.append(FakeWorker(supervisor, len(self.spawned) + 1, self.clock))
        return self.spawned[-1]

    def numbers(self) -> list[int]:
        """The numbers of all processes so far."""
        return [worker.number for worker in self.spawned]

    def test_start(self) -> None:
        """The spare comes when all workers are ready, not before: it would take their CPU."""
        supervisor = self.start()
        self.assertEqual(self.numbers(), [1, 2])
        self.spawned[0].be_ready()
        self.assertFalse(supervisor.ready)
        self.assertEqual(self.numbers(), [1, 2])
        self.spawned[1].be_ready()
        self.assertTrue(supervisor.ready)
        self.assertEqual(self.numbers(), [1, 2, 0])

    def test_spare_takes_over(self) -> None:
        """The spare takes the place of a dead worker at once; the next spare comes when it is ready."""
        self.start(1)
        self.spawned[0].be_ready()
        self.spawned[0].end()
        self.assertEqual(self.numbers(), [1, 1])
        self.spawned[1].be_ready()
        self.assertEqual(self.numbers(), [1, 1, 0])
        self.assertEqual(self.counting.reasons, ["signal"])

    def test_back_off(self) -> None:
        """A worker that dies again and again before it is ready comes later and later."""
        self.start(1)
        delays = []
        for _ in range(8):
            before = len(self.spawned)
            self.spawned[-1].end()
            began = self.clock.seconds()
            while len(self.spawned) == before:
                self.clock.advance(0.5)
            delays.append(self.clock.seconds() - began)
        self.assertEqual(delays[:4], [FIRST_DELAY, 2.0, 4.0, 8.0])
        self.assertEqual(delays[-1], LONGEST_DELAY)
        self.spawned[-1].be_ready()
        self.spawned[-2 if self.spawned[-1].number == 0 else -1].end()
        self.assertEqual(self.numbers()[-1], 1, "once it was ready, all is forgotten")

    def test_no_room(self) -> None:
        """A number whose process cannot be started is tried again, less and less often, until there is room."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        self.spawned[1].end()
        self.full = True
        self.spawned[0].end()
        self.clock.pump([0.5] * 120)
        self.assertEqual(self.refused, [0.0, 1.0, 3.0, 7.0, 15.0, 31.0])
        self.full = False
        self.clock.advance(LONGEST_DELAY)
        self.assertEqual(self.numbers(), [1, 0, 1])
        self.spawned[-1].be_ready()
        self.assertEqual(supervisor.serving, [self.spawned[2]])

    def test_no_room_at_start(self) -> None:
        """The server starts all the same."""
        self.full = True
        self.start(2)
        self.full = False
        self.clock.advance(FIRST_DELAY)
        self.assertEqual(self.numbers(), [1, 2])

    def test_no_room_for_spare(self) -> None:
        """A worker that is ready does not suffer from there being no room for the spare, which comes later."""
        supervisor = self.start(1)
        self.full = True
        self.spawned[0].be_ready()
        self.assertEqual(supervisor.serving, [self.spawned[0]])
        self.clock.advance(FIRST_DELAY)
        self.assertEqual(self.refused, [0.0, FIRST_DELAY])
        self.full = False
        self.clock.advance(2 * FIRST_DELAY)
        self.assertEqual(self.numbers(), [1, 0])
        self.full, self.refused = True, []
        self.spawned[1].end()
        self.spawned[0].be_ready()
        self.clock.advance(FIRST_DELAY)
        self.assertEqual(len(self.refused), 2, "what was before is forgotten")

    def test_no_room_for_renewal(self) -> None:
        """A worker whose successor cannot be started stays until one can."""
        supervisor = self.start(1)
        old = self.spawned[0]
        old.be_ready()
        self.spawned[1].end()
        self.full = True
        self.assertFalse(self.successResultOf(supervisor.renew(1)))
        self.assertEqual(supervisor.serving, [old])
        self.full = False
        self.clock.advance(FIRST_DELAY)
        self.assertEqual((supervisor.serving, old.drained), ([old], None))
        self.spawned[-1].be_ready()
        self.assertEqual(old.drained, True)

    def test_no_room_and_death(self) -> None:
        """Who dies while its successor waits for room is replaced once."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        self.spawned[1].end()
        self.full = True
        supervisor.renew(1)
        self.full = False
        self.spawned[0].end()
        self.assertEqual(self.numbers(), [1, 0, 1])
        self.clock.advance(LONGEST_DELAY)
        self.assertEqual(self.numbers(), [1, 0, 1])

    def test_no_room_and_stop(self) -> None:
        """A server that stops waits for no room."""
        self.full = True
        supervisor = self.start(2)
        self.successResultOf(supervisor.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cannot_boot(self) -> None:
        """When no worker ever was ready, one that cannot boot means that none can."""
        supervisor = self.start(1)
        self.spawned[0].end("boot")
        self.assertEqual((self.gave_up, supervisor.gave_up), (["boot"], "boot"))

    def test_cannot_boot_any_more(self) -> None:
        """Later, it only means another try."""
        self.start(1)
        self.spawned[0].be_ready()
        self.spawned[1].end("boot")
        self.spawned[0].end()
        self.spawned[-1].end("boot")
        self.assertEqual(self.gave_up, [])

    def test_alone(self) -> None:
        """One worker is told that nobody else accepts what comes until it is ready, if that is so."""
        self.start(2)
        for worker in self.spawned[:2]:
            worker.be_ready()
        self.spawned[0].end()
        self.spawned[1].end()
        tasks = [worker.task for worker in self.spawned if worker.task is not None]
        self.assertEqual([task.alone for task in tasks], [True, False, False, True])

    def test_last_figures(self) -> None:
        """What a dead worker told last is passed on, whatever it died of; of a spare there is nothing."""
        self.start(1)
        self.spawned[0].be_ready()
        self.spawned[0].status = {"metrics": {"family": []}}
        self.spawned[0].end("crash")
        self.assertEqual(self.counting.gone, [{"family": []}])

    def test_dead_spare(self) -> None:
        """A spare that dies is not missed until it is needed."""
        self.start(1)
        self.spawned[0].be_ready()
        self.spawned[1].end()
        self.assertEqual(self.numbers(), [1, 0])
        self.spawned[0].end()
        self.assertEqual(self.numbers(), [1, 0, 1])

    def test_quarantine(self) -> None:
        """The third death in a row tells all workers, and those to come; its end does so again."""
        supervisor = self.start(1)
        for _ in range(3):
            worker = next(each for each in self.spawned if each.number and each.state is not WorkerState.GONE)
            worker.be_ready()
            worker.end("crash", app=1.0)
        worker = next(each for each in self.spawned if each.number and each.state is not WorkerState.GONE)
        assert worker.task is not None
        self.assertEqual(worker.task.quarantined, {"app": 10.0})
        worker.be_ready()
        self.clock.advance(10.0)
        self.assertEqual(worker.quarantined, {})
        self.assertEqual(supervisor.quarantine.apps(), {})

    def test_lift(self) -> None:
        """Who is let out of quarantine is let out everywhere, once."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        for _ in range(3):
            self.spawned[1].task = None
            supervisor._blame(Ending("crash", "", WorkerState.READY, {"app": 1.0}))
        self.assertEqual(self.spawned[0].quarantined, {"app": 10.0})
        self.assertTrue(self.lift(supervisor))
        self.assertEqual(self.spawned[0].quarantined, {})
        self.assertFalse(self.lift(supervisor))

    def lift(self, supervisor: Supervisor) -> bool:
        """Let the app out."""
        return self.successResultOf(Deferred.fromCoroutine(supervisor.lift_quarantine("app")))

    def test_lift_waits(self) -> None:
        """It has happened when all workers say so; one that does not answer is not waited for long."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        for _ in range(3):
            supervisor._blame(Ending("crash", "", WorkerState.READY, {"app": 1.0}))
        answer: Deferred[object] = Deferred()
        self.patch(self.spawned[0], "set_quarantine", lambda apps: answer)
        lifted = Deferred.fromCoroutine(supervisor.lift_quarantine("app"))
        self.assertNoResult(lifted)
        self.clock.advance(5)
        self.assertTrue(self.successResultOf(lifted))

    def test_renew(self) -> None:
        """The old worker drains when the new one is ready."""
        supervisor = self.start(1)
        old = self.spawned[0]
        old.be_ready()
        supervisor.renew(1)
        new = self.spawned[1]
        self.assertEqual((new.number, old.drained), (1, None))
        new.be_ready()
        self.assertEqual(old.drained, True)
        old.end("drained")
        self.assertEqual(supervisor.serving, [new])

    def test_renew_fails(self) -> None:
        """When the new worker dies before it is ready, the old one stays."""
        supervisor = self.start(1)
        old = self.spawned[0]
        old.be_ready()
        supervisor.renew(1)
        self.spawned[1].end()
        self.assertEqual((supervisor.serving, old.drained), ([old], None))

    def renew_twice(self) -> tuple[Supervisor, list[FakeWorker]]:
        """A renewal that begins while another one is under way: the old worker, and those that come."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        self.spawned[1].end()
        supervisor.renew(1)
        supervisor.renew(1)
        return supervisor, [self.spawned[0], *self.spawned[2:]]

    def test_renew_twice(self) -> None:
        """The last one takes over the place of the old one; who came in between goes."""
        supervisor, (old, between, new) = self.renew_twice()
        self.assertEqual((old.drained, between.drained, new.drained), (None, True, None))
        self.assertEqual(set(supervisor.processes), {old, between, new})
        between.end()
        self.assertEqual(supervisor.serving, [old])
        new.be_ready()
        self.assertEqual(old.drained, True)
        old.end("drained")
        self.assertEqual(supervisor.serving, [new])
        self.assertEqual(self.counting.reasons, [])

    def test_renew_twice_fails(self) -> None:
        """When the last one dies, the old one stays."""
        supervisor, (old, _, new) = self.renew_twice()
        new.end()
        self.assertEqual((supervisor.serving, old.drained), ([old], None))

    def test_renew_twice_and_stop(self) -> None:
        """All of them are told to stop, and waited for."""
        supervisor, workers = self.renew_twice()
        stopped = supervisor.stopService()
        self.assertNotIn(None, [worker.drained for worker in workers])
        for worker in workers:
            self.assertNoResult(stopped)
            worker.end("drained")
        self.successResultOf(stopped)

    def test_renew_dead(self) -> None:
        """A renewal whose old worker has died is renewed as any worker that starts."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        supervisor.renew(1)
        between = self.spawned[1]
        self.spawned[0].end()
        supervisor.renew(1)
        self.assertIsNone(between.drained)
        between.be_ready()
        self.spawned[2].be_ready()
        self.assertEqual((between.drained, supervisor.serving), (True, [self.spawned[2], between]))

    def test_surplus_renewal(self) -> None:
        """Fewer workers: one whose renewal is under way goes with it."""
        supervisor = self.start(2)
        for worker in self.spawned[:2]:
            worker.be_ready()
        supervisor.renew(2)
        self.successResultOf(Deferred.fromCoroutine(supervisor.adopt(replace(supervisor.config, workers=1))))
        self.assertEqual([worker.drained for worker in self.spawned[:3]], [None, True, True])
        self.assertEqual(set(supervisor.processes), {*self.spawned[:3]})

    def test_renew_while_it_stops(self) -> None:
        """A server that stops starts nothing more."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        self.spawned[1].end()
        supervisor.stopService()
        self.assertFalse(self.successResultOf(supervisor.renew(1)))
        self.assertEqual(self.numbers(), [1, 0])

    def test_never_boots(self) -> None:
        """A process that does not come to itself is killed."""
        self.start(1)
        self.clock.pump([1.0] * 62)
        self.assertTrue(self.spawned[0].stuck)

    def test_stop(self) -> None:
        """All are told, all are waited for, and nobody is replaced."""
        supervisor = self.start(1)
        self.spawned[0].be_ready()
        stopped = supervisor.stopService()
        self.assertEqual([worker.drained for worker in self.spawned], [False, False])
        self.assertNoResult(stopped)
        for worker in list(self.spawned):
            worker.end("drained")
        self.successResultOf(stopped)
        self.assertEqual(len(self.spawned), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])
