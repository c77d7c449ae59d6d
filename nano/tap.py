# -*- test-case-name: tests.test_tap -*-
"""
`twistd nano`: the daemon's front door.

Parses what the command line says, reads the configuration before twistd daemonizes (so that what
is wrong reaches the terminal), and builds the one service.  With `nano.cli` it is alone in
touching the global reactor, signals and the interpreter's exit.
"""

from __future__ import annotations

import atexit
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from twisted.application.service import MultiService
from twisted.logger import ILogObserver
from twisted.python import usage
from twisted.python.components import Componentized

from nano import __version__
from nano.config import (
    Config,
    Overrides,
    check_config,
    load_config,
    one_app,
    read_override,
)
from nano.errors import ConfigError, NanoError

if TYPE_CHECKING:
    from twisted.application.service import IService
    from twisted.internet.defer import Deferred

    from nano.admin.log import LogObserver
    from nano.config import LogConfig, LogFormat

__all__ = [
    "Control",
    "OPTION_HELP",
    "Options",
    "allow_many_descriptors",
    "Server",
    "counted",
    "exit_if_broken",
    "leave_on_signals",
    "log_observer",
    "makeService",
    "make_server",
    "quiet_start_errors",
    "read_overrides",
    "reload_on_hangup",
    "requested_config",
    "rotate_on_signal",
    "stop_on_signals",
    "summary",
]

OPTION_HELP: Mapping[str, str] = {
    "config": "configuration file (app.json)",
    "app": "serve this one app, a folder or file, for every host name",
    "port": "TCP port; wins over NANO_PORT and the file",
    "workers": "worker processes, 0 for everything in this one; wins over NANO_WORKERS",
    "log-format": "json, text or apache; wins over NANO_LOG_FORMAT",
    "no-watch": "reload on SIGHUP only, and not when files change",
    "check": "say what is wrong with the configuration, and exit",
}
"""The options that `twistd nano` and `nano serve` share."""

_OVERRIDES = {"port": "port", "workers": "workers", "log-format": "log_format"}


class Options(usage.Options):
    """
    The options of `twistd nano`; `loaded` is the configuration once they are parsed.

    Standing alone, wrong usage is a `UsageError`.  Below twistd, which would exit with 1, it ends
    the process with 2; what is wrong with the configuration itself ends it with 1.
    """

    synopsis = "[-c FILE | -a PATH -p PORT] [options]"
    optParameters: ClassVar[list[list[Any]]] = [
        [name, short, None, OPTION_HELP[name]]
        for name, short in (
            ("config", "c"),
            ("app", "a"),
            ("port", "p"),
            ("workers", "w"),
            ("log-format", None),
        )
    ]
    optFlags: ClassVar[list[list[Any]]] = [[name, None, OPTION_HELP[name]] for name in ("no-watch", "check")]

    loaded: Config
    parent: Any = None

    def parseOptions(self, options: Any = None) -> None:
        """Parse, or leave the process."""
        if self.parent is not None:
            leave_on_signals()
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            if self.parent is None:
                raise
            sys.stderr.write(f"{self}\ntwistd nano: {error}\n")
            raise SystemExit(2) from None

    def postOptions(self) -> None:
        """Read the configuration; with `--check`, report and leave the process."""
        if bool(self["config"]) == bool(self["app"]):
            raise usage.UsageError("give either --config FILE or --app PATH")
        try:
            overrides = read_overrides({name: self[name] for name in _OVERRIDES})
        except ValueError as error:
            raise usage.UsageError(str(error)) from None
        try:
            self.loaded = requested_config(self["config"], self["app"], overrides, check=bool(self["check"]))
        except ConfigError as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(1) from None
        if self["check"]:
            sys.stdout.write(f"{summary(self['config'] or self['app'], self.loaded)}\n")
            raise SystemExit(0)

    def opt_version(self) -> None:
        """Print the version and exit."""
        sys.stdout.write(f"nano {__version__}\n")
        raise SystemExit(0)


class Control(Protocol):
    """What front doors ask of a server, and what signals and changed files do to it."""

    @property
    def ready(self) -> bool:
        """Whether every app is loaded, or has failed to."""

    def apps(self) -> Deferred[list[dict[str, Any]]]:
        """The state of every app; does not fail."""

    def hangup(self) -> Deferred[object]:
        """Reload; fires when that is over, and does not fail."""


class Server(NamedTuple):
    """A server, what controls it, and what it serves now."""

    service: IService
    control: Control
    config: Callable[[], Config]


