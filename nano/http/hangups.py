# -*- test-case-name: tests.http.test_hangups -*-
"""
Tells when clients go whose connections are not read.

A reactor hears of a closed connection by reading.  Where nothing is read, because an app has not asked for the next
piece of a body, a client could be gone for hours before anybody noticed.  Linux tells such a thing without reading
(EPOLLRDHUP), which no reactor of Twisted asks for; but an epoll descriptor can be read like any other, so one of our
own, with all such connections in it, stands among the reactor's readers.  Elsewhere we wait until somebody reads.
"""

from __future__ import annotations

import select
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["Hangable", "HangupWatch"]


class Hangable(Protocol):
    """A connection that may be watched."""

    transport: Any

    def hung_up(self) -> None:
        """The client is gone."""


@implementer(IReadDescriptor)
class HangupWatch:
    """
    Watches connections while they are not read.

    Args:
        reactor: watches for us; if it knows no file descriptors, as in tests, nothing is ever told.
    """

    _log = Logger()

    def __init__(self, reactor: Any) -> None:
        able = IReactorFDSet.providedBy(reactor) and hasattr(select, "epoll")
        self._reactor = reactor if able else None
        self._epoll: select.epoll | None = None
        self._watched: dict[int, Hangable] = {}
        #: Kept apart, as a transport that is closed does not know its descriptor any more.
        self._descriptors: dict[Hangable, int] = {}

    def watch(self, channel: Hangable) -> None:
        """Tell *channel* when its client is gone, until `forget`."""
        if self._reactor is None:
            return
        fileno = getattr(channel.transport, "fileno", None)
        fd = -1 if fileno is None else int(fileno())
        if fd < 0 or channel in self._descriptors:
            return
        if self._epoll is None:
            self._epoll = select.epoll()
            self._reactor.addReader(self)
        self._watched[fd] = channel
        self._descriptors[channel] = fd
        self._epoll.register(fd, select.EPOLLRDHUP)

    def forget(self, channel: Hangable) -> None:
        """Tell *channel* nothing more; to be called before its descriptor can be somebody else's."""
        fd = self._descriptors.pop(channel, -1)
        if self._epoll is None or fd < 0:
            return
        del self._watched[fd]
        try:
            self._epoll.unregister(fd)
        except OSError:
            # It is closed already, and the kernel has forgotten it.
            pass

    def close(self) -> None:
        """Watch nothing any more."""
        epoll, self._epoll = self._epoll, None
        if epoll is not None and self._reactor is not None:
            self._reactor.removeReader(self)
            self._watched.clear()
            self._descriptors.clear()
            epoll.close()

    # IReadDescriptor.

    def fileno(self) -> int:
        """Of the epoll descriptor (IFileDescriptor)."""
        return -1 if self._epoll is None else self._epoll.fileno()

    def doRead(self) -> None:
        """Somebody has gone (IReadDescriptor)."""
        if self._epoll is None:
            return
        for fd, _ in self._epoll.poll(0):
            channel = self._watched.get(fd)
            if channel is not None:
                self.forget(channel)
                channel.hung_up()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor stops (IFileDescriptor)."""
        self.close()

    def logPrefix(self) -> str:
        """For the reactor's log (ILoggingContext)."""
        return "hangups"
