# -*- test-case-name: tests.apps.test_app -*-
"""
One app: its configuration, its code, its isolate and its exchanges in flight.

    LOADING ──> READY ──> DRAINING ──> GONE
       │          ├───────────↑
       └──────────┴──> FAILED ┘

    any of the first four ──> QUARANTINED ──> READY, or LOADING if it had no code yet

While it is LOADING requests wait, within limits.  A FAILED app answers 503 `load-failed`; it stays so until a new
version comes.  A READY app may be without an isolate: after one was condemned, after it was evicted because it rested
(`nano.apps.idle`), or because nobody has asked for it since it was read.  Requests wait for the next isolate, which a
spare makes a matter of milliseconds.  A READY app that fails in its first isolate is FAILED.

A DRAINING app takes nothing new; it is drained when all exchanges have been answered and its isolates have settled what
`waitUntil` keeps.  A QUARANTINED app has brought down workers: it has no isolate, none of its code runs, and it answers
503 `quarantined`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from nano.apps.app_log import AppLog
from nano.apps.partners import PERMANENT, UNMETERED, Host, HostSource, Residence
from nano.config import AppConfig
from nano.errors import (
    AppError,
    AppLoadError,
    DrainingError,
    EngineError,
    NanoError,
    OverloadedError,
    QuarantinedError,
)
from nano.exchange import Exchange
from nano.interfaces import AppMeter, IEventHandler, IsolateProgram

__all__ = ["App", "AppState"]


class AppState(Enum):
    """Where an app is in its life."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    DRAINING = "draining"
    GONE = "gone"


