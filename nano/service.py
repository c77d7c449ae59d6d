# -*- test-case-name: tests.test_service -*-
"""
`NanoService`: builds every part of nano, introduces them to one another, and fixes the order in which they stop.

    listeners ──> HTTPFactory ──> AppSet ─> App ──> IsolateHost
                                             │          ↑
                                             └── IsolatePool, Watchdog

Stopping goes from left to right: nothing new is accepted, what is in flight gets its time, isolates come last.
Neither signals nor the global reactor is touched here; nor is logging, but that an admin API brings an observer, which
listens beside whatever others there are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from twisted.application.service import MultiService
from twisted.application.strports import service as endpoint_service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.filepath import FilePath
from twisted.web.resource import IResource

from nano.addresses import endpoint_port
from nano.admin.endpoint import AdminEndpoint
from nano.admin.fetches import MeteredOutbound
from nano.admin.health import health_answer
from nano.admin.journal import Journal
from nano.admin.log import AccessLog
from nano.admin.metrics import Metrics, Readings
from nano.apps.app import App
from nano.apps.app_log import AppLog
from nano.apps.app_set import AppSet
from nano.apps.control import LocalControl
from nano.apps.idle import IdleApps
from nano.apps.modules import CompileCache, ModuleLoader
from nano.apps.served import BundleStore, ProgramSource
from nano.builtin_modules import builtin_names
from nano.bundle import read_bundle
from nano.config import AppConfig, Config, LogConfig, Secret, available_cores, load_config
from nano.engine.compiler import ModuleCompiler
from nano.engine.host import IsolateHost
from nano.engine.pool import IsolatePool
from nano.engine.watchdog import Watchdog, resident_memory
from nano.exchange import Exchange
from nano.http.factory import HTTPFactory
from nano.http.outbound import OutboundSource
from nano.http.unclaimed import Unclaimed
from nano.interfaces import IEventHandler, Traces
from nano.ops import compression, crypto, encoding, fetch, host, node_crypto, url
from nano.ops.registry import OpTable
from nano.supervisor.memory import available_memory, memory_budget

__all__ = ["NanoService", "Served", "make_loader", "make_pool"]

#: How many isolates wait for an app at least.
SPARES = 2
#: More isolates than this are not made at a time, however many cores there are.
MOST_AT_ONCE = 4
#: Isolates are evicted above this part of the memory at which a worker is replaced.
_FULL = 0.8
#: How long freeing isolates may take when the service stops, in seconds.
FREEING_TIME = 5.0

_OP_MODULES = (compression, crypto, encoding, fetch, host, node_crypto, url)


class Served(NamedTuple):
    """
    What other processes serve already.

    Attributes:
        versions: of the apps that are to be the same here; of others, what lies on disk.
        store: the folder where the code of versions is kept; None for none.
    """

    versions: Mapping[str, str] = MappingProxyType({})
    store: FilePath[str] | None = None


class _Limits(NamedTuple):
    """What the watchdog holds an isolate to."""

    cpu: float
    request_timeout: float
    memory: int


class _Isolates:
    """Where apps get isolates: from the pool, under the watchdog's eyes (nano.apps.app.HostSource)."""

    def __init__(
        self,
        reactor: Any,
        pool: IsolatePool,
        watchdog: Watchdog,
        traces: Traces | None,
        metrics: Metrics,
        outbounds: OutboundSource,
    ) -> None:
        self._reactor = reactor
        self._pool = pool
        self._outbounds = outbounds
        self._watchdog = watchdog
        self._traces = traces
        self._metrics = metrics

    def get(self, urgent: bool) -> Deferred[IsolateHost]:
        return self._pool.get(urgent)

    def watch(self, host: IsolateHost, config: AppConfig) -> None:
        limits = _Limits(config.timeout, config.request_timeout, config.memory)
        meter = self._metrics.meter(config.name)
        self._watchdog.watch(host, limits, meter.spent)
        if self._traces is not None:
            host.trace = self._traces.open(config.name, host.cpu_seconds)
        outbound = self._outbounds.make(config.name, config.egress.allow, config.egress.deny)
        host.outbound = MeteredOutbound(outbound, meter, self._reactor)

    def forget(self, host: IsolateHost) -> None:
        self._watchdog.forget(host)
        host.trace.close()
        if host.outbound is not None:
            host.outbound.close()


