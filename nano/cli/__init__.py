# -*- test-case-name: tests.cli.test_main -*-
"""
`nano`: the command for people at a terminal.

Exit codes: 0 clean, 1 what was asked for could not be done (a message, no traceback), 2 wrong usage, 130 Ctrl-C.
Commands import what they need when they run; only those that run JavaScript load a reactor.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from nano.cli.commands import COMMANDS
from nano.cli.parser import parse
from nano.cli.problems import CommandError, fail, print_problems
from nano.errors import ConfigError, NanoError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command.

    Args:
        arguments: without the program's name; default: the process's.

    Returns:
        The exit code.
    """
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        code = COMMANDS[options.command](options)
        sys.stdout.flush()
    except ConfigError as error:
        return print_problems(error.problems)
    except (CommandError, NanoError) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read has enough, as `head` does.  The interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code
