# -*- test-case-name: tests.cli.test_serve -*-
"""
`nano serve`: the daemon in the foreground, and what it tells whoever started it on a terminal.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from nano import __version__
from nano.addresses import reachable
from nano.admin.terminal_format import Paint, duration, wants_colours
from nano.cli.table import table
from nano.config import Config, LogFormat, Overrides
from nano.tap import Server, counted, leave_on_signals, make_server, requested_config, summary

__all__ = ["Announcement", "leave_with_terminal", "serve", "served"]

#: Seconds between two looks whether the server is ready by now.
_LOOK_INTERVAL = 0.05
_DEFAULT = "app.json"


def serve(options: Namespace) -> int:
    """`nano serve`; the exit code."""
    if not (options.config or options.app):
        if not os.path.exists(_DEFAULT):
            options.usage_error(
                "there is no app.json here: give --config FILE or --app PATH, or write a new app with: nano init DIR"
            )
        options.config = _DEFAULT
    leave_on_signals()
    interactive = sys.stdout.isatty()
    overrides = Overrides(options.port, options.workers, options.log_format)
    log_format: LogFormat = "text" if interactive else "json"
    config = requested_config(options.config, options.app, overrides, check=options.check, log_format=log_format)
    if options.check:
        print(summary(options.config or options.app, config))
        return 0
    from twisted.internet import reactor

    from nano.cli.running import run_service

    build: Callable[..., Any] = partial(make_server, watch=options.watch)
    if interactive and config.log.format == "text":
        paint = Paint(wants_colours(os.environ))
        print(f"{paint(f'nano {__version__}', 'bold')}  {options.config or options.app}", flush=True)
        build = partial(build, companion=partial(Announcement, reactor, paint, watch=options.watch))
    return run_service(reactor, config, build, leave_with_terminal if interactive else lambda: None)


def leave_with_terminal() -> None:
    """
    Let SIGHUP stop the server, as SIGTERM does, if standard output is no terminal any more: else it asks for a reload.

    The handlers of both have to be there.
    """
    reload: Any = signal.getsignal(signal.SIGHUP)

    def on_signal(number: int, frame: FrameType | None) -> None:
        if sys.stdout.isatty():
            reload(number, frame)
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGHUP, on_signal)


class Announcement(Service):
    """
    Tells what is served where, once all is loaded.

    Args:
        clock: the reactor.
        paint: colours, or none.
        server: what to tell of.
        watch: whether it reloads by itself.
        tell: takes the text.
    """

    def __init__(
        self, clock: Any, paint: Paint, server: Server, watch: bool, tell: Callable[[str], object] | None = None
    ) -> None:
        self._clock = clock
        self._paint = paint
        self._server = server
        self._watch = watch
        self._tell = partial(print, flush=True) if tell is None else tell
        self._begun = clock.seconds()
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    def startService(self) -> None:
        """Wait for readiness (IService)."""
        super().startService()
        self._looking.start(_LOOK_INTERVAL, now=False)

    def stopService(self) -> None:
        """Wait no longer (IService)."""
        super().stopService()
        if self._looking.running:
            self._looking.stop()

    def _look(self) -> Deferred[None] | None:
        if not self._server.control.ready:
            return None
        self._looking.stop()
        return self._server.control.apps().addCallback(self._announce)

    def _announce(self, apps: Sequence[Mapping[str, Any]]) -> None:
        config = self._server.config()
        failed = sum(app["state"] != "ready" for app in apps)
        how = [f"{counted(len(apps), 'app')} loaded in {duration((self._clock.seconds() - self._begun) * 1000)}"]
        if failed:
            how = [self._paint(f"{failed} of {counted(len(apps), 'app')} failed to load", "red")]
        if config.workers:
            how.append(counted(config.workers, "worker"))
        how.append("reloads when files change" if self._watch else "reloads on SIGHUP")
        lines = [f"{', '.join(how)}; Ctrl-C stops"]
        if config.admin is not None:
            lines.append(_admin_line(config.admin.listen))
        self._tell("\n".join(["", served(config, apps, self._paint), *lines, ""]))


def served(config: Config, apps: Sequence[Mapping[str, Any]], paint: Paint) -> str:
    """
    A table of the apps: where each is found, where its source is, and its state if that is not as it should be.
    """
    rows = []
    for app in apps:
        source = os.path.relpath(app["path"])
        state = "" if app["state"] == "ready" else paint(app["state"], "red")
        names = app["hostnames"]
        for index, address in enumerate(address for name in names for address in _addresses(config, name)):
            first = index == 0
            rows.append(
                [
                    paint(app["name"], "bold") if first else "",
                    paint(address, "cyan"),
                    paint(source if first else "", "dim"),
                    state if first else "",
                ]
            )
    if not rows:
        return "  there are no apps yet\n"
    return "".join(f"  {line}\n" for line in table(rows))


def _admin_line(listen: str) -> str:
    """What may be done with the admin listener."""
    way = reachable(listen)
    if way is None:
        return f"admin API on {listen}"
    if way.scheme != "unix":
        return f"status page on {way.url()}admin/"
    # Most sockets are below the folder of their configuration, and few terminals have room for a whole path.
    path = os.path.relpath(way.host)
    return f"nano top, nano logs and nano reload find it at unix:{way.host if path.startswith('..') else path}"


def _addresses(config: Config, name: str) -> list[str]:
    """Where somebody finds a host name; a name that stands for all of them is found as the machine itself."""
    found = []
    for endpoint in config.listen:
        way = reachable(endpoint)
        if way is None:
            found.append(f"{endpoint} ({name})")
        else:
            found.append(way.url("" if name == "*" else name))
    return found
