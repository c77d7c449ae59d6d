# -*- test-case-name: tests.cli.test_running -*-
"""
Running a reactor from beginning to end: for a script, or for a server.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError

from nano.admin.log import start_logging, stream_observer
from nano.cli.problems import fail
from nano.tap import stop_on_signals

if TYPE_CHECKING:
    from twisted.application.service import IService
    from twisted.python.failure import Failure

    from nano.config import Config

__all__ = ["run_service", "run_to_end"]


def run_to_end(reactor: Any, start: Callable[[], Deferred[int]]) -> int:
    """
    Run *reactor* until the Deferred of *start* fires with an exit code.

    A signal cancels it, and is waited for; then the exit code is 130, as that of a command which Ctrl-C has ended.

    Raises:
        Exception: what the Deferred fails with.
    """
    codes: list[int] = []
    failures: list[Failure] = []

    def begin() -> None:
        running = start()
        running.addErrback(lambda failure: failure.trap(CancelledError) and 130)
        running.addCallbacks(ended, failed)
        reactor.addSystemEventTrigger("before", "shutdown", interrupted, running)

    def ended(code: int) -> None:
        if not codes:
            codes.append(code)
            reactor.stop()

    def failed(failure: Failure) -> None:
        if not codes:
            failures.append(failure)
            ended(1)

    def interrupted(running: Deferred[Any]) -> Deferred[Any]:
        if not codes:
            codes.append(130)
            running.cancel()
        return running

    reactor.callWhenRunning(begin)
    reactor.run()
    for failure in failures:
        failure.raiseException()
    return codes[0]


def run_service(
    reactor: Any, config: Config, build: Callable[..., IService], prepare: Callable[[], object] = lambda: None
) -> int:
    """
    Serve *config* until a signal comes.

    Args:
        reactor: a fresh one; run and stopped here.
        build: makes the service: called with the configuration, `reactor=` and `log=`.
        prepare: called when all signal handlers are there, and nothing is open yet.

    Returns:
        The exit code.
    """
    observer = stream_observer(config.log)
    start_logging(observer)
    service = build(config, reactor=reactor, log=observer)
    # Before anything is open: whoever hears that it is may send a signal at once.
    stop_on_signals(reactor)
    prepare()
    try:
        service.privilegedStartService()
    except (CannotListenError, OSError) as error:
        return fail(str(error))
    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    sys.stdout.flush()
    return 1 if getattr(service, "gave_up", "") else 0
