"""
What a worker leaves behind: written by one object, read by another, through the same memory.
"""

from __future__ import annotations

import os
import time

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.supervisor import scoreboard
from nano.supervisor.scoreboard import INTERVAL, LINGER, Board, Scoreboard, make_memory


class ScoreboardTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(100.0)
        self.patch(time, "monotonic", self.clock.seconds)
        memory = make_memory()
        self.addCleanup(os.close, memory)
        self.scoreboard, self.board = Scoreboard(memory, self.clock), Board(memory)
        self.addCleanup(self.scoreboard.close)
        self.addCleanup(self.board.close)
        self.cpu: dict[str, float] = {}

    def open(self, app: str) -> scoreboard.Slot:
        """A slot for an isolate whose CPU clock is `cpu`."""
        self.cpu[app] = 1.0
        slot = self.scoreboard.open(app, lambda: self.cpu[app])
        assert isinstance(slot, scoreboard.Slot)
        return slot

    def computing(self, *apps: str) -> dict[str, float]:
        """What the supervisor sees."""
        return self.board.computing(apps)

    def test_beat(self) -> None:
        """The worker's reactor tells again and again that it turns."""
        self.assertEqual(self.board.beat, 0.0)
        self.scoreboard.start()
        self.addCleanup(self.scoreboard._loop.stop)
        self.clock.advance(INTERVAL)
        self.assertEqual(self.board.beat, 100.0 + INTERVAL)

    def test_idle(self) -> None:
        """An isolate that was given nothing is no suspect."""
        self.open("app")
        self.scoreboard.look()
        self.assertEqual(self.computing("app"), {})

    def test_at_work(self) -> None:
        """An isolate that has not read its work computes, however long ago it got it."""
        self.open("app").started()
        self.scoreboard.look()
        self.clock.advance(3.0)
        self.scoreboard.look()
        self.assertEqual(self.computing("app"), {"app": 3.0})

    def test_promise_jobs(self) -> None:
        """An isolate that has read its work computes as long as its CPU clock moves, and no longer."""
        slot = self.open("app")
        slot.started()
        slot.read()
        for _ in range(3):
            self.clock.advance(1.0)
            self.cpu["app"] += 1.0
            self.scoreboard.look()
        self.assertEqual(self.computing("app"), {"app": 3.0})
        self.clock.advance(1.0)
        self.scoreboard.look()
        self.assertEqual(self.computing("app"), {})
        self.assertEqual(self.scoreboard.busy, set())

    def test_starved(self) -> None:
        """An isolate that gets none of the CPU for a while computes all the same."""
        slot = self.open("app")
        slot.started()
        slot.read()
        self.scoreboard.look()
        for _ in range(3):
            self.clock.advance(INTERVAL)
            self.scoreboard.look()
        self.assertEqual(list(self.computing("app")), ["app"])
        self.cpu["app"] += 1.0
        self.clock.advance(INTERVAL)
        self.scoreboard.look()
        self.assertEqual(self.scoreboard.busy, {slot})

    def test_since_last_look(self) -> None:
        """An isolate that was given work after the last look may compute."""
        slot = self.open("app")
        self.scoreboard.look()
        self.clock.advance(INTERVAL / 2)
        slot.started()
        slot.read()
        self.assertEqual(self.computing("app"), {"app": 0.0})

    def test_several_isolates(self) -> None:
        """Of several isolates of an app, the one that computes longest counts."""
        self.open("app").started()
        self.clock.advance(1.0)
        self.open("app").started()
        self.scoreboard.look()
        self.assertEqual(self.computing("app"), {"app": 1.0})

    def test_unknown_app(self) -> None:
        """Apps that the supervisor does not ask for are passed over."""
        self.open("app").started()
        self.assertEqual(self.computing("other"), {})

    def test_requests(self) -> None:
        """Requests are counted by app."""
        first, second = self.open("app"), self.open("app")
        for slot in (first, second, second):
            slot.requested()
        self.assertEqual(self.board.requests(["app", "other"]), {"app": 3, "other": 0})

    def test_condemned(self) -> None:
        """An isolate that is out of service is a suspect until some time after its thread has gone."""
        slot = self.open("app")
        slot.started()
        slot.read()
        slot.close()
        self.clock.advance(1.0)
        self.cpu["app"] = 0.0
        self.scoreboard.look()
        self.assertEqual(self.computing("app"), {"app": 1.0})
        self.clock.advance(LINGER + 1)
        self.scoreboard.look()
        self.assertEqual(self.computing("app"), {})
        self.assertEqual(self.board.requests(["app"]), {"app": 0})

    def test_condemned_and_stuck(self) -> None:
        """An isolate that cannot be freed is a suspect even if it does not compute."""
        slot = self.open("app")
        slot.close()
        for _ in range(3):
            self.clock.advance(1.0)
            self.scoreboard.look()
        self.assertEqual(list(self.computing("app")), ["app"])

    def test_full(self) -> None:
        """An isolate beyond the last slot goes without; slots are used again."""
        self.patch(self.scoreboard, "_free", self.scoreboard._free[-1:])
        slot = self.open("app")
        extra = self.scoreboard.open("more", float)
        for call in (extra.requested, extra.started, extra.read, extra.close):
            call()
        self.assertEqual(self.computing("more"), {})
        self.cpu["app"] = 0.0
        slot.close()
        self.scoreboard.look()
        self.clock.advance(LINGER + 1)
        self.scoreboard.look()
        self.open("more").started()
        self.assertEqual(list(self.computing("more")), ["more"])
