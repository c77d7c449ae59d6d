# -*- test-case-name: tests.supervisor.test_operations -*-
"""
A change of apps in several workers: in each app's case everywhere or nowhere.

Every worker loads the new versions beside the old ones.  One goes first, alone: code that aborts the process then
costs one worker and not all.  An app that failed to load in any worker, or that brought one down, keeps its old
version in all of them.  The others take the code that the first one has read (nano.apps.served); where it could not be
kept for them they read the files, and an app whose workers have read different ones stays what it was, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from nano.config import AppConfig
from nano.supervisor import control
from nano.supervisor.process import WorkerGoneError, WorkerProcess, WorkerState

__all__ = ["Prepared", "abandon", "commit", "merged", "prepare"]

_DIED = "it brought down the worker that loaded it"
#: Endings that have nothing to do with what the worker was loading.
_HARMLESS = ("drained", "exit", "signal")
_DIFFERENT = "its files changed while the workers read them"


@dataclass(frozen=True)
class Prepared:
    """
    A change that all workers are prepared for.

    Attributes:
        workers: all of them.
        apps: configurations of what was proposed, without what brought down a worker and has no old version.
        fresh: apps with a new version, and that.
        failed: apps whose new version cannot be served, and why.
    """

    workers: Sequence[WorkerProcess]
    apps: tuple[AppConfig, ...]
    fresh: Mapping[str, str]
    failed: Mapping[str, str]


def merged(reports: Iterable[Mapping[str, Mapping[str, Any]]]) -> tuple[dict[str, str], dict[str, str]]:
    """
    What the reports of all workers come to: the new versions, and what failed, both by app.
    """
    fresh: dict[str, str] = {}
    failed: dict[str, str] = {}
    versions: dict[str, str] = {}
    for report in reports:
        for name, told in report.items():
            version = str(told.get("version"))
            if told.get("error") is not None:
                failed.setdefault(name, str(told["error"]))
            elif versions.setdefault(name, version) != version:
                failed.setdefault(name, _DIFFERENT)
            if told.get("fresh"):
                fresh[name] = version
    return {name: version for name, version in fresh.items() if name not in failed}, failed


async def prepare(
    workers: Sequence[WorkerProcess],
    apps: tuple[AppConfig, ...],
    keep: frozenset[str],
    served: frozenset[str],
    versions: Mapping[str, str] = MappingProxyType({}),
) -> Prepared:
    """
    Prepare all workers.  Whoever gets the result must `commit` or `abandon` it.

    Args:
        workers: those that are READY, at least one.
        apps: all that shall be served.
        keep: those of them that stay as they are.
        served: names of what is served now.
        versions: of apps that are not to be what lies on disk.

    Raises:
        WorkerGoneError: when workers die of it, and nobody knows which app to leave out.
    """
    failed: dict[str, str] = {}
    while True:
        workers = [worker for worker in workers if worker.state is WorkerState.READY]
        if not workers:
            msg = "no worker is left that could load the apps"
            raise WorkerGoneError(msg)
        try:
            first = await _prepare_one(workers[0], control.Proposal(apps, keep, dict(versions)))
            reports = [first]
            # What has failed once has failed everywhere: there is no need to let the others try it.
            _, failed_once = merged(reports)
            # The others take what the first one has read, whatever lies on disk by now.
            read = {name: str(told.get("version", "")) for name, told in first.items() if name not in failed_once}
            proposal = control.Proposal(apps, keep | (failed_once.keys() & served), read)
            reports += await _all_of([_prepare_one(worker, proposal) for worker in workers[1:]])
        except WorkerGoneError:
            await abandon(workers)
            suspects, explained = await _autopsy(workers)
            suspects = suspects & {app.name for app in apps} - keep
            if not (suspects or explained):
                raise
            failed.update(dict.fromkeys(suspects, _DIED))
            keep |= suspects & served
            apps = tuple(app for app in apps if app.name in keep or app.name not in suspects)
        else:
            fresh, failed_to_load = merged(reports)
            return Prepared(workers, apps, fresh, {**failed_to_load, **failed})


def _prepare_one(worker: WorkerProcess, proposal: control.Proposal) -> Deferred[Mapping[str, Any]]:
    worker.preparing = True
    worker.app_names.update(app.name for app in proposal.apps)

    def prepared(answer: Mapping[str, Any]) -> Mapping[str, Any]:
        worker.preparing = False
        apps: Mapping[str, Any] = answer["apps"]
        return apps

    return worker.ask(control.Prepare, proposal=proposal).addCallback(prepared)


async def _all_of(asked: Sequence[Deferred[Any]]) -> list[Any]:
    """All results; the first failure, but not before the others have ended."""
    failures: list[BaseException] = []

    def note(failure: Failure) -> None:
        if failure.value is not None:
            failures.append(failure.value)

    results = await gatherResults([each.addErrback(note) for each in asked])
    if failures:
        raise failures[0]
    return list(results)


async def _autopsy(workers: Sequence[WorkerProcess]) -> tuple[set[str], bool]:
    """
    What those of *workers* that are gone died of: the apps to blame, and whether all others died of something else.
    """
    suspects: set[str] = set()
    explained = True
    for worker in workers:
        if worker.preparing:
            await worker.when_gone()
            worst = worker.worst_suspect()
            if worst is not None:
                suspects.add(worst)
            elif worker.ending is None or worker.ending.reason not in _HARMLESS:
                explained = False
    return suspects, explained


async def abandon(workers: Sequence[WorkerProcess]) -> None:
    """Have *workers* give up what they are prepared for."""
    await _tell(workers, control.Abandon)


async def commit(prepared: Prepared, keep: Iterable[str]) -> None:
    """Have all workers switch, but for the apps in *keep*; they have when this returns."""
    await _tell(prepared.workers, control.Commit, keep=sorted(keep))


async def _tell(workers: Sequence[WorkerProcess], command: Any, **arguments: Any) -> None:
    await gatherResults([worker.ask(command, **arguments).addErrback(_gone) for worker in workers])


def _gone(failure: Failure) -> None:
    failure.trap(WorkerGoneError)
