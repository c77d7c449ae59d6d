# -*- test-case-name: tests.cli.test_display -*-
"""
How commands show what a daemon tells, and on what.
"""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size

from nano.admin.terminal_format import Paint, wants_colours
from nano.errors import visible

__all__ = ["columns", "memory", "output_paint", "painted_state"]

_STATES = {"ready": "green", "loading": "yellow", "draining": "yellow", "failed": "red", "quarantined": "red"}


def output_paint() -> Paint:
    """For standard output."""
    return Paint(sys.stdout.isatty() and wants_colours(os.environ))


def columns() -> int | None:
    """How wide standard output is; None where it is no terminal."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def painted_state(state: str, paint: Paint) -> str:
    """The state of an app in its colour."""
    return paint(visible(state), _STATES.get(state, ""))


def memory(size: float) -> str:
    """Bytes, in the megabytes of app.json."""
    megabytes = size / 2**20
    return f"{megabytes:.1f} MB" if megabytes < 99.95 else f"{megabytes:.0f} MB"
