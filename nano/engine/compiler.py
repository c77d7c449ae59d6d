# -*- test-case-name: tests.engine.test_compiler -*-
"""
The module compiler at work: nano/runtime/compiler in an isolate of its own, on a thread of its own.

No app code runs there, only the parser reads it; still, a source that makes the parser run away must not hold up the
others for ever, so a compilation has a deadline, and an isolate that misses it is replaced.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from nano.engine.v8 import V8Function
from nano.errors import AppLoadError, DrainingError
from nano.interfaces import Reactor

__all__ = ["DEADLINE", "ModuleCompiler"]

#: Seconds that one module may take; the parser reads several megabytes in one.
DEADLINE = 20.0
#: Seconds without work after which the isolate is given back, as it holds some ten megabytes.
IDLE = 5.0
_HEAP = 1024 * 2**20


@dataclass
class _Job:
    """
    A module to compile.

    While it is compiled the isolate is its own, so that one that was given up cannot get in the way of the next.
    """

    source: str
    filename: str
    options: str
    done: Deferred[dict[str, Any]]
    function: V8Function | None = None


class ModuleCompiler:
    """
    Compiles modules one after the other; `compile` is what `nano.apps.modules.ModuleLoader` wants.

    Args:
        reactor: where Deferreds fire.
        source: the compiler's bundle.

    Attributes:
        version: changes whenever the compiler does.
    """

    def __init__(self, reactor: Reactor, source: str) -> None:
        self.version = hashlib.sha256(source.encode()).hexdigest()[:16]
        self._reactor = reactor
        self._source = source
        self._jobs: deque[_Job] = deque()
        self._job: _Job | None = None
        self._overdue: IDelayedCall | None = None
        self._idle: IDelayedCall | None = None
        self._function: V8Function | None = None
        self._stopped = False

    def compile(self, source: str, filename: str, options: str = "") -> Deferred[dict[str, Any]]:
        """
        Compile one module; *options* are those of the compiler, in JSON.

        Fires with what `compile` of nano/runtime/compiler/index.js returns; fails with `AppLoadError` when that takes
        longer than `DEADLINE`.
        """
        done: Deferred[dict[str, Any]] = Deferred()
        if self._stopped:
            done.errback(DrainingError("the compiler has stopped"))
            return done
        self._jobs.append(_Job(source, filename, options, done))
        self._next()
        return done

    def _next(self) -> None:
        if self._job is not None or not self._jobs:
            return
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        job = self._job = self._jobs.popleft()
        self._overdue = self._reactor.callLater(DEADLINE, self._give_up, job)
        job.function, self._function = self._function, None
        threading.Thread(target=self._work, args=(job,), name="nano-compile", daemon=True).start()

    def _work(self, job: _Job) -> None:
        # On a thread of its own.
        try:
            if job.function is None:
                # Known to the reactor thread from now on, so that it can be freed when this takes too long.
                job.function = V8Function(self._source, _HEAP)
            result = json.loads(job.function(job.source, job.filename, job.options))
        except Exception:
            self._reactor.callFromThread(self._worked, job, Failure())
        else:
            self._reactor.callFromThread(self._worked, job, result)

    def _worked(self, job: _Job, result: Any) -> None:
        if self._job is not job:
            # Given up meanwhile, and perhaps before it had an isolate.
            _free(job.function)
            return
        self._ended()
        self._function = job.function
        if isinstance(result, Failure):
            self._free_isolate()
            job.done.errback(AppLoadError(f"{job.filename} cannot be compiled: {result.getErrorMessage()}"))
        else:
            job.done.callback(result)
        if self._job is None and not self._jobs:
            self._rest()
        self._next()

    def _rest(self) -> None:
        if self._stopped:
            self._free_isolate()
        else:
            self._idle = self._reactor.callLater(IDLE, self._free_idle)

    def _give_up(self, job: _Job) -> None:
        self._overdue = None
        self._job = None
        _free(job.function)
        job.done.errback(AppLoadError(f"{job.filename} cannot be compiled within {DEADLINE:g} s"))
        self._next()

    def _ended(self) -> None:
        self._job = None
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _free_idle(self) -> None:
        self._idle = None
        self._free_isolate()

    def _free_isolate(self) -> None:
        function, self._function = self._function, None
        _free(function)

    def stop(self) -> None:
        """Compile no more, and give the isolate back."""
        self._stopped = True
        for call in (self._overdue, self._idle):
            if call is not None:
                call.cancel()
        self._overdue = self._idle = None
        job, self._job = self._job, None
        jobs = [*([job] if job else []), *self._jobs]
        self._jobs.clear()
        self._free_isolate()
        _free(job.function if job else None)
        for left in jobs:
            left.done.errback(DrainingError("the compiler has stopped"))


def _free(function: V8Function | None) -> None:
    if function is not None:
        threading.Thread(target=function.free, name="nano-isolate-wait", daemon=True).start()
