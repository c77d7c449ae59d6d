# -*- test-case-name: tests.cli.test_logs -*-
"""
`nano logs`: the tail of a running daemon's log, as `nano serve` would show it on a terminal.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from nano.admin.terminal_format import terminal_text
from nano.cli.daemon import find_daemon
from nano.cli.display import output_paint
from nano.cli.problems import CommandError

__all__ = ["logs"]


def logs(options: Namespace) -> int:
    """`nano logs`; the exit code."""
    daemon = find_daemon(options, os.environ)
    asked = {"app": options.app, "level": options.level, "limit": options.lines}
    path = f"/admin/logs?{urlencode({name: value for name, value in asked.items() if value is not None})}"
    if options.follow:
        _show(daemon.lines(f"{path}&follow=true"), options.json)
        raise CommandError("the log has ended: the daemon has stopped")
    _show(daemon.ask("GET", path)["lines"], options.json)
    return 0


def _show(records: Iterable[Mapping[str, Any]], as_json: bool) -> None:
    paint = output_paint()
    for record in records:
        print(json.dumps(record) if as_json else terminal_text(record, paint), end="\n" if as_json else "", flush=True)
