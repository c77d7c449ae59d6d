# -*- test-case-name: tests.apps.test_app_set -*-
"""
All apps of a server, and how they change while it serves.

A change has two steps, so that several processes can take it together.  `prepare` loads the new versions beside the
old ones; nothing that a client can see has changed.  `commit` switches: from one request to the next all host names
lead to the new versions, and the old ones drain.  A version that fails to load leaves the old one in place.

The code of every app is read and compiled at once.  What takes its place is evaluated before it does; of apps that are
new only the first `WARM` are, as an isolate takes time and memory, and those that come after them have theirs made by
their first request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from nano.apps.app import App, AppState
from nano.apps.registry import HostTable
from nano.config import AppConfig
from nano.interfaces import IAppLookup

__all__ = ["WARM", "AppSet", "Change"]

T = TypeVar("T")

#: So many new apps are evaluated before anybody asks for them.
WARM = 100
#: So many apps are on their way at a time: enough to keep isolates and disk busy.
_AT_ONCE = 8


#: No app's version is given.
_FROM_DISK: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Change:
    """
    A change that is prepared.

    Attributes:
        apps: all apps that there will be, by name.
        fresh: those of them that were loaded for this change.
        failed: apps whose new version failed to load, by name; what `apps` has for them is the old version, or the
            failed one where there is no old one.
    """

    apps: Mapping[str, App]
    fresh: tuple[App, ...] = ()
    failed: Mapping[str, App] = field(default_factory=dict)


@implementer(IAppLookup)
class AppSet:
    """
    The apps that are served now.

    Args:
        clock: bounds draining.
        make: an app of a configuration and a version ("" for what lies on disk), not loaded yet.
        drain_timeout: how long an app that goes may take, in seconds.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, make: Callable[[AppConfig, str], App], drain_timeout: float) -> None:
        self.drain_timeout = drain_timeout
        self._clock = clock
        self._make = make
        self._apps: dict[str, App] = {}
        self._hosts: HostTable[App] = HostTable()
        self._leaving: set[App] = set()
        self._quarantined: dict[str, Callable[[], float]] = {}

    def find(self, host: str) -> App | None:
        """The app of a host name (IAppLookup)."""
        return self._hosts.find(host)

    @property
    def apps(self) -> tuple[App, ...]:
        """All apps that are served, in the order of their configuration."""
        return tuple(self._apps.values())

    @property
    def versions(self) -> tuple[App, ...]:
        """All apps that still do something: those that are served, and old versions that drain."""
        return (*self._apps.values(), *self._leaving)

    def __getitem__(self, name: str) -> App:
        return self._apps[name]

    @property
    def loaded(self) -> bool:
        """Whether every app is ready, or has failed."""
        return all(app.state is not AppState.LOADING for app in self._apps.values())

    def quarantine(self, remaining: Mapping[str, Callable[[], float]]) -> None:
        """
        All apps that are in quarantine from now on; others are released.  It holds for apps that are opened later.

        Args:
            remaining: by name, what tells for how many more seconds.
        """
        self._quarantined = dict(remaining)
        for app in self.apps:
            self._apply_quarantine(app)

    def _apply_quarantine(self, app: App) -> None:
        remaining = self._quarantined.get(app.name)
        if remaining is None:
            app.release()
        else:
            app.quarantine(remaining)

    def open(self, configs: Iterable[AppConfig], versions: Mapping[str, str] = _FROM_DISK) -> Deferred[None]:
        """
        Begin to serve: requests wait while their app is loading.

        Args:
            configs: of all apps.
            versions: by name, of those that are not to be what lies on disk.

        Fires with None when every app is ready, or has failed; it does not fail.  An app that is asked for does not
        wait for its turn.
        """
        self._apps = {config.name: self._make(config, versions.get(config.name, "")) for config in configs}
        for app in self.apps:
            self._apply_quarantine(app)
        self._hosts = _host_table(self._apps.values())
        return Deferred.fromCoroutine(_load(self.apps, WARM))

    def prepare(
        self,
        configs: Iterable[AppConfig],
        keep: Collection[str] = (),
        versions: Mapping[str, str] = _FROM_DISK,
    ) -> Deferred[Change]:
        """
        Load what is new in *configs*, which are all apps that shall be served.

        Args:
            configs: of all apps.
            keep: names of apps that are served now and stay as they are, without a look at their files.
            versions: by name, of those that are not to be what lies on disk.

        What turns out to be served already is not evaluated again.

        Fires with the `Change`; it does not fail.  Whoever gets it must `commit` or `abandon` it.
        """
        return Deferred.fromCoroutine(self._prepare(list(configs), frozenset(keep), versions))

    async def _prepare(self, configs: list[AppConfig], keep: frozenset[str], versions: Mapping[str, str]) -> Change:
        apps: dict[str, App] = {name: app for name, app in self._apps.items() if name in keep}
        changed: dict[str, App] = {}

        async def read(config: AppConfig) -> None:
            app = self._make(config, versions.get(config.name, ""))
            await app.read()
            if self._unchanged(app):
                app.close()
                apps[app.name] = self._apps[app.name]
            else:
                changed[app.name] = app

        await _each(read, [config for config in configs if config.name not in keep])
        loading = [app for app in changed.values() if app.state is AppState.LOADING]
        await _load([app for app in loading if app.name in self._apps], len(loading))
        await _load([app for app in loading if app.name not in self._apps], WARM)
        failed = {name: app for name, app in changed.items() if app.state is AppState.FAILED}
        fresh: list[App] = []
        for app in changed.values():
            old = self._apps.get(app.name)
            if app.name in failed and old is not None and old.state is not AppState.FAILED:
                app.close()
                apps[app.name] = old
            else:
                apps[app.name] = app
                fresh.append(app)
        in_order = {config.name: apps[config.name] for config in configs if config.name in apps}
        return Change(in_order, tuple(fresh), failed)

    def _unchanged(self, app: App) -> bool:
        """Whether what is served is the version of *app*."""
        old = self._apps.get(app.name)
        return old is not None and old.state is not AppState.FAILED and app.version == old.version != ""

    def abandon(self, change: Change) -> None:
        """Give up a change: its new versions go, nothing else has happened."""
        for app in change.fresh:
            app.close()

    def keeping(self, change: Change, names: Iterable[str]) -> Change:
        """
        The same change, but without new versions of the apps in *names* that are served now.
        """
        kept = {name: self._apps[name] for name in names if name in self._apps and name in change.apps}
        dropped = [app for app in change.fresh if app.name in kept]
        for app in dropped:
            app.close()
        fresh = tuple(app for app in change.fresh if app not in dropped)
        return replace(change, apps={**change.apps, **kept}, fresh=fresh)

    def commit(self, change: Change) -> Deferred[dict[str, bool]]:
        """
        Switch to a change, and drain what it leaves behind.

        Fires when all of that has drained or timed out, with whether it drained, by app name; it does not fail.
        """
        kept = set(change.apps.values())
        left = [app for app in self.apps if app not in kept]
        self._apps = dict(change.apps)
        self._hosts = _host_table(self.apps)
        results = gatherResults([self._leave(app) for app in left])
        return results.addCallback(lambda drained: dict(zip([app.name for app in left], drained, strict=True)))

    def close(self) -> Deferred[dict[str, bool]]:
        """
        Take nothing new anywhere, and drain every app.

        Fires like `commit`.
        """
        leaving = list(self.versions)
        results = gatherResults([self._leave(app) for app in leaving])
        return results.addCallback(lambda drained: dict(zip([app.name for app in leaving], drained, strict=True)))

    def _leave(self, app: App) -> Deferred[bool]:
        self._leaving.add(app)
        drained = app.drain()
        drained.addTimeout(self.drain_timeout, self._clock)
        return drained.addCallbacks(lambda _: True, _timed_out).addCallback(self._left, app)

    def _left(self, drained: bool, app: App) -> bool:
        self._leaving.discard(app)
        if not drained:
            self._log.warn(
                "app {app} was cut after {timeout:g} s with {in_flight} requests in flight",
                app=app.name,
                timeout=self.drain_timeout,
                in_flight=app.in_flight,
                event="drain-timeout",
            )
        app.close()
        return drained


async def _load(apps: Sequence[App], warm: int) -> None:
    """Load *apps*, and evaluate the first *warm* of them."""
    first = frozenset(apps[:warm])

    async def load(app: App) -> None:
        await app.load(app in first)

    await _each(load, apps)


async def _each(work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Do *work* for each of *items*, a few at a time."""
    waiting = iter(items)

    async def some() -> None:
        for item in waiting:
            await work(item)

    await gatherResults([Deferred.fromCoroutine(some()) for _ in range(_AT_ONCE)])


def _timed_out(failure: Failure) -> bool:
    failure.trap(DeferredTimeoutError, CancelledError)
    return False


def _host_table(apps: Iterable[App]) -> HostTable[App]:
    return HostTable((name, app) for app in apps for name in app.config.hostnames)
