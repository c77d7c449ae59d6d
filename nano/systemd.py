# -*- test-case-name: tests.test_deploy -*-
"""
Tells systemd how the daemon is: sd_notify(3) and its watchdog.

The protocol is a datagram with lines like READY=1.  Where systemd does not ask for it, nothing is sent; what cannot be
sent is lost, as the daemon has better things to do.  Sockets that systemd opened are another
matter: they are endpoints like any other, `systemd:…`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall

__all__ = ["Daemon", "Health", "notifier"]

#: Seconds between two looks whether the daemon is ready by now.
_LOOK_INTERVAL = 0.1


class Health(Protocol):
    """How the daemon is."""

    @property
    def ready(self) -> bool:
        """Whether every app is loaded, or has failed to."""


def notifier(environ: Mapping[str, str]) -> Callable[[str], None] | None:
    """
    What sends to the socket that systemd names in the environment; None where it does not.
    """
    name = environ.get("NOTIFY_SOCKET", "")
    if not name:
        return None
    # An abstract socket's name begins with a null byte, written as "@".
    address = "\0" + name[1:] if name.startswith("@") else name

    def notify(message: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode(), address)
        except OSError:
            pass

    return notify


def _watchdog_interval(environ: Mapping[str, str]) -> float:
    """How often systemd wants to hear of us, in seconds; 0 for never."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    text = environ.get("WATCHDOG_USEC", "")
    # Twice in the time it allows, as its manual advises.
    return int(text) / 2e6 if text.isdecimal() else 0.0


class Daemon(MultiService):
    """
    A server with its companions, which tells systemd when it is ready, reloads and stops, and that it is alive.

    Args:
        server: is asked to stop when the companions, which are added later, have been.
        health: tells when it is ready.
        clock: the reactor.
        environ: says where systemd listens, and how often it wants to hear of us.
    """

    def __init__(self, server: IService, health: Health, clock: Any, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._server = server
        self._health = health
        self._notify = notifier(environ)
        self._interval = _watchdog_interval(environ)
        self._starting = LoopingCall(self._look)
        self._alive = LoopingCall(self._tell, "WATCHDOG=1")
        self._starting.clock = self._alive.clock = clock
        server.setServiceParent(self)

    @property
    def gave_up(self) -> str:
        """Why the server can never serve; "" as long as it might."""
        return str(getattr(self._server, "gave_up", ""))

    def _tell(self, message: str) -> None:
        if self._notify is not None:
            self._notify(message)

    def startService(self) -> None:
        """Start, and wait for readiness (IService)."""
        super().startService()
        if self._notify is not None:
            self._starting.start(_LOOK_INTERVAL)
            if self._interval:
                self._alive.start(self._interval)

    def _look(self) -> None:
        if self._health.ready:
            self._starting.stop()
            self._tell("READY=1")

    def stopService(self) -> Deferred[None]:
        """
        Stop all of it.  Fires with None when that is done; it does not fail (IService).
        """
        if self._starting.running:
            self._starting.stop()
        self._tell("STOPPING=1")
        # MultiService asks its children from the last to the first, and waits for all of them.
        return maybeDeferred(super().stopService).addCallback(self._stopped)

    def _stopped(self, _result: object) -> None:
        if self._alive.running:
            self._alive.stop()

    def reloading(self, reload: Callable[[], object]) -> Deferred[object]:
        """
        Run *reload* between RELOADING and READY; fires with its result, or fails like it.
        """
        # systemd compares this time with that of its signal.
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        return maybeDeferred(reload).addBoth(self._reloaded)

    def _reloaded(self, result: object) -> object:
        if self.running and not self._starting.running:
            self._tell("READY=1")
        return result
