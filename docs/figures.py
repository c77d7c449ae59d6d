# -*- test-case-name: tests.test_docs -*-
"""
The drawings of the documentation, as SVG that stands in the page: nothing is loaded for them, they follow the page's
colours, and what they show is told as their label as well.  `docs/generate.py` puts them where a page asks for them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

__all__ = [
    "BENCHMARKS",
    "DIAGRAMS",
    "STATES",
    "Diagram",
    "Edge",
    "Node",
    "benchmark_bars",
    "benchmark_table",
    "growth_lines",
]

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks" / "results.json"

_LINE_HEIGHT = 17


@dataclass(frozen=True)
class Node:
    """A box: its lines of text, its centre and its size, in pixels."""

    text: str
    x: int
    y: int
    width: int = 112
    height: int = 40

    def border(self, x: float, y: float) -> tuple[float, float]:
        """Where a line from the centre towards a point leaves the box."""
        dx, dy = x - self.x, y - self.y
        reach = min(
            (self.width / 2 + 3) / abs(dx) if dx else float("inf"),
            (self.height / 2 + 3) / abs(dy) if dy else float("inf"),
        )
        return self.x + dx * reach, self.y + dy * reach


@dataclass(frozen=True)
class Edge:
    """
    An arrow between two boxes.

    Attributes:
        shift: how far it is moved aside, as where there is another the other way.
        over: how high it bends over what lies between; 0 for a straight one.
    """

    start: str
    end: str
    text: str = ""
    shift: int = 0
    over: int = 0
    dashed: bool = False


@dataclass(frozen=True)
class Diagram:
    """Boxes and arrows, and what they say in words."""

    label: str
    width: int
    height: int
    nodes: Mapping[str, Node]
    edges: Sequence[Edge] = field(default_factory=tuple)

    def svg(self) -> str:
        """For a page."""
        parts = [*(self._edge(edge) for edge in self.edges), *(_box(node) for node in self.nodes.values())]
        return _framed(self.label, self.width, self.height, parts)

    def _edge(self, edge: Edge) -> str:
        start, end = self.nodes[edge.start], self.nodes[edge.end]
        middle = ((start.x + end.x) / 2, (start.y + end.y) / 2 - edge.over)
        if edge.over:
            first, last = start.border(*middle), end.border(*middle)
            path = f"M{_point(first)} Q{_point((middle[0], middle[1]))} {_point(last)}"
            text_at = (middle[0], (middle[1] + (first[1] + last[1]) / 2) / 2)
        else:
            first, last = start.border(end.x, end.y), end.border(start.x, start.y)
            first, last = _aside(first, last, edge.shift)
            path = f"M{_point(first)} L{_point(last)}"
            text_at = ((first[0] + last[0]) / 2, (first[1] + last[1]) / 2)
        kind = ' class="dashed"' if edge.dashed else ""
        lines = edge.text.split("\n") if edge.text else []
        below = _is_level(first, last) and edge.shift > 0
        text = _text(lines, text_at[0], text_at[1] + (16 if below else -7 * max(1, len(lines))), "small")
        return f'<path d="{path}"{kind} marker-end="url(#arrow)"/>{text}'


def _is_level(first: tuple[float, float], last: tuple[float, float]) -> bool:
    return abs(first[1] - last[1]) < abs(first[0] - last[0])


def _aside(
    first: tuple[float, float], last: tuple[float, float], shift: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    if _is_level(first, last):
        return (first[0], first[1] + shift), (last[0], last[1] + shift)
    return (first[0] + shift, first[1]), (last[0] + shift, last[1])


def _point(point: tuple[float, float]) -> str:
    return f"{point[0]:.0f} {point[1]:.0f}"


def _box(node: Node) -> str:
    corner = f'x="{node.x - node.width // 2}" y="{node.y - node.height // 2}"'
    box = f'<rect {corner} width="{node.width}" height="{node.height}" rx="5"/>'
    return box + _text(node.text.split("\n"), node.x, node.y + 5)


def _text(lines: Sequence[str], x: float, y: float, kind: str = "") -> str:
    """Lines of text around a point."""
    top = y - (len(lines) - 1) * _LINE_HEIGHT / 2
    class_ = f' class="{kind}"' if kind else ""
    return "".join(
        f'<text x="{x:.0f}" y="{top + index * _LINE_HEIGHT:.0f}"{class_}>{escape(line)}</text>'
        for index, line in enumerate(lines)
    )


def _framed(label: str, width: int, height: int, parts: Sequence[str]) -> str:
    """The drawing in a box that scrolls where the window is too narrow for it."""
    told = escape(label, quote=True)
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{told}">'
    # Several drawings on a page have an arrow of their own each.
    name = f"arrow-{crc32(label.encode()):08x}"
    arrow = (
        f'<defs><marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    )
    body = "\n".join([head, *(part.replace("#arrow", f"#{name}") for part in [arrow, *parts]), "</svg>"])
    return f'<div class="wide figure" role="group" aria-label="Drawing" tabindex="0">\n{body}\n</div>\n'


# --- the architecture --------------------------------------------------------------------------

_PROCESSES = Diagram(
    "Operators reach the supervisor by signals and the admin API. The supervisor owns sockets and configuration, hands "
    "both to worker processes over a control connection, and reads a scoreboard when one of them has died. Clients "
    "connect to any worker, as all accept from the same queue. A spare process waits.",
    700,
    330,
    {
        "operator": Node("operator", 70, 60, 100),
        "supervisor": Node("supervisor\nsockets, app.json, quarantine,\nsums of metrics; no V8", 380, 60, 250, 76),
        "one": Node("worker 1\napps in isolates", 190, 200, 140, 56),
        "two": Node("worker 2\napps in isolates", 390, 200, 140, 56),
        "spare": Node("spare\nhas imported everything", 600, 200, 180, 56),
        "clients": Node("clients", 290, 300, 100),
    },
    (
        Edge("operator", "supervisor", "signals,\nadmin API"),
        Edge("supervisor", "one", "control"),
        Edge("one", "supervisor", "", 14, dashed=True),
        Edge("supervisor", "two", "", -8),
        Edge("two", "supervisor", "scoreboard", 40, dashed=True),
        Edge("supervisor", "spare"),
        Edge("clients", "one", "one accept queue"),
        Edge("clients", "two"),
    ),
)

_CHAIN = ("client", "channel", "exchange", "app", "host", "isolate")


def _chain(top: int) -> dict[str, Node]:
    names = ("client", "channel", "exchange", "app", "isolate\nhost", "isolate")
    nodes = zip(_CHAIN, names, range(42, 700, 123), strict=True)
    return {key: Node(name, x, top, 76, 48) for key, name, x in nodes}


def _along(texts: Sequence[str], shift: int, back: bool = False, dashed: bool = False) -> Iterator[Edge]:
    """Arrows from one end of the chain to the other."""
    pairs = list(pairwise(_CHAIN))
    for (left, right), text in zip(pairs, texts, strict=True):
        start, end = (right, left) if back else (left, right)
        yield Edge(start, end, text, shift, dashed=dashed)


_REQUEST = Diagram(
    "A request goes from the client through the channel, the exchange, the app and the isolate host into the isolate; "
    "its response goes back from the isolate through host and exchange to the channel.",
    700,
    120,
    _chain(60),
    (
        *_along(("1", "2", "3", "4", "5"), -10),
        *_along(("7, 8", "7, 8", "6", "6", "6"), 10, back=True),
    ),
)

_FLOW = Diagram(
    "The body of a response flows from the isolate to the client. When the client does not read, pressure goes the "
    "other way: the socket is full, channel and exchange pause, the host withholds credit, and the isolate stops "
    "pulling from the app's stream.",
    700,
    120,
    _chain(60),
    (
        *_along(("bytes", "pieces", "", "pieces", "chunks"), -10, back=True),
        *_along(("full", "pause", "pause", "pause", "credit"), 10, dashed=True),
    ),
)

# --- states ------------------------------------------------------------------------------------

_APP_STATES = Diagram(
    "An app begins loading; it becomes ready or failed. Ready and failed apps drain and are gone. Any of these may go "
    "to quarantine, and from there be ready again, or load if it had no code yet.",
    700,
    210,
    {
        "loading": Node("loading", 80, 60),
        "ready": Node("ready", 270, 60),
        "draining": Node("draining", 460, 60),
        "gone": Node("gone", 630, 60),
        "failed": Node("failed", 460, 170),
        "quarantined": Node("quarantined", 80, 170),
    },
    (
        Edge("loading", "ready", "loaded"),
        Edge("loading", "failed", ""),
        Edge("ready", "draining", "replaced,\nremoved"),
        Edge("failed", "draining"),
        Edge("draining", "gone", "settled"),
        Edge("loading", "quarantined", "", -10),
        Edge("quarantined", "loading", "", 10),
        Edge("ready", "quarantined", "", -6),
        Edge("quarantined", "ready", "", 12),
        Edge("failed", "quarantined"),
    ),
)

_HOST_STATES = Diagram(
    "An isolate begins as a spare, loads an app and serves; it is retired when its app is replaced. From each of these "
    "states it can be condemned.",
    700,
    170,
    {
        "spare": Node("spare", 80, 40),
        "loading": Node("loading", 270, 40),
        "serving": Node("serving", 460, 40),
        "retired": Node("retired", 630, 40),
        "condemned": Node("condemned", 370, 140, 130),
    },
    (
        Edge("spare", "loading", "load"),
        Edge("loading", "serving", "loaded"),
        Edge("serving", "retired", "retire"),
        Edge("spare", "condemned"),
        Edge("loading", "condemned"),
        Edge("serving", "condemned"),
        Edge("retired", "condemned"),
    ),
)

_EXCHANGE_STATES = Diagram(
    "An exchange waits until it is responded to, and is done when the response has ended. A failure before that is "
    "answered with an error, and then it is done; a failure after its head, or a client that leaves, cuts it.",
    620,
    190,
    {
        "waiting": Node("waiting", 80, 80),
        "responding": Node("responding", 300, 80),
        "done": Node("done", 530, 80),
        "cut": Node("cut", 300, 165),
    },
    (
        Edge("waiting", "responding", "respond"),
        Edge("waiting", "done", "fail: an error is answered", over=70),
        Edge("responding", "done", "end"),
        Edge("waiting", "cut", "client gone"),
        Edge("responding", "cut", "fail, client gone"),
    ),
)

_CHANNEL_STATES = Diagram(
    "A connection is idle, reads a head, serves the request, skips what nobody wants of its body, and is idle again. "
    "From any of these it may begin to close, and then is closed.",
    700,
    240,
    {
        "idle": Node("idle", 80, 115),
        "head": Node("head", 250, 115),
        "serving": Node("serving", 420, 115),
        "skipping": Node("skipping", 600, 115),
        "closing": Node("closing", 250, 210),
        "closed": Node("closed", 420, 210),
    },
    (
        Edge("idle", "head", "bytes"),
        Edge("head", "serving", "request"),
        Edge("serving", "skipping", "body left"),
        Edge("serving", "idle", "answered", over=75),
        Edge("skipping", "idle", "", over=160),
        Edge("head", "closing"),
        Edge("idle", "closing"),
        Edge("serving", "closing"),
        Edge("skipping", "closing"),
        Edge("closing", "closed"),
    ),
)

_WORKER_STATES = Diagram(
    "A worker process boots and is the spare, or is given its task while it boots; it loads the apps, is ready, "
    "drains, and is gone. It may die at any time.",
    700,
    130,
    {
        "booting": Node("booting", 50, 95, 84),
        "spare": Node("spare", 170, 95, 84),
        "loading": Node("loading", 290, 95, 84),
        "ready": Node("ready", 410, 95, 84),
        "draining": Node("draining", 530, 95, 84),
        "gone": Node("gone", 650, 95, 84),
    },
    (
        Edge("booting", "spare"),
        Edge("spare", "loading", "task"),
        Edge("booting", "loading", "task", over=90),
        Edge("loading", "ready"),
        Edge("ready", "draining"),
        Edge("draining", "gone"),
    ),
)

DIAGRAMS: Mapping[str, Diagram] = {
    "processes": _PROCESSES,
    "request": _REQUEST,
    "flow": _FLOW,
    "states-of-an-app": _APP_STATES,
    "states-of-an-isolate": _HOST_STATES,
    "states-of-an-exchange": _EXCHANGE_STATES,
    "states-of-a-connection": _CHANNEL_STATES,
    "states-of-a-worker": _WORKER_STATES,
}
"""All drawings, by the names under which pages ask for them."""

STATES: Mapping[str, str] = {
    "states-of-an-app": "nano.apps.app.AppState",
    "states-of-an-isolate": "nano.engine.owner.HostState",
    "states-of-an-exchange": "nano.exchange.ExchangeState",
    "states-of-a-connection": "nano.http.channel.Phase",
    "states-of-a-worker": "nano.supervisor.process.WorkerState",
}
"""The enumerations whose members the boxes are."""

# --- benchmarks --------------------------------------------------------------------------------

_BAR, _GAP, _LEFT, _SCALE, _HEIGHT = 18, 22, 100, 510, 140


def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BENCHMARKS.read_text("utf-8"))
    return found


def benchmark_table(titles: Mapping[str, str]) -> Iterator[list[str]]:
    """
    A row for each scenario and server that was measured.

    Args:
        titles: of the scenarios.
    """
    for name, servers in _results()["scenarios"].items():
        for server, found in servers.items():
            cells = [
                titles.get(name, name),
                f"`{server}`",
                f"{found['requests_per_second']:,.0f}",
                f"{found['lowest']:,.0f} – {found['highest']:,.0f}",
                f"{found['p50_ms']:.1f}",
                f"{found['p99_ms']:.1f}",
                f"{found['memory_mb']:,.0f}",
                str(found["errors"]),
            ]
            # No cell is broken into lines.
            yield [cell.replace(" ", "\u00a0") for cell in cells]


def benchmark_bars(titles: Mapping[str, str]) -> str:
    """Requests per second as bars, scenario by scenario; thin lines lead from the lowest to the highest round."""
    results = _results()["scenarios"]
    most = max(found["highest"] for servers in results.values() for found in servers.values())
    parts, y = [], 24
    for name, servers in results.items():
        parts.append(f'<text x="0" y="{y}" class="head">{escape(titles.get(name, name))}</text>')
        y += _GAP // 2
        for server, found in servers.items():
            parts.append(_bar(server, found, most, y))
            y += _BAR + 4
        y += _GAP
    label = "Requests per second of each server in each scenario; the table below has the figures."
    return _framed(label, _LEFT + _SCALE + 90, y, parts)


def growth_lines() -> str:
    """
    How requests per second change with what grows, relative to the first step of each server; "" if nobody measured it.
    """
    parts, y = [], 24
    for what, servers in _results().get("growth", {}).items():
        parts.append(f'<text x="0" y="{y}" class="head">Requests per second by the number of {escape(what)}</text>')
        parts += _lines(servers, y + _GAP)
        y += _GAP + _HEIGHT + 3 * _GAP
    label = "Requests per second by what grows; the table of benchmarks/README.md has the figures."
    return _framed(label, _LEFT + _SCALE + 90, y, parts) if parts else ""


def _lines(servers: Mapping[str, Mapping[str, Mapping[str, float]]], y: int) -> Iterator[str]:
    """A line for each server over a logarithmic scale, with its name and its last ratio at its end."""
    rates = {
        name: {int(step): found["requests_per_second"] for step, found in steps.items()}
        for name, steps in servers.items()
    }
    steps = sorted({step for by_step in rates.values() for step in by_step})
    ratios = {name: [rate / next(iter(by.values())) for rate in by.values()] for name, by in rates.items()}
    most = max(1.0, *(ratio for each in ratios.values() for ratio in each))
    bottom = y + _HEIGHT

    def across(step: int) -> float:
        return _LEFT + (_SCALE - 70) * math.log(step / steps[0]) / (math.log(steps[-1] / steps[0]) or 1)

    yield f'<path d="M{_LEFT} {y} L{_LEFT} {bottom} L{across(steps[-1]):.0f} {bottom}"/>'
    for ratio in (0.0, 1.0):
        yield f'<text x="{_LEFT - 8}" y="{bottom - _HEIGHT * ratio / most + 5:.0f}" class="right">{ratio:g}</text>'
    for step in steps:
        yield f'<text x="{across(step):.0f}" y="{bottom + 20}">{step:,}</text>'
    for name, by_step in rates.items():
        heights = [bottom - _HEIGHT * ratio / most for ratio in ratios[name]]
        points = " ".join(f"{across(step):.0f},{height:.0f}" for step, height in zip(by_step, heights, strict=True))
        kind = "line ours" if name.startswith("nano") else "line"
        yield f'<polyline class="{kind}" points="{points}"/>'
        told = f"{escape(name)} {ratios[name][-1]:.2f}"
        yield f'<text x="{across(max(by_step)) + 8:.0f}" y="{heights[-1] + 5:.0f}" class="left">{told}</text>'


def _bar(server: str, found: Mapping[str, Any], most: float, y: int) -> str:
    def at(value: float) -> float:
        return _LEFT + _SCALE * value / most

    middle = y + _BAR / 2
    kind = "bar ours" if server.startswith("nano") else "bar"
    width = at(found["requests_per_second"]) - _LEFT
    return (
        f'<text x="{_LEFT - 8}" y="{middle + 5:.0f}" class="right">{escape(server)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width:.0f}" height="{_BAR}"/>'
        f'<path d="M{at(found["lowest"]):.0f} {middle:.0f} L{at(found["highest"]):.0f} {middle:.0f}"/>'
        f'<text x="{at(found["highest"]) + 8:.0f}" y="{middle + 5:.0f}" class="left">'
        f"{found['requests_per_second']:,.0f}</text>"
    )
