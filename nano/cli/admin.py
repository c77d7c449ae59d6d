# -*- test-case-name: tests.cli.test_admin -*-
"""
`nano apps`, `nano reload` and `nano remove`: one question to a running daemon, and its answer for people.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from nano.admin.terminal_format import Paint, reload_summary
from nano.cli.daemon import Daemon, Refusal, app_path, find_daemon
from nano.cli.display import columns, memory, output_paint, painted_state
from nano.cli.problems import CommandError
from nano.cli.table import table
from nano.errors import visible

__all__ = ["apps", "reload", "remove"]


def apps(options: Namespace) -> int:
    """`nano apps`; the exit code."""
    answer = find_daemon(options, os.environ).ask("GET", "/admin/apps")
    if options.json:
        print(json.dumps(answer, indent=2))
        return 0
    told = answer["apps"]
    if not told:
        print("there are no apps")
        return 0
    paint = output_paint()
    for line in _app_lines(told, paint):
        print(line)
    for line in _error_lines(told, paint):
        print(line)
    return 0


def _app_lines(apps: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    head = ["app", "state", "isolates", "in flight", "cpu", "memory", "hosts"]
    rows = [
        [
            visible(app["name"]),
            painted_state(app["state"], paint),
            str(app["isolates"]),
            str(app["in_flight"]),
            f"{app['cpu_seconds']:.1f} s",
            memory(app["memory_bytes"]),
            visible(", ".join(app["hostnames"])),
        ]
        for app in apps
    ]
    return table([[paint(title, "dim") for title in head], *rows], frozenset({2, 3, 4, 5}), columns(), (3, 2, 4, 5))


def _error_lines(apps: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    """Why apps are not as they should be."""
    lines = []
    for app in apps:
        if app.get("error"):
            head = f"{paint(visible(app['name']), 'bold')}: {paint(app['error']['code'], 'red')}"
            lines.append(f"\n{head}\n  {_indented(app['error']['detail'])}")
    return lines


def reload(options: Namespace) -> int:
    """`nano reload`; the exit code."""
    result = find_daemon(options, os.environ).ask("POST", "/admin/reload", None)
    if options.json:
        print(json.dumps(result, indent=2))
        return 1 if result["failed"] else 0
    paint = output_paint()
    print(paint(visible(reload_summary(result)), "yellow" if result["failed"] else "green"))
    for key in result["restart_needed"]:
        print(paint(f"a changed {key} takes effect with the next start", "yellow"))
    for name, reason in result["failed"].items():
        print(f"\n{paint(visible(name), 'bold')}: {_indented(reason)}")
    return 1 if result["failed"] else 0


def _indented(text: str) -> str:
    return "\n  ".join(map(visible, text.split("\n")))


def remove(options: Namespace) -> int:
    """`nano remove`; the exit code."""
    daemon = find_daemon(options, os.environ)
    if not options.json and sys.stdout.isatty():
        print(f"waiting for the requests in flight to {visible(options.name)} ...", flush=True)
    try:
        answer = daemon.ask("DELETE", app_path(options.name), None)
    except Refusal as refusal:
        raise _named_better(daemon, options.name, refusal) from None
    drained = answer["result"] == "drained"
    if options.json:
        print(json.dumps(answer, indent=2))
    elif drained:
        print(f"{options.name} is removed: all its requests have ended")
    else:
        print(f"{options.name} is removed: it did not drain in time, and the requests that were left were cut")
    return 0 if drained else 1


def _named_better(daemon: Daemon, name: str, refusal: Refusal) -> CommandError:
    """With the nearest name, where there is no such app."""
    if refusal.code != "unknown-app":
        return refusal
    names = [app["name"] for app in daemon.ask("GET", "/admin/apps")["apps"]]
    close = difflib.get_close_matches(name, names, 1, 0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}" if names else "there are none"
    return CommandError(f"there is no app {name!r}; {hint}")
