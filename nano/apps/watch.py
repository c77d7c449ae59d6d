# -*- test-case-name: tests.apps.test_watch -*-
"""
Notices that the configuration file or the files of an app have changed.

What decides is how the files look: two looks at modification time, size and inode of all that matters are compared.
inotify only says when it is time to look again, so that events which get lost, come twice or mean nothing do no harm;
where there is no inotify, or it has no watches left, a look every two seconds does as well.

    an event ──> quiet for half a second ──> look ──> different? ──> `changed`, and look again when that is over

A look goes the way the system goes to a file: through each folder and each symbolic link.  So a file that an editor
replaces, a folder that comes back, and a link that leads to a new release (or, in Kubernetes, to a new ConfigMap) are
all seen.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorFDSet, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.filepath import FilePath

from nano.apps.app_folder import KINDS
from nano.config import Config

__all__ = [
    "POLL_INTERVAL",
    "QUIET",
    "Debounce",
    "Folder",
    "Notifier",
    "NotifierError",
    "Snapshot",
    "Watch",
    "inotify",
    "look",
    "watched_paths",
]

#: How long nothing must happen before a change counts as whole, in seconds; and the longest that this may take.
QUIET, LONGEST = 0.5, 5.0
#: Seconds between two looks, where nobody tells when to look.
POLL_INTERVAL = 2.0
#: So many files and folders of one app are looked at.
_MOST_ENTRIES = 20_000
#: So many symbolic links may stand for one path; Linux has the same bound.
_MOST_LINKS = 40
#: How often to look again at once, as long as new folders are found.
_MOST_LOOKS = 10

#: Modification time, size and inode.
Stamp = tuple[int, int, int]
#: In place of the files below a path at which nobody has looked yet.
_NEVER_SEEN: Mapping[str, Stamp] = {"": (0, 0, 0)}


def watched_paths(config: Config) -> tuple[str, ...]:
    """What *config* was made of: its file, if it came from one, the secrets that it names, and the apps."""
    file = (config.origin.file,) if config.origin.file else ()
    return (*file, *config.origin.secrets, *(app.path for app in config.apps))


# --- what to look at --------------------------------------------------------------------------


@dataclass(frozen=True)
class Folder:
    """
    A folder in which something may happen that matters.

    Attributes:
        identity: device and inode: another folder may take its name.
        names: entries that matter.
        whole: whether all files that an app could import matter, and its folders.
    """

    identity: tuple[int, int]
    names: frozenset[str] = frozenset()
    whole: bool = False

    def concerns(self, name: str) -> bool:
        """Whether it matters what happens to an entry."""
        return name in self.names or (self.whole and _could_matter(name))


@dataclass(frozen=True)
class Snapshot:
    """
    How everything looked at one time.

    Attributes:
        files: the stamps of all files below a path, by that path.
        folders: where to wait for changes, by their real paths.
        cut: paths below which there is too much to look at all of it.
    """

    files: Mapping[str, Mapping[str, Stamp]] = field(default_factory=dict)
    folders: Mapping[str, Folder] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()

    def differs(self, other: Snapshot) -> bool:
        """Whether something has changed below a path that both know."""
        return any(other.files.get(path, stamps) != stamps for path, stamps in self.files.items())

    def remembering(self, other: Snapshot) -> Snapshot:
        """The same paths, with files as the other knows them; what it does not know differs from any look."""
        return replace(self, files={path: other.files.get(path, _NEVER_SEEN) for path in self.files})


def _could_matter(name: str) -> bool:
    """Whether an app may consist of an entry of its folder; what has no suffix may be a folder."""
    if name.startswith(".") or name == "node_modules":
        return False
    suffix = os.path.splitext(name)[1]
    return not suffix or suffix in KINDS


def look(paths: Iterable[str]) -> Snapshot:
    """
    How the files and folders in *paths* look now.  It blocks.
    """
    looking = _Look()
    files = {path: looking.at(path) for path in paths}
    return Snapshot(files, looking.folders, frozenset(looking.cut))


class _Look:
    """One look: collects the folders that it passes."""

    def __init__(self) -> None:
        self.folders: dict[str, Folder] = {}
        self.cut: set[str] = set()

    def at(self, path: str) -> dict[str, Stamp]:
        """The stamps of all files that *path* stands for: of itself, or of an app."""
        real = self._follow(path)
        if real is None:
            return {}
        if os.path.isdir(real):
            return self._below(real, path)
        stamps = dict(_stamped(real))
        if KINDS.get(os.path.splitext(real)[1]) == "module":
            # An app that is one file may import what lies around it.
            stamps |= self._below(os.path.dirname(real), path)
        return stamps

    def _follow(self, path: str) -> str | None:
        """The real path, and watch each step of the way; None if it leads nowhere."""
        waiting, at = deque(path.split(os.sep)), os.sep
        links = 0
        while waiting:
            name = waiting.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                at = os.path.dirname(at)
                continue
            self._pass(at, name)
            step = os.path.join(at, name)
            try:
                target = os.readlink(step) if os.path.islink(step) else None
            except OSError:
                return None
            if target is None:
                at = step
                continue
            links += 1
            if links > _MOST_LINKS:
                return None
            waiting.extendleft(reversed(target.split(os.sep)))
            at = os.sep if target.startswith(os.sep) else at
        return at if os.path.exists(at) else None

    def _pass(self, folder: str, *names: str, whole: bool = False) -> None:
        known = self.folders.get(folder)
        if known is None:
            try:
                status = os.stat(folder)
            except OSError:
                return
            if not stat.S_ISDIR(status.st_mode) or not os.access(folder, os.R_OK):
                return
            known = Folder((status.st_dev, status.st_ino))
        self.folders[folder] = Folder(known.identity, known.names | set(names), known.whole or whole)

    def _below(self, root: str, path: str) -> dict[str, Stamp]:
        """The stamps of all files of an app, nearest first if there are too many."""
        stamps: dict[str, Stamp] = {}
        waiting, seen = deque([root]), 0
        while waiting:
            folder = waiting.popleft()
            self._pass(folder, whole=True)
            folders, files, entries = _entries(folder)
            seen += entries
            for file in files:
                if os.path.islink(file):
                    self._follow(file)
                stamps.update(_stamped(file))
            if seen > _MOST_ENTRIES:
                self.cut.add(path)
                break
            waiting.extend(folders)
        return stamps


def _entries(folder: str) -> tuple[list[str], list[str], int]:
    """Folders and files in a folder that may matter, and how many entries it has in all."""
    folders: list[str] = []
    files: list[str] = []
    count = 0
    try:
        with os.scandir(folder) as found:
            for entry in found:
                count += 1
                if entry.name.startswith(".") or entry.name == "node_modules":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif os.path.splitext(entry.name)[1] in KINDS:
                    files.append(entry.path)
    except OSError:
        pass  # It is gone, or not for us: so are its files.
    return folders, files, count


def _stamped(file: str) -> Iterator[tuple[str, Stamp]]:
    """A file with its stamp, if it is there."""
    try:
        status = os.stat(file)
    except OSError:
        return
    yield file, (status.st_mtime_ns, status.st_size, status.st_ino)


# --- when to look -----------------------------------------------------------------------------


class Debounce:
    """
    Calls something once after any number of `poke`s, when it has been quiet for a while.

    Args:
        clock: tells the time.
        action: is called.
        quiet: how long there must be no further poke, in seconds.
        longest: how long after the first poke it is called all the same, in seconds.
    """

    def __init__(
        self, clock: IReactorTime, action: Callable[[], object], quiet: float = QUIET, longest: float = LONGEST
    ) -> None:
        self._clock = clock
        self._action = action
        self._quiet = quiet
        self._longest = longest
        self._first = 0.0
        self._call: IDelayedCall | None = None

    def poke(self) -> None:
        """Something has happened."""
        now = self._clock.seconds()
        if self._call is None:
            self._first = now
            self._call = self._clock.callLater(self._quiet, self._fire)
        else:
            self._call.reset(max(0.0, min(self._quiet, self._first + self._longest - now)))

    def cancel(self) -> None:
        """Forget what has happened."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _fire(self) -> None:
        self._call = None
        self._action()


