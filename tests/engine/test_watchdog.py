"""
Tests for `nano.engine.watchdog`: every rule of it, with a clock and fakes.
"""

from __future__ import annotations

import builtins
import errno
import os
from typing import NamedTuple

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.engine.watchdog import INTERVAL, Watchdog, resident_memory
from nano.errors import CpuExceededError, HandlerTimeoutError, MemoryExceededError
from tests.fakes import FakeEvent, FakeIsolateHost

MB = 2**20


class Limits(NamedTuple):
    """What an app may use."""

    cpu: float = 5.0
    request_timeout: float = 30.0
    memory: int = 128 * MB


class WatchdogTestCase(SynchronousTestCase):
    """A watchdog whose process is played by the test."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.resident = 100 * MB
        self.process_cpu = 0.0
        self.watchdog = Watchdog(self.clock, lambda: self.resident, lambda: self.process_cpu)
        self.watchdog.start()
        self.addCleanup(self.watchdog.stop)
        self.host = self.watch()

    def watch(self, limits: Limits | None = None) -> FakeIsolateHost:
        host = FakeIsolateHost()
        self.watchdog.watch(host, limits or Limits())
        return host

    def compute(self, seconds: float, *hosts: FakeIsolateHost, grow: int = 0) -> None:
        """Let *hosts* compute side by side, the process growing by so much, with a look at the end."""
        for host in hosts or (self.host,):
            host.cpu += seconds
            host.activity += seconds > 0
            self.process_cpu += seconds
        self.resident += grow
        self.clock.advance(INTERVAL)


class CpuTests(WatchdogTestCase):
    """
    CPU time.
    """

    def test_one_stretch(self) -> None:
        """An isolate that computes longer than an event may, without rest, is condemned, also without events."""
        for _ in range(100):
            self.compute(0.05)
        self.assertIsNone(self.host.condemned)
        self.compute(0.05)
        self.assertIsInstance(self.host.condemned, CpuExceededError)

    def test_rest_in_between(self) -> None:
        """A busy isolate that comes to rest is left alone however long it serves."""
        for _ in range(300):
            self.compute(0.05)
            self.host.rest = self.host.cpu
        self.assertIsNone(self.host.condemned)

    def test_many_stretches_of_one_event(self) -> None:
        """An event that computes too much in all is over its limit, however often it rests."""
        event = FakeEvent()
        self.host.events.append(event)
        for _ in range(100):
            self.compute(0.05)
            self.host.rest = self.host.cpu
        self.assertAlmostEqual(event.cpu, 5.0)
        self.compute(0.05)
        self.assertIsInstance(self.host.condemned, CpuExceededError)

    def test_shared_between_events(self) -> None:
        """CPU time is shared out among the events in flight."""
        self.host.events += [FakeEvent(), FakeEvent()]
        for _ in range(150):
            self.compute(0.05)
            self.host.rest = self.host.cpu
        self.assertIsNone(self.host.condemned)
        self.assertAlmostEqual(self.host.events[0].cpu, 3.75)

    def test_events_that_came_and_went(self) -> None:
        """A thousand short events are not one long one."""
        for _ in range(1000):
            self.host.events[:] = [FakeEvent()]
            self.compute(0.05)
            self.host.rest = self.host.cpu
        self.assertIsNone(self.host.condemned)

    def test_waiting_costs_nothing(self) -> None:
        """Only CPU time counts."""
        self.host.events.append(FakeEvent())
        for _ in range(500):
            self.compute(0.0)
        self.assertIsNone(self.host.condemned)

    def test_neighbour_goes_free(self) -> None:
        """Only the one that computes is condemned."""
        neighbour = self.watch()
        neighbour.events.append(FakeEvent())
        for _ in range(102):
            self.compute(0.05)
        self.assertIsNotNone(self.host.condemned)
        self.assertIsNone(neighbour.condemned)

    def test_at_rest(self) -> None:
        """A thousand isolates at rest cost next to nothing; who computes all the same is found within a second."""
        looks: list[FakeIsolateHost] = []

        def cpu_seconds(host: FakeIsolateHost) -> float:
            looks.append(host)
            return host.cpu

        self.patch(FakeIsolateHost, "cpu_seconds", cpu_seconds)
        neighbours = [self.watch() for _ in range(999)]
        del looks[:]
        self.compute(0.0)
        self.assertEqual(len(looks), 1000)
        for _ in range(20):
            self.compute(0.0)
        self.assertEqual(len(looks), 2000)
        del looks[:]
        neighbours[500].activity += 1
        self.compute(0.0)
        self.assertIn(neighbours[500], looks)
        for _ in range(20 + 101):
            neighbours[7].cpu += 0.05
            self.compute(0.0)
        self.assertIsInstance(neighbours[7].condemned, CpuExceededError)

    def test_own_limits(self) -> None:
        """Each isolate has limits of its own."""
        strict = self.watch(Limits(cpu=0.1))
        for _ in range(3):
            self.compute(0.05, self.host, strict)
        self.assertIsNotNone(strict.condemned)
        self.assertIsNone(self.host.condemned)

    def test_cpu_before_the_watch(self) -> None:
        """What an isolate has used before it was watched, to boot, is not held against its app's events."""
        host = FakeIsolateHost(cpu_seconds=100.0)
        host.rest = 100.0
        host.events.append(FakeEvent())
        self.watchdog.watch(host, Limits())
        self.compute(0.05, host)
        self.assertIsNone(host.condemned)
        self.assertAlmostEqual(host.events[0].cpu, 0.05)

    def test_clock_that_is_gone(self) -> None:
        """An isolate whose thread has ended shows no CPU time; that is no negative use."""
        event = FakeEvent()
        self.host.events.append(event)
        self.compute(1.0)
        self.host.rest = self.host.cpu = 0.0
        self.compute(0.0)
        self.assertEqual(event.cpu, 1.0)


