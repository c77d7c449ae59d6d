# -*- test-case-name: tests.supervisor.test_operations -*-
"""
What an operator may ask of a server with workers: the supervisor as an `IControl`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from zope.interface import implementer

from nano.config import AppConfig, Config, Secret, load_config, parse_app, real_surroundings
from nano.errors import AppLoadError, DrainingError, NanoError
from nano.interfaces import ConflictError, IControl, UnknownAppError
from nano.supervisor import control
from nano.supervisor.memory import resident_memory
from nano.supervisor.process import WorkerGoneError
from nano.supervisor.supervisor import Supervisor

__all__ = ["Figures", "Operations", "summed"]

_SUMS = ("isolates", "in_flight", "cpu_seconds", "memory_bytes", "requests", "errors")
#: Of the states that an app has in several workers, the first of these is what it is called.
_STATES = ("quarantined", "failed", "loading", "draining", "ready", "gone")


class Figures(Protocol):
    """The supervisor's own metrics (nano.admin.totals.SupervisorMetrics)."""

    def reloaded(self, result: str) -> None:
        """The configuration was read again."""

    def snapshot(self) -> dict[str, Any]:
        """All figures."""


class _NoFigures:
    def reloaded(self, result: str) -> None: ...

    def snapshot(self) -> dict[str, Any]:
        return {}


def _read_again(config: Config) -> Config:
    """
    The configuration from where *config* came from; itself if it came from no file.

    Raises:
        ConfigError: with everything that is wrong.
    """
    if not config.origin.file:
        return config
    return load_config(config.origin.file, overrides=config.origin.overrides, log_format=config.log.format)


