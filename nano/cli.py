# -*- test-case-name: tests.test_cli -*-
"""
`nano`: the command for people at a terminal.

Exit codes: 0 clean, 1 a configuration or start error (a message, no traceback), 2 wrong usage.
Subcommands import what they need when they run; `nano check` never loads a reactor.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from nano import __version__
from nano.config import Config, check_config, config_schema, read_override
from nano.errors import ConfigError, NanoError
from nano.scaffold import new_app
from nano.tap import OPTION_HELP, leave_on_signals, make_server, requested_config, stop_on_signals, summary

if TYPE_CHECKING:
    from twisted.application.service import IService
    from twisted.internet.defer import Deferred

__all__ = ["main", "run_service"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command.

    Args:
        arguments: without the program's name; default: the process's.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ConfigError as error:
        return _fail(str(error))
    except NanoError as error:
        return _fail(f"nano: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("nano", description="Serve Workers-style JavaScript apps.")
    parser.add_argument("--version", action="version", version=f"nano {__version__}")
    parser.set_defaults(command=_repl)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve apps in the foreground")
    what = serve.add_mutually_exclusive_group(required=True)
    what.add_argument("-c", "--config", metavar="FILE", help=OPTION_HELP["config"])
    what.add_argument("-a", "--app", metavar="PATH", help=OPTION_HELP["app"])
    for option, short, metavar in (("port", "-p", "N"), ("workers", "-w", "N")):
        serve.add_argument(short, f"--{option}", metavar=metavar, type=_override(option), help=OPTION_HELP[option])
    serve.add_argument(
        "--log-format",
        metavar="FORMAT",
        type=_override("log_format"),
        help=OPTION_HELP["log-format"],
    )
    serve.add_argument(
        "--watch",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="reload when files change, and not only on SIGHUP",
    )
    serve.add_argument("--check", action="store_true", help=OPTION_HELP["check"])
    serve.set_defaults(command=_serve)

    check = commands.add_parser("check", help="say what is wrong with a configuration")
    check.add_argument("file", metavar="FILE")
    check.set_defaults(command=_check)

    schema = commands.add_parser("schema", help="print the JSON Schema of the configuration")
    schema.set_defaults(command=_schema)

    run = commands.add_parser("run", help="run a script to its end")
    run.add_argument("script", metavar="SCRIPT", help="a file, or a folder with an entry file")
    run.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="what the script gets")
    run.set_defaults(command=_run)

    repl = commands.add_parser("repl", help="evaluate JavaScript line by line; also what nano alone does")
    repl.set_defaults(command=_repl)

    init = commands.add_parser("init", help="write a new app with its configuration")
    init.add_argument("folder", metavar="DIR")
    init.set_defaults(command=_init)
    return parser


def _override(key: str) -> Callable[[str], Any]:
    """The type of an option that overrides *key*."""

    def read(text: str) -> Any:
        try:
            return read_override(key, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _check(options: argparse.Namespace) -> int:
    print(summary(options.file, check_config(options.file)))
    return 0


def _schema(options: argparse.Namespace) -> int:
    print(json.dumps(config_schema(), indent=2))
    return 0


def _init(options: argparse.Namespace) -> int:
    try:
        for path in new_app(options.folder):
            print(f"wrote {path}")
    except FileExistsError as error:
        return _fail(f"nano: {error} is there already; nothing was written")
    except OSError as error:
        return _fail(f"nano: cannot write {error.filename}: {error.strerror}")
    print(f"\nNow run:\n\n    cd {shlex.quote(options.folder)} && nano serve -c app.json\n")
    print("and open http://localhost:8080/")
    return 0


def _repl(options: argparse.Namespace) -> int:
    from twisted.internet import reactor

    from nano.repl import run_repl

    return run_repl(reactor)


def _run(options: argparse.Namespace) -> int:
    from twisted.internet import reactor

    from nano.script import run_script

    return run_to_end(reactor, lambda: run_script(reactor, options.script, options.arguments))


def run_to_end(reactor: Any, start: Callable[[], Deferred[int]]) -> int:
    """
    Run *reactor* until the Deferred of *start* fires with an exit code.

    A signal cancels it, and is waited for; then the exit code is 130, as that of a command which Ctrl-C has ended.
    """
    from twisted.internet.defer import CancelledError

    codes: list[int] = []

    def begin() -> None:
        running = start()
        running.addErrback(lambda failure: failure.trap(CancelledError) and 130)
        running.addCallback(ended)
        reactor.addSystemEventTrigger("before", "shutdown", interrupted, running)

    def ended(code: int) -> None:
        if not codes:
            codes.append(code)
            reactor.stop()

    def interrupted(running: Deferred[Any]) -> Deferred[Any]:
        if not codes:
            codes.append(130)
            running.cancel()
        return running

    reactor.callWhenRunning(begin)
    reactor.run()
    return codes[0]


def _serve(options: argparse.Namespace) -> int:
    from nano.config import Overrides

    leave_on_signals()
    overrides = Overrides(options.port, options.workers, options.log_format)
    config = requested_config(
        options.config,
        options.app,
        overrides,
        check=options.check,
        log_format="text" if sys.stdout.isatty() else "json",
    )
    if options.check:
        print(summary(options.config or options.app, config))
        return 0
    from twisted.internet import reactor

    return run_service(reactor, config, partial(make_server, watch=options.watch))


def run_service(reactor: Any, config: Config, build: Callable[..., IService]) -> int:
    """
    Serve *config* until a signal comes.

    Args:
        reactor: a fresh one; run and stopped here.
        build: makes the service: called with the configuration, `reactor=` and `log=`.

    Returns:
        The exit code.
    """
    from twisted.internet.error import CannotListenError

    from nano.admin.log import start_logging, stream_observer

    observer = stream_observer(config.log)
    start_logging(observer)
    service = build(config, reactor=reactor, log=observer)
    # Before anything is open: whoever hears that it is may send a signal at once.
    stop_on_signals(reactor)
    try:
        service.privilegedStartService()
    except CannotListenError as error:
        return _fail(f"nano: {error}")
    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    if sys.stdout.isatty():
        print(f"Serving {_addresses(config)}; stop with Ctrl-C.", flush=True)
    reactor.run()
    return 1 if getattr(service, "gave_up", "") else 0


def _addresses(config: Config) -> str:
    """
    Where a person finds the apps: addresses to click on where there are some.
    """
    names = []
    for endpoint in config.listen:
        kind, _, rest = endpoint.partition(":")
        port = rest.partition(":")[0].removeprefix("port=")
        names.append(f"http://localhost:{port}/" if kind in ("tcp", "tcp6") else endpoint)
    return ", ".join(names)


if __name__ == "__main__":
    sys.exit(main())
