# -*- test-case-name: tests.cli.test_parser -*-
"""
What can be typed behind `nano`: every command and option, with its help.  Completion and documentation follow from it.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NoReturn

from nano import __version__
from nano.config import read_override
from nano.tap import OPTION_HELP

__all__ = ["SHELLS", "commands_of", "make_parser", "parse"]

SHELLS = ("bash", "zsh", "fish")
_LEVELS = ("debug", "info", "warn", "error", "critical")


_WHERE = """\
The daemon is found by the first of these that is given: --url; --config, whose
admin section says where it listens and how to get in; NANO_ADMIN_URL; app.json
in this folder.  An address is http://HOST:PORT or unix:PATH; the token is that
of --token, NANO_ADMIN_TOKEN, or the configuration file.
"""

#: Texts as they are, and room for the options beside what they mean.
_HelpFormatter = partial(argparse.RawDescriptionHelpFormatter, max_help_position=27)


class _Parser(argparse.ArgumentParser):
    """Says in two lines what is wrong, and where to read more."""

    def __init__(self, prog: str, **options: Any) -> None:
        # What is short today for one option may be short for two tomorrow.
        options = {"formatter_class": _HelpFormatter, "allow_abbrev": False, **options}
        super().__init__(prog, **options)

    def error(self, message: str) -> NoReturn:
        """Leave with 2 (argparse)."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\nTry: {self.prog} --help\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """
    The options of a command line: with `command`, the name of one, and `usage_error`, which takes a message and leaves
    the process.

    Wrong usage, `--help` and `--version` leave the process.
    """
    parser = make_parser()
    below = commands_of(parser)
    word = next((argument for argument in arguments if not argument.startswith("-")), None)
    if word is not None and word not in below:
        parser.error(f"there is no command {word!r}{_nearest(word, below)}")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        at_fault = below[word] if word is not None else parser
        option = next((each for each in unknown if each.startswith("-")), None)
        if option is None:
            at_fault.error(f"does not take {unknown[0]!r}")
        name = option.partition("=")[0]
        at_fault.error(f"there is no option {name}{_nearest(name, _options_of(at_fault))}")
    return options


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands, by their names."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(action.choices)
    return found


def _options_of(parser: argparse.ArgumentParser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings]


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f"; did you mean {close[0]}?" if close else ""


# --- the commands ------------------------------------------------------------------------------


def make_parser() -> argparse.ArgumentParser:
    """All of `nano`."""
    parser = _Parser("nano", usage="nano [COMMAND] ...", description="Serve Workers-style JavaScript apps.")
    parser.add_argument("--version", action="version", version=f"nano {__version__}", help="print the version and exit")
    parser.set_defaults(command="repl")
    # argparse would list the commands as arguments of a strange name; they have a list of their own.
    below = parser.add_subparsers(help=argparse.SUPPRESS, metavar="COMMAND", prog="nano")
    lists = []
    for title, group in (
        ("commands", (_serve, _init, _check, _schema, _run, _repl, _completion)),
        ("commands for a running daemon", (_apps, _reload, _remove, _logs, _top)),
    ):
        rows = [
            f"  {command.prog[5:]:11} {_lowered(command.description)}\n" for command in (add(below) for add in group)
        ]
        lists.append(f"{title}:\n{''.join(rows)}")
    parser.epilog = "\n".join([*lists, "nano alone is nano repl; nano COMMAND --help says more, with examples."])
    return parser


def _lowered(sentence: str | None) -> str:
    text = (sentence or "").rstrip(".")
    return text[:1].lower() + text[1:]


def _command(below: Any, name: str, help_: str, usage: str, examples: str, more: str = "") -> argparse.ArgumentParser:
    shown = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    parser: argparse.ArgumentParser = below.add_parser(
        name,
        help=help_,
        description=f"{help_[:1].upper()}{help_[1:]}.",
        usage=f"nano {name} {usage}".rstrip(),
        epilog=f"{more}\nexamples:\n{shown}".lstrip("\n"),
    )
    parser.set_defaults(command=name, usage_error=parser.error)
    return parser


def _serve(below: Any) -> argparse.ArgumentParser:
    parser = _command(
        below,
        "serve",
        "serve apps in the foreground",
        "[-c FILE | -a PATH -p N] [options]",
        """