@implementer(IControl)
class Operations:
    """
    The supervisor's side of the admin API and of signals.

    Args:
        supervisor: does it.
        figures: the supervisor's own metrics.
        read: reads a configuration again.
        journal: tells what the supervisor itself has told its log (`nano.admin.journal.Journal.answer`).
    """

    _log = Logger()

    def __init__(
        self,
        supervisor: Supervisor,
        figures: Figures | None = None,
        read: Callable[[Config], Config] = _read_again,
        journal: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        self._supervisor = supervisor
        self._journal = journal
        self._figures = _NoFigures() if figures is None else figures
        self._read = read
        self._by_api: set[str] = set()
        #: Of the file, without what the admin API has changed since.
        self._configured = supervisor.config.apps

    @property
    def ready(self) -> bool:
        """Whether every app is loaded, or has failed to (IControl)."""
        return self._supervisor.ready

    @property
    def draining(self) -> bool:
        """Whether nothing new is accepted (IControl)."""
        return self._supervisor.draining

    def admin_token(self) -> Secret | None:
        """What clients of the admin API have to show now."""
        admin = self._supervisor.config.admin
        return admin.secret if admin is not None else None

    # Asking.

    def apps(self) -> Deferred[list[dict[str, Any]]]:
        """The state of every app, summed over the workers (IControl)."""
        return Deferred.fromCoroutine(self._apps())

    async def _apps(self) -> list[dict[str, Any]]:
        statuses = [status for _, status in await self._supervisor.statuses()]
        told = [app for status in statuses for app in status.get("apps", ())]
        quarantined = self._supervisor.quarantine.apps()
        return [self._app(config, told, config.name in quarantined) for config in self._supervisor.config.apps]

    def _app(self, config: AppConfig, told: Iterable[Mapping[str, Any]], quarantined: bool) -> dict[str, Any]:
        described = summed([app for app in told if app.get("name") == config.name])
        return {
            **described,
            "name": config.name,
            "hostnames": list(config.hostnames),
            "path": config.path,
            "state": "quarantined" if quarantined else described["state"],
            "origin": "api" if config.name in self._by_api else "config",
        }

    def workers(self) -> Deferred[list[dict[str, Any]]]:
        """The state of every worker (IControl)."""
        return Deferred.fromCoroutine(self._workers())

    async def _workers(self) -> list[dict[str, Any]]:
        found = []
        for worker, status in await self._supervisor.statuses():
            apps = status.get("apps", [])
            found.append(
                {
                    "worker": worker.number,
                    "pid": worker.pid,
                    "state": worker.state.value,
                    "uptime_seconds": round(self._supervisor.age(worker), 3),
                    "apps": len(apps),
                    "isolates": sum(int(app.get("isolates", 0)) for app in apps),
                    "in_flight": sum(int(app.get("in_flight", 0)) for app in apps),
                    "memory_bytes": resident_memory(worker.pid),
                }
            )
        return sorted(found, key=lambda described: (described["worker"], described["pid"]))

    def snapshots(self) -> Deferred[list[dict[str, Any]]]:
        """The figures of every process (IControl)."""
        return Deferred.fromCoroutine(self._snapshots())

    async def _snapshots(self) -> list[dict[str, Any]]:
        statuses = [status for _, status in await self._supervisor.statuses()]
        found = [self._figures.snapshot(), *(status.get("metrics", {}) for status in statuses)]
        return [snapshot for snapshot in found if snapshot]

    def journals(self, question: dict[str, Any]) -> Deferred[list[dict[str, Any]]]:
        """What every process has told its log lately (IControl)."""
        return Deferred.fromCoroutine(self._journals(question))

    async def _journals(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        own = [] if self._journal is None else [self._journal(question)]
        return own + await self._supervisor.journals(question)

    def app_config(self, name: str) -> AppConfig:
        """The configuration of an app as it is served now (IControl)."""
        for app in self._supervisor.config.apps:
            if app.name == name:
                return app
        raise UnknownAppError(name)

    def parse_app(self, value: dict[str, Any]) -> AppConfig:
        """The object of one app, with the defaults of the configuration (IControl)."""
        config = self._supervisor.config
        return parse_app(value, real_surroundings(config.origin.folder or "."), config.defaults)

    # Changing.

    def put_app(self, config: AppConfig, new: bool) -> Deferred[str]:
        """Serve an app (IControl)."""
        return self._change(lambda: self._put(config, new))

    async def _put(self, config: AppConfig, new: bool) -> str:
        apps = {app.name: app for app in self._supervisor.config.apps}
        old = apps.get(config.name)
        if new and old is not None and old != config:
            msg = f"there is an app {config.name} already"
            raise ConflictError(msg)
        _check_hostnames(config, apps)
        keep = frozenset(apps.keys() - {config.name})
        apps[config.name] = config
        prepared = await self._supervisor.change(tuple(apps.values()), keep, partly=False)
        if prepared.failed:
            raise AppLoadError(prepared.failed[config.name])
        if old != config:
            self._by_api.add(config.name)
        if old is None:
            return "created"
        return "replaced" if config.name in prepared.fresh else "unchanged"

    def remove_app(self, name: str) -> Deferred[bool]:
        """Serve an app no more (IControl)."""
        return self._change(lambda: self._remove(name)).addCallback(self._await_drained, name)

    async def _remove(self, name: str) -> None:
        self.app_config(name)
        apps = tuple(app for app in self._supervisor.config.apps if app.name != name)
        await self._supervisor.change(apps, frozenset(app.name for app in apps), partly=False)
        self._by_api.discard(name)

    def _await_drained(self, _result: None, name: str) -> Deferred[bool]:
        def told(answer: dict[str, Any]) -> bool:
            return bool(answer["apps"].get(name, True))

        def gone(failure: Any) -> bool:
            failure.trap(WorkerGoneError)
            return False

        asked = [worker.ask(control.AwaitDrained).addCallbacks(told, gone) for worker in self._supervisor.serving]
        return gatherResults(asked).addCallback(all)

    def release_app(self, name: str) -> Deferred[bool]:
        """Let an app out of quarantine before its time (IControl)."""
        return self._change(lambda: self._release(name))

    async def _release(self, name: str) -> bool:
        self.app_config(name)
        return await self._supervisor.lift_quarantine(name)

    def reload(self) -> Deferred[dict[str, Any]]:
        """Read the configuration and the apps again (IControl)."""
        return self._change(self._reload).addErrback(self._not_reloaded)

    async def _reload(self) -> dict[str, Any]:
        supervisor = self._supervisor
        config = self._read(supervisor.config)
        if not config.origin.file:
            config = replace(config, apps=self._configured)
        old = {app.name for app in supervisor.config.apps}
        prepared = await supervisor.change(config.apps, frozenset(), partly=True)
        restart_needed = await supervisor.adopt(config)
        self._by_api.clear()
        self._configured = config.apps
        now = {app.name for app in supervisor.config.apps}
        result = {
            "created": sorted(now - old),
            "replaced": sorted(prepared.fresh.keys() & old),
            "removed": sorted(old - now),
            "failed": dict(prepared.failed),
            "restart_needed": restart_needed,
        }
        self._figures.reloaded("partial" if prepared.failed else "success")
        self._log.info("reloaded", event="reloaded", **result)
        for name, reason in prepared.failed.items():
            self._log.error(
                "app {app} keeps its old version: {error}", app=name, error=reason, event="app-not-replaced"
            )
        for key in restart_needed:
            self._log.warn("{key} has changed: that needs a restart", key=key, event="restart-needed")
        return result

    def _not_reloaded(self, failure: Any) -> Any:
        self._figures.reloaded("failure")
        self._log.error("the reload failed: {error}", error=failure.getErrorMessage(), event="reload-failed")
        return failure

    def hangup(self) -> Deferred[object]:
        """SIGHUP has come: reload.  Fires when that is over, and does not fail: the log tells how it ended."""
        return self.reload().addErrback(lambda failure: failure.trap(NanoError, ConflictError) and None)

    def _change(self, action: Callable[[], Any]) -> Deferred[Any]:
        """Run a change when those before it have ended."""
        if self._supervisor.draining:
            return Deferred.fromCoroutine(_refused())

        async def change() -> Any:
            try:
                return await action()
            except WorkerGoneError as error:
                raise AppLoadError(str(error)) from error

        return self._supervisor.locked(change)


async def _refused() -> None:
    msg = "the server is draining"
    raise DrainingError(msg)


def _check_hostnames(config: AppConfig, apps: Mapping[str, AppConfig]) -> None:
    for app in apps.values():
        taken = set(app.hostnames) & set(config.hostnames)
        if app.name != config.name and taken:
            msg = f"app {app.name} has the host name {min(taken)} already"
            raise ConflictError(msg)


def summed(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """
    One app's state out of what each worker says of it.
    """
    states = {str(app.get("state")) for app in told}
    return {
        "state": next((state for state in _STATES if state in states), "loading"),
        "version": next((str(app["version"]) for app in told if app.get("version")), ""),
        "error": next((app["error"] for app in told if app.get("error")), None),
        **{key: sum(app.get(key, 0) for app in told) for key in _SUMS},
        "recent": [part for app in told for part in app.get("recent", ())],
    }
