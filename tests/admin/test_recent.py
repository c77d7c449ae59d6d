"""
What happened in the last ten seconds.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.recent import SECONDS, Window, figures


class WindowTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.window = Window()

    def test_idle(self) -> None:
        """Where nothing happened there is no latency, and nothing is divided by nothing."""
        idle = {"requests_per_second": 0.0, "p50_ms": None, "p99_ms": None, "cpu_percent": 0.0}
        self.assertEqual(figures([self.window.of("shop")]), idle)
        self.assertEqual(figures([]), idle)
        self.window.finished("shop", 0.1)
        self.assertEqual(figures([self.window.of("shop")]), idle, "the second under way is not over")

    def test_figures(self) -> None:
        """Rates are those of the seconds that have gone by, and quantiles are right to a few percent."""
        for _ in range(2):
            for milliseconds in range(1, 101):
                self.window.finished("shop", milliseconds / 1000)
            self.window.spent("shop", 0.25)
            self.window.tick(1.0)
        found = figures([json.loads(json.dumps(self.window.of("shop")))])
        self.assertEqual((found["requests_per_second"], found["cpu_percent"]), (100.0, 25.0))
        self.assertApproximates(found["p50_ms"] or 0, 50, 3)
        self.assertApproximates(found["p99_ms"] or 0, 99, 6)

    def test_extremes(self) -> None:
        """What is quicker than all buckets, or slower, is told as about what it may have been."""
        self.window.finished("quick", 0.0)
        self.window.finished("slow", 3600.0)
        self.window.tick(1.0)
        self.assertLess(figures([self.window.of("quick")])["p50_ms"] or 1, 0.1)
        self.assertGreater(figures([self.window.of("slow")])["p50_ms"] or 0, 50_000)

    def test_forgotten(self) -> None:
        """What is older than the window is gone."""
        self.window.finished("shop", 0.1)
        for _ in range(SECONDS):
            self.window.tick(1.0)
        self.assertEqual(figures([self.window.of("shop")])["requests_per_second"], 0.1)
        self.window.tick(1.0)
        self.assertEqual(self.window.of("shop"), {"seconds": 10.0, "cpu_seconds": 0.0, "counts": {}})

    def test_processes(self) -> None:
        """Several processes count together, those included that are younger than the window."""
        for _ in range(10):
            self.window.finished("shop", 0.010)
            self.window.tick(1.0)
        young = Window()
        for _ in range(30):
            young.finished("shop", 0.100)
        young.tick(1.0)
        found = figures([self.window.of("shop"), young.of("shop")])
        self.assertEqual(found["requests_per_second"], 4.0)
        self.assertApproximates(found["p50_ms"] or 0, 100, 10)