class NotifierError(Exception):
    """The system cannot watch so many folders, or none at all."""


class Notifier(Protocol):
    """Tells when something happens in folders; made with what to call then."""

    @property
    def whole(self) -> bool:
        """Whether it still sees everything that happens in its folders."""

    def close(self) -> None:
        """Be silent from now on."""


#: Makes a notifier for folders by their paths, or raises `NotifierError`.
MakeNotifier = Callable[[Mapping[str, Folder], Callable[[], None]], Notifier]


def inotify(reactor: Any, folders: Mapping[str, Folder], noticed: Callable[[], None]) -> Notifier:
    """
    A notifier by Linux's inotify.

    Raises:
        NotifierError: there is none, or it has no watches left.
    """
    if not IReactorFDSet.providedBy(reactor):
        msg = "the reactor has no file descriptors"
        raise NotifierError(msg)
    try:
        from twisted.internet.inotify import INotifyError
    except ImportError as error:
        raise NotifierError(str(error)) from error
    try:
        notifier = _INotifier(reactor, noticed)
    except INotifyError as error:
        raise NotifierError(str(error)) from error
    try:
        for path, folder in folders.items():
            notifier.watch(path, folder)
    except NotifierError:
        notifier.close()
        raise
    return notifier


class _INotifier:
    """
    One inotify descriptor, for a set of folders that does not change.

    Twisted's INotify confuses folders that have changed their names, and closes itself when one is deleted: once that
    has happened this is not `whole` any more, and another takes its place.
    """

    def __init__(self, reactor: Any, noticed: Callable[[], None]) -> None:
        from twisted.internet import inotify as events

        self.whole = True
        self._events = events
        self._gone = events.IN_DELETE_SELF | events.IN_MOVE_SELF | events.IN_UNMOUNT | events.IN_IGNORED
        self._mask = (
            events.IN_CREATE
            | events.IN_CLOSE_WRITE
            | events.IN_ATTRIB
            | events.IN_DELETE
            | events.IN_MOVED_FROM
            | events.IN_MOVED_TO
            | events.IN_MOVE_SELF
            | events.IN_ONLYDIR
        )
        self._noticed = noticed
        self._inotify = events.INotify(reactor)
        self._inotify.startReading()

    def watch(self, path: str, folder: Folder) -> None:
        """
        Wait for what concerns *folder*.

        Raises:
            NotifierError: there are no watches left.
        """
        try:
            self._inotify.watch(FilePath(path), self._mask, callbacks=[partial(self._happened, folder)])
        except self._events.INotifyError as error:
            if os.path.isdir(path) and os.access(path, os.R_OK):
                raise NotifierError(str(error)) from error
            self.whole = False  # It has gone since the look.

    def _happened(self, folder: Folder, watch: Any, path: FilePath[bytes], mask: int) -> None:
        if mask & self._gone:
            self.whole = False
            # More than one folder may be gone; closing twice would close somebody else's descriptor.
            self.close()
        elif path == watch.path or not folder.concerns(os.fsdecode(path.basename())):
            return
        self._noticed()

    def close(self) -> None:
        """Be silent from now on (Notifier)."""
        self._inotify.loseConnection()
        self._inotify.disconnecting = True


