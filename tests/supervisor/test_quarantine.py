"""
Which app is blamed, and for how long it is kept away.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.supervisor.quarantine import DEATHS, FIRST_PAUSE, GOOD_CONDUCT, LONGEST_PAUSE, WINDOW, Quarantine


class QuarantineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.quarantine = Quarantine(self.clock.seconds)

    def die(self, **suspects: float) -> str | None:
        """A worker dies."""
        return self.quarantine.died(suspects)

    def confine(self, app: str) -> None:
        """Bring an app into quarantine."""
        for _ in range(DEATHS):
            self.quarantine.died({app: 1.0})

    def test_third_death(self) -> None:
        """Three deaths within the window are enough, two are not."""
        self.assertEqual([self.die(bad=1.0) for _ in range(3)], [None, None, "bad"])
        self.assertEqual(self.quarantine.apps(), {"bad": FIRST_PAUSE})

    def test_window(self) -> None:
        """Deaths that are long ago count no more."""
        self.die(bad=1.0)
        self.die(bad=1.0)
        self.clock.advance(WINDOW + 1)
        self.assertIsNone(self.die(bad=1.0))

    def test_nobody(self) -> None:
        """A death without a suspect is nobody's fault."""
        self.assertEqual([self.die() for _ in range(5)], [None] * 5)

    def test_bystander(self) -> None:
        """Of two apps that were always there, the one that computed longest is to blame, and the other is forgiven."""
        self.assertEqual([self.die(good=0.001, bad=0.5) for _ in range(3)], [None, None, "bad"])
        self.assertIsNone(self.die(good=0.001))
        self.assertEqual(list(self.quarantine.apps()), ["bad"])

    def test_most_deaths(self) -> None:
        """An app that explains more deaths is to blame before one that computed longer."""
        self.die(slow=50.0)
        self.die(bad=0.1)
        self.die(slow=50.0, bad=0.1)
        self.assertEqual(self.die(bad=0.1), "bad")

    def test_pause_ends(self) -> None:
        """A pause ends by itself."""
        self.confine("bad")
        self.clock.advance(FIRST_PAUSE / 2)
        self.assertEqual(self.quarantine.remaining("bad"), FIRST_PAUSE / 2)
        self.clock.advance(FIRST_PAUSE / 2)
        self.assertEqual(self.quarantine.apps(), {})

    def test_relapse(self) -> None:
        """After a pause one death is enough for the next pause, which is twice as long, up to a limit."""
        self.confine("bad")
        pauses = []
        for _ in range(8):
            pause = self.quarantine.remaining("bad")
            pauses.append(pause)
            self.clock.advance(pause + 1)
            self.assertEqual(self.die(bad=1.0, good=2.0), "bad")
        self.assertEqual(pauses[:4], [FIRST_PAUSE, 20.0, 40.0, 80.0])
        self.assertEqual(pauses[-1], LONGEST_PAUSE)

    def test_good_conduct(self) -> None:
        """An app that behaves for long enough is as good as new."""
        self.confine("bad")
        self.clock.advance(FIRST_PAUSE + GOOD_CONDUCT)
        self.assertEqual([self.die(bad=1.0) for _ in range(3)], [None, None, "bad"])
        self.assertEqual(self.quarantine.remaining("bad"), FIRST_PAUSE)

    def test_confined_is_no_suspect(self) -> None:
        """An app that is kept away already cannot have done it."""
        self.confine("bad")
        self.assertEqual([self.die(bad=9.0, other=1.0) for _ in range(3)], [None, None, "other"])
        self.assertEqual(self.quarantine.remaining("bad"), FIRST_PAUSE)

    def test_lift(self) -> None:
        """A new version starts anew."""
        self.confine("bad")
        self.quarantine.lift("bad")
        self.assertEqual(self.quarantine.apps(), {})
        self.assertEqual([self.die(bad=1.0) for _ in range(3)], [None, None, "bad"])
        self.assertEqual(self.quarantine.remaining("bad"), FIRST_PAUSE)

    def test_lift_forgets_deaths(self) -> None:
        """Deaths before a new version are not its fault, but remain those of others."""
        self.die(bad=1.0, other=0.5)
        self.die(bad=1.0, other=0.5)
        self.quarantine.lift("bad")
        self.assertEqual(self.die(bad=1.0, other=0.5), "other")
