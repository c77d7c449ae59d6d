# -*- test-case-name: tests.cli.test_commands -*-
"""
The small commands, the ways to the large ones, which are loaded when they run, and what is common to their ends.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence

from nano.cli.parser import make_parser, parse
from nano.cli.problems import CommandError, fail, print_problems
from nano.errors import ConfigError, NanoError

__all__ = ["COMMANDS", "run_command"]


def _serve(options: Namespace) -> int:
    """`nano serve`."""
    from nano.cli.serve import serve

    return serve(options)


def _check(options: Namespace) -> int:
    """`nano check`."""
    from nano.cli.check import check

    return check(options)


def _schema(options: Namespace) -> int:
    """`nano schema`."""
    from nano.config import config_schema

    print(json.dumps(config_schema(), indent=2))
    return 0


def _init(options: Namespace) -> int:
    """`nano init`."""
    from nano.scaffold import new_app

    try:
        for path in new_app(options.folder):
            print(f"wrote {path}")
    except FileExistsError as error:
        return fail(f"{error} is there already; nothing was written")
    except OSError as error:
        return fail(f"cannot write {error.filename}: {error.strerror}")
    print(f"\nNow run:\n\n    cd {shlex.quote(options.folder)} && nano serve\n\nand open http://localhost:8080/")
    return 0


def _repl(options: Namespace) -> int:
    """`nano repl`, and `nano` alone."""
    from twisted.internet import reactor

    from nano.repl import run_repl

    return run_repl(reactor)


def _run(options: Namespace) -> int:
    """`nano run`."""
    from twisted.internet import reactor

    from nano.cli.running import run_to_end
    from nano.script import run_script

    return run_to_end(reactor, lambda: run_script(reactor, options.script, options.arguments))


def _completion(options: Namespace) -> int:
    """`nano completion`."""
    from nano.cli.completion import script_for

    print(script_for(options.shell, make_parser()), end="")
    return 0


def _apps(options: Namespace) -> int:
    """`nano apps`."""
    from nano.cli.admin import apps

    return apps(options)


def _reload(options: Namespace) -> int:
    """`nano reload`."""
    from nano.cli.admin import reload

    return reload(options)


def _remove(options: Namespace) -> int:
    """`nano remove`."""
    from nano.cli.admin import remove

    return remove(options)


def _logs(options: Namespace) -> int:
    """`nano logs`."""
    from nano.cli.logs import logs

    return logs(options)


def _top(options: Namespace) -> int:
    """`nano top`."""
    from nano.cli.top import top

    return top(options)


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "apps": _apps,
    "check": _check,
    "completion": _completion,
    "init": _init,
    "logs": _logs,
    "reload": _reload,
    "remove": _remove,
    "repl": _repl,
    "run": _run,
    "schema": _schema,
    "serve": _serve,
    "top": _top,
}
"""By their names."""


def run_command(arguments: Sequence[str] | None) -> int:
    """
    Run one command; returns the exit code.

    Args:
        arguments: without the program's name; None: the process's.
    """
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        code = COMMANDS[options.command](options)
        sys.stdout.flush()
    except ConfigError as error:
        return print_problems(error.problems)
    except (CommandError, NanoError) as error:
        return fail(str(error))
    except BrokenPipeError:
        # Whoever read has enough, as `head` does.  The interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code