def makeService(options: Options, build: Callable[..., IService] | None = None) -> IService:
    """
    The service that serves what *options* say, on the reactor twistd has chosen.

    Args:
        build: called as `make_server` is, and in place of it.
    """
    from twisted.internet import reactor

    quiet_start_errors()
    stop_on_signals(reactor)
    if build is None:
        build = partial(make_server, watch=not options["no-watch"])
    observer = log_observer(options.loaded.log, options.parent, reactor)
    service = build(options.loaded, reactor=reactor, log=observer)
    atexit.register(exit_if_broken, service)
    return service if observer is None else _Logged(service, observer)


def make_server(
    config: Config,
    reactor: Any,
    watch: bool = True,
    log: LogObserver | None = None,
    companion: Callable[[Server], IService] | None = None,
) -> IService:
    """
    What serves *config*: everything in this process, or a supervisor with worker processes.

    Args:
        watch: whether it reloads by itself when files change, and not only when it is told to.
        log: writes the log, if that is ours: heeds changed settings, and takes what workers have written.
        companion: makes one more service, which starts and stops with the server.
    """
    from twisted.internet.threads import deferToThreadPool

    allow_many_descriptors()
    from nano.apps.watch import Watch, watched_paths
    from nano.systemd import Daemon

    build = _supervised if config.workers else _alone
    server = build(config, reactor, log)
    control = server.control
    daemon = Daemon(server.service, control, reactor, os.environ)

    def reload() -> Deferred[object]:
        return daemon.reloading(control.hangup)

    reload_on_hangup(reactor, reload)
    if watch:
        in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
        Watch(reactor, lambda: watched_paths(server.config()), reload, in_thread).setServiceParent(daemon)
    if companion is not None:
        companion(server).setServiceParent(daemon)
    return daemon


def _alone(config: Config, reactor: Any, log: LogObserver | None) -> Server:
    from nano.service import NanoService

    service = NanoService(config, reactor=reactor, log_changed=log.adopt if log is not None else None)
    return Server(service, service.control, lambda: service.control.config)


def _supervised(config: Config, reactor: Any, log: LogObserver | None) -> Server:
    from nano.admin.journal import Journal
    from nano.admin.metrics import Readings
    from nano.admin.totals import SupervisorMetrics
    from nano.supervisor.memory import resident_memory
    from nano.supervisor.operations import Operations
    from nano.supervisor.supervisor import Supervisor

    def give_up(reason: str) -> None:
        sys.stderr.write(f"nano: {reason}\n")
        if not supervisor.draining:
            reactor.stop()

    def read() -> Readings:
        idle = dict.fromkeys((app.name for app in supervisor.config.apps), 0)
        return Readings(idle, resident=resident_memory(os.getpid()))

    figures = SupervisorMetrics(reactor, read, "supervisor")
    figures.configured()
    supervisor = Supervisor(config, reactor, figures, give_up)
    journal = Journal(config.log.level)

    def adopt(settings: LogConfig) -> None:
        journal.adopt(settings.level)
        if log is not None:
            log.adopt(settings)

    supervisor.log_to(log.write if log is not None else None, adopt)
    operations = Operations(supervisor, figures, journal=journal.answer)
    service: IService = supervisor
    if config.admin is not None:
        from nano.admin.listener import Administered

        service = Administered(supervisor, operations, config.admin, reactor, operations.admin_token, journal)
    return Server(service, operations, lambda: supervisor.config)


