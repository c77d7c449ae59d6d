"""
Changes of the apps of one process, with isolate hosts that load what they are told to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.apps.app import App
from nano.apps.app_set import AppSet
from nano.apps.control import LocalControl
from nano.config import AppConfig, Config, Origin, Secret
from nano.errors import AppLoadError, ConfigError, DrainingError, Problem
from nano.interfaces import ConflictError, IControl, IsolateProgram, UnknownAppError
from tests.fakes import FakeIsolateHost, make_exchange


class Hosts:
    """A source of hosts that load at once, or when the test says so."""

    def __init__(self) -> None:
        self.hosts: list[FakeIsolateHost] = []
        self.at_once = True

    def get(self, urgent: bool) -> Deferred[Any]:
        """A new one (HostSource)."""
        host = FakeIsolateHost()
        self.hosts.append(host)
        if self.at_once:
            host.loading.callback({})
        return succeed(host)

    def watch(self, host: Any, config: AppConfig) -> None:
        """Nobody watches (HostSource)."""

    def forget(self, host: Any) -> None:
        """Nobody watches (HostSource)."""


class FakeServer:
    """
    What the control asks of a server.

    Attributes:
        config: what its file says now: a configuration, or an error.
        results: of reloads.
    """

    ready = True

    def __init__(self) -> None:
        self.draining = False
        self.config: Any = None
        self.adopted: Config | None = None
        self.results: list[str] = []

    def read_config(self) -> Deferred[Config]:
        """What the test says."""
        return fail(self.config) if isinstance(self.config, Exception) else succeed(self.config)

    def adopt(self, config: Config) -> None:
        """Kept."""
        self.adopted = config

    def usage(self, app: str) -> dict[str, Any]:
        """Always the same."""
        return {"cpu_seconds": 1.235, "memory_bytes": 4096}

    def resident_memory(self) -> int:
        """Always the same."""
        return 8192

    def journal(self, question: dict[str, Any]) -> dict[str, Any]:
        """What was asked."""
        return {"asked": question}

    def snapshot(self) -> dict[str, Any]:
        """Always the same."""
        return {"figures": []}

    def reloaded(self, result: str) -> None:
        """Kept."""
        self.results.append(result)


def config(name: str, **options: Any) -> AppConfig:
    """Of an app."""
    return AppConfig(name, f"/srv/{name}", **options)


class ControlTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.hosts = Hosts()
        self.server = FakeServer()
        self.versions: dict[str, str | Exception] = {}
        self.apps = AppSet(self.clock, lambda app, version: App(app, self.hosts, self.read), 30.0)
        self.config = Config(apps=(config("shop"), config("blog")), workers=0, listen=("tcp:1",))
        self.apps.open(self.config.apps)
        self.control = LocalControl(self.config, self.apps, self.server, self.clock)
        self.opened = len(self.hosts.hosts)

    def read(self, app: AppConfig) -> Deferred[IsolateProgram]:
        """A program whose version is the configuration and what the test says."""
        version = self.versions.get(app.name, "1")
        if isinstance(version, Exception):
            return fail(version)
        return succeed(IsolateProgram((), None, (), 0, f"{version} {app}"))

    def put(self, app: AppConfig, new: bool = False) -> str:
        return str(self.successResultOf(self.control.put_app(app, new)))

    def names(self) -> list[str]:
        return sorted(app.name for app in self.apps.apps)

    def test_interface(self) -> None:
        """It is what the admin API asks for."""
        verifyObject(IControl, self.control)

    def test_states(self) -> None:
        """What there is to know of an app."""
        (shop, _) = self.successResultOf(self.control.apps())
        self.assertEqual(
            {key: shop[key] for key in ("name", "hostnames", "path", "state", "origin", "isolates", "in_flight")},
            {
                "name": "shop",
                "hostnames": ["shop"],
                "path": "/srv/shop",
                "state": "ready",
                "origin": "config",
                "isolates": 1,
                "in_flight": 0,
            },
        )
        self.assertEqual((shop["cpu_seconds"], shop["memory_bytes"], shop["error"]), (1.235, 4096, None))

    def test_error_is_redacted(self) -> None:
        """What an app failed with does not tell its secrets."""
        self.versions["new"] = AppLoadError("no use for hunter2-hunter2")
        self.server.config = replace(self.config, apps=(config("new", env={"A": Secret("hunter2-hunter2")}),))
        result = self.successResultOf(self.control.reload())
        self.assertEqual(result["failed"], {"new": "no use for [redacted]"})
        (state,) = self.successResultOf(self.control.apps())
        self.assertEqual((state["state"], state["error"]["detail"]), ("failed", "no use for [redacted]"))

    def test_workers(self) -> None:
        """The one process."""
        self.clock.advance(5)
        exchange, _ = make_exchange()
        self.apps["shop"].handle(exchange)
        (worker,) = self.successResultOf(self.control.workers())
        self.assertEqual((worker["state"], worker["uptime_seconds"], worker["in_flight"]), ("ready", 5, 1))
        self.assertEqual((worker["worker"], worker["memory_bytes"]), (0, 8192))

    def test_create(self) -> None:
        """A new app serves when it has loaded; the others are not touched."""
        self.hosts.at_once = False
        creating = self.control.put_app(config("new"), True)
        self.assertIsNone(self.apps.find("new"))
        self.hosts.hosts[-1].loading.callback({})
        self.assertEqual(self.successResultOf(creating), "created")
        self.assertIsNotNone(self.apps.find("new"))
        self.assertEqual(len(self.hosts.hosts), self.opened + 1)
        origins = {state["name"]: state["origin"] for state in self.control.states()}
        self.assertEqual(origins, {"shop": "config", "blog": "config", "new": "api"})

    def test_replace(self) -> None:
        """The old version drains, and nobody waits for it."""
        exchange, sink = make_exchange()
        self.apps["shop"].handle(exchange)
        self.assertEqual(self.put(config("shop", timeout=1.0)), "replaced")
        self.assertEqual(self.apps["shop"].config.timeout, 1.0)
        exchange.respond(200, b"", [], None, b"done")
        self.assertEqual(sink.body, b"done")

    def test_idempotent(self) -> None:
        """The same once more changes nothing; new code does."""
        self.assertEqual(self.put(config("new")), "created")
        app = self.apps["new"]
        for new in (False, True):
            self.assertEqual(self.put(config("new"), new), "unchanged")
        self.assertIs(self.apps["new"], app)
        self.versions["new"] = "2"
        self.assertEqual(self.put(config("new")), "replaced")

    def test_new_only(self) -> None:
        """Who asks for a new app does not replace another."""
        changing = self.control.put_app(config("shop", timeout=1.0), True)
        self.failureResultOf(changing, ConflictError)

    def test_host_is_taken(self) -> None:
        """A host name leads to one app."""
        changing = self.control.put_app(config("new", hostnames=("new", "shop")), False)
        self.assertIn("'shop' claims shop", str(self.failureResultOf(changing, ConflictError).value))
        self.assertEqual(self.names(), ["blog", "shop"])

    def test_does_not_load(self) -> None:
        """What does not load leaves everything as it is, and no isolate behind."""
        for name in ("shop", "new"):
            self.versions[name] = AppLoadError("syntax")
            changing = self.control.put_app(config(name, timeout=1.0), False)
            self.failureResultOf(changing, AppLoadError)
            del self.versions[name]
        self.assertEqual(self.names(), ["blog", "shop"])
        self.assertEqual(self.apps["shop"].config.timeout, 5.0)
        # The change is over: another one can be made.
        self.assertEqual(self.put(config("new")), "created")

    def test_failed_app_is_mended(self) -> None:
        """An app that failed is replaced by what loads, even if the files are the same."""
        self.versions["new"] = AppLoadError("database is down")
        self.server.config = replace(self.config, apps=(config("new"),))
        self.successResultOf(self.control.reload())
        del self.versions["new"]
        self.put(config("new"))
        self.assertEqual(self.apps["new"].state.value, "ready")

    def test_remove(self) -> None:
        """Requests in flight are awaited; nothing new is taken."""
        exchange, _ = make_exchange()
        self.apps["shop"].handle(exchange)
        removing = self.control.remove_app("shop")
        self.assertNoResult(removing)
        self.assertIsNone(self.apps.find("shop"))
        # Draining does not hold up the next change.
        self.assertEqual(self.put(config("new")), "created")
        exchange.respond(200, b"", [], None, b"")
        self.hosts.hosts[0].settle()
        self.assertIs(self.successResultOf(removing), True)

    def test_remove_times_out(self) -> None:
        """What takes too long is cut."""
        exchange, _ = make_exchange()
        self.apps["shop"].handle(exchange)
        removing = self.control.remove_app("shop")
        self.clock.advance(30)
        self.assertIs(self.successResultOf(removing), False)
        self.assertTrue(exchange.over)

    def test_unknown(self) -> None:
        """What is not there cannot be removed, nor shown."""
        self.failureResultOf(self.control.remove_app("nobody"), UnknownAppError)
        self.assertRaises(UnknownAppError, self.control.app_config, "nobody")

    def test_serialised(self) -> None:
        """A change waits for the one before, and sees what that one has done."""
        self.hosts.at_once = False
        first = self.control.put_app(config("new"), True)
        second = self.control.put_app(config("other", hostnames=("new",)), True)
        third = self.control.remove_app("new")
        self.assertNoResult(second)
        self.hosts.hosts[-1].loading.callback({})
        self.assertEqual(self.successResultOf(first), "created")
        self.failureResultOf(second, ConflictError)
        self.assertIs(self.successResultOf(third), True)
        self.assertEqual(self.names(), ["blog", "shop"])

    def test_reload(self) -> None:
        """The file decides: what is new, changed or gone, and what the API did is undone."""
        self.put(config("extra"))
        apps = (config("shop", timeout=1.0), config("new"))
        self.server.config = replace(self.config, apps=apps, drain_timeout=7.0, listen=("tcp:2",))
        with capturedLogs() as events:
            result = self.successResultOf(self.control.reload())
        self.assertEqual(
            result,
            {
                "created": ["new"],
                "replaced": ["shop"],
                "removed": ["blog", "extra"],
                "failed": {},
                "restart_needed": ["listen"],
            },
        )
        self.assertEqual((self.names(), self.apps.drain_timeout), (["new", "shop"], 7.0))
        self.assertIs(self.server.adopted, self.server.config)
        self.assertEqual(self.server.results, ["success"])
        self.assertLessEqual({"reloaded", "restart-needed"}, {event.get("event") for event in events})

    def test_reload_partly(self) -> None:
        """A version that fails leaves the old one serving."""
        self.versions["shop"] = AppLoadError("syntax")
        self.server.config = replace(self.config, apps=(config("shop", timeout=1.0), config("blog", timeout=1.0)))
        result = self.successResultOf(self.control.reload())
        self.assertEqual((result["failed"], result["replaced"]), ({"shop": "syntax"}, ["blog"]))
        self.assertEqual(self.apps["shop"].config.timeout, 5.0)
        self.assertEqual(self.server.results, ["partial"])

    def test_reload_fails(self) -> None:
        """A configuration that is wrong changes nothing."""
        self.server.config = ConfigError([Problem("bad")])
        self.failureResultOf(self.control.reload(), ConfigError)
        self.assertEqual((self.names(), self.server.results), (["blog", "shop"], ["failure"]))

    def test_hangup(self) -> None:
        """A signal reloads, and nobody waits for how that ends but the log."""
        self.server.config = ConfigError([Problem("bad")])
        self.successResultOf(self.control.hangup())
        self.server.config = RuntimeError("unforeseen")
        self.successResultOf(self.control.hangup())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.server.config = self.config
        self.successResultOf(self.control.hangup())
        self.assertEqual(self.server.results, ["failure", "success"])

    def test_stopping(self) -> None:
        """A server that stops changes no more, whether it began before the change or under it."""
        self.hosts.at_once = False
        late = self.control.put_app(config("new"), True)
        self.server.draining = True
        self.hosts.hosts[-1].loading.callback({})
        self.failureResultOf(late, DrainingError)
        self.assertIsNotNone(self.hosts.hosts[-1].condemned)
        self.failureResultOf(self.control.reload(), DrainingError)

    def test_parse_app(self) -> None:
        """Defaults and folder are the configuration's."""
        control = LocalControl(replace(self.config, defaults={"timeout_ms": 70}), self.apps, self.server, self.clock)
        object.__setattr__(control.config, "origin", Origin("/etc/nano/app.json", "/etc/nano"))
        app = control.parse_app({"name": "new", "path": "code"})
        self.assertEqual((app.path, app.timeout), ("/etc/nano/code", 0.07))
