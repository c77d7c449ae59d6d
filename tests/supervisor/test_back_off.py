"""
Pauses between tries.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.supervisor.back_off import FIRST_DELAY, LONGEST_DELAY, BackOff


class BackOffTests(SynchronousTestCase):
    """`BackOff`."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.back_off = BackOff(self.clock)
        self.tried: list[tuple[int, float]] = []

    def failed(self, number: int) -> float:
        """A try of that number has failed."""

        def again() -> None:
            self.back_off.cancel(number)
            self.tried.append((number, self.clock.seconds()))

        return self.back_off.failed(number, again)

    def test_delays(self) -> None:
        """They grow up to a bound, for each number by itself, until it succeeds."""
        self.assertEqual([self.failed(1) for _ in range(6)], [FIRST_DELAY, 2.0, 4.0, 8.0, 16.0, LONGEST_DELAY])
        self.assertEqual(self.failed(2), FIRST_DELAY)
        self.back_off.succeeded(1)
        self.assertEqual(self.failed(1), FIRST_DELAY)

    def test_once(self) -> None:
        """Whoever fails twice is tried again once."""
        self.failed(1)
        self.failed(1)
        self.clock.advance(LONGEST_DELAY)
        self.assertEqual([number for number, _ in self.tried], [1])

    def test_cancel(self) -> None:
        """What is cancelled is not tried, and the others are."""
        self.failed(1)
        self.failed(2)
        self.back_off.cancel(1)
        self.clock.advance(FIRST_DELAY)
        self.assertEqual(self.tried, [(2, FIRST_DELAY)])
        self.failed(1)
        self.failed(2)
        self.back_off.cancel_all()
        self.assertEqual(self.clock.getDelayedCalls(), [])