class MemoryTests(WatchdogTestCase):
    """
    Memory that V8's own limit does not see.
    """

    def test_blatant(self) -> None:
        """Twice the limit: condemned unasked."""
        self.compute(0.05, grow=257 * MB)
        self.assertIsInstance(self.host.condemned, MemoryExceededError)
        self.assertEqual(self.host.reclaims, [])

    def test_asked_first(self) -> None:
        """Above the limit: it is made to collect its garbage, once."""
        self.compute(0.05, grow=129 * MB)
        self.compute(0.05)
        self.assertEqual(len(self.host.reclaims), 1)
        self.assertIsNone(self.host.condemned)

    def test_garbage(self) -> None:
        """If it was garbage, all is well, and it is asked again the next time."""
        self.compute(0.05, grow=129 * MB)
        self.resident -= 120 * MB
        self.host.reclaims[0]()
        self.compute(0.05)
        self.assertFalse(self.host.retired or self.host.condemned)
        self.compute(0.05, grow=125 * MB)
        self.assertEqual(len(self.host.reclaims), 2)

    def test_no_garbage(self) -> None:
        """If it was not, the isolate is retired and watched no more."""
        self.compute(0.05, grow=129 * MB)
        self.host.reclaims[0]()
        self.assertTrue(self.host.retired)
        self.compute(0.05, grow=400 * MB)
        self.assertEqual(len(self.host.reclaims), 1)

    def test_does_not_come_to_it(self) -> None:
        """If it computes on instead of collecting, and is still above the limit, it is condemned."""
        self.compute(0.05, grow=129 * MB)
        for _ in range(7):
            self.compute(0.05, grow=MB)
        self.assertIsInstance(self.host.condemned, MemoryExceededError)

    def test_within_limits(self) -> None:
        """Growth below the limit is nobody's business."""
        for _ in range(100):
            self.compute(0.05, grow=MB)
        self.assertEqual(self.host.reclaims, [])

    def test_shrinks(self) -> None:
        """What the process gives back is credited."""
        for _ in range(100):
            self.compute(0.05, grow=100 * MB)
            self.compute(0.05, grow=-100 * MB)
        self.assertEqual(self.host.reclaims, [])

    def test_charged_to_those_who_computed(self) -> None:
        """An isolate at rest is not charged with what others take."""
        neighbour = self.watch()
        self.compute(0.05, grow=300 * MB)
        self.assertIsNotNone(self.host.condemned)
        self.assertIsNone(neighbour.condemned)
        self.assertEqual(neighbour.reclaims, [])

    def test_shared_by_cpu_time(self) -> None:
        """Two that computed are charged in proportion; what the reactor took is charged to nobody."""
        neighbour = self.watch()
        self.process_cpu += 0.1
        self.compute(0.05, self.host, neighbour, grow=500 * MB)
        # A quarter each: 125 MB.
        self.assertEqual((self.host.condemned, neighbour.condemned), (None, None))
        self.assertEqual(self.host.reclaims + neighbour.reclaims, [])

    def test_reclaimed_after_its_end(self) -> None:
        """An answer that comes after the isolate was condemned is dropped."""
        self.compute(0.05, grow=129 * MB)
        self.watchdog.forget(self.host)
        self.host.reclaims[0]()
        self.assertFalse(self.host.retired)


