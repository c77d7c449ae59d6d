"""
What is no measurement in benchmarks/: reading what the load generator prints, and drawing what grows.
"""

from __future__ import annotations

from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from tests.docs_pages import generator

try:
    from benchmarks import load, report
    from benchmarks.client import percentile
    from benchmarks.scenarios import Scenario
except ImportError:  # the tests run without the checkout
    load = None  # type: ignore[assignment]

WRK = """
Running 4s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Latency Distribution
     50%    3.97ms
     75%    5.00ms
     90%    9.00ms
     99%   25.69ms
  61614 requests in 4.00s, 8.80MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:  15403.65
Transfer/sec:      2.20MB
"""


class BenchmarkTests(SynchronousTestCase):
    if load is None:
        skip = "benchmarks/ is not there"

    def test_load(self) -> None:
        """What wrk has seen."""
        figures = load.parse(WRK)
        self.assertEqual((figures.requests, figures.p50, figures.p99, figures.errors), (15403.65, 3.97, 25.69, 7))
        self.assertAlmostEqual(figures.bytes, 2.2 * 2**20)

    def test_script(self) -> None:
        """Apps are asked in turn by their host, and so are the names of one app."""
        self.assertIn('"app" .. (count % 10) .. ".test:80"', Scenario("s", "", hosts=10).script(80))
        self.assertIn('"name" .. (count % 7) .. ".test:80"', Scenario("s", "", names=7).script(80))
        self.assertNotIn("function request", Scenario("s", "").script(80))

    def test_percentile(self) -> None:
        """Of values in any order."""
        values = [float(value) for value in range(100, 0, -1)]
        self.assertEqual([percentile(values, each) for each in (0, 50, 99, 100)], [1, 51, 100, 100])

    def test_target(self) -> None:
        """A figure tells whether it is what it should be."""
        self.assertIn("met", report.target(4.9, 5, "ms"))
        self.assertIn("missed", report.target(5.1, 5, "ms"))

    def test_growth(self) -> None:
        """A line for each server and each thing that grows; nothing where nobody has measured."""
        figures = generator().figures()
        steps = {"1": {"requests_per_second": 100}, "1000": {"requests_per_second": 80}}
        results = {"growth": {"apps": {"nano": steps, "workerd": steps}, "names": {"nano": steps}}}
        self.patch(figures, "_results", lambda: results)
        drawn = figures.growth_lines()
        found = [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawn).iter()]
        self.assertEqual(found.count("polyline"), 3)
        self.assertIn("workerd 0.80", drawn)
        results.clear()
        self.assertEqual(figures.growth_lines(), "")
