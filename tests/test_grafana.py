"""
The dashboard for Grafana asks for what there is: every metric, every label, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.metrics import FAMILIES, Family

DASHBOARD = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "nano.json"
#: How far apart panels may begin, in Grafana's units.
WIDTH = 24


def names(family: Family) -> list[str]:
    """What Prometheus calls the series of a metric."""
    if family.kind == "histogram":
        return [f"{family.name}{suffix}" for suffix in ("_bucket", "_count", "_sum")]
    return [family.name]


SERIES = {name: family for family in FAMILIES for name in names(family)}


def expressions(value: Any) -> Iterator[str]:
    """Every query in a part of the dashboard."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("expr", "definition"):
                yield item
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)


class DashboardTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))

    def test_metrics(self) -> None:
        """Every query asks for a metric that there is, and every metric is asked for."""
        asked = set()
        for query in expressions(self.dashboard):
            found = re.findall(r"\b(?:nano|http)_\w+", query)
            self.assertTrue(found, query)
            for name in found:
                self.assertIn(name, SERIES, query)
                asked.add(SERIES[name].name)
        self.assertEqual(asked, {family.name for family in FAMILIES})

    def test_labels(self) -> None:
        """What is selected or grouped by is a label of the metric."""
        for query in expressions(self.dashboard):
            for part in re.split(r" / ", query):
                families = [SERIES[name] for name in re.findall(r"\b(?:nano|http)_\w+", part)]
                labels = set(families[0].labels) | ({"le"} if families[0].kind == "histogram" else set())
                grouped = [name for group in re.findall(r"by \(([^)]*)\)", part) for name in group.split(", ")]
                selected = re.findall(r'(\w+)(?:=~|!~|!=|=)"', part)
                self.assertLessEqual({*grouped, *selected}, labels, query)

    def test_quantiles(self) -> None:
        """A quantile is one of buckets, which are told apart."""
        for query in expressions(self.dashboard):
            self.assertEqual("histogram_quantile" in query, "_bucket" in query, query)
            if "_bucket" in query:
                self.assertRegex(query, r"by \((?:\w+, )*le\)")

    def test_layout(self) -> None:
        """Panels lie side by side, none on another, and each says what it is."""
        taken: set[tuple[int, int]] = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            self.assertFalse(cells & taken, panel["title"])
            self.assertTrue(all(x < WIDTH for x, _ in cells), panel["title"])
            taken |= cells
            self.assertTrue(panel["title"])
        ids = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