class WallClockTests(WatchdogTestCase):
    """
    504.
    """

    def test_expires(self) -> None:
        """An event without a response head after its time is answered, once, within one interval."""
        event = FakeEvent(started=self.clock.seconds())
        self.host.events.append(event)
        self.clock.pump([INTERVAL] * 599)
        self.assertIsNone(event.expired)
        self.clock.pump([INTERVAL] * 2)
        self.assertEqual(event.expired, 30.0)

    def test_answered_in_time(self) -> None:
        """A response that has begun may take as long as it likes, and later events are still looked at."""
        streaming, stuck = FakeEvent(started=0.0), FakeEvent(started=0.0)
        streaming.unanswered = False
        self.host.events += [streaming, stuck]
        self.clock.pump([INTERVAL] * 601)
        self.assertIsNone(streaming.expired)
        self.assertEqual(stuck.expired, 30.0)

    def test_later_ones_have_their_time(self) -> None:
        """Events that began later expire later."""
        early, late = FakeEvent(started=0.0), FakeEvent(started=10.0)
        self.host.events += [early, late]
        self.clock.pump([INTERVAL] * 602)
        self.assertEqual((early.expired, late.expired), (30.0, None))

    def test_blocked(self) -> None:
        """An isolate that does not come back, though it computes nothing, is condemned after that time."""
        self.host.blocked = 0.0
        self.clock.pump([INTERVAL] * 599)
        self.assertIsNone(self.host.condemned)
        self.clock.pump([INTERVAL] * 3)
        self.assertIsInstance(self.host.condemned, HandlerTimeoutError)

    def test_not_blocked(self) -> None:
        """One that comes back now and then is not."""
        for _ in range(100):
            self.host.blocked = self.clock.seconds()
            self.clock.pump([INTERVAL] * 20)
        self.assertIsNone(self.host.condemned)


class LifeTests(WatchdogTestCase):
    """
    Beginning and end.
    """

    def test_forgotten(self) -> None:
        """What is not watched can do what it likes."""
        self.watchdog.forget(self.host)
        self.watchdog.forget(self.host)
        for _ in range(200):
            self.compute(0.05, grow=10 * MB)
        self.assertIsNone(self.host.condemned)

    def test_stop(self) -> None:
        """Nothing is left on the clock."""
        self.watchdog.stop()
        self.watchdog.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_condemned_once(self) -> None:
        """A condemned isolate is watched no more."""
        condemned: list[object] = []
        self.host.condemn = condemned.append  # type: ignore[method-assign,assignment]
        self.compute(10)
        self.compute(10)
        self.assertEqual(len(condemned), 1)

    def test_no_descriptors_left(self) -> None:
        """The figure can be had when nothing can be opened any more."""
        resident_memory()

        def refuse(*_: object) -> int:
            raise OSError(errno.EMFILE, "too many open files")

        self.patch(os, "open", refuse)
        self.patch(builtins, "open", refuse)
        self.assertGreater(resident_memory(), 10 * MB)

    def test_resident_memory(self) -> None:
        """The process's figure is plausible."""
        self.assertTrue(10 * MB < resident_memory() < 100_000 * MB)
