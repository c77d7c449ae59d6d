# -*- test-case-name: tests.admin.test_log -*-
"""
The log: observers for `twisted.logger`, and the access log.

Code logs with `twisted.logger.Logger` and knows nothing of formats; what reaches standard output, and how it looks, is
decided here, by `log.format` and `log.level` of the configuration.  Access lines have a switch of their own,
`log.access`, and pass whatever the level.  `start_logging` is for the front doors and for workers; a program that
embeds nano keeps its own observers.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Mapping
from shutil import get_terminal_size
from time import time
from typing import Any

from twisted.logger import ILogObserver, Logger, LogLevel, globalLogBeginner, globalLogPublisher
from twisted.python.logfile import LogFile
from zope.interface import implementer

from nano.admin.log_format import FORMATS, Format
from nano.admin.log_sink import LogSink
from nano.admin.terminal_format import Paint, terminal_format, wants_colours
from nano.exchange import Exchange
from nano.settings import LogConfig

__all__ = ["AccessLog", "LogObserver", "file_observer", "start_logging", "stream_observer"]

#: What all access events have in common.  They are published without the ceremony of `Logger.emit`, which would take
#: longer than all the rest.
_OF_EACH: Mapping[str, Any] = {
    "event": "access",
    "log_format": "{method} {path} {status}",
    "log_level": LogLevel.info,
    "log_logger": Logger(namespace="nano.access"),
    "log_namespace": "nano.access",
    "log_source": None,
}
#: Every level at and above which an event is written.
_LEVELS = ("debug", "info", "warn", "error", "critical")
#: How long the end of the process may wait for the reader of the log, in seconds.
_LAST_FLUSH = 1.0


@implementer(ILogObserver)
class LogObserver:
    """
    Writes log events as lines.  It never raises.

    Args:
        config: level and format.
        write: takes each line; may be called on any thread.
        worker: names this process in each line; "" for the only one.
        terminal: whether lines of the format "text" go to a terminal.

    Attributes:
        write: as given; for lines that other processes have made.
    """

    def __init__(
        self, config: LogConfig, write: Callable[[bytes], object], worker: str = "", terminal: bool = False
    ) -> None:
        self.write = write
        self._worker = worker
        self._terminal = terminal
        self.adopt(config)

    def adopt(self, config: LogConfig) -> None:
        """Go on with these settings."""
        self._format = _format(config, self._terminal)
        self._shown = frozenset(_LEVELS[_LEVELS.index(config.level) :])

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Write an event (ILogObserver)."""
        level = event.get("log_level")
        if level is not None and level.name not in self._shown and event.get("event") != "access":
            return
        line = self._format(event, self._worker)
        if line:
            self.write(line.encode("utf-8", "backslashreplace"))


def _format(config: LogConfig, terminal: bool) -> Format:
    if not (terminal and config.format == "text"):
        return FORMATS[config.format]
    paint = Paint(wants_colours(os.environ))
    return terminal_format(paint, config.level == "debug", lambda: get_terminal_size().columns)


def stream_observer(
    config: LogConfig, descriptor: int = 1, worker: str = "", fallback: int | None = None
) -> LogObserver:
    """
    An observer that writes to a file descriptor, standard output if none is given.

    A reader that does not read holds up nothing: see `nano.admin.log_sink`.

    Args:
        config: level and format.
        descriptor: where to write.
        worker: names this process in each line; "" for the only one.
        fallback: where to write when the reader of *descriptor*, who writes there what is read, is gone.
    """
    terminal = os.isatty(descriptor if fallback is None else fallback)
    format_ = _format(config, terminal)

    def lost_line(count: int) -> bytes:
        event = {
            "log_time": time(),
            "log_format": "{lost} log lines were lost: their reader did not take them",
            "lost": count,
            "event": "log-lost",
        }
        return format_(event, worker).encode()

    sink = LogSink(descriptor, lost_line, fallback=fallback)
    atexit.register(sink.flush, _LAST_FLUSH)
    return LogObserver(config, sink.write, worker, terminal)


def file_observer(config: LogConfig, path: str, worker: str = "") -> tuple[LogObserver, LogFile]:
    """
    An observer that writes to a file, and the file, which rotates by itself when it has grown to 1 MB.
    """
    file = LogFile.fromFullPath(path)
    return LogObserver(config, file.write, worker), file


def start_logging(observer: LogObserver) -> None:
    """
    Log to *observer* from now on, in this process.
    """
    sys.stdout.flush()
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


class AccessLog:
    """
    A line for each exchange that is over: an `nano.http.factory.Access`.

    `path` is the request's target with its query; `status` is 499 for a client that left before there was an answer;
    `bytes` counts the response's body; `outcome` is "ok" or the word of the `nano-error` header.

    Args:
        publish: takes each event; default: Twisted's observers.
    """

    def __init__(self, publish: Callable[[dict[str, Any]], object] = globalLogPublisher) -> None:
        self._publish = publish

    def __call__(self, exchange: Exchange, client: str, seconds: float) -> None:
        """An exchange with *client* is over, after so many seconds."""
        user_agent = referer = b""
        for name, value in exchange.headers:
            if name == b"user-agent":
                user_agent = value
            elif name == b"referer":
                referer = value
        error = exchange.error
        self._publish(
            {
                **_OF_EACH,
                "log_time": time(),
                "app": exchange.app,
                "request_id": exchange.request_id,
                "method": exchange.method,
                "path": _target(exchange.url),
                "status": exchange.status or (error.status if error is not None else 0),
                "bytes": exchange.body_bytes,
                "duration_ms": round(seconds * 1000, 3),
                "client": client,
                "user_agent": user_agent.decode("utf-8", "backslashreplace"),
                "referer": referer.decode("utf-8", "backslashreplace"),
                "outcome": exchange.outcome,
            }
        )


def _target(url: str) -> str:
    """What stands behind the host of an absolute URL; "-" for a request that had none."""
    start = url.find("/", url.find("://") + 3)
    return url[start:] if start >= 0 else "/" if url else "-"
