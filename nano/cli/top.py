# -*- test-case-name: tests.cli.test_top -*-
"""
`nano top`: the load of a running daemon, app by app, for as long as somebody looks.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import termios
import time
import tty
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from shutil import get_terminal_size
from types import FrameType
from typing import Any

from nano.admin.terminal_format import Paint, duration
from nano.cli.daemon import Daemon, find_daemon
from nano.cli.display import columns, memory, output_paint, painted_state
from nano.cli.problems import CommandError
from nano.cli.table import cropped, table
from nano.errors import visible
from nano.tap import counted

__all__ = ["screen", "top", "top_lines"]

_HEAD = ("req/s", "p50", "p99", "cpu", "memory", "isolates", "in flight", "state", "app")
_NUMBERS = frozenset(range(7))
#: What a narrow terminal does not show.
_DISPENSABLE = (6, 5, 1, 4, 3)
#: Another screen, without a cursor, where lines that are too long are cut; and back to what was there before.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def top(options: Namespace) -> int:
    """`nano top`; the exit code."""
    daemon = find_daemon(options, os.environ)
    answer = daemon.ask("GET", "/admin/apps")
    if options.json:
        print(json.dumps(answer, indent=2))
    elif options.once or not sys.stdout.isatty():
        print("\n".join(top_lines(answer["apps"], output_paint(), columns())))
    else:
        _watch(daemon, options.interval)
    return 0


def top_lines(apps: Sequence[Mapping[str, Any]], paint: Paint, width: int | None) -> list[str]:
    """A headline, and the apps as a table, the busiest first."""
    busiest = sorted(apps, key=lambda app: (-app["requests_per_second"], -app["cpu_percent"], app["name"]))
    rows = [[paint(title, "dim") for title in _HEAD], *(_row(app, paint) for app in busiest)]
    return [_headline(apps, paint), "", *table(rows, _NUMBERS, width, _DISPENSABLE)]


def _headline(apps: Sequence[Mapping[str, Any]], paint: Paint) -> str:
    parts = [
        counted(len(apps), "app"),
        f"{sum(app['requests_per_second'] for app in apps):.1f} requests/s",
        f"cpu {sum(app['cpu_percent'] for app in apps):.0f} %",
        memory(sum(app["memory_bytes"] for app in apps)),
    ]
    troubled = sum(app["state"] in ("failed", "quarantined") for app in apps)
    return ", ".join(parts) + (f", {paint(f'{troubled} not served', 'red')}" if troubled else "")


def _row(app: Mapping[str, Any], paint: Paint) -> list[str]:
    quantiles = [duration(app[key]) if app[key] is not None else "-" for key in ("p50_ms", "p99_ms")]
    return [
        f"{app['requests_per_second']:.1f}",
        *quantiles,
        f"{app['cpu_percent']:.0f} %",
        memory(app["memory_bytes"]),
        str(app["isolates"]),
        str(app["in_flight"]),
        painted_state(app["state"], paint),
        visible(app["name"]),
    ]


# --- live --------------------------------------------------------------------------------------


def _watch(daemon: Daemon, interval: float) -> None:
    paint = output_paint()
    title = f"{paint('nano top', 'bold')}  {visible(daemon.address)}"
    shown: list[str] = []
    with suppress(KeyboardInterrupt), _terminal() as pressed:
        while True:
            size = get_terminal_size()
            try:
                shown = top_lines(daemon.ask("GET", "/admin/apps")["apps"], paint, size.columns)
                trouble = ""
            except CommandError as error:
                # A daemon that restarts comes back; what was there last stays on the screen meanwhile.
                trouble = paint(cropped(str(error), size.columns), "red")
            head = f"{title}  {time.strftime('%H:%M:%S')}"
            sys.stdout.write(screen([head, trouble or shown[0], *shown[1:]], size.lines))
            sys.stdout.flush()
            if pressed(interval) in ("q", "Q"):
                return


def screen(lines: Sequence[str], height: int) -> str:
    """What puts *lines* on a terminal in place of what was there, without flicker."""
    shown = list(lines)
    if len(shown) > height:
        shown = [*shown[: height - 1], f"... {len(shown) - height + 1} more"]
    return _HOME + f"{_CLEAR_LINE}\r\n".join(shown) + _CLEAR_LINE + _CLEAR_BELOW


@contextmanager
def _terminal() -> Iterator[Callable[[float], str]]:
    """
    The terminal as a screen; yields what waits some seconds for a key, "" if none is pressed.
    """

    def pressed(seconds: float) -> str:
        if not keyboard:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        # A keyboard that is gone is left, too.
        return (os.read(sys.stdin.fileno(), 1).decode("latin-1") or "q") if ready else ""

    def terminated(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    keyboard = sys.stdin.isatty()
    before = termios.tcgetattr(sys.stdin) if keyboard else None
    signal.signal(signal.SIGTERM, terminated)
    try:
        if keyboard:
            tty.setcbreak(sys.stdin)
        sys.stdout.write(_ENTER)
        yield pressed
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        if before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
