"""
Real servers with real workers, and a client that does one request per connection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from nano.config import Config, parse_config, real_surroundings
from nano.supervisor.supervisor import Supervisor

__all__ = ["ABORT", "Answer", "SupervisorTests", "alive", "fetch", "until"]

reactor: Any = global_reactor

#: One line that makes V8 abort the process.
ABORT = 'export default { async fetch() { await 1; return new Response("a".repeat(5e8).split("").length) } }'


class Answer:
    """
    What a server has answered.

    Attributes:
        status: 0 for none.
        headers: names in lower case.
        body: so far.
        whole: whether the connection was closed in order.
    """

    def __init__(self, data: bytes, whole: bool) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first else 0
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        self.whole = whole


class _Client(Protocol):
    def __init__(self, request: bytes) -> None:
        self._request = request
        self._data = b""
        self.answered: Deferred[Answer] = Deferred()

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        """Keep."""
        self._data += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All is said."""
        self.answered.callback(Answer(self._data, bool(reason.check(ConnectionDone))))


async def fetch(endpoint: str, host: str = "app", path: str = "/") -> Answer:
    """
    One request on a connection of its own; *endpoint* is a client endpoint string.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    client: _Client = await connectProtocol(clientFromString(reactor, endpoint), _Client(request))
    return await client.answered


async def until(condition: Callable[[], Any], what: str, patience: float = 30.0) -> None:
    """Wait for a condition; patience is there to end a test that fails."""
    deadline = reactor.seconds() + patience
    while not condition():
        if reactor.seconds() > deadline:
            raise AssertionError(f"in {patience:g} s it did not happen: {what}")
        await deferLater(reactor, 0.02)


def alive(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class SupervisorTests(TestCase):
    """
    Tests with a supervisor in this process, and real workers.

    Attributes:
        folder: where apps and configuration are.
    """

    timeout = 120

    def setUp(self) -> None:
        """Make a folder for the test."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def write_app(self, name: str, source: str) -> dict[str, Any]:
        """Write an app; returns its configuration."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        (path / "index.js").write_text(source)
        return {"name": name, "path": str(path)}

    def says(self, name: str, text: str) -> dict[str, Any]:
        """Write an app that answers with a text."""
        return self.write_app(name, f"export default {{ fetch() {{ return new Response({json.dumps(text)}) }} }}")

    def configuration(self, *apps: Mapping[str, Any], **keys: Any) -> Config:
        """A configuration of these apps."""
        raw = {
            "listen": ["tcp:0:interface=127.0.0.1"],
            "workers": 2,
            "apps": apps,
            "log": {"level": "critical", "access": False},
            "drain_timeout_ms": 10000,
            "state_dir": str(self.folder / "state"),
            **keys,
        }
        return parse_config(json.dumps(raw), real_surroundings(str(self.folder), {}))

    async def serve(self, config: Config, **options: Any) -> Supervisor:
        """A supervisor whose workers are all ready; it is stopped when the test ends."""
        supervisor = Supervisor(config, reactor, **options)
        supervisor.privilegedStartService()
        self.addCleanup(self.stop, supervisor)
        supervisor.startService()
        await until(lambda: supervisor.ready, "the workers are ready")
        return supervisor

    async def stop(self, supervisor: Supervisor) -> None:
        """Stop a supervisor; nothing of it is left."""
        processes = supervisor.processes
        if not supervisor.draining:
            await supervisor.stopService()
        self.assertEqual([worker.pid for worker in processes if alive(worker.pid)], [])

    def endpoint(self, supervisor: Supervisor) -> str:
        """The client endpoint of its first socket."""
        address = supervisor.addresses[0]
        if address.startswith(os.sep):
            return f"unix:{address}"
        return f"tcp:host=127.0.0.1:port={address.rpartition(':')[2]}"