# --- both together ----------------------------------------------------------------------------


class Watch(Service):
    """
    Calls *changed* when something that is served has changed on disk.

    Args:
        reactor: the time, and file descriptors for inotify.
        paths: what to watch; asked at each look.
        changed: reloads; the next look waits for its Deferred, which must not fail.
        in_thread: runs a blocking function elsewhere.
        make_notifier: tells when to look; by default inotify, if there is one.

    Attributes:
        polls: whether it looks every two seconds, as nobody tells when to.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        paths: Callable[[], Iterable[str]],
        changed: Callable[[], object],
        in_thread: Callable[..., Deferred[Any]],
        make_notifier: MakeNotifier | None = None,
    ) -> None:
        self.polls = False
        self._paths = paths
        self._changed = changed
        self._in_thread = in_thread
        self._make_notifier = partial(inotify, reactor) if make_notifier is None else make_notifier
        self._notifier: Notifier | None = None
        self._covered: Mapping[str, Folder] = {}
        self._seen = Snapshot()
        self._warned: frozenset[str] = frozenset()
        self._debounce = Debounce(reactor, self._settled)
        self._polling = LoopingCall(self._poll)
        self._polling.clock = reactor
        self._work: Deferred[None] | None = None
        self._again = False

    # IService.

    def startService(self) -> None:
        """Take a first look: what differs from it later has changed."""
        super().startService()
        self._begin(self._first_look)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        self._debounce.cancel()
        if self._polling.running:
            self._polling.stop()
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None

    # One thing at a time.

    def _begin(self, work: Callable[[], Any]) -> None:
        """Run a coroutine function; what is noticed meanwhile is looked at afterwards."""
        working: Deferred[None] = Deferred.fromCoroutine(work())
        self._work = working
        working.addErrback(lambda failure: self._log.failure("changes of files cannot be noticed", failure))
        working.addCallback(self._rest)

    def _rest(self, _result: object) -> None:
        self._work = None
        again, self._again = self._again, False
        if again and self.running:
            self._debounce.poke()

    def _settled(self) -> None:
        if self._work is not None:
            self._again = True
        else:
            self._begin(self._check)

    def _poll(self) -> None:
        if self._work is None:
            self._begin(self._glance)

    # What is done.

    async def _first_look(self) -> None:
        self._seen = await self._look()

    async def _glance(self) -> None:
        """Whoever polls looks twice: what is different now may not be whole yet."""
        if (await self._look()).differs(self._seen):
            self._again = True

    async def _check(self) -> None:
        """Look, and if something is different, tell."""
        found = await self._look()
        if self.running and found.differs(self._seen):
            self._log.debug("files have changed", event="files-changed")
            await maybeDeferred(self._changed)
            # Files may have changed after they were read; of apps that have just come nobody can tell, so that they are
            # read once more.
            later = await self._look()
            found = later.remembering(found)
            self._again = self._again or later.differs(found)
        self._seen = found

    async def _look(self) -> Snapshot:
        """How everything looks; from before that on, the notifier sees what happens."""
        for _ in range(_MOST_LOOKS):
            found: Snapshot = await self._in_thread(look, tuple(self._paths()))
            if not self.running or self.polls or self._covers(found.folders):
                break
            self._cover(found.folders)
        for path in sorted(found.cut - self._warned):
            self._log.warn(
                "there are more than {count} files around {path}: changes deep below are not noticed",
                count=_MOST_ENTRIES,
                path=path,
                event="watch-limit",
            )
        self._warned = found.cut
        return found

    def _covers(self, folders: Mapping[str, Folder]) -> bool:
        return self._notifier is not None and self._notifier.whole and self._covered == folders

    def _cover(self, folders: Mapping[str, Folder]) -> None:
        """Wait for what happens in *folders*, and nowhere else."""
        old, self._notifier = self._notifier, None
        try:
            self._notifier = self._make_notifier(folders, self._debounce.poke)
            self._covered = folders
        except NotifierError as error:
            self._log.info(
                "files are looked at every {interval:g} s: {reason}",
                interval=POLL_INTERVAL,
                reason=str(error),
                event="watch-polls",
            )
            self.polls = True
            self._polling.start(POLL_INTERVAL, now=False)
        if old is not None:
            old.close()
