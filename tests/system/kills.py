# -*- test-case-name: tests.system.test_workers -*-
"""
Workers that are killed under load, and what becomes of each request.

Which connections a worker has accepted is read from /proc while it is stopped, so that a request which fails can be
told from one that had to.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.system.client import Client
from tests.system.daemon import Daemon, wait_until

__all__ = ["Fate", "accepted", "kill_under_load", "workers"]

#: How long each connection rests between two requests, in seconds.
_PAUSE = 0.02


@dataclass
class Fate:
    """
    What became of the requests.

    Attributes:
        answered: how many were answered as they should be.
        cut: how many were cut on connections that a dead worker had accepted.
        refused: how many connections were refused.
        lost: what happened to requests on other connections.
        wrong: answers that are not what they should be.
        takeovers: seconds from each death until the next worker was ready.
    """

    answered: int = 0
    cut: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    takeovers: list[float] = field(default_factory=list)


def workers(daemon: Daemon) -> dict[str, tuple[int, float]]:
    """Process id of each worker by its number, and when it was ready (Unix time)."""
    ready = (record for record in daemon.records() if record.get("event") == "worker-ready")
    return {
        str(record["worker"]): (int(record["pid"]), datetime.fromisoformat(_iso(record["ts"])).timestamp())
        for record in ready
    }


def _iso(text: str) -> str:
    return text.replace("Z", "+00:00")


def accepted(pid: int, port: int) -> set[int]:
    """The clients' ports of the connections to *port* that a process has accepted."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = os.readlink(entry)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(line[2][9:], 16) for line in lines if int(line[1][9:], 16) == port and line[9] in inodes}


class _Clients:
    """Connections that ask apps in turn, each on a thread of its own."""

    def __init__(self, port: int, apps: Sequence[str], count: int) -> None:
        self.fate = Fate()
        self.doomed: set[int] = set()
        self._failed: list[tuple[int, str]] = []
        self._port = port
        self._apps = apps
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        client = Client(self._port)
        while not self._over.wait(_PAUSE):
            number += 1
            if not self._ask(client, self._apps[number % len(self._apps)]):
                client.close()
                client = Client(self._port)
        client.close()

    def _ask(self, client: Client, app: str) -> bool:
        try:
            answer = client.fetch(app)
        except ConnectionRefusedError:
            with self._lock:
                self.fate.refused += 1
            return False
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self._failed.append((client.local_port, repr(error)))
            return False
        with self._lock:
            if answer.status == 200 and answer.text == app:
                self.fate.answered += 1
            else:
                self.fate.wrong.append(repr(answer))
        return True

    def stop(self) -> Fate:
        """End the load, and judge what has failed."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for port, error in self._failed:
            if port in self.doomed:
                self.fate.cut += 1
            else:
                self.fate.lost.append(error)
        return self.fate


def kill_under_load(
    daemon: Daemon, apps: Sequence[str], connections: int = 64, kills: int = 3, interval: float = 0.0
) -> Fate:
    """
    Keep *connections* busy, and kill one worker after the other.

    Args:
        daemon: with workers; its apps answer their own names.
        apps: their names.
        connections: how many there are at a time.
        kills: how many workers are killed.
        interval: seconds between two deaths; the next comes when the worker was replaced, at the earliest.
    """
    clients = _Clients(daemon.port, apps, connections)
    try:
        for number in range(kills):
            began = time.monotonic()
            _some_answers(clients.fate, connections)
            clients.fate.takeovers.append(_kill(daemon, clients, str(number % 2 + 1)))
            time.sleep(max(0.0, interval - (time.monotonic() - began)))
        _some_answers(clients.fate, connections)
    finally:
        clients.stop()
    return clients.fate


def _some_answers(fate: Fate, count: int) -> None:
    enough = fate.answered + count
    wait_until(lambda: fate.answered >= enough, "answers")


def _kill(daemon: Daemon, clients: _Clients, number: str) -> float:
    """Kill a worker; returns how long it took until another was ready."""
    daemon.until(lambda: number in workers(daemon), "all workers")
    victim, _ = workers(daemon)[number]
    os.kill(victim, signal.SIGSTOP)
    stat = Path(f"/proc/{victim}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the worker to stop")
    clients.doomed |= accepted(victim, daemon.port)
    died = time.time()
    os.kill(victim, signal.SIGKILL)
    daemon.until(lambda: workers(daemon)[number][0] != victim, "another worker")
    return workers(daemon)[number][1] - died
