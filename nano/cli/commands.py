# -*- test-case-name: tests.cli.test_commands -*-
"""
The small commands, and the ways to the large ones, which are loaded when they run.
"""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from collections.abc import Callable, Mapping

from nano.cli.parser import make_parser
from nano.cli.problems import fail

__all__ = ["COMMANDS"]


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
