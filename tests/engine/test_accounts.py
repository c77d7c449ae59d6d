"""
What isolates are charged with, as metrics and the admin API tell it.
"""

from __future__ import annotations

from typing import NamedTuple

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.engine.watchdog import Watchdog
from tests.fakes import FakeIsolateHost


class Limits(NamedTuple):
    """Of an app."""

    cpu: float = 5.0
    request_timeout: float = 30.0
    memory: int = 2**27


class AccountTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.resident = 1000
        self.process_cpu = 0.0
        self.watchdog = Watchdog(Clock(), lambda: self.resident, lambda: self.process_cpu)
        self.watchdog.look()
        self.host = FakeIsolateHost(cpu_seconds=1.0)
        self.spent: list[float] = []
        self.watchdog.watch(self.host, Limits(), self.spent.append)

    def use(self, seconds: float, memory: int = 0) -> None:
        """The isolate computes."""
        self.host.cpu += seconds
        self.host.activity += 1
        self.host.rest = self.host.cpu
        self.process_cpu += seconds
        self.resident += memory

    def test_spent(self) -> None:
        """CPU time is told as it is used, from the moment of watching; an idle isolate is not told of."""
        self.use(0.25)
        self.watchdog.look()
        self.watchdog.look()
        self.use(0.5)
        self.watchdog.look()
        self.assertEqual(self.spent, [0.25, 0.5])

    def test_the_rest(self) -> None:
        """What was used since the last look is told in the end."""
        self.use(0.25)
        self.watchdog.forget(self.host)
        self.watchdog.forget(self.host)
        self.assertEqual(self.spent, [0.25])

    def test_clock_is_gone(self) -> None:
        """The clock of an isolate that is freed shows nothing, which is not a use of negative time."""
        self.use(0.25)
        self.watchdog.look()
        self.host.cpu = 0.0
        self.watchdog.forget(self.host)
        self.assertGreaterEqual(min(self.spent), 0.0)
        self.assertEqual(sum(self.spent), 0.25)

    def test_memory(self) -> None:
        """What it is charged with; nothing when it is not watched."""
        self.use(0.25, 4096)
        self.watchdog.look()
        self.assertEqual(self.watchdog.memory_of(self.host), 4096)
        self.watchdog.forget(self.host)
        self.assertEqual(self.watchdog.memory_of(self.host), 0)
