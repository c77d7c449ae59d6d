"""
What a request costs, as a number that no neighbour on the machine changes: how many functions of ours it calls.

Seconds say something of a machine, and ratios of seconds still something of its load.  The calls of a request that
comes alone are the same wherever it is served, so that a function which sneaks into the hot path is seen at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import FrameType

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import TestCase

import nano
from nano.config import load_config
from nano.service import NanoService
from tests.system.daemon import free_port, write_apps

APP = "export default { fetch: (request) => new Response(`hello ${new URL(request.url).pathname}\\n`) }"
REQUEST = b"GET /there HTTP/1.1\r\nHost: app\r\n\r\n"
#: How many a request makes; lower it when the hot path becomes shorter, so that the guard stays close.
CALLS = 104
#: So much more is let through: the timers of the service are counted as well.
ROOM = 1.1
REQUESTS = 300


class Client(Protocol):
    """Sends one request after the other."""

    def __init__(self) -> None:
        self._data = b""
        self._answered: Deferred[None] | None = None
        self.lost: Deferred[None] = Deferred()

    def ask(self) -> Deferred[None]:
        """Fires when the request is answered."""
        self._data, self._answered = b"", Deferred()
        assert self.transport is not None
        self.transport.write(REQUEST)
        return self._answered

    def dataReceived(self, data: bytes) -> None:
        """A part of an answer (IProtocol)."""
        self._data += data
        if self._data.endswith(b"\r\n\r\nhello /there\n") and self._answered is not None:
            answered, self._answered = self._answered, None
            answered.callback(None)

    def connectionLost(self, reason: object = None) -> None:
        """The end (IProtocol)."""
        self.lost.callback(None)


class Calls:
    """Counts the calls of nano's functions on this thread, between `start` and `stop`."""

    def __init__(self) -> None:
        self.count = 0
        self._folder = os.path.dirname(nano.__file__) + os.sep

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(self._folder):
            self.count += 1

    def start(self) -> None:
        """Begin."""
        sys.setprofile(self._profile)

    def stop(self) -> None:
        """End."""
        sys.setprofile(None)


class HotPathTests(TestCase):
    """Hello through all of nano, with limits, metrics and the access log as they are by default."""

    timeout = 120

    async def service(self) -> int:
        """Serve the app; the port."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        write_apps(folder, {"app": APP})
        port = free_port()
        config = {"port": port, "interface": "127.0.0.1", "workers": 0, "apps": [{"name": "app", "path": "app"}]}
        (folder / "app.json").write_text(json.dumps(config))
        service = NanoService(load_config(str(folder / "app.json")), reactor=reactor)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(service.stopService)
        await service.when_ready()
        return port

    async def test_calls(self) -> None:
        """A request calls no more functions than it did."""
        client = Client()
        await connectProtocol(HostnameEndpoint(reactor, "127.0.0.1", await self.service()), client)
        for _ in range(50):
            await client.ask()
        calls = Calls()
        self.addCleanup(calls.stop)
        calls.start()
        for _ in range(REQUESTS):
            await client.ask()
        calls.stop()
        assert client.transport is not None
        client.transport.loseConnection()
        await client.lost
        each = calls.count / REQUESTS
        told = f"a request calls {each:.1f} functions of nano, and did {CALLS}; see `python -m benchmarks flames`"
        self.assertLess(each, CALLS * ROOM, told)
        # Far less would be a guard that guards nothing.
        self.assertGreater(each, CALLS / 2)
