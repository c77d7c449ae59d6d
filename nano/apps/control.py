# -*- test-case-name: tests.apps.test_control -*-
"""
What an operator may change while one process serves: its apps, one by one or all from the configuration anew.

Changes happen one after the other, each in the two steps of `AppSet`.  Between its two steps nothing else changes, so
that what was prepared is what gets switched; draining what a change leaves behind does not hold up the next one.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from nano.apps.app import App
from nano.apps.app_set import AppSet, Change
from nano.config import AppConfig, Config, parse_app, real_surroundings, restart_keys
from nano.errors import ConfigError, DrainingError, EngineError
from nano.interfaces import ConflictError, IControl, UnknownAppError

__all__ = ["LocalControl", "Server"]

#: What takes effect when the server starts, and not before.
_FIXED = ("listen", "workers", "admin", "state_dir")

T = TypeVar("T")


class Server(Protocol):
    """The server, as its control sees it."""

    @property
    def ready(self) -> bool:
        """Whether every app is loaded, or has failed to."""

    @property
    def draining(self) -> bool:
        """Whether nothing new is accepted."""

    def read_config(self) -> Deferred[Config]:
        """The configuration as it stands in its file now; fails with `ConfigError`."""

    def adopt(self, config: Config) -> None:
        """Take over what holds for the server as a whole."""

    def usage(self, app: str) -> dict[str, Any]:
        """`cpu_seconds`, `memory_bytes`, `requests`, `errors` and `recent` of an app (IControl.apps)."""

    def resident_memory(self) -> int:
        """Bytes of memory of this process."""

    def snapshot(self) -> dict[str, Any]:
        """The figures of this process."""

    def journal(self, question: dict[str, Any]) -> dict[str, Any]:
        """What this process has told its log lately."""

    def reloaded(self, result: str) -> None:
        """A reload has ended: "success", "partial" when some app did not load, or "failure"."""


@implementer(IControl)
class LocalControl:
    """
    The control of a server that is one process.

    Args:
        config: what is served.
        apps: of which changes are made.
        server: answers for everything else.
        clock: tells since when it serves.
    """

    _log = Logger()

    def __init__(self, config: Config, apps: AppSet, server: Server, clock: IReactorTime) -> None:
        self.config = config
        self._apps = apps
        self._server = server
        self._clock = clock
        self._since = clock.seconds()
        self._lock = DeferredLock()
        self._of_api: set[str] = set()

    @property
    def ready(self) -> bool:
        """Whether every app is loaded, or has failed to (IControl)."""
        return self._server.ready

    @property
    def draining(self) -> bool:
        """Whether nothing new is accepted (IControl)."""
        return self._server.draining

    # Telling.

    def apps(self) -> Deferred[list[dict[str, Any]]]:
        """The state of every app (IControl)."""
        return succeed(self.states())

    def states(self) -> list[dict[str, Any]]:
        """The state of every app, now."""
        return [self._state(app) for app in self._apps.apps]

    def _state(self, app: App) -> dict[str, Any]:
        error = app.error
        return {
            "name": app.name,
            "hostnames": list(app.config.hostnames),
            "path": app.config.path,
            "state": app.state.value,
            "version": app.version,
            "origin": "api" if app.name in self._of_api else "config",
            "isolates": app.isolates,
            "in_flight": app.in_flight,
            **self._server.usage(app.name),
            "error": error and {"code": error.code, "detail": app.log.redact(str(error))},
        }

    def workers(self) -> Deferred[list[dict[str, Any]]]:
        """The one process that there is (IControl)."""
        versions = self._apps.versions
        return succeed(
            [
                {
                    "worker": 0,
                    "pid": os.getpid(),
                    "state": "draining" if self.draining else "ready" if self.ready else "loading",
                    "uptime_seconds": round(self._clock.seconds() - self._since, 3),
                    "apps": len(self._apps.apps),
                    "isolates": sum(app.isolates for app in versions),
                    "in_flight": sum(app.in_flight for app in versions),
                    "memory_bytes": self._server.resident_memory(),
                }
            ]
        )

    def snapshots(self) -> Deferred[list[dict[str, Any]]]:
        """The figures of this process (IControl)."""
        return succeed([self._server.snapshot()])

    def journals(self, question: dict[str, Any]) -> Deferred[list[dict[str, Any]]]:
        """What this process has told its log lately (IControl)."""
        return succeed([self._server.journal(question)])

    def app_config(self, name: str) -> AppConfig:
        """The configuration of an app (IControl)."""
        return self._app(name).config

    def _app(self, name: str) -> App:
        try:
            return self._apps[name]
        except KeyError:
            raise UnknownAppError(f"there is no app {name!r}") from None

    def parse_app(self, value: dict[str, Any]) -> AppConfig:
        """The object of one app, with the defaults of the configuration (IControl)."""
        folder = self.config.origin.folder or os.getcwd()
        return parse_app(value, real_surroundings(folder), self.config.defaults)

    # Changing.

    def put_app(self, config: AppConfig, new: bool) -> Deferred[str]:
        """Serve an app (IControl)."""
        return Deferred.fromCoroutine(self._alone(lambda: self._put(config, new)))

    async def _put(self, config: AppConfig, new: bool) -> str:
        others = [app.config for app in self._apps.apps if app.name != config.name]
        known = len(others) < len(self._apps.apps)
        if new and known and self._apps[config.name].config != config:
            raise ConflictError(f"there is an app {config.name!r} already, configured differently; use PUT")
        for other in others:
            taken = set(other.hostnames) & set(config.hostnames)
            if taken:
                raise ConflictError(f"app {other.name!r} claims {', '.join(sorted(taken))} already")
        kept = [other.name for other in others]
        change = await self._prepared(self._apps.prepare([*others, config], keep=kept))
        failed = change.failed.get(config.name)
        if failed is not None:
            self._apps.abandon(change)
            raise failed.error or EngineError(f"app {config.name!r} failed to load")
        self._apps.commit(change)
        if not change.fresh:
            return "unchanged"
        self._of_api.add(config.name)
        return "replaced" if known else "created"

    def remove_app(self, name: str) -> Deferred[bool]:
        """Serve an app no more (IControl)."""
        return Deferred.fromCoroutine(self._remove(name))

    async def _remove(self, name: str) -> bool:
        # The change is in the tuple, so that the lock does not wait for its end.
        (drained,) = await self._alone(lambda: self._take_out(name))
        return (await drained)[name]

    async def _take_out(self, name: str) -> tuple[Deferred[dict[str, bool]]]:
        gone = self._app(name)
        kept = [app.config for app in self._apps.apps if app is not gone]
        change = await self._prepared(self._apps.prepare(kept, keep=[config.name for config in kept]))
        self._of_api.discard(name)
        return (self._apps.commit(change),)

    def release_app(self, name: str) -> Deferred[bool]:
        """There is no quarantine where one process is all there is (IControl)."""
        return Deferred.fromCoroutine(self._release(name))

    async def _release(self, name: str) -> bool:
        self._app(name)
        return False

    def reload(self) -> Deferred[dict[str, Any]]:
        """Read the configuration and the apps again (IControl)."""
        return Deferred.fromCoroutine(self._alone(self._reload))

    def hangup(self) -> Deferred[object]:
        """SIGHUP has come: reload.  Fires when that is over, and does not fail: the log tells how it ended."""
        return self.reload().addErrback(self._not_reloaded)

    def _not_reloaded(self, failure: Failure) -> None:
        if not failure.check(ConfigError, DrainingError):
            self._log.failure("the configuration was not reloaded", failure, event="reload-failed")

    async def _reload(self) -> dict[str, Any]:
        try:
            config = await self._server.read_config()
        except ConfigError as error:
            self._server.reloaded("failure")
            self._log.error("the configuration was not reloaded: {error}", error=str(error), event="reload-failed")
            raise
        change = await self._prepared(self._apps.prepare(config.apps))
        result = self._result(config, change)
        # What listens goes on as it is, and wants the token that it wanted.
        admin = self.config.admin if "admin" in result["restart_needed"] else config.admin
        self.config, self._apps.drain_timeout = replace(config, admin=admin), config.drain_timeout
        self._server.adopt(config)
        self._of_api.clear()
        self._apps.commit(change)
        self._server.reloaded("partial" if change.failed else "success")
        self._log.info("reloaded", event="reloaded", **result)
        for name, reason in result["failed"].items():
            self._log.error(
                "app {app} keeps its old version: {error}", app=name, error=reason, event="app-not-replaced"
            )
        for key in result["restart_needed"]:
            self._log.warn("a changed {key} takes effect with the next start", key=key, event="restart-needed")
        return result

    def _result(self, config: Config, change: Change) -> dict[str, Any]:
        before = {app.name for app in self._apps.apps}
        fresh = {app.name for app in change.fresh if app.name not in change.failed}
        return {
            "created": sorted(fresh - before),
            "replaced": sorted(fresh & before),
            "removed": sorted(before - change.apps.keys()),
            "failed": {name: app.log.redact(str(app.error)) for name, app in sorted(change.failed.items())},
            "restart_needed": restart_keys(self.config, config, _FIXED),
        }

    async def _prepared(self, preparing: Deferred[Change]) -> Change:
        """The change, unless the server began to stop meanwhile."""
        change = await preparing
        if self.draining:
            self._apps.abandon(change)
            raise DrainingError("the server is stopping")
        return change

    async def _alone(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do *work* when no other change is under way."""
        await self._lock.acquire()
        try:
            if self.draining:
                raise DrainingError("the server is stopping")
            return await work()
        finally:
            self._lock.release()