def allow_many_descriptors() -> None:
    """
    Let this process, and those that it starts, open as many files and sockets as the system permits.

    The usual limit, 1024, is there for programs that use select(), and is soon reached by a server.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):
        pass  # What there is has to do.


def exit_if_broken(service: IService) -> None:
    """
    Leave the process with 1 if *service* had to give up: twistd itself would leave it with 0.
    """
    if getattr(service, "gave_up", ""):
        sys.stdout.flush()
        os._exit(1)


def reload_on_hangup(reactor: Any, reload: Callable[[], object]) -> None:
    """
    Call *reload* when SIGHUP comes, as soon as *reactor* runs.
    """

    def on_signal(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(reload)

    signal.signal(signal.SIGHUP, on_signal)


class _Logged(MultiService):
    """
    Gives the application that *service* becomes part of its log observer; twistd asks for it next.
    """

    def __init__(self, service: IService, observer: LogObserver) -> None:
        super().__init__()
        service.setServiceParent(self)
        self._observer = observer

    def setServiceParent(self, parent: Any) -> None:
        """Called by twistd with the application (IService)."""
        if isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)


def log_observer(config: LogConfig, twistd: Mapping[str, Any] | None, reactor: Any) -> LogObserver | None:
    """
    What logs as *config* says: to standard output, or to twistd.log when twistd daemonizes.

    Args:
        twistd: twistd's own options; None when ours stand alone.
        reactor: rotates twistd.log when a signal says so.

    Returns:
        None where the user has chosen something else, with --logfile, --logger or --syslog.
    """
    if twistd is None or any(twistd.get(name) for name in ("logfile", "logger", "syslog")):
        return None
    from nano.admin.log import file_observer, stream_observer

    if twistd.get("nodaemon"):
        return stream_observer(config)
    observer, file = file_observer(config, "twistd.log")
    rotate_on_signal(reactor, file.rotate)
    return observer


def rotate_on_signal(reactor: Any, rotate: Callable[[], object]) -> None:
    """
    Call *rotate* on SIGUSR1, as twistd does for logs of its own, unless the signal has a use already.
    """

    def on_signal(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(rotate)

    if signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL:
        signal.signal(signal.SIGUSR1, on_signal)


def read_overrides(texts: Mapping[str, str | None]) -> Overrides:
    """
    What the options say, by their long names.

    Raises:
        ValueError: naming the option.
    """
    found: dict[str, Any] = {}
    for option, key in _OVERRIDES.items():
        text = texts.get(option)
        if text is not None:
            try:
                found[key] = read_override(key, text)
            except ValueError as error:
                raise ValueError(f"--{option} {error}") from None
    return Overrides(**found)


def requested_config(
    config: str | None,
    app: str | None,
    overrides: Overrides,
    check: bool = False,
    log_format: LogFormat = "json",
) -> Config:
    """
    The configuration file *config*, or one made up for the single *app*.

    Args:
        check: whether an app that is not there is an error, rather than the others' good luck.

    Raises:
        ConfigError: with everything that is wrong.
    """
    if app:
        return one_app(app, overrides=overrides, log_format=log_format)
    assert config, "one of the two is required"
    if check:
        return check_config(config, overrides=overrides)
    return load_config(config, overrides=overrides, log_format=log_format)


def summary(name: str, config: Config) -> str:
    """
    One line on a configuration that is in order.
    """
    hosts = sum(len(app.hostnames) for app in config.apps)
    return (
        f"{name}: OK: {counted(len(config.apps), 'app')}, {counted(hosts, 'host name')},"
        f" {counted(config.workers, 'worker')}, listening on {', '.join(config.listen)}"
    )


def counted(number: int, noun: str) -> str:
    """
    A number of things, in words.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def leave_on_signals() -> None:
    """
    Let SIGTERM and SIGINT end the process with 0 at once: nothing has been started yet.
    """
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, frame: os._exit(0))


def stop_on_signals(reactor: Any) -> None:
    """
    Let SIGTERM and SIGINT stop *reactor*, as soon as it runs, and a second one end the process at once.

    In place of Twisted's own handlers, for two reasons: after those, twistd kills itself with the
    signal it got, where a graceful stop should exit with 0; and a second signal does not hurry
    them.  The second one is left to the kernel, so that it works whatever this process waits for.
    """

    def stop(number: int = 0, frame: FrameType | None = None) -> None:
        heard.append(number)
        install()
        reactor.callFromThread(stop_once)

    def stop_once() -> None:
        if not stopping:
            reactor.stop()

    def install() -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL if heard else stop)

    heard: list[int] = []
    stopping: list[bool] = []
    reactor.addSystemEventTrigger("before", "shutdown", stopping.append, True)
    # What the reactor installs when it starts to run, and what is there before and after that.
    reactor.sigTerm = reactor.sigInt = stop
    install()
    reactor.callWhenRunning(install)


def quiet_start_errors() -> None:
    """
    Let what an operator can put right, such as a taken port, end the start without a traceback.

    twistd lets an error of the start through to the interpreter, which exits with 1.
    """
    from twisted.internet.error import CannotListenError

    inner = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error, (CannotListenError, NanoError, OSError)):
            for stream in {sys.stderr, sys.__stderr__}:  # twistd sends the former to its log
                if stream is not None:
                    stream.write(f"nano: {error}\n")
        else:
            inner(kind, error, traceback)

    sys.excepthook = hook
