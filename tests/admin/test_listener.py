"""
The admin listener and the server it stands beside.
"""

from __future__ import annotations

from typing import Any

import treq
from twisted.application.service import Service
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool

from nano.admin.listener import Administered
from nano.config import AdminConfig, Secret
from tests.admin.test_api import FakeControl

# mypy takes the reactor for its least interface.
reactor: Any = _reactor


class FakeServer(Service):
    """A server that drains until the test says that it has."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.drained: Deferred[None] = Deferred()
        self.gave_up = "no reason"

    def privilegedStartService(self) -> None:
        """Noted (IService)."""
        self.calls.append("open")

    def startService(self) -> None:
        """Noted (IService)."""
        super().startService()
        self.calls.append("start")

    def stopService(self) -> Deferred[None]:
        """Noted (IService)."""
        self.calls.append("stop")
        return self.drained


class AdministeredTests(TestCase):
    async def test_life(self) -> None:
        """The listener answers until the server has drained, and not longer."""
        server, control = FakeServer(), FakeControl()
        path = self.mktemp()
        self.assertLess(len(path), 100, "too long for a socket")
        service = Administered(server, control, AdminConfig(f"unix:{path}"), reactor)
        self.assertEqual(service.gave_up, "no reason")
        service.privilegedStartService()
        service.startService()
        self.assertEqual(server.calls, ["open", "start"])
        self.assertEqual(await self.ready(path), 200)

        control.draining = True
        stopped = service.stopService()
        self.assertEqual(server.calls, ["open", "start", "stop"])
        self.assertEqual(await self.ready(path), 503)
        self.assertNoResult(stopped)
        server.drained.callback(None)
        await stopped
        self.assertFalse(service.running)
        self.assertRaises(FileNotFoundError, open, path)

    async def ready(self, path: str) -> int:
        """The status of /readyz."""
        from twisted.internet.endpoints import UNIXClientEndpoint
        from twisted.web.iweb import IAgentEndpointFactory
        from zope.interface import implementer

        @implementer(IAgentEndpointFactory)
        class Unix:
            def endpointForURI(self, uri: object) -> UNIXClientEndpoint:
                return UNIXClientEndpoint(reactor, path)

        pool = HTTPConnectionPool(reactor, persistent=False)
        agent = Agent.usingEndpointFactory(reactor, Unix(), pool)
        response = await treq.get("http://admin/readyz", agent=agent)
        await response.content()
        return int(response.code)

    async def test_stop_fails(self) -> None:
        """A server that fails to stop does not keep the listener open."""
        server = FakeServer()
        path = self.mktemp()
        service = Administered(server, FakeControl(), AdminConfig(f"unix:{path}", Secret("token")), reactor)
        service.privilegedStartService()
        service.startService()
        server.drained.errback(RuntimeError("stuck"))
        await service.stopService()
        self.assertRaises(FileNotFoundError, open, path)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_no_listener(self) -> None:
        """Without a configuration there is none."""
        server = FakeServer()
        service = Administered(server, FakeControl(), None, reactor)
        self.assertEqual(list(service), [server])
        service.startService()
        server.drained.callback(None)
        await service.stopService()
