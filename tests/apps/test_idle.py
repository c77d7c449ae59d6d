"""
Tests for `nano.apps.idle`: which apps are evicted, and when.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from nano.apps.idle import IDLE_TIME, INTERVAL, KEPT, MOST_TIDIED, TIDY_TIME, IdleApps


class FakeApp:
    """An app that tells when it is evicted; a busy one refuses."""

    def __init__(self, name: str, idle: IdleApps) -> None:
        self.name = name
        self.busy = False
        self.evicted = False
        self.tidied = 0
        self._idle = idle

    def start(self) -> None:
        """It gets an isolate, and nothing to do."""
        self._idle.taken()
        self._idle.rests(self)

    def evict(self) -> bool:
        """Give the isolate back (RestingApp)."""
        if self.busy:
            return False
        self.evicted = True
        self._idle.works(self)
        self._idle.given_back()
        return True

    def tidy(self) -> None:
        """Collect garbage (RestingApp)."""
        self.tidied += 1


class IdleAppsTests(SynchronousTestCase):
    """
    The three rules.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.short = False
        self.reasons: list[str] = []
        self.idle = IdleApps(self.clock, 3, lambda: self.short, self.reasons.append)
        self.idle.start()
        self.addCleanup(self.idle.stop)

    def start(self, *names: str) -> list[FakeApp]:
        apps = [FakeApp(name, self.idle) for name in names]
        for app in apps:
            app.start()
            self.clock.advance(INTERVAL / 100)
        return apps

    def evicted(self, apps: list[FakeApp]) -> str:
        return "".join(app.name for app in apps if app.evicted)

    def test_limit(self) -> None:
        """One more than there may be: who has rested for longest goes at once."""
        apps = self.start("a", "b", "c")
        self.assertEqual(self.evicted(apps), "")
        apps += self.start("d")
        self.assertEqual((self.evicted(apps), self.idle.isolates, self.reasons), ("a", 3, ["limit"]))

    def test_order(self) -> None:
        """Who has worked in between has rested for less."""
        apps = self.start("a", "b", "c")
        self.idle.works(apps[0])
        self.idle.rests(apps[0])
        apps += self.start("d")
        self.assertEqual(self.evicted(apps), "b")

    def test_who_works_stays(self) -> None:
        """The limit is one for apps at rest; when one of them comes to rest, it holds again."""
        apps = self.start("a", "b", "c", "d")[1:]
        for app in apps:
            self.idle.works(app)
        apps += self.start("e")
        self.idle.works(apps[-1])
        self.clock.advance(INTERVAL)
        self.assertEqual((self.evicted(apps), self.idle.isolates), ("", 4))
        self.idle.rests(apps[1])
        self.clock.advance(INTERVAL)
        self.assertEqual((self.evicted(apps), self.idle.isolates), ("c", 3))

    def test_who_is_busy_in_the_background_stays(self) -> None:
        """An app that cannot be evicted lets the next one go, and is asked again in its turn."""
        apps = self.start("a", "b", "c")
        apps[0].busy = True
        apps += self.start("d")
        self.assertEqual(self.evicted(apps), "b")
        apps[0].busy = False
        apps += self.start("e", "f", "g")
        self.assertEqual(self.evicted(apps), "abcd")

    def test_limit_changes(self) -> None:
        """A smaller limit holds from the next look on."""
        apps = self.start("a", "b", "c")
        self.idle.most = 1
        self.clock.advance(INTERVAL)
        self.assertEqual(self.evicted(apps), "ab")

    def test_memory(self) -> None:
        """While there is too little memory some go with every look."""
        self.idle.most = 100
        apps = self.start(*map(chr, range(ord("a"), ord("a") + 20)))
        self.clock.advance(INTERVAL)
        self.assertEqual(self.evicted(apps), "")
        self.short = True
        self.clock.advance(INTERVAL)
        self.assertEqual(self.evicted(apps), "ab")
        self.clock.advance(INTERVAL)
        self.assertEqual(self.evicted(apps), "abc")
        self.short = False
        self.clock.advance(INTERVAL)
        self.assertEqual((self.evicted(apps), set(self.reasons)), ("abc", {"memory"}))

    def test_idle(self) -> None:
        """Beyond those that are kept anyway, apps go after some time of rest."""
        self.idle.most = 1000
        apps = self.start(*map(str, range(KEPT + 2)))
        self.clock.advance(IDLE_TIME / 2)
        self.idle.works(apps[0])
        self.idle.rests(apps[0])
        self.clock.advance(IDLE_TIME / 2)
        self.assertEqual([app.name for app in apps if app.evicted], ["1", "2"])
        self.clock.advance(IDLE_TIME * 10)
        self.assertEqual((self.idle.isolates, set(self.reasons)), (KEPT, {"idle"}))

    def test_tidy(self) -> None:
        """After some time of rest garbage is collected, once for each time of rest."""
        (app,) = self.start("a")
        self.clock.advance(TIDY_TIME / 2)
        self.idle.works(app)
        self.idle.rests(app)
        self.clock.advance(TIDY_TIME * 0.9)
        self.assertEqual(app.tidied, 0)
        self.clock.pump([INTERVAL] * 100)
        self.assertEqual(app.tidied, 1)
        self.idle.works(app)
        self.clock.pump([INTERVAL] * 100)
        self.assertEqual(app.tidied, 1)
        self.idle.rests(app)
        self.clock.pump([INTERVAL] * 100)
        self.assertEqual(app.tidied, 2)

    def test_tidy_a_few_at_a_time(self) -> None:
        """Hundreds of apps that come to rest together do not keep the machine busy."""
        self.idle.most = 1000
        apps = self.start(*map(str, range(3 * MOST_TIDIED)))
        self.clock.advance(TIDY_TIME)
        tidied = [sum(app.tidied for app in apps)]
        for _ in range(3):
            self.clock.advance(INTERVAL)
            tidied.append(sum(app.tidied for app in apps))
        self.assertEqual(tidied, [MOST_TIDIED, 2 * MOST_TIDIED, 3 * MOST_TIDIED, 3 * MOST_TIDIED])

    def test_stop(self) -> None:
        """Afterwards nobody is looked at."""
        apps = self.start("a")
        self.short = True
        self.idle.stop()
        self.clock.advance(10 * INTERVAL)
        self.assertEqual(self.evicted(apps), "")
