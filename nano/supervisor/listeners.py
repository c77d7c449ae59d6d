# -*- test-case-name: tests.supervisor.test_listeners -*-
"""
Listening sockets that processes share: the supervisor binds them, workers accept on them.

Both sides open the same endpoint strings, each with a stand-in for the reactor: `Binder` only binds what an endpoint
asks for and never accepts, `Adopter` finds the socket that was bound for the same request.  So every kind of endpoint
works, those of plugins included, and TLS is the worker's.

The accept queue belongs to the socket, not to a process: a connection that waits in it survives a worker, and while
there is no worker connections queue up.

A socket from systemd is to a worker what it is: one that listens on a port, or on a path.
"""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet import unix
from twisted.internet.abstract import isIPv6Address
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory
from twisted.internet.tcp import Port
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from nano.addresses import tcp_endpoint
from nano.errors import ConfigError, Problem

__all__ = ["Adopter", "Binder", "Bound", "Listeners"]

#: How many connections may wait while no worker accepts; endpoints that ask for more get it.
BACKLOG = 1024
_SYSTEMD = re.compile(r"(haproxy:)*systemd:")


@dataclass(frozen=True)
class Bound:
    """
    A socket that listens.

    Attributes:
        key: what an endpoint asks for when it wants it.
        descriptor: a file descriptor of it.
        family: its address family.
    """

    key: tuple[str, str, str]
    descriptor: int
    family: int


def _tcp_key(port: int, interface: str) -> tuple[str, str, str]:
    return ("tcp", str(port), interface)


def _unix_key(address: str | bytes) -> tuple[str, str, str]:
    return ("unix", os.fsdecode(address), "")


@implementer(IListeningPort)
class _BoundPort:
    """A socket that is bound and queues connections, and on which this process accepts none."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound

    def startListening(self) -> None:
        """It does already (IListeningPort)."""

    def stopListening(self) -> None:
        """Close this process's half (IListeningPort)."""
        # Without shutdown, which would end the workers' listening as well.
        self._socket.close()

    def getHost(self) -> IAddress:
        """There is no protocol here that asks (IListeningPort)."""
        raise NotImplementedError


