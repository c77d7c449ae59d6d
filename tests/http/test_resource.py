# -*- test-case-name: tests.http.test_resource -*-
"""
nano under twisted.web: what all fronts do, and what mounting adds.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from nano.http.resource import AppResource
from tests.fakes import FakeEventHandler
from tests.http.fronts import ClientEnd, Front, Greeter, WebFront
from tests.http.suite import HTTPSuite


class SuiteTests(HTTPSuite, SynchronousTestCase):
    """The rules for all fronts, input in one piece."""

    def make_front(self) -> Front:
        """twisted.web."""
        return WebFront()


class ByteWiseSuiteTests(HTTPSuite, SynchronousTestCase):
    """The rules for all fronts, input byte by byte."""

    def make_front(self) -> Front:
        """twisted.web."""
        return WebFront(step=1)


class MountingTests(SynchronousTestCase):
    """An app in somebody's resource tree."""

    def connect(self, app: Any) -> ClientEnd:
        """A client of a site with *app* below /mounted."""
        root = Resource()
        clock = Clock()
        root.putChild(b"mounted", AppResource(app, clock))
        return ClientEnd(Site(root, reactor=clock).buildProtocol(cast(Any, None)))

    def test_any_host(self) -> None:
        """A mounted app is found by its place, not by its host, and sees the whole URL."""
        client = self.connect(Greeter()).send(b"GET /mounted/a?b HTTP/1.1\r\nHost: any.test\r\n\r\n")
        self.assertEqual(client.response().body, b"http://any.test/mounted/a?b")

    def test_beside_others(self) -> None:
        """What is not below its place is not its business."""
        app = FakeEventHandler()
        client = self.connect(app).send(b"GET /other HTTP/1.1\r\nHost: any.test\r\n\r\n")
        self.assertEqual((client.response().status, app.exchanges), (404, []))

    def test_refused(self) -> None:
        """A request that cannot be handed over is answered without the app."""
        app = FakeEventHandler()
        client = self.connect(app).send(b"GET /mounted HTTP/1.1\r\n\r\n")
        self.assertEqual((client.response().status, client.response().code), (400, "invalid-request"))
        self.assertEqual(app.exchanges, [])
