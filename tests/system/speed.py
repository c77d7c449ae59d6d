# -*- test-case-name: tests.system.test_speed -*-
"""
What a request takes of the processor, told as a multiple of what it takes of a server that does next to nothing.

Neither wall clock nor absolute times are looked at.  The load is the same for both: so many connections all of which
ask, and are answered, before they ask again.  The two take turns in short slices; a neighbour on the machine can only
make a slice dearer, so the cheapest ones count.

`python -m tests.system.speed` prints the figures.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.daemon import Daemon, environment, free_port, wait_until, write_apps

__all__ = ["APP", "cpu_seconds", "measure"]

APP = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    return new Response(`Hello from ${pathname}\\n`);
  },
};
"""

_CONNECTIONS = 32
#: Times that all connections ask in one slice; about a fifth of a second.
_TURNS = 60
_SLICES = 30
#: So many of the cheapest slices count.
_BEST = 6
_REQUEST = (
    b"GET /some/path?with=query HTTP/1.1\r\nHost: app\r\nUser-Agent: speed\r\n"
    b"Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n"
)


def cpu_seconds(pid: int) -> float:
    """
    What all threads of a process and of its children have used, by the scheduler's own account.

    Raises:
        OSError: the system does not tell.
    """
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0]) / 1e9
            total += sum(map(cpu_seconds, map(int, (task / "children").read_text().split())))
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return total


class _Load:
    """Connections to one server, and what their requests took."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._connections = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(_CONNECTIONS)]
        self.slices: list[float] = []

    def turns(self, number: int) -> None:
        for _ in range(number):
            for connection in self._connections:
                connection.sendall(_REQUEST)
            for connection in self._connections:
                _receive(connection)

    def slice(self) -> None:
        before = cpu_seconds(self._pid)
        self.turns(_TURNS)
        self.slices.append((cpu_seconds(self._pid) - before) / (_TURNS * _CONNECTIONS))

    @property
    def cost(self) -> float:
        """Seconds for each request."""
        return sum(sorted(self.slices)[:_BEST]) / _BEST

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def _receive(connection: socket.socket) -> None:
    data = b""
    while True:
        data += connection.recv(65536)
        head, end, body = data.partition(b"\r\n\r\n")
        if not end:
            continue
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(f"answered {head!r}")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) == length:
            return


@contextmanager
def _baseline() -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [sys.executable, "-m", "tests.system.baseline", str(port)]
    with subprocess.Popen(command, env=environment({"PYTHONPATH": os.pathsep.join(sys.path)})) as process:
        try:
            yield process.pid, port
        finally:
            process.terminate()


@contextmanager
def _nano(folder: Path) -> Iterator[tuple[int, int]]:
    write_apps(folder, {"app": APP})
    daemon = Daemon(folder, {"workers": 1, "apps": [{"name": "app", "path": "app"}]})
    try:
        yield daemon.process.pid, daemon.port
    finally:
        daemon.process.terminate()
        daemon.process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def _measured(servers: Iterable[tuple[int, int]]) -> list[float]:
    for _, port in servers:
        wait_until(lambda port=port: _listens(port), "a listener")  # type: ignore[misc]
    loads = [_Load(pid, port) for pid, port in servers]
    for load in loads:
        load.turns(_TURNS)
    for _ in range(_SLICES):
        for load in loads:
            load.slice()
    for load in loads:
        load.close()
    return [load.cost for load in loads]


def measure(folder: Path) -> tuple[float, float]:
    """
    Seconds of processor time that a request takes of nano, and of the baseline.

    Raises:
        OSError: the system does not tell.
    """
    with _nano(folder) as nano, _baseline() as baseline:
        ours, theirs = _measured([nano, baseline])
    return ours, theirs


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        ours, theirs = measure(Path(temporary))
    sys.stdout.write(f"nano {ours * 1e6:.1f} us, baseline {theirs * 1e6:.1f} us, ratio {ours / theirs:.2f}\n")