nano serve                        what app.json in this folder says
nano serve -a ./site -p 8080      one app, without a configuration
nano serve -w 0                   everything in one process
nano serve --log-format json      for a machine to read
""",
        """\
On a terminal it shows what is served where, requests, reloads, and errors with
the source they come from; elsewhere it logs lines of JSON.  Ctrl-C stops it
when the requests in flight have ended; a second Ctrl-C stops it at once.
""",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-c", "--config", metavar="FILE", help=f"{OPTION_HELP['config']}; default: app.json here")
    what.add_argument("-a", "--app", metavar="PATH", help=OPTION_HELP["app"])
    for option, short, metavar in (("port", "-p", "N"), ("workers", "-w", "N")):
        parser.add_argument(short, f"--{option}", metavar=metavar, type=_override(option), help=OPTION_HELP[option])
    parser.add_argument("--log-format", metavar="FORMAT", type=_override("log_format"), help=OPTION_HELP["log-format"])
    parser.add_argument(
        "--watch",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="reload when files change, and not only on SIGHUP; this is the default",
    )
    parser.add_argument("--check", action="store_true", help=OPTION_HELP["check"])
    return parser


def _override(key: str) -> Callable[[str], Any]:
    """The type of an option that overrides *key*."""

    def read(text: str) -> Any:
        try:
            return read_override(key, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _init(below: Any) -> argparse.ArgumentParser:
    parser = _command(
        below,
        "init",
        "write a new app with its configuration",
        "DIR",
        "nano init shop && cd shop && nano serve",
    )
    parser.add_argument("folder", metavar="DIR", help="is made if it is not there; no file in it is overwritten")
    return parser


def _check(below: Any) -> argparse.ArgumentParser:
    parser = _command(
        below,
        "check",
        "say what is wrong with a configuration, or its apps",
        "[--json] [--config-only] [FILE]",
        """
nano check
nano check --json app.json | jq '.problems[].reason'
""",
        """\
Every problem is told: of the file, and of each app's modules, which are
compiled and not run.  The exit code is 1 if there is one.
""",
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="app.json", help="the configuration; default: app.json here"
    )
    parser.add_argument("--config-only", action="store_true", help="do not compile the apps")
    _json_option(parser, "print one JSON object")
    return parser


def _schema(below: Any) -> argparse.ArgumentParser:
    return _command(
        below,
        "schema",
        "print the JSON Schema of the configuration",
        "",
        "nano schema > app.schema.json     for an editor's completion",
    )


def _run(below: Any) -> argparse.ArgumentParser:
    parser = _command(
        below,
        "run",
        "run a script to its end",
        "SCRIPT [ARGS ...]",
        """
nano run report.ts --year 2024
nano run tools/                   a folder with an entry file
""",
        """\
The script is a module with the full runtime: fetch, timers, crypto, top-level
await.  It ends when nothing is on its way any more.  Its arguments are:
import { args } from "nano:script".  The exit code is 1 after an error that
nothing caught, and 130 after Ctrl-C.
""",
    )
    parser.add_argument("script", metavar="SCRIPT", help="a file, or a folder with an entry file")
    parser.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="what the script gets")
    return parser


def _repl(below: Any) -> argparse.ArgumentParser:
    return _command(
        below,
        "repl",
        "evaluate JavaScript line by line; also what nano alone does",
        "",
        """
nano
echo 'console.log(crypto.randomUUID())' | nano repl
""",
        """\
