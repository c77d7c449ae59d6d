# -*- test-case-name: tests.supervisor.test_processes -*-
"""
`python -m nano.worker`: the front door of a worker process, for the supervisor alone.

All it is given is file descriptors (`nano.supervisor.process`); its configuration, secrets included, comes over the
control socket.  The supervisor decides when it stops: what a terminal sends to its whole process group is ignored.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any

from twisted.python.filepath import FilePath

from nano.admin.log import start_logging, stream_observer
from nano.engine.v8 import context_count
from nano.service import NanoService, Served, make_pool
from nano.supervisor.control import ControlFactory, Task
from nano.supervisor.process import CONTROL, LOG, SCOREBOARD
from nano.supervisor.scoreboard import Scoreboard
from nano.supervisor.worker import Channel, Worker

__all__ = ["main"]

#: How long a thread may keep the interpreter's lock while another wants it, in seconds.  An isolate that rings waits
#: for the lock while the reactor thread has it; the interpreter's own 5 ms would be most of a request's time.
_SWITCH_INTERVAL = 0.0005

#: How many objects more than before there have to be for a look for cycles.  With the interpreter's own 700, in a
#: process that serves thousands of requests at a time, that is a twentieth of all its work, and finds nothing.
_GARBAGE = 20_000


def _heed_signals(reactor: Any, worker: Worker) -> None:
    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        reactor.callFromThread(worker.drain, True)

    signal.signal(signal.SIGTERM, terminate)


def main() -> None:
    """Be a worker until the supervisor, or its end, says otherwise."""
    from twisted.internet import reactor as global_reactor

    reactor: Any = global_reactor
    codes: list[int] = []

    def leave(code: int) -> None:
        if not codes:
            codes.append(code)
            reactor.callWhenRunning(reactor.stop)

    def build(task: Task, ports: Any, scoreboard: Scoreboard) -> NanoService:
        start_logging(stream_observer(task.config.log, LOG, str(task.worker), fallback=1))
        served = Served(task.versions, FilePath(task.store) if task.store else None)
        return NanoService(task.config, reactor, ports, scoreboard, str(task.worker), served, pool=pool)

    sys.setswitchinterval(_SWITCH_INTERVAL)
    # While nobody waits: V8, and the isolates of the first apps.  They take some megabytes of the process that is the
    # spare, and a good part of the time that it needs to take a dead worker's place.
    context_count()
    pool = make_pool(reactor)
    reactor.callWhenRunning(pool.fill)
    worker = Worker(reactor, build, Scoreboard(SCOREBOARD, reactor), leave)
    _heed_signals(reactor, worker)
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    os.set_blocking(CONTROL, False)
    reactor.adoptStreamConnection(CONTROL, socket.AF_UNIX, ControlFactory(Channel(worker)))
    for descriptor in (CONTROL, SCOREBOARD):
        os.close(descriptor)
    reactor.run(installSignalHandlers=False)
    # What the log still holds goes out; the interpreter's own end would wait for isolates that cannot be freed.
    atexit._run_exitfuncs()
    os._exit(codes[0] if codes else 0)


if __name__ == "__main__":
    main()
