# -*- test-case-name: tests.system.test_reload -*-
"""
Load on a daemon for as long as a test does something to it; and what the daemon's processes hold meanwhile.
"""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.system.client import Client

__all__ = ["Holdings", "Load", "holdings", "settled"]

#: Makes one request; what is wrong with the answer, or None.
Visit = Callable[[Client], "str | None"]


class Load:
    """
    Keeps connections busy while the context lasts: each sends its next request when it has the last answer.

    Args:
        port: where to.
        visit: makes one request, on any thread.
        connections: how many there are at a time.

    Attributes:
        wrong: what was wrong with answers, or happened to requests.
        done: how many requests have been answered.
    """

    def __init__(self, port: int, visit: Visit, connections: int = 64) -> None:
        self.wrong: list[str] = []
        self.done = 0
        self._port = port
        self._visit = visit
        self._over = threading.Event()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait until so many more requests have been answered, or something went wrong."""
        with self._changed:
            until = self.done + count
            self._changed.wait_for(lambda: self.done >= until or bool(self.wrong), 60)

    def _run(self) -> None:
        client = Client(self._port)
        while not self._over.is_set():
            try:
                problem = self._visit(client)
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
                client.close()
                client = Client(self._port)
            with self._changed:
                self.done += 1
                if problem is not None:
                    self.wrong.append(problem)
                self._changed.notify_all()
        client.close()


class Holdings(NamedTuple):
    """
    What a process and those that it started hold; of all together.
    """

    processes: int
    threads: int
    descriptors: int
    resident: int


def holdings(pid: int) -> Holdings:
    """What the process *pid* and its descendants hold now."""
    pids = [pid, *_descendants(pid)]
    threads = descriptors = resident = 0
    for each in pids:
        folder = Path(f"/proc/{each}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        threads += int(status["Threads"])
        resident += int(status["VmRSS"].split()[0]) * 1024
        descriptors += len(os.listdir(folder / "fd"))
    return Holdings(len(pids), threads, descriptors, resident)


def settled(pid: int, patience: float) -> Holdings:
    """
    What the process *pid* and its descendants hold when that does not change any more: all have started, and nothing
    is being given back.  At the latest after *patience* seconds, what they hold then.
    """
    found = [holdings(pid)]
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        time.sleep(0.1)
        found = [*found[-9:], holdings(pid)]
        resident = [each.resident for each in found]
        steady = max(resident) - min(resident) <= max(resident) // 100
        if len(found) == 10 and steady and len({each.processes for each in found}) == 1:
            break
    return found[-1]


def _descendants(pid: int) -> list[int]:
    # Children belong to the thread that started them: the reactor's.
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(each for child in children for each in _descendants(child))]