@implementer(IEventHandler)
class App:
    """
    One app of the daemon.

    Args:
        config: its configuration.
        hosts: gives it isolates.
        read: reads and compiles its code; fires with the program or fails with `AppLoadError`.
        log: takes what it writes to its console; without a limit if not given.
        meter: is told what it does.
        residence: is told when it rests, and may `evict` it then.

    Attributes:
        log: as given; knows which texts must not be shown.
        state: see the module's text.
        error: why it is FAILED, or what its last isolate was condemned for.
    """

    _log = Logger()

    def __init__(
        self,
        config: AppConfig,
        hosts: HostSource,
        read: Callable[[AppConfig], Deferred[IsolateProgram]],
        log: AppLog | None = None,
        meter: AppMeter = UNMETERED,
        residence: Residence = PERMANENT,
    ) -> None:
        self.config = config
        self.log = AppLog(config.name, config.env) if log is None else log
        self.state = AppState.LOADING
        self.error: NanoError | None = None
        self._hosts = hosts
        self._read = read
        self._meter = meter
        self._residence = residence
        self._evaluated = False
        self._program: IsolateProgram | None = None
        self._host: Host | None = None
        self._alive: set[Host] = set()
        self._starting: Deferred[None] | None = None
        self._in_flight: set[Exchange] = set()
        self._waiting: list[Exchange] = []
        self._when_drained: list[Deferred[None]] = []
        self._quarantined_for: Callable[[], float] = float

    @property
    def name(self) -> str:
        """Its name in logs, metrics and the admin API."""
        return self.config.name

    @property
    def version(self) -> str:
        """Of its code and configuration; "" before it is read."""
        return self._program.version if self._program is not None else ""

    @property
    def in_flight(self) -> int:
        """How many exchanges it has not answered yet."""
        return len(self._in_flight)

    @property
    def isolates(self) -> int:
        """How many isolates it has, those that still finish something included."""
        return len(self._alive)

    @property
    def hosts(self) -> tuple[Any, ...]:
        """Its isolates."""
        return tuple(self._alive)

    @property
    def max_body(self) -> int:
        """How many bytes a request body may have."""
        return self.config.max_body

    # Loading.

    def read(self) -> Deferred[None]:
        """
        Read and compile the app, and no more.

        Fires with None when its `version` is known or it is FAILED.  It does not fail.
        """
        return self._begin(self._read_in)

    def load(self, warm: bool = True) -> Deferred[None]:
        """
        Read and compile the app if nobody has, and evaluate it.

        Args:
            warm: whether it is evaluated even if nobody has asked for it yet.

        Fires with None when it is READY or FAILED; which of them is its `state`.  It does not fail.  A QUARANTINED app
        is left alone.
        """
        return self._begin(lambda: self._load(warm))

    def _begin(self, work: Callable[[], Awaitable[None]]) -> Deferred[None]:
        """Do what brings it on its way up, after what is being done."""
        if self.state is not AppState.LOADING:
            return succeed(None)
        if self._starting is not None:
            return _after(self._starting).addCallback(lambda _: self._begin(work))
        starting = self._starting = Deferred.fromCoroutine(self._climb(work))
        starting.addBoth(self._restarted)
        return _after(starting)

    async def _climb(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except NanoError as error:
            self._failed(error)
        except Exception:
            failure = Failure()
            self._log.failure("app {app} could not be loaded", failure, app=self.name)
            self._failed(EngineError(failure.getErrorMessage()))

    async def _read_in(self) -> None:
        if self._program is None:
            self._program = await self._read(self.config)

    async def _load(self, warm: bool) -> None:
        await self._read_in()
        if warm or self._waiting:
            await self._start()
        if self.state is AppState.LOADING:
            self.state = AppState.READY
            self._log.info("app {app} is ready", app=self.name, event="app-ready")

    def _failed(self, error: NanoError) -> None:
        self.error = error
        if self.state in (AppState.LOADING, AppState.READY):
            self.state = AppState.FAILED
            self._log.error(
                "app {app} failed to load: {error}",
                app=self.name,
                error=self.log.redact(str(error)),
                code=error.code,
                event="app-failed",
            )
        self._fail_waiting(error)

    async def _start(self) -> None:
        """Have a new isolate evaluate the program, and give it the exchanges that wait."""
        if self._program is None:
            msg = f"app {self.name} has no program yet"
            raise EngineError(msg)
        started = self._meter.starting()
        host = await self._hosts.get(bool(self._waiting))
        # It does not know its owner yet, and could not tell us of its end.
        if self.state is AppState.GONE:
            host.condemn(DrainingError(f"app {self.name} is gone"))
            return
        if self.state is AppState.QUARANTINED:
            host.condemn(self._quarantine_error())
            return
        self._alive.add(host)
        self._residence.taken()
        self._hosts.watch(host, self.config)
        await host.load(self._program, self, self.config.startup_timeout)
        started()
        self._evaluated = True
        self._host = host
        waiting, self._waiting = self._waiting, []
        for exchange in waiting:
            if exchange.waiting:
                host.dispatch(exchange)
        if self.state is AppState.DRAINING:
            host.retire()
        elif not self.in_flight:
            self._residence.rests(self)

    # Serving.

    def handle(self, exchange: Exchange) -> None:
        """Answer an exchange, with the app's handler if it can be reached (IEventHandler)."""
        exchange.dev = self.config.dev
        exchange.app = self.config.name
        refusal = self._refusal()
        if refusal is not None:
            exchange.fail(refusal)
            return
        self._in_flight.add(exchange)
        if len(self._in_flight) == 1:
            self._residence.works(self)
        exchange.when_finished(self._finished)
        if self._host is not None:
            self._host.dispatch(exchange)
            return
        self._waiting.append(exchange)
        if self.state is AppState.READY:
            self._restart()
        elif self._starting is None:
            # It waits for its turn among many, and need not any longer.
            self.load()

    def _refusal(self) -> NanoError | None:
        if self.state is AppState.FAILED:
            return AppLoadError(str(self.error))
        if self.state in (AppState.DRAINING, AppState.GONE):
            return DrainingError(f"app {self.name} is draining")
        if self.state is AppState.QUARANTINED:
            return self._quarantine_error()
        if len(self._in_flight) >= self.config.max_concurrent_requests:
            return OverloadedError(f"app {self.name} has {len(self._in_flight)} requests in flight")
        return None

    def _finished(self, exchange: Exchange) -> None:
        self._in_flight.discard(exchange)
        if not self._in_flight and self._host is not None:
            self._residence.rests(self)
        error = exchange.error
        if error is not None and error.level != "debug":
            self.log.failed(error, exchange.request_id)
        self._tell_if_drained()

    def _restart(self) -> None:
        if self._starting is not None:
            return
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._restart_failed)
        self._starting.addBoth(self._restarted)

    def _restart_failed(self, failure: Failure) -> None:
        error = failure.value if isinstance(failure.value, NanoError) else EngineError(failure.getErrorMessage())
        if not self._evaluated and self.state is AppState.READY and isinstance(error, AppError):
            self._failed(error)
            return
        self.error = error
        self._log.error(
            "app {app} could not be started again: {error}",
            app=self.name,
            error=self.log.redact(str(error)),
            code=error.code,
            event="app-not-restarted",
        )
        self._fail_waiting(error)

    def _restarted(self, _result: object) -> None:
        self._starting = None
        self._tell_if_drained()

    def _fail_waiting(self, error: NanoError) -> None:
        waiting, self._waiting = self._waiting, []
        for exchange in waiting:
            exchange.fail(error)

    # What the isolate host says (IsolateOwner).

    def isolate_log(self, host: Any, level: int, text: str) -> None:
        """The app has logged a line."""
        self.log.console(level, text, host.request_id)

    def isolate_retired(self, host: Any) -> None:
        """The isolate finishes what it has; the next request gets another one."""
        if self._host is host:
            self._host = None
            self._residence.works(self)

    def isolate_condemned(self, host: Any, error: NanoError) -> None:
        """The isolate is out of service; the next request gets another one."""
        self._hosts.forget(host)
        self._residence.given_back()
        self._alive.discard(host)
        if self._host is host:
            self._host = None
            self._residence.works(self)
        if self.state is not AppState.LOADING and not isinstance(error, DrainingError):
            self.error = error
            self._log.error(
                "an isolate of app {app} was condemned: {error}",
                app=self.name,
                error=self.log.redact(str(error)),
                code=error.code,
                event="isolate-condemned",
            )
        self._tell_if_drained()

    def evict(self) -> bool:
        """
        Give the isolate back, unless something is under way in it; the next request has another one evaluate the app.

        Returns:
            Whether it was given back.
        """
        host = self._host
        if host is None or self.in_flight or not host.at_rest:
            return False
        host.retire()
        return True

    def tidy(self) -> None:
        """Have the isolate collect its garbage."""
        if self._host is not None:
            self._host.reclaim(lambda: None)

    # Quarantine.

    def quarantine(self, remaining: Callable[[], float]) -> None:
        """
        Run none of its code from now on, until `release`.

        Args:
            remaining: tells for how many more seconds that will be.
        """
        self._quarantined_for = remaining
        if self.state in (AppState.DRAINING, AppState.GONE, AppState.QUARANTINED):
            return
        self.state = AppState.QUARANTINED
        error = self._quarantine_error()
        self._fail_waiting(error)
        for host in list(self._alive):
            host.condemn(error)

    def release(self) -> None:
        """End the quarantine: what it has loaded before serves again."""
        if self.state is not AppState.QUARANTINED:
            return
        self.error = None
        self.state = AppState.LOADING if self._program is None else AppState.READY
        if self._program is None and self._starting is None:
            self.load()

    def _quarantine_error(self) -> QuarantinedError:
        seconds = max(1, math.ceil(self._quarantined_for()))
        return QuarantinedError(f"app {self.name} is in quarantine for {seconds} s more", seconds)

    # The end.

    def drain(self) -> Deferred[None]:
        """
        Accept nothing new, and finish what is in flight.

        Fires with None when all exchanges are answered and all isolates have settled.  It does not fail; cancelling
        gives up waiting.
        """
        if self.state is not AppState.GONE:
            self.state = AppState.DRAINING
        drained: Deferred[None] = Deferred(lambda d: self._when_drained.remove(d))
        self._when_drained.append(drained)
        if self._host is not None:
            self._host.retire()
        self._tell_if_drained()
        return drained

    def _tell_if_drained(self) -> None:
        if self._in_flight or self._alive or self._starting is not None:
            return
        waiting, self._when_drained = self._when_drained, []
        for drained in waiting:
            drained.callback(None)

    def close(self) -> None:
        """Cut what is left and give the isolates back."""
        self.state = AppState.GONE
        gone = DrainingError(f"app {self.name} is gone")
        self._fail_waiting(gone)
        for host in list(self._alive):
            host.condemn(gone)
        # Responses that only pass through may have outlived their isolates.
        for exchange in list(self._in_flight):
            exchange.fail(gone)
        self.log.close()


def _after(work: Deferred[None]) -> Deferred[None]:
    """Fires with None when *work* has ended; may be cancelled without harm to it."""
    over: Deferred[None] = Deferred()

    def ended(result: object) -> object:
        if not over.called:
            over.callback(None)
        return result

    work.addBoth(ended)
    return over