Tab completes globals and members, the arrow keys recall earlier lines (of
earlier sessions too, from ~/.nano_history or NANO_REPL_HISTORY), input goes on
over several lines until it is complete.  Ctrl-C interrupts, Ctrl-D leaves.
""",
    )


def _json_option(parser: argparse.ArgumentParser, help_: str) -> None:
    parser.add_argument("--json", action="store_true", help=help_)


# --- the commands that talk to a daemon --------------------------------------------------------


def _remote(below: Any, name: str, help_: str, usage: str, examples: str, more: str = "") -> argparse.ArgumentParser:
    usage = f"{usage} [-c FILE | --url URL] [options]".lstrip()
    parser = _command(below, name, help_, usage, examples, "\n".join(filter(None, (more, _WHERE))))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-c", "--config", metavar="FILE", help="the daemon's configuration")
    where.add_argument("--url", metavar="URL", help="the daemon's admin listener")
    parser.add_argument("--token", metavar="TOKEN", help="the admin token; others may see it in the list of processes")
    return parser


def _apps(below: Any) -> argparse.ArgumentParser:
    parser = _remote(
        below,
        "apps",
        "list the apps of a running daemon",
        "",
        """
nano apps
nano apps --json | jq -r '.apps[] | select(.state == "failed").name'
""",
    )
    _json_option(parser, "print what the admin API answers")
    return parser


def _reload(below: Any) -> argparse.ArgumentParser:
    parser = _remote(
        below,
        "reload",
        "have a daemon read its configuration and apps again",
        "",
        "nano reload && echo all apps are up to date",
        "The exit code is 1 if an app does not load; its old version goes on.\n",
    )
    _json_option(parser, "print what the admin API answers")
    return parser


def _remove(below: Any) -> argparse.ArgumentParser:
    parser = _remote(
        below,
        "remove",
        "take an app out of a running daemon",
        "NAME",
        "nano remove shop",
        """\
It is served no more at once; the command waits for the requests in flight, and
exits with 1 if they were cut because they took too long.  The app is back with
the next reload unless it is taken out of the configuration file as well.
""",
    )
    parser.add_argument("name", metavar="NAME", help="of the app")
    _json_option(parser, "print what the admin API answers")
    return parser


def _logs(below: Any) -> argparse.ArgumentParser:
    parser = _remote(
        below,
        "logs",
        "show the latest log lines of a running daemon",
        "[APP]",
        """
nano logs -f
nano logs shop --level warn
nano logs -f --json | jq 'select(.event == "access")'
""",
    )
    parser.add_argument("app", metavar="APP", nargs="?", help="only what concerns this app")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with lines as they come, until Ctrl-C")
    parser.add_argument(
        "-n", "--lines", metavar="N", type=_count, default=100, help="how many lines to begin with; default: 100"
    )
    parser.add_argument("--level", metavar="LEVEL", choices=_LEVELS, help=f"the least: {', '.join(_LEVELS)}")
    _json_option(parser, "print each line as JSON")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 1000):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1000, is {text!r}")
    return int(text)


def _top(below: Any) -> argparse.ArgumentParser:
    parser = _remote(
        below,
        "top",
        "watch the load of a running daemon, app by app",
        "",
        """
nano top
nano top --once
nano top --json | jq '.apps[] | {name, requests_per_second, p99_ms}'
""",
        """\
Figures are of the last ten seconds; cpu is of one processor.  Q or Ctrl-C
leaves.  Where standard output is no terminal the table is printed once.
""",
    )
    parser.add_argument("--once", action="store_true", help="print the table once and exit")
    parser.add_argument(
        "--interval", metavar="SECONDS", type=_interval, default=2.0, help="between two looks; default: 2"
    )
    _json_option(parser, "print what the admin API answers, once")
    return parser


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0.1 to 3600, is {text!r}")
    return seconds


def _completion(below: Any) -> argparse.ArgumentParser:
    parser = _command(
        below,
        "completion",
        "print a script that completes nano's commands in a shell",
        "SHELL",
        """
nano completion bash > ~/.local/share/bash-completion/completions/nano
nano completion zsh > "${fpath[1]}/_nano"
nano completion fish > ~/.config/fish/completions/nano.fish
""",
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    return parser
