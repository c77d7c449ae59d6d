# -*- test-case-name: tests.http.test_factory -*-
"""
What the connections of all listeners share: who answers which host, limits, the time, and the end.

Time-outs are coarse on purpose: one timer looks at all connections four times per second, instead of each request
starting and stopping one of its own.  None fires early; it may be late by `HTTPFactory.tick`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from email.utils import formatdate
from itertools import count
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocolFactory
from zope.interface import implementer

from nano.addresses import Network
from nano.errors import OverloadedError
from nano.exchange import Exchange
from nano.http.channel import HTTPChannel, Phase
from nano.http.forwarded import Visitor
from nano.http.hangups import HangupWatch
from nano.http.response import ResponseWriter
from nano.interfaces import IAppLookup, IEventHandler

__all__ = ["Access", "HTTPFactory", "Limits"]

#: Called with each exchange that is over, the client's address ("" if unknown), and how long it took in seconds.  What
#: was no request has neither method nor URL.
Access = Callable[[Exchange, str, float], None]

#: So many connections above the limit are answered 503; further ones are closed without a word.
_REFUSALS = 64


class Limits(Protocol):
    """What one connection may take; `nano.config.LimitsConfig` is one."""

    @property
    def max_header_bytes(self) -> int:
        """Request line and header block together."""

    @property
    def header_timeout(self) -> float:
        """Until the header block is complete, in seconds."""

    @property
    def idle_timeout(self) -> float:
        """Silence where the client has to act, in seconds."""

    @property
    def max_connections(self) -> int:
        """Connections at one time."""


@implementer(IEventHandler)
class _Overloaded:
    """Answers connections beyond the limit."""

    max_body = 1 << 62

    def handle(self, exchange: Exchange) -> None:
        exchange.fail(_TooManyConnectionsError("limits.max_connections is reached"))


class _TooManyConnectionsError(OverloadedError):
    """Unlike an app that has too much to do, this one is about the connection."""

    close = True


_OVERLOADED = _Overloaded()


def _overloaded(_name: str) -> IEventHandler:
    return _OVERLOADED


@implementer(IProtocolFactory)
class HTTPFactory:
    """
    Makes the HTTP/1.1 connections of one process, for any number of listeners.

    Args:
        reactor: the time, and what `HangupWatch` needs.
        apps: finds the app of a host.
        fallback: answers for hosts that no app claims.
        limits: of each connection, and their number.
        trusted_proxies: whose X-Forwarded fields are believed.
        access: told of each exchange that is over; None where nobody asks.

    Attributes:
        now: the reactor's time at the last tick, in seconds: for deadlines.
        tick: how often deadlines are looked at, in seconds.
        draining: whether connections end with the response under way.
    """

    noisy = False

    def __init__(
        self,
        reactor: Any,
        apps: IAppLookup,
        fallback: IEventHandler,
        limits: Limits,
        trusted_proxies: Sequence[Network] = (),
        access: Access | None = None,
    ) -> None:
        self.clock = reactor
        self.access = access
        self.draining = False
        self.hangups = HangupWatch(reactor)
        self.adopt(limits, trusted_proxies)
        self.now = reactor.seconds() + self.tick
        self._apps = apps
        self._fallback = fallback
        self._channels: set[HTTPChannel] = set()
        self._timer: IDelayedCall | None = None
        self._late: list[ResponseWriter] = []
        self._when_empty: list[Deferred[None]] = []
        self._date = b""
        self._date_until = 0.0
        self._ids = count(1)
        self._id_prefix = os.urandom(8).hex()

    def adopt(self, limits: Limits, trusted_proxies: Sequence[Network]) -> None:
        """Other limits and other proxies: times hold from now on, all the rest for connections that begin now."""
        self.limits = limits
        self.tick = min(0.25, limits.header_timeout / 4, limits.idle_timeout / 4)
        self._trusted = tuple(trusted_proxies)

    # IProtocolFactory.

    def doStart(self) -> None:
        """A listener starts (IProtocolFactory)."""

    def doStop(self) -> None:
        """A listener stops (IProtocolFactory)."""

    def buildProtocol(self, addr: IAddress) -> HTTPChannel | None:
        """A connection, unless there are far too many (IProtocolFactory)."""
        excess = len(self._channels) - self.limits.max_connections
        if excess >= _REFUSALS:
            return None
        if not self._channels:
            # Nobody has looked at the clock for a while.
            self.now = self.clock.seconds() + self.tick
        return HTTPChannel(self, self._find if excess < 0 else _overloaded)

    # The register of connections.

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._channels)

    def opened(self, channel: HTTPChannel) -> None:
        """A connection begins."""
        self._channels.add(channel)
        if self._timer is None:
            self._timer = self.clock.callLater(self.tick, self._look)

    def lost(self, channel: HTTPChannel) -> None:
        """A connection is over."""
        self.hangups.forget(channel)
        self._channels.discard(channel)
        if not self._channels:
            self._empty()

    def _empty(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        self.hangups.close()
        waiting, self._when_empty = self._when_empty, []
        for deferred in waiting:
            deferred.callback(None)

    def _look(self) -> None:
        """Look at all deadlines."""
        self._timer = self.clock.callLater(self.tick, self._look)
        # Ahead by one tick, so that no deadline that is reckoned from it comes early.
        moment = self.clock.seconds()
        self.now = moment + self.tick
        for channel in [channel for channel in self._channels if channel.deadline <= moment]:
            channel.expire()

    def drain(self) -> Deferred[None]:
        """
        End every connection as soon as its response is whole, those without one at once.

        Fires with None when no connection is left; it does not fail.  Cancelling only forgets the waiter.
        """
        self.draining = True
        drained: Deferred[None] = Deferred(self._when_empty.remove)
        self._when_empty.append(drained)
        for channel in tuple(self._channels):
            channel.drain()
        if not self._channels:
            self._empty()
        return drained

    def cut(self) -> int:
        """Break every connection that is left, and tell how many had a response under way."""
        channels = tuple(self._channels)
        under_way = sum(channel.phase is Phase.SERVING for channel in channels)
        for channel in channels:
            channel.cut()
        return under_way

    def _find(self, name: str) -> IEventHandler:
        return self._apps.find(name) or self._fallback

    # What connections ask.

    def visitor(self, address: str, secure: bool) -> Visitor:
        """The peer of a connection."""
        return Visitor(address, secure, self._trusted, self._new_id)

    def _new_id(self) -> str:
        return f"{self._id_prefix}{next(self._ids):08x}"

    @property
    def date_line(self) -> bytes:
        """The Date field, as a line."""
        now = self.clock.seconds()
        if now >= self._date_until:
            self._date_until = now // 1 + 1
            self._date = b"Date: %s\r\n" % formatdate(now, usegmt=True).encode("ascii")
        return self._date

    def flush_soon(self, writer: ResponseWriter) -> None:
        """Flush *writer* before the reactor's next turn."""
        if not self._late:
            self.clock.callLater(0, self._flush)
        self._late.append(writer)

    def _flush(self) -> None:
        late, self._late = self._late, []
        for writer in late:
            writer.flush()
