"""
Noticing changes of files: when to look, on a clock; what to look at, and inotify, with real files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase

from nano.apps import watch
from nano.apps.watch import (
    LONGEST,
    POLL_INTERVAL,
    QUIET,
    Debounce,
    Folder,
    NotifierError,
    Snapshot,
    Watch,
    inotify,
    look,
    watched_paths,
)
from nano.config import AppConfig, Config, Origin


class DebounceTests(SynchronousTestCase):
    """
    Once for many events.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.calls: list[float] = []
        self.debounce = Debounce(self.clock, lambda: self.calls.append(self.clock.seconds()))

    def test_once(self) -> None:
        """Events that follow one another closely are one, told of when it is quiet."""
        for _ in range(4):
            self.debounce.poke()
            self.clock.advance(QUIET / 2)
        self.assertEqual(self.calls, [])
        self.clock.advance(QUIET / 2)
        self.assertEqual(self.calls, [QUIET * 2.5])
        self.clock.advance(LONGEST)
        self.assertEqual(len(self.calls), 1)

    def test_without_end(self) -> None:
        """Events that do not end cannot put it off for ever."""
        for _ in range(int(LONGEST / QUIET * 4)):
            self.debounce.poke()
            self.clock.advance(QUIET / 2)
        self.assertEqual(self.calls, [LONGEST, LONGEST * 2])

    def test_cancel(self) -> None:
        """What is forgotten is not told of, and the next event is a new one."""
        self.debounce.cancel()
        self.debounce.poke()
        self.debounce.cancel()
        self.clock.advance(LONGEST)
        self.assertEqual(self.calls, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.debounce.poke()
        self.clock.advance(QUIET)
        self.assertEqual(len(self.calls), 1)


class SnapshotTests(SynchronousTestCase):
    """
    Comparing two looks.
    """

    def test_differs(self) -> None:
        """A file that is other, gone or new is a difference; a path that one of them has never seen is none."""
        seen = Snapshot({"/a": {"/a/x": (1, 2, 3)}, "/gone": {}})
        for files, different in (
            ({"/a/x": (1, 2, 3)}, False),
            ({"/a/x": (2, 2, 3)}, True),
            ({}, True),
            ({"/a/x": (1, 2, 3), "/a/y": (1, 2, 3)}, True),
        ):
            self.assertEqual(Snapshot({"/a": files, "/new": {"/new": (1, 1, 1)}}).differs(seen), different, files)

    def test_remembering(self) -> None:
        """What is known already stays as it was; anything else differs, whatever a look finds."""
        old = Snapshot({"/a": {"/a": (1, 1, 1)}, "/gone": {}})
        new = Snapshot({"/a": {"/a": (1, 1, 1)}, "/new": {}})
        self.assertEqual(new.remembering(old).files.keys(), {"/a", "/new"})
        self.assertTrue(new.differs(new.remembering(old)))
        self.assertFalse(old.differs(new.remembering(old)))


class Files:
    """
    A folder to change.
    """

    def __init__(self, root: str) -> None:
        self.root = Path(root).absolute().resolve()
        self.root.mkdir(parents=True)

    def path(self, name: str) -> str:
        """The path of an entry."""
        return str(self.root / name)

    def write(self, name: str, text: str = "") -> str:
        """Write a file, and return its path."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def swap_link(self, name: str, target: str) -> None:
        """Let a symbolic link lead elsewhere, at once, as deployments do."""
        new = self.path(f"{name}.new")
        os.symlink(target, new)
        os.replace(new, self.path(name))


class LookTests(SynchronousTestCase):
    """
    What is looked at.
    """

    def setUp(self) -> None:
        self.files = Files(self.mktemp())

    def test_paths(self) -> None:
        """The configuration file and all apps; a configuration without a file has but apps."""
        apps = (AppConfig("a", "/apps/a"), AppConfig("b", "/apps/b.js"))
        self.assertEqual(watched_paths(Config(apps=apps)), ("/apps/a", "/apps/b.js"))
        config = Config(apps=apps)
        object.__setattr__(config, "origin", Origin("/etc/app.json", secrets=("/run/secret",)))
        self.assertEqual(watched_paths(config), ("/etc/app.json", "/run/secret", "/apps/a", "/apps/b.js"))

    def test_app_folder(self) -> None:
        """Whatever an app could import, at any depth; nothing hidden, of packages, or of no kind that is known."""
        for name in ("index.js", "lib/deep/data.json", ".nano/x.js", ".hidden.js", "node_modules/p/index.js", "log"):
            self.files.write(f"a/{name}")
        app = self.files.path("a")
        found = look([app])
        self.assertEqual(
            {os.path.relpath(file, app) for file in found.files[app]},
            {"index.js", os.path.join("lib", "deep", "data.json")},
        )
        self.assertEqual(
            {path for path, folder in found.folders.items() if folder.whole},
            {app, self.files.path("a/lib"), self.files.path("a/lib/deep")},
        )

    def test_app_file(self) -> None:
        """An app that is one file may import what lies beside it; a configuration may not."""
        app, beside = self.files.write("a/app.js"), self.files.write("a/other.js")
        config = self.files.write("app.json")
        found = look([app, config])
        self.assertEqual(found.files[app].keys(), {app, beside})
        self.assertEqual(found.files[config].keys(), {config})

    def test_ancestors(self) -> None:
        """In the folders above, only the way down matters."""
        app = self.files.path("a")
        self.files.write("a/index.js")
        folder = look([app]).folders[str(self.files.root)]
        self.assertEqual((folder.names, folder.whole), ({"a"}, False))
        self.assertTrue(folder.concerns("a"))
        self.assertFalse(folder.concerns("b.js"))

    def test_concerns(self) -> None:
        """Events of files that no app can import mean nothing."""
        folder = Folder((1, 1), frozenset({".link"}), True)
        for name, meant in (
            ("a.js", True),
            ("folder", True),
            (".link", True),
            ("a.js.swp", False),
            ("a.js~", False),
            (".a.js.swx", False),
            ("node_modules", False),
            ("twistd.log", False),
        ):
            self.assertEqual(folder.concerns(name), meant, name)

    def test_what_is_not_there(self) -> None:
        """Of a path that leads nowhere, the folder in which it would go on is watched."""
        path = self.files.path("no/such/app")
        found = look([path])
        self.assertEqual(found.files, {path: {}})
        self.assertEqual(found.folders[str(self.files.root)].names, {"no"})
        self.assertNotIn(self.files.path("no"), found.folders)

    def test_links(self) -> None:
        """Links are followed one by one, relative and absolute; each of them may change."""
        self.files.write("releases/1/index.js")
        os.symlink("releases/1", self.files.path("current"))
        os.symlink(self.files.path("current"), self.files.path("site"))
        found = look([self.files.path("site")])
        self.assertEqual(found.files[self.files.path("site")].keys(), {self.files.path("releases/1/index.js")})
        self.assertEqual(found.folders[str(self.files.root)].names, {"site", "current", "releases"})
        self.assertEqual(found.folders[self.files.path("releases")].names, {"1"})

    def test_config_map(self) -> None:
        """A file of a Kubernetes ConfigMap changes by a hidden link beside it."""
        path = self.files.path("app.json")
        self.files.write("..1/app.json", "1")
        self.files.write("..2/app.json", "2")
        os.symlink("..1", self.files.path("..data"))
        os.symlink("..data/app.json", path)
        before = look([path])
        self.assertTrue(before.folders[str(self.files.root)].concerns("..data"))
        self.files.swap_link("..data", "..2")
        self.assertTrue(look([path]).differs(before))

    def test_config_map_of_an_app(self) -> None:
        """A whole folder of files does so as well."""
        app = self.files.path("a")
        for number in "12":
            self.files.write(f"a/..{number}/index.js", number)
        os.symlink("..1", self.files.path("a/..data"))
        os.symlink("..data/index.js", self.files.path("a/index.js"))
        before = look([app])
        self.assertTrue(before.folders[app].concerns("..data"))
        self.assertEqual(before.files[app].keys(), {self.files.path("a/index.js")})
        self.files.swap_link("a/..data", "..2")
        self.assertTrue(look([app]).differs(before))

    def test_links_in_circles(self) -> None:
        """A link that leads to itself leads nowhere."""
        os.symlink("b", self.files.path("a"))
        os.symlink("a", self.files.path("b"))
        self.assertEqual(look([self.files.path("a")]).files, {self.files.path("a"): {}})

    def test_replaced(self) -> None:
        """A file of the same size and time is another one if its inode is."""
        file = self.files.write("a/index.js", "1")
        before = look([self.files.path("a")])
        status = os.stat(file)
        new = self.files.write("a/new", "2")
        os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.replace(new, file)
        self.assertTrue(look([self.files.path("a")]).differs(before))

    def test_too_much(self) -> None:
        """Somebody's home folder is not read to its end: what is near is seen."""
        self.patch(watch, "_MOST_ENTRIES", 3)
        app = self.files.write("index.js")
        for number in range(3):
            self.files.write(f"{number}/deep.js")
        found = look([app])
        self.assertEqual(found.cut, {app})
        self.assertEqual(found.files[app].keys(), {app})


class FakeNotifier:
    """
    Tells what the test wants.
    """

    def __init__(self, folders: Mapping[str, Folder], noticed: Callable[[], None]) -> None:
        self.folders = folders
        self.noticed = noticed
        self.whole = True
        self.closed = False

    def close(self) -> None:
        """Be silent (Notifier)."""
        self.closed = True


class WatchTests(SynchronousTestCase):
    """
    When `changed` is called.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.files = Files(self.mktemp())
        self.file = self.files.write("a/index.js")
        self.paths = [self.files.path("a")]
        self.notifiers: list[FakeNotifier] = []
        self.changes = 0
        self.reloading: Deferred[None] = succeed(None)

    def changed(self) -> Deferred[None]:
        """Called by the watch."""
        self.changes += 1
        return self.reloading

    def notifier(self, folders: Mapping[str, Folder], noticed: Callable[[], None]) -> FakeNotifier:
        """Made for the watch."""
        self.notifiers.append(FakeNotifier(folders, noticed))
        return self.notifiers[-1]

    def no_notifier(self, folders: Mapping[str, Folder], noticed: Callable[[], None]) -> FakeNotifier:
        """There is none."""
        msg = "no space left"
        raise NotifierError(msg)

    def start(self, make_notifier: Any = None) -> Watch:
        """A watch at work."""
        made = Watch(self.clock, lambda: self.paths, self.changed, execute, make_notifier or self.notifier)
        made.startService()
        self.addCleanup(made.stopService)
        return made

    def notice(self) -> None:
        """Something has happened, and it is quiet again."""
        self.notifiers[-1].noticed()
        self.clock.advance(QUIET)

    def test_changed(self) -> None:
        """A change is told once."""
        self.start()
        self.assertEqual(len(self.notifiers), 1)
        self.assertIn(self.files.path("a"), self.notifiers[0].folders)
        self.files.write("a/index.js", "new")
        self.notice()
        self.assertEqual(self.changes, 1)
        self.notice()
        self.assertEqual(self.changes, 1)

    def test_nothing_changed(self) -> None:
        """An event that changes nothing is not told."""
        self.start()
        self.notice()
        self.assertEqual(self.changes, 0)

    def test_while_reloading(self) -> None:
        """What changes during a reload is reloaded after it."""
        self.start()
        self.reloading = Deferred()
        self.files.write("a/index.js", "new")
        self.notice()
        self.files.write("a/index.js", "newer")
        self.notice()
        self.assertEqual(self.changes, 1)
        self.reloading.callback(None)
        self.clock.advance(QUIET)
        self.assertEqual(self.changes, 2)
        self.clock.advance(LONGEST)
        self.assertEqual(self.changes, 2)

    def test_unnoticed_while_reloading(self) -> None:
        """Even if nobody has noticed."""
        self.start()
        self.reloading = Deferred()
        self.files.write("a/index.js", "new")
        self.notice()
        self.files.write("a/index.js", "newer")
        self.reloading.callback(None)
        self.clock.advance(QUIET)
        self.assertEqual(self.changes, 2)

    def test_new_paths(self) -> None:
        """An app that came by a reload is watched from then on, and read once more: it may have changed meanwhile."""
        self.start()
        file = self.files.write("b/index.js")
        self.paths.append(self.files.path("b"))
        self.reloading = Deferred()
        self.files.write("a/index.js", "new")
        self.notice()
        self.paths.append(self.files.path("c"))
        self.files.write("c/index.js")
        self.reloading.callback(None)
        self.assertEqual(self.changes, 1)
        self.assertIn(self.files.path("c"), self.notifiers[-1].folders)
        self.clock.advance(QUIET)
        self.assertEqual(self.changes, 2)
        self.clock.advance(LONGEST)
        self.assertEqual(self.changes, 2)
        os.remove(file)
        self.notice()
        self.assertEqual(self.changes, 3)
        self.assertEqual([each.closed for each in self.notifiers], [True, True, False])

    def test_paths_of_others(self) -> None:
        """An app that came in another way is watched from the next look on, and that is no reason to reload."""
        self.start()
        file = self.files.write("b/index.js")
        self.paths.append(self.files.path("b"))
        self.notice()
        self.assertEqual(self.changes, 0)
        os.remove(file)
        self.notice()
        self.assertEqual(self.changes, 1)

    def test_not_whole(self) -> None:
        """A notifier that has lost a folder is replaced, even by one for the same folders."""
        self.start()
        self.notifiers[0].whole = False
        self.notice()
        self.assertEqual([each.closed for each in self.notifiers], [True, False])
        self.assertEqual(self.notifiers[0].folders, self.notifiers[1].folders)

    def test_polls(self) -> None:
        """Without a notifier it looks every two seconds, and once more when it has found something."""
        with capturedLogs() as events:
            made = self.start(self.no_notifier)
        self.assertTrue(made.polls)
        self.assertEqual(
            [event["log_text"] if "log_text" in event else event["event"] for event in events], ["watch-polls"]
        )
        self.clock.pump([0.5] * 20)
        self.assertEqual(self.changes, 0)
        self.files.write("a/index.js", "new")
        self.clock.advance(POLL_INTERVAL)
        self.assertEqual(self.changes, 0)
        self.clock.advance(QUIET)
        self.assertEqual(self.changes, 1)
        self.clock.pump([0.5] * 20)
        self.assertEqual(self.changes, 1)

    def test_out_of_watches(self) -> None:
        """A notifier that cannot watch as many folders as there are by now leaves it to polling."""
        limit = len(look(self.paths).folders)

        def make(folders: Mapping[str, Folder], noticed: Callable[[], None]) -> FakeNotifier:
            return (self.notifier if len(folders) <= limit else self.no_notifier)(folders, noticed)

        made = self.start(make)
        self.assertFalse(made.polls)
        self.files.write("a/deep/index.js")
        self.notice()
        self.assertTrue(made.polls)
        self.assertTrue(self.notifiers[0].closed)
        self.assertEqual(self.changes, 1)
        self.files.write("a/deep/index.js", "new")
        self.clock.pump([POLL_INTERVAL, QUIET])
        self.assertEqual(self.changes, 2)

    def test_warns_once(self) -> None:
        """That there is too much to look at is said once."""
        self.patch(watch, "_MOST_ENTRIES", 0)
        with capturedLogs() as events:
            self.start()
            self.files.write("a/index.js", "new")
            self.notice()
        self.assertEqual([event["path"] for event in events if event.get("event") == "watch-limit"], self.paths)

    def test_stop(self) -> None:
        """Stopped, it leaves no timer and no notifier, and tells nothing."""
        for make in (self.notifier, self.no_notifier):
            made = self.start(make)
            self.files.write("a/index.js", "new" * (self.changes + 2))
            if make == self.notifier:
                self.notifiers[-1].noticed()
            made.stopService()
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.assertEqual(self.changes, 0)
        self.assertTrue(self.notifiers[0].closed)

    def test_stop_during_reload(self) -> None:
        """A reload that ends after the stop starts nothing any more."""
        made = self.start()
        self.reloading = Deferred()
        self.files.write("a/index.js", "new")
        self.notice()
        made.stopService()
        self.reloading.callback(None)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.notifiers), 1)


class INotifyTests(TestCase):
    """
    The whole with the real reactor, files and inotify.
    """

    timeout = 60

    def setUp(self) -> None:
        self.files = Files(self.mktemp())
        self.files.write("site/index.js")
        self.told: Deferred[None] = Deferred()
        self.watch = Watch(reactor, self.paths, self.changed, deferToThread)

    def paths(self) -> list[str]:
        """What is watched."""
        return [self.files.path("site")]

    def changed(self) -> None:
        """Called by the watch."""
        told, self.told = self.told, Deferred()
        told.callback(None)

    async def start(self) -> None:
        """Start to watch; the first look is over when this returns."""
        try:
            inotify(reactor, {}, lambda: None).close()
        except NotifierError as error:
            self.skipTest(f"no inotify: {error}")
        self.watch.startService()
        self.addCleanup(self.watch.stopService)
        await self.idle()

    async def idle(self) -> None:
        """Until the watch does nothing but wait."""
        while (work := self.watch._work) is not None:
            waiting: Deferred[None] = Deferred()
            work.addCallback(waiting.callback)
            await waiting
        self.assertFalse(self.watch.polls)

    async def after(self, change: Callable[[], object]) -> None:
        """A change is told."""
        told = self.told
        change()
        await told
        await self.idle()

    def test_changes(self) -> Deferred[None]:
        """All that editors and deployments do to files is noticed, each after the other."""

        def replace_file() -> None:
            os.replace(self.files.write("site/index.js.new", "3"), self.files.path("site/index.js"))

        def recreate() -> None:
            shutil.rmtree(self.files.path("site"))
            self.files.write("site/index.js", "6")

        def swap() -> None:
            os.rename(self.files.path("site"), self.files.path("old"))
            self.files.write("site/index.js", "8")

        async def changes() -> None:
            await self.start()
            await self.after(lambda: self.files.write("site/index.js", "2"))
            await self.after(replace_file)
            await self.after(lambda: self.files.write("site/deep/er/new.js", "4"))
            await self.after(lambda: self.files.write("site/deep/er/new.js", "five"))
            await self.after(recreate)
            await self.after(lambda: self.files.write("site/index.js", "seven"))
            await self.after(swap)
            await self.after(lambda: self.files.write("site/index.js", "nine"))
            await self.after(lambda: shutil.rmtree(self.files.root))
            await self.after(lambda: self.files.write("site/index.js", "ten"))

        return Deferred.fromCoroutine(changes())

    def test_links(self) -> Deferred[None]:
        """A link to a release, and what it leads to."""

        async def changes() -> None:
            shutil.rmtree(self.files.path("site"))
            for release in "12":
                self.files.write(f"releases/{release}/index.js", release)
            os.symlink("releases/1", self.files.path("site"))
            await self.start()
            await self.after(lambda: self.files.swap_link("site", "releases/2"))
            await self.after(lambda: self.files.write("releases/2/index.js", "two"))

        return Deferred.fromCoroutine(changes())

    def test_descriptors(self) -> Deferred[None]:
        """However many folders go, no descriptor stays, and none is closed twice."""

        def descriptors() -> list[str]:
            folder = "/proc/self/fd"
            found = [os.path.join(folder, name) for name in os.listdir(folder)]
            return [path for path in found if os.path.islink(path) and "inotify" in os.readlink(path)]

        async def changes() -> None:
            before = len(descriptors())
            await self.start()
            for number in range(3):
                for name in "abc":
                    self.files.write(f"site/{name}/{name}/x.js", str(number))
                await self.after(lambda: self.files.write("site/index.js", "x"))
                await self.after(lambda: shutil.rmtree(self.files.path("site")))
            self.assertEqual(len(descriptors()), before + 1)
            self.watch.stopService()
            # Twisted closes it in the reactor's next turn, in the order of these calls.
            turn: Deferred[None] = Deferred()
            reactor.callLater(0, turn.callback, None)
            await turn
            self.assertEqual(len(descriptors()), before)

        return Deferred.fromCoroutine(changes())
