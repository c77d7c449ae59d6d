# -*- test-case-name: tests.test_service -*-
"""
`NanoService`: builds every part of nano, introduces them to one another, and fixes the order in which they stop.

    listeners ──> AppTree ──> AppSet ─────> App ──> IsolateHost
                                             │          ↑
                                             └── IsolatePool, Watchdog

Stopping goes from left to right: nothing new is accepted, what is in flight gets its time, isolates come last.
Neither signals nor logging nor the global reactor is touched here.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NamedTuple

from twisted.application.service import MultiService
from twisted.application.strports import service as endpoint_service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.filepath import FilePath
from twisted.web.server import Site

from nano.admin.health import health_answer
from nano.apps.app import App
from nano.apps.app_set import AppSet
from nano.apps.modules import AppBundle, CompileCache, ModuleLoader
from nano.apps.program import make_program
from nano.bundle import read_bundle
from nano.config import AppConfig, Config
from nano.engine.compiler import ModuleCompiler
from nano.engine.host import IsolateHost
from nano.engine.pool import IsolatePool
from nano.engine.watchdog import Watchdog
from nano.http.resource import AppTree
from nano.http.unclaimed import Unclaimed
from nano.interfaces import IEventHandler, IsolateProgram, Traces
from nano.ops import compression, encoding, host, url
from nano.ops.registry import OpTable

__all__ = ["NanoService", "make_loader", "make_pool"]

#: How many isolates wait for an app.
SPARES = 2
#: How long freeing isolates may take when the service stops, in seconds.
FREEING_TIME = 5.0

_OP_MODULES = (compression, encoding, host, url)


class _Limits(NamedTuple):
    """What the watchdog holds an isolate to."""

    cpu: float
    request_timeout: float
    memory: int


class _Isolates:
    """Where apps get isolates: from the pool, under the watchdog's eyes (nano.apps.app.HostSource)."""

    def __init__(self, pool: IsolatePool, watchdog: Watchdog, traces: Traces | None) -> None:
        self._pool = pool
        self._watchdog = watchdog
        self._traces = traces

    def get(self) -> Deferred[IsolateHost]:
        return self._pool.get()

    def watch(self, host: IsolateHost, config: AppConfig) -> None:
        self._watchdog.watch(host, _Limits(config.timeout, config.request_timeout, config.memory))
        if self._traces is not None:
            host.trace = self._traces.open(config.name, host.cpu_seconds)

    def forget(self, host: IsolateHost) -> None:
        self._watchdog.forget(host)
        host.trace.close()


def make_pool(reactor: Any, spares: int) -> IsolatePool:
    """A pool of isolates that know every op."""
    ops = OpTable(json.loads(read_bundle("ops.json")), _OP_MODULES)
    return IsolatePool(reactor, ops, read_bundle("runtime.js"), spares)


def make_loader(reactor: Any, compiler: ModuleCompiler, cache: CompileCache | None) -> ModuleLoader:
    """What reads apps from disk, on the reactor's threads."""
    in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    return ModuleLoader(compiler.compile, compiler.version, in_thread, cache=cache)


class NanoService(MultiService):
    """
    All of nano in one process, as an `IService`.

    Args:
        config: what to serve.
        reactor: runs it; the global reactor if not given.
        ports: what endpoints listen through, if not the reactor itself.
        traces: where isolates leave a trace of what they do.

    Attributes:
        apps: all that is served.
        draining: whether nothing new is accepted.
    """

    _log = Logger()

    def __init__(self, config: Config, reactor: Any = None, ports: Any = None, traces: Traces | None = None) -> None:
        super().__init__()
        if reactor is None:
            from twisted.internet import reactor
        self.config = config
        self.draining = False
        self._reactor = reactor
        self._traces = traces
        self._pool = make_pool(reactor, SPARES)
        self._watchdog = Watchdog(reactor)
        self._compiler = ModuleCompiler(reactor, read_bundle("compiler.js"))
        cache = CompileCache(FilePath(config.state_dir).child("compiled"))
        self._loader = make_loader(reactor, self._compiler, cache)
        self.apps = AppSet(reactor, self._make_app, config.drain_timeout)
        self._when_ready: list[Deferred[None]] = []
        tree = AppTree(reactor, self.apps, Unclaimed(lambda path: health_answer(path, self)))
        site = Site(tree.klein.resource(), reactor=reactor)
        site.noisy = False
        for endpoint in config.listen:
            endpoint_service(endpoint, site, reactor if ports is None else ports).setServiceParent(self)

    def _make_app(self, config: AppConfig) -> App:
        return App(config, _Isolates(self._pool, self._watchdog, self._traces), self._read)

    def _read(self, config: AppConfig) -> Deferred[IsolateProgram]:
        def loaded(bundle: AppBundle) -> IsolateProgram:
            for warning in bundle.warnings:
                self._log.warn("app {app}: {warning}", app=config.name, warning=warning)
            return make_program(bundle, config)

        return self._loader.load(FilePath(config.path)).addCallback(loaded)

    # What others may ask.

    @property
    def ready(self) -> bool:
        """Whether every app is loaded, or has failed to."""
        return bool(self.running) and self.apps.loaded

    def app(self, name: str) -> IEventHandler:
        """
        One app, for an `AppResource` in somebody's site.

        Raises:
            KeyError: when there is no app of that name.
        """
        return self.apps[name]

    def status(self) -> dict[str, Any]:
        """How it is, in JSON: `apps`, one object for each app that is served."""
        return {"apps": [_described(app) for app in self.apps.apps]}

    def when_ready(self) -> Deferred[None]:
        """
        Fires with None when every app is loaded, or has failed to; it does not fail.
        """
        ready: Deferred[None] = Deferred(self._when_ready.remove)
        if self.ready:
            ready.callback(None)
        else:
            self._when_ready.append(ready)
        return ready

    # IService.

    def startService(self) -> None:
        """Start the isolates and load the apps; listeners have been open since privilegedStartService."""
        super().startService()
        self._watchdog.start()
        self._pool.fill()
        self.apps.open(self.config.apps).addCallback(self._opened)

    def _opened(self, _result: None) -> None:
        waiting, self._when_ready = self._when_ready, []
        for ready in waiting:
            ready.callback(None)

    def stopService(self) -> Deferred[None]:
        """
        Stop listening, drain the apps, give back the isolates.

        Fires with None when all is over, at the latest `drain_timeout` after the call, plus the time it takes to free
        the isolates; it does not fail.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self.draining = True
        await maybeDeferred(super().stopService)
        await self.apps.close()
        self._compiler.stop()
        self._watchdog.stop()
        await self._pool.stop(FREEING_TIME)


def _described(app: App) -> dict[str, Any]:
    error = None if app.error is None else {"code": app.error.code, "detail": str(app.error)}
    return {
        "name": app.name,
        "state": app.state.value,
        "version": app.version,
        "isolates": app.isolates,
        "in_flight": app.in_flight,
        "error": error,
    }
