"""
The fakes are what they stand for.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from nano.apps.partners import Host
from nano.engine.v8 import V8Isolate
from nano.engine.watchdog import Watched
from nano.interfaces import IAppLookup, IBodyConsumer, IEventHandler, IRequestBody, IResponseSink, Reactor
from tests.fakes import (
    FakeAppLookup,
    FakeBody,
    FakeConsumer,
    FakeEventHandler,
    FakeIsolate,
    FakeIsolateHost,
    FakeReactor,
    FakeSink,
)


class FakesTests(SynchronousTestCase):
    """
    Each fake against its seam.
    """

    def test_interfaces(self) -> None:
        """They provide the interfaces they claim."""
        for interface, fake in (
            (IResponseSink, FakeSink()),
            (IRequestBody, FakeBody()),
            (IBodyConsumer, FakeConsumer()),
            (IEventHandler, FakeEventHandler()),
            (IAppLookup, FakeAppLookup()),
            (Reactor, FakeReactor()),
        ):
            self.assertTrue(verifyObject(interface, fake))

    def test_isolate_host(self) -> None:
        """The isolate host fits where an app and the watchdog want one (mypy checks the signatures)."""
        host: Host = FakeIsolateHost()
        watched: Watched = FakeIsolateHost()
        self.assertNotEqual(host, watched)

    def test_isolate(self) -> None:
        """The isolate has every public method of the real one."""
        for name in vars(V8Isolate):
            if not name.startswith("_"):
                self.assertTrue(hasattr(FakeIsolate(), name), name)
