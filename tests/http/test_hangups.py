# -*- test-case-name: tests.http.test_hangups -*-
"""
Noticing that clients have gone without reading from them.
"""

from __future__ import annotations

import select
import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from nano.http.hangups import HangupWatch


class FakeChannel:
    """A connection whose transport is a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.transport: Any = sock
        self.gone: Deferred[None] = Deferred()

    def hung_up(self) -> None:
        """Tell the test."""
        self.gone.callback(None)


class WatchTests(TestCase):
    """A pair of sockets, and the global reactor."""

    if not hasattr(select, "epoll"):
        skip = "this platform has no epoll"

    def setUp(self) -> None:
        """Connect."""
        ours, self.theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(self.theirs.close)
        self.watch = HangupWatch(reactor)
        self.addCleanup(self.watch.close)
        self.channel = FakeChannel(ours)

    def test_interface(self) -> None:
        """The reactor can read it."""
        verifyObject(IReadDescriptor, self.watch)

    async def test_closed(self) -> None:
        """A peer that closes is noticed, though what it sent was not read."""
        self.watch.watch(self.channel)
        self.theirs.send(b"unread")
        self.theirs.close()
        await self.channel.gone

    async def test_forgotten(self) -> None:
        """Of a connection that is forgotten nothing is told."""
        other_ours, other_theirs = socket.socketpair()
        self.addCleanup(other_ours.close)
        other = FakeChannel(other_ours)
        for channel in (self.channel, other):
            self.watch.watch(channel)
        self.watch.forget(self.channel)
        self.watch.forget(self.channel)
        self.theirs.close()
        other_theirs.close()
        await other.gone
        self.assertFalse(self.channel.gone.called)

    async def test_closed_descriptor(self) -> None:
        """A connection may be forgotten when it is closed already; its descriptor is free for another."""
        self.watch.watch(self.channel)
        self.channel.transport.close()
        self.watch.forget(self.channel)
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        other = FakeChannel(ours)
        self.watch.watch(other)
        theirs.close()
        await other.gone

    async def test_again(self) -> None:
        """A watch that was closed can be used again."""
        self.watch.watch(self.channel)
        self.watch.close()
        self.watch.close()
        self.watch.watch(self.channel)
        self.theirs.close()
        await self.channel.gone


class WithoutDescriptorsTests(SynchronousTestCase):
    """A reactor, or a transport, that knows no file descriptors."""

    def test_clock(self) -> None:
        """Nothing is watched with a mere clock."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        watch = HangupWatch(Clock())
        watch.watch(FakeChannel(ours))
        watch.forget(FakeChannel(ours))
        self.assertEqual(watch.fileno(), -1)
