"""
`python -m benchmarks plot`: draws what `results.json` holds, as SVG, for the documentation.

On the left, each scenario's requests per second relative to workerd's, with the spread of the rounds; on the right, how
they change with the number of apps and of connections.  Written by hand, as no library is worth two kinds of marks.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.results import kept

__all__ = ["draw", "main"]

PLOT = Path(__file__).parent.parent / "docs" / "public" / "benchmarks.svg"

_COLOURS = {"nano": "#0b7285", "nano-1": "#66b2bd", "workerd": "#b08968"}
_BAR, _GAP, _LABEL, _WIDTH, _LINES = 9, 14, 150, 330, 280


def main() -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks plot", description=__doc__)
    parser.add_argument("--to", type=Path, default=PLOT)
    options = parser.parse_args()
    options.to.write_text(draw(kept()))
    print(f"{options.to} is drawn")


def draw(results: Mapping[str, Any]) -> str:
    """The picture of all results."""
    bars, height = _bars(results.get("scenarios", {}))
    curves = []
    for place, (what, by_server) in enumerate(sorted(results.get("growth", {}).items())):
        curves += _curves(what, by_server, _LABEL + _WIDTH + 70, 40 + place * 190)
        height = max(height, 40 + (place + 1) * 190)
    width = _LABEL + _WIDTH + 40 + (_LINES + 60 if curves else 0)
    style = "text{font:12px system-ui,sans-serif;fill:#495057}.t{font-weight:600}.s{font-size:10px}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 20}" role="img">',
            "<title>Requests per second of nano beside workerd</title>",
            f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>',
            *_legend(),
            *bars,
            *curves,
            "</svg>\n",
        ]
    )


def _legend() -> Iterable[str]:
    for place, (name, colour) in enumerate(_COLOURS.items()):
        yield f'<rect x="{_LABEL + place * 90}" y="8" width="10" height="10" fill="{colour}"/>'
        yield f'<text x="{_LABEL + 15 + place * 90}" y="17">{name}</text>'


def _bars(scenarios: Mapping[str, Any]) -> tuple[list[str], int]:
    """One group of bars for each scenario that workerd was measured in, and where they end."""
    measured = {
        title: row for title, row in scenarios.items() if row.get("workerd", {}).get("requests_per_second", 0) > 0
    }
    rate = "requests_per_second"
    longest = max((each[rate] / row["workerd"][rate] for row in measured.values() for each in row.values()), default=1)
    scale = _WIDTH / max(1.0, longest)
    found = ['<text class="t" x="10" y="35">requests/s, workerd = 1</text>'] if measured else []
    y = 48
    for title, row in measured.items():
        base = row["workerd"][rate]
        servers = [name for name in _COLOURS if name in row]
        found.append(f'<text x="10" y="{y + len(servers) * _BAR / 2 + 4:.0f}">{escape(title)}</text>')
        for name in servers:
            length, low, high = (row[name][key] / base * scale for key in (rate, "lowest", "highest"))
            middle = y + _BAR / 2 - 0.5
            found.append(
                f'<rect x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR - 1}" fill="{_COLOURS[name]}"/>'
                f'<path d="M{_LABEL + low:.1f} {middle}H{_LABEL + high:.1f}" stroke="#212529"/>'
                f'<text class="s" x="{_LABEL + max(length, high) + 4:.1f}" y="{y + 8}">{length / scale:.2f}</text>'
            )
            y += _BAR
        y += _GAP
    if measured:
        found.append(f'<path d="M{_LABEL + scale:.1f} 42V{y - _GAP}" stroke="#adb5bd" stroke-dasharray="3 3"/>')
    return found, y


def _curves(what: str, by_server: Mapping[str, Mapping[str, Any]], x: int, y: int) -> list[str]:
    """Requests per second over a number that grows, each relative to its first."""
    found = [f'<text class="t" x="{x}" y="{y - 6}">requests/s by number of {escape(what)}</text>']
    steps = sorted({int(step) for by_step in by_server.values() for step in by_step})
    bottom = y + 140
    across = _LINES / max(1e-9, math.log10(steps[-1]) - math.log10(steps[0]))
    found.append(f'<path d="M{x} {y}V{bottom}H{x + _LINES}" fill="none" stroke="#adb5bd"/>')
    rates = {
        name: {int(step): each["requests_per_second"] for step, each in by.items()} for name, by in by_server.items()
    }
    highest = max(rate / next(iter(by.values())) for by in rates.values() for rate in by.values())
    for name, by_step in rates.items():
        first = next(iter(by_step.values()))
        points = [
            f"{x + (math.log10(step) - math.log10(steps[0])) * across:.1f},{bottom - 135 * rate / first / highest:.1f}"
            for step, rate in by_step.items()
        ]
        colour = _COLOURS.get(name, "#868e96")
        found.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for step in steps:
        place = x + (math.log10(step) - math.log10(steps[0])) * across
        found.append(f'<text class="s" x="{place:.1f}" y="{bottom + 14}" text-anchor="middle">{step:,}</text>')
    found.append(f'<text class="s" x="{x - 4}" y="{bottom - 135 / highest + 4:.1f}" text-anchor="end">1</text>')
    found.append(f'<text class="s" x="{x - 4}" y="{bottom + 4}" text-anchor="end">0</text>')
    return found


if __name__ == "__main__":
    main()
