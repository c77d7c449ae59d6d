"""
How the apps of a server change while it serves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.apps.app import AppState
from nano.apps.app_set import WARM, AppSet
from nano.config import AppConfig

__all__ = ["AppSetTests"]


class FakeApp:
    """An app whose loading and draining the test decides."""

    def __init__(self, config: AppConfig) -> None:
        self.config = config
        self.evaluated = False
        self.state = AppState.LOADING
        self.version = ""
        self.in_flight = 0
        self.error: Exception | None = None
        self.closed = False
        self.drained: Deferred[None] = Deferred()
        self.hosts: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return self.config.name

    def read(self) -> Deferred[None]:
        self.version = str(self.config.env.get("version", "1"))
        if self.version == "unreadable":
            self.state = AppState.FAILED
        return succeed(None)

    def load(self, warm: bool) -> Deferred[None]:
        self.read()
        self.evaluated = warm
        self.state = AppState.FAILED if self.version == "broken" else AppState.READY
        return succeed(None)

    def quarantine(self, remaining: Callable[[], float]) -> None:
        self.state = AppState.QUARANTINED

    def release(self) -> None:
        if self.state is AppState.QUARANTINED:
            self.state = AppState.READY

    def drain(self) -> Deferred[None]:
        self.state = AppState.DRAINING
        return self.drained

    def close(self) -> None:
        self.state = AppState.GONE
        self.closed = True


def config(name: str, version: str = "1", *hostnames: str) -> AppConfig:
    return AppConfig(name, f"/apps/{name}", hostnames, {"version": version})


class AppSetTests(SynchronousTestCase):
    """`AppSet` with apps that do nothing but tell."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.made: list[FakeApp] = []
        self.wanted: dict[str, str] = {}
        self.apps = AppSet(self.clock, self.make, 30.0)

    def make(self, config: AppConfig, version: str) -> Any:
        app = FakeApp(config)
        self.wanted[config.name] = version
        self.made.append(app)
        return app

    def served(self) -> dict[str, str]:
        """Version by name, of all that is served."""
        return {app.name: app.version for app in self.apps.apps}

    def open(self, *configs: AppConfig) -> None:
        self.successResultOf(self.apps.open(configs))

    def test_given_versions(self) -> None:
        """Versions that are given are passed on, when apps are opened as when they change."""
        self.successResultOf(self.apps.open([config("a"), config("b")], {"a": "7"}))
        self.assertEqual(self.wanted, {"a": "7", "b": ""})
        self.successResultOf(self.apps.prepare([config("a"), config("b")], (), {"b": "8"}))
        self.assertEqual(self.wanted, {"a": "", "b": "8"})

    def test_unchanged_is_not_evaluated(self) -> None:
        """No code of an app runs for a change that does not concern it; of one that cannot be read none ever does."""
        self.open(config("a"), config("b"), config("c"))
        self.successResultOf(self.apps.prepare([config("a"), config("b", "2"), config("c", "unreadable")]))
        self.assertEqual(
            [(app.name, app.evaluated) for app in self.made[3:]], [("a", False), ("b", True), ("c", False)]
        )

    def test_failed_is_tried_again(self) -> None:
        """A version that has failed is tried once more, even if it looks the same."""
        self.open(config("a", "broken"))
        change = self.successResultOf(self.apps.prepare([config("a", "broken")]))
        self.assertTrue(self.made[-1].evaluated)
        self.assertEqual(list(change.failed), ["a"])

    def test_open(self) -> None:
        """What is opened is found by its host names."""
        self.open(config("a", "1", "a.test", "*.a.test"), config("b"))
        self.assertIs(self.apps.find("x.a.test"), self.apps["a"])
        self.assertIs(self.apps.find("b"), self.apps["b"])
        self.assertIsNone(self.apps.find("c"))
        self.assertTrue(self.apps.loaded)

    def test_prepare_changes_nothing(self) -> None:
        """A change that is prepared is not served yet; given up, it leaves no trace."""
        self.open(config("a"))
        change = self.successResultOf(self.apps.prepare([config("a", "2"), config("b")]))
        self.assertEqual(self.served(), {"a": "1"})
        self.apps.abandon(change)
        self.assertEqual(self.served(), {"a": "1"})
        self.assertEqual([app.closed for app in self.made], [False, True, True])

    def test_commit(self) -> None:
        """With the commit all host names lead to the new versions, and the old ones drain."""
        self.open(config("a"), config("b"))
        old_a, old_b = self.made
        change = self.successResultOf(self.apps.prepare([config("a", "2"), config("c")]))
        drained = self.apps.commit(change)
        self.assertEqual(self.served(), {"a": "2", "c": "1"})
        self.assertIsNone(self.apps.find("b"))
        self.assertEqual([old_a.state, old_b.state], [AppState.DRAINING, AppState.DRAINING])
        self.assertNoResult(drained)
        old_a.drained.callback(None)
        old_b.drained.callback(None)
        self.assertEqual(self.successResultOf(drained), {"a": True, "b": True})
        self.assertTrue(old_a.closed and old_b.closed)

    def test_same_version_stays(self) -> None:
        """An app that has not changed goes on, in flight requests and all."""
        self.open(config("a"))
        change = self.successResultOf(self.apps.prepare([config("a")]))
        self.successResultOf(self.apps.commit(change))
        self.assertIs(self.apps["a"], self.made[0])
        self.assertTrue(self.made[1].closed)

    def test_warm(self) -> None:
        """Of new apps the first are evaluated; what replaces an app always is, as it must not fail afterwards."""
        names = [f"app{i}" for i in range(WARM + 2)]
        self.open(*map(config, names))
        self.assertEqual([app.name for app in self.made if not app.evaluated], names[WARM:])
        change = self.successResultOf(
            self.apps.prepare([*(config(name, "2") for name in names), *(config(f"new{i}") for i in range(WARM + 1))])
        )
        self.assertEqual([app.name for app in self.made[len(names) :] if not app.evaluated], [f"new{WARM}"])
        self.assertEqual(len(change.fresh), 2 * WARM + 3)

    def test_a_few_at_a_time(self) -> None:
        """Loading thousands of apps leaves room for one that is asked for."""
        loading: list[Deferred[None]] = []

        def load(app: FakeApp, warm: bool) -> Deferred[None]:
            loading.append(Deferred())
            return loading[-1]

        self.patch(FakeApp, "load", load)
        opened = self.apps.open([config(f"app{i}") for i in range(100)])
        begun = len(loading)
        self.assertLess(begun, 20)
        loading[3].callback(None)
        self.assertEqual(len(loading), begun + 1)
        for deferred in loading:
            if not deferred.called:
                deferred.callback(None)
        self.successResultOf(opened)
        self.assertEqual(len(loading), 100)

    def test_failing_version(self) -> None:
        """A version that fails to load leaves the old one in place, and is told."""
        self.open(config("a"))
        change = self.successResultOf(self.apps.prepare([config("a", "broken")]))
        self.assertEqual(list(change.failed), ["a"])
        self.successResultOf(self.apps.commit(change))
        self.assertEqual(self.served(), {"a": "1"})

    def test_host_moves(self) -> None:
        """A host name may go from one app to another."""
        self.open(config("a", "1", "x.test"), config("b", "1", "y.test"))
        change = self.successResultOf(self.apps.prepare([config("a", "2", "y.test"), config("b", "2", "x.test")]))
        self.apps.commit(change)
        found = self.apps.find("x.test")
        self.assertEqual(found and found.name, "b")

    def test_drain_times_out(self) -> None:
        """An app that does not drain is cut at the end of its time."""
        self.open(config("a"))
        closed = self.apps.close()
        self.clock.advance(29)
        self.assertNoResult(closed)
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(closed), {"a": False})
        self.assertTrue(self.made[0].closed)

    def test_quarantine(self) -> None:
        """Quarantine holds for apps that come later, until the app is named no more."""
        self.open(config("a"), config("b"))
        self.apps.quarantine({"a": lambda: 5.0})
        self.assertEqual([app.state for app in self.apps.apps], [AppState.QUARANTINED, AppState.READY])
        self.apps.quarantine({})
        self.assertEqual([app.state for app in self.apps.apps], [AppState.READY, AppState.READY])
