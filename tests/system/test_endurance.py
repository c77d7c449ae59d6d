# -*- test-case-name: tests.system.test_endurance -*-
"""
Short runs of what `benchmarks/endurance.py` runs for minutes: counts are judged here, times there.
"""

from __future__ import annotations

from tests.hostile.programs import PROGRAMS, app_source, limits
from tests.system.case import SystemTestCase
from tests.system.neighbours import NEIGHBOUR, attack
from tests.system.pressure import percentile
from tests.system.soak import Site, soak


class PercentileTests(SystemTestCase):
    """What the figures are."""

    def test_values(self) -> None:
        """The smallest value that the share of all are not above."""
        values = [float(number) for number in range(100, 0, -1)]
        self.assertEqual([percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)], [1.0, 51.0, 100.0, 100.0])
        self.assertEqual(percentile([], 0.99), 0.0)


class NeighbourTests(SystemTestCase):
    """Some hostile apps at once, in one worker, and an app that does not notice."""

    def check(self, program: str) -> None:
        """Attack, and look at what became of it."""
        source = app_source(PROGRAMS[program])
        daemon = self.serve(
            {"hostile0": source, "hostile1": source, "neighbour": NEIGHBOUR},
            dict.fromkeys(("hostile0", "hostile1"), limits(PROGRAMS[program])),
            workers=1,
        )
        damage = attack(daemon, ["hostile0", "hostile1"], rounds=2, recovery=0.0)
        self.assertLessEqual(set(damage.outcomes), set(PROGRAMS[program].outcomes))
        self.assertGreaterEqual(damage.outcomes.total(), 4)
        self.assertGreater(damage.answered, 0)
        self.assertEqual((damage.wrong, damage.cut), ([], 0))
        self.assertEqual(damage.afterwards, "answers")

    def test_processor(self) -> None:
        """Loops without end."""
        self.check("loop_that_resists")

    def test_memory(self) -> None:
        """Heaps without bounds."""
        self.check("heap_of_strings")

    def test_promises(self) -> None:
        """Promise jobs that beget promise jobs."""
        self.check("microtasks_await")


class SoakTests(SystemTestCase):
    """Everything at once, for some seconds."""

    def test_soak(self) -> None:
        """Nothing is answered wrongly, only killed workers cut requests, and nothing piles up."""
        site = Site(self.folder())
        self.addCleanup(site.daemon.kill)
        self.addCleanup(self.stop, site.daemon)
        site.daemon.wait_until_ready()
        totals = soak(site, seconds=10.0, interval=0.5)
        self.assertEqual(totals.wrong, [])
        self.assertGreater(totals.answered, 100)
        self.assertGreater(totals.events["workers killed"], 0)
        # At most what was under way on the connections of a killed worker.
        self.assertLessEqual(totals.cut, 12 * totals.events["workers killed"])
        self.assertEqual({word for word in totals.events if word.startswith("reloads")}, {"reloads: 200"})
        self.assertLessEqual({"runaway: exceeded-cpu", "runaway: exceeded-memory"}, set(totals.events))
        self.assertEqual(totals.last.held.processes, totals.first.held.processes)
        self.assertLessEqual(totals.last.held.descriptors, totals.first.held.descriptors + 4)