def make_pool(reactor: Any, spares: int = SPARES) -> IsolatePool:
    """A pool of isolates that know every op."""
    ops = OpTable(json.loads(read_bundle("ops.json")), _OP_MODULES)
    # What isolates ask for later has to be of the same build, whatever is installed meanwhile.
    for later in ("chunks.json", "builtins.json"):
        read_bundle(later)
    return IsolatePool(reactor, ops, read_bundle("runtime.js"), spares, min(MOST_AT_ONCE, available_cores()))


def make_loader(reactor: Any, compiler: ModuleCompiler, cache: CompileCache | None) -> ModuleLoader:
    """What reads apps from disk, on the reactor's threads."""
    in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    return ModuleLoader(compiler.compile, compiler.version, in_thread, builtin_names(), cache)


class NanoService(MultiService):
    """
    All of nano in one process, as an `IService`.

    Args:
        config: what to serve.
        reactor: runs it; the global reactor if not given.
        ports: what endpoints listen through, if not the reactor itself.
        traces: where isolates leave a trace of what they do.
        worker: names this process in metrics.
        served: what other processes serve already.
        log_changed: called with the log's settings when they have changed.
        pool: isolates that were made before there was a configuration; filled and stopped by the service.

    Attributes:
        apps: all that is served.
        control: changes it.
        metrics: its figures.
        draining: whether nothing new is accepted.
    """

    _log = Logger()

    def __init__(
        self,
        config: Config,
        reactor: Any = None,
        ports: Any = None,
        traces: Traces | None = None,
        worker: str = "",
        served: Served = Served(),  # noqa: B008
        log_changed: Callable[[LogConfig], object] | None = None,
        pool: IsolatePool | None = None,
    ) -> None:
        super().__init__()
        if reactor is None:
            from twisted.internet import reactor
        self.config = config
        self.draining = False
        self._reactor = reactor
        self._pool = make_pool(reactor) if pool is None else pool
        self._watchdog = Watchdog(reactor)
        self._compiler = ModuleCompiler(reactor, read_bundle("compiler.js"))
        cache = CompileCache(FilePath(config.state_dir).child("compiled"))
        loader = make_loader(reactor, self._compiler, cache)
        in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
        store = BundleStore(served.store) if served.store is not None else None
        self._programs = ProgramSource(loader, in_thread, store)
        self._versions = served.versions
        self.metrics = Metrics(reactor, self._readings, worker)
        self._log_config, self._log_changed = config.log, log_changed
        self._journal = Journal(config.log.level, worker)
        self._access_log = AccessLog() if config.log.access else None
        admin_port = endpoint_port(config.admin.listen) if config.admin is not None else None
        outbounds = OutboundSource(reactor, () if admin_port is None else (admin_port,))
        self._isolates = _Isolates(reactor, self._pool, self._watchdog, traces, self.metrics, outbounds)
        budget = _FULL * memory_budget(config.workers, available_memory())
        self._idle = IdleApps(
            reactor, config.limits.max_isolates, lambda: resident_memory() > budget, self.metrics.evicted
        )
        self.apps = AppSet(reactor, self._make_app, config.drain_timeout)
        self.control = LocalControl(config, self.apps, self, reactor)
        self._when_ready: list[Deferred[None]] = []
        self._unclaimed = Unclaimed(lambda path: health_answer(path, self))
        self._connections = HTTPFactory(
            reactor, self.apps, self._unclaimed, config.limits, config.trusted_proxies, self.finished
        )
        for endpoint in config.listen:
            listener = endpoint_service(endpoint, self._connections, reactor if ports is None else ports)
            listener.setServiceParent(self)
        # Workers, which listen through *ports* of their supervisor, leave to that what concerns the server as a whole.
        self._alone = ports is None
        # No child like the others: it tells how the server drains until that is over.
        self._admin: MultiService = MultiService()
        if config.admin is not None and self._alone:
            from nano.admin.api import make_site

            admin = make_site(reactor, self.control, self._admin_token)
            AdminEndpoint(config.admin.listen, admin, reactor).setServiceParent(self._admin)

    def _make_app(self, config: AppConfig, version: str) -> App:
        log = AppLog(config.name, config.env, self._reactor, config.path)
        read = partial(self._programs.read, version=version)
        return App(config, self._isolates, read, log, self.metrics.meter(config.name), self._idle)

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

    def resource(self) -> IResource:
        """All apps as one resource, by Host, for somebody's site: a Klein tree."""
        # Klein and what it needs would be a fifth of a worker's start.
        from nano.http.resource import AppTree

        tree: IResource = AppTree(self._reactor, self.apps, self._unclaimed).klein.resource()
        return tree

    def status(self) -> dict[str, Any]:
        """How it is, in JSON: `apps`, one object for each app that is served, and `metrics`, its figures."""
        return {"apps": self.control.states(), "metrics": self.metrics.snapshot()}

    def finished(self, exchange: Exchange, client: str, seconds: float) -> None:
        """An exchange with *client* is over, after so many seconds: for metrics and the access log."""
        self.metrics.finished(exchange, seconds)
        if self._access_log is not None:
            self._access_log(exchange, client, seconds)

    # What its control asks (nano.apps.control.Server).

    def read_config(self) -> Deferred[Config]:
        """
        The configuration as it stands in its file now; the one there is if it came from no file.

        Fails with `ConfigError`.
        """
        config, origin = self.control.config, self.config.origin
        if not origin.file:
            return succeed(config)
        read = partial(load_config, origin.file, overrides=origin.overrides, log_format=config.log.format)
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), read)

    def adopt(self, config: Config) -> None:
        """Take over what holds for the server as a whole."""
        if config.log != self._log_config:
            self._log_config = config.log
            self._journal.adopt(config.log.level)
            self._access_log = AccessLog() if config.log.access else None
            if self._log_changed is not None:
                self._log_changed(config.log)
        self._connections.adopt(config.limits, config.trusted_proxies)
        self._idle.most = config.limits.max_isolates

    def _admin_token(self) -> Secret | None:
        admin = self.control.config.admin
        return admin.secret if admin is not None else None

    def usage(self, app: str) -> dict[str, Any]:
        """What an app does and uses: the metrics' `usage`, and bytes of memory."""
        memory = sum(map(self._watchdog.memory_of, self.apps[app].hosts))
        return {**self.metrics.usage(app), "memory_bytes": memory}

    def resident_memory(self) -> int:
        """Bytes of memory of this process."""
        return resident_memory()

    def snapshot(self) -> dict[str, Any]:
        """Its figures."""
        return self.metrics.snapshot()

    def journal(self, question: dict[str, Any]) -> dict[str, Any]:
        """What this process has told its log lately; nothing, where there is no admin API to ask for it."""
        return self._journal.answer(question)

    def reloaded(self, result: str) -> None:
        """A reload has ended."""
        self.metrics.reloaded(result)

    def _readings(self) -> Readings:
        active: Counter[str] = Counter()
        heap: Counter[str] = Counter()
        isolates: Counter[str] = Counter(spare=self._pool.spares, freeing=self._pool.blocked)
        for app in self.apps.versions:
            active[app.name] += app.in_flight
            heap[app.name] += sum(map(self._watchdog.memory_of, app.hosts))
            isolates.update(host.state.value for host in app.hosts)
        return Readings(active, heap, isolates, resident_memory())

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

    def privilegedStartService(self) -> None:
        """Open the listeners."""
        if self.config.admin is not None:
            self._journal.open()
        super().privilegedStartService()
        self._admin.privilegedStartService()

    def startService(self) -> None:
        """Start the isolates and load the apps; listeners have been open since privilegedStartService."""
        super().startService()
        self._admin.startService()
        self.metrics.start()
        if self._alone:
            self.metrics.configured()
        self._watchdog.start()
        self._idle.start()
        self._pool.fill()
        self.apps.open(self.config.apps, self._versions).addCallback(self._opened)

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
        if self._alone:
            self._log.info("draining", event="draining")
        deadline = self._reactor.seconds() + self.apps.drain_timeout
        # Listeners stay open while there is something to finish, and tell who comes that the server drains.
        self._connections.drain()
        await self.apps.close()
        await maybeDeferred(super().stopService)
        # Those who came last get their answers, too.
        await self._let_go(self._connections.drain(), deadline)
        self._compiler.stop()
        self._idle.stop()
        self._watchdog.stop()
        self.metrics.stop()
        await maybeDeferred(self._admin.stopService)
        await self._pool.stop(FREEING_TIME)
        self._journal.close()

    async def _let_go(self, gone: Deferred[None], deadline: float) -> None:
        """Give connections until *deadline* to take what has been answered, and cut the rest."""
        gone.addTimeout(max(0.1, deadline - self._reactor.seconds()), self._reactor)
        try:
            await gone
        except DeferredTimeoutError:
            cut = self._connections.cut()
            self._log.warn("{count} responses were cut by the end of the drain", count=cut, event="drain-timeout")