class Binder:
    """
    A reactor to endpoints, which binds.

    Args:
        reactor: binds unix sockets.

    Attributes:
        bound: what was bound, in order.
    """

    def __init__(self, reactor: Any) -> None:
        self.bound: list[Bound] = []
        self._reactor = reactor
        self._plain: list[_BoundPort] = []
        self._unix: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> IListeningPort:
        """Bind (IReactorTCP)."""
        family = socket.AF_INET6 if isIPv6Address(interface) else socket.AF_INET
        bound = socket.socket(family)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setblocking(False)
            bound.bind((interface, port))
            bound.listen(max(backlog, BACKLOG))
        except OSError as error:
            bound.close()
            raise CannotListenError(interface, port, error) from None
        self.bound.append(Bound(_tcp_key(port, interface), bound.fileno(), family))
        self._plain.append(_BoundPort(bound))
        return self._plain[-1]

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """Bind (IReactorSSL)."""
        return self.listenTCP(port, factory, backlog, interface)

    def listenUNIX(
        self, address: str | bytes, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> IListeningPort:
        """Bind (IReactorUNIX)."""
        port = self._reactor.listenUNIX(address, factory, max(backlog, BACKLOG), mode, wantPID)
        port.stopReading()
        self._unix.append(port)
        self.bound.append(Bound(_unix_key(address), port.fileno(), socket.AF_UNIX))
        return port  # type: ignore[no-any-return]

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> IListeningPort:
        """It is bound already; it gets the key of what it is (IReactorSocket)."""
        bound = socket.socket(fileno=os.dup(fileDescriptor))
        name = bound.getsockname()
        key = _unix_key(name) if addressFamily == socket.AF_UNIX else _tcp_key(name[1], name[0])
        self.bound.append(Bound(key, bound.fileno(), addressFamily))
        self._plain.append(_BoundPort(bound))
        return self._plain[-1]

    def close_network(self) -> None:
        """Close this process's half of all sockets but the unix ones made here, whose names would be gone."""
        ports, self._plain = self._plain, []
        for port in ports:
            port.stopListening()

    def close(self) -> Deferred[None]:
        """Close this process's half of all sockets, and remove the names of unix ones; fires with None when done."""
        self.close_network()
        ports, self._unix = self._unix, []
        return gatherResults([maybeDeferred(port.stopListening) for port in ports]).addCallback(lambda _: None)


class Listeners:
    """
    The sockets of a list of endpoint strings, in the supervisor.

    Args:
        reactor: binds unix sockets.
        endpoints: endpoint strings.

    Attributes:
        endpoints: what workers open, once the sockets are bound.
    """

    _log = Logger()

    def __init__(self, reactor: Any, endpoints: Iterable[str]) -> None:
        self._binder = Binder(reactor)
        self.endpoints = tuple(endpoints)

    def open(self) -> None:
        """
        Bind all of them.

        Raises:
            CannotListenError: when one is taken.
            ConfigError: when one cannot be opened for another reason.
            In both cases those before it are closed.
        """
        self.endpoints = tuple(map(self._open, self.endpoints))
        for address in self.addresses:
            self._log.info("listening on {address}", address=address, event="listening")

    def _open(self, text: str) -> str:
        opened: list[object] = []
        try:
            serverFromString(self._binder, text).listen(Factory()).addBoth(opened.append)
            if opened and isinstance(opened[0], Failure):
                opened[0].raiseException()
        except CannotListenError:
            self.close()
            raise
        except Exception as error:  # of a key that is not there, of a socket that systemd has not passed, …
            self.close()
            raise ConfigError([Problem(f"cannot listen on {text}: {error}")]) from error
        return _for_worker(text, self._binder.bound[-1:])

    @property
    def addresses(self) -> list[str]:
        """Where it listens: `HOST:PORT`, or the path of a unix socket."""
        return [_address(bound) for bound in self._binder.bound]

    def close_network(self) -> None:
        """Close this process's half of all sockets but unix ones."""
        self._binder.close_network()

    def close(self) -> Deferred[None]:
        """Close this process's half of all sockets; fires with None when done."""
        return self._binder.close()

    def handed_over(self, first: int) -> tuple[dict[int, int], tuple[Bound, ...]]:
        """
        How a worker gets them.

        Args:
            first: the first descriptor of the worker's that is free.

        Returns:
            The worker's descriptors with ours, and the sockets with the worker's descriptors.
        """
        ours = self._binder.bound
        theirs = [replace(bound, descriptor=first + number) for number, bound in enumerate(ours)]
        return {first + number: bound.descriptor for number, bound in enumerate(ours)}, tuple(theirs)


def _for_worker(text: str, bound: Sequence[Bound]) -> str:
    """The endpoint string for a socket, if *bound* has it from systemd; any other is what it was."""
    match = _SYSTEMD.match(text)
    if match is None or not bound:
        return text
    kind, name, interface = bound[0].key
    if kind == "tcp":
        endpoint = tcp_endpoint(int(name), interface)
    else:
        mode = stat.S_IMODE(os.stat(name).st_mode)
        endpoint = f"unix:{quoteStringArgument(name)}:mode={mode:o}"
    return match[0].removesuffix("systemd:") + endpoint


def _address(bound: Bound) -> str:
    if bound.family == socket.AF_UNIX:
        return bound.key[1]
    with socket.socket(fileno=os.dup(bound.descriptor)) as duplicate:
        host, port = duplicate.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _AdoptedUNIXPort(unix.Port):
    """A unix socket that others listen on as well: its name stays when this process is done with it."""

    def __init__(self, descriptor: int, factory: Any, mode: int, reactor: Any) -> None:
        adopted = socket.socket(fileno=descriptor)
        # Listening sets the backlog anew, and the mode, which would otherwise be open to everybody.
        super().__init__(adopted.getsockname(), factory, BACKLOG, mode, reactor=reactor)
        self._preexistingSocket = adopted
        self._shouldShutdown = False

    def connectionLost(self, reason: Failure) -> None:
        """Close the socket and nothing else."""
        Port.connectionLost(self, reason)


class Adopter:
    """
    A reactor to endpoints, which finds the sockets that a `Binder` has bound.

    Args:
        reactor: accepts on them.
        bound: the sockets.
    """

    def __init__(self, reactor: Any, bound: Iterable[Bound]) -> None:
        self._reactor = reactor
        self._waiting: dict[tuple[str, str, str], list[Bound]] = {}
        for each in bound:
            self._waiting.setdefault(each.key, []).append(each)
        self._ports: list[Any] = []
        self._accepting = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> IListeningPort:
        """Accept on the socket that was bound (IReactorTCP)."""
        bound = self._take(_tcp_key(port, interface))
        adopted = self._reactor.adoptStreamPort(bound.descriptor, bound.family, factory)
        os.close(bound.descriptor)
        return self._adopted(adopted)

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """Accept TLS on the socket that was bound (IReactorSSL)."""
        return self.listenTCP(port, TLSMemoryBIOFactory(contextFactory, False, factory), backlog, interface)

    def listenUNIX(
        self, address: str | bytes, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> IListeningPort:
        """Accept on the socket that was bound (IReactorUNIX)."""
        port = _AdoptedUNIXPort(self._take(_unix_key(address)).descriptor, factory, mode, self._reactor)
        port.startListening()
        return self._adopted(port)

    def _take(self, key: tuple[str, str, str]) -> Bound:
        waiting = self._waiting.get(key)
        if not waiting:
            msg = f"no socket was bound for {':'.join(key)}"
            raise CannotListenError(key[2], key[1], OSError(msg))
        return waiting.pop(0)

    def _adopted(self, port: Any) -> IListeningPort:
        self._ports.append(port)
        if not self._accepting:
            port.stopReading()
        return port  # type: ignore[no-any-return]

    def accept(self) -> None:
        """Begin to accept connections."""
        if not self._accepting:
            self._accepting = True
            for port in self._ports:
                port.startReading()

    def refrain(self) -> None:
        """Accept no more connections: others do."""
        if self._accepting:
            self._accepting = False
            for port in self._ports:
                if port.connected:
                    port.stopReading()
