# -*- test-case-name: tests.cli.test_main -*-
"""
`nano`: the command for people at a terminal.

Exit codes: 0 clean, 1 what was asked for could not be done (a message, no traceback), 2 wrong usage, 130 Ctrl-C.
Commands import what they need when they run; only those that run JavaScript load a reactor.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command.

    Args:
        arguments: without the program's name; default: the process's.

    Returns:
        The exit code.
    """
    try:
        # Not above: Ctrl-C may come while it is imported, and is no reason for a traceback then either.
        from nano.cli.commands import run_command

        return run_command(arguments)
    except KeyboardInterrupt:
        return 130
