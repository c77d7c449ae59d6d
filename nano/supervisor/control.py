# -*- test-case-name: tests.supervisor.test_control -*-
"""
What the supervisor and a worker say to each other, over AMP on an inherited socket.

    supervisor                                    worker
        │  ───────────── (the process starts) ────────>  │
        │  <────────── Booted ─────────────────────────  │   everything is imported; without work it is the spare
        │  ─────────── Configure ─────────────────────>  │
        │  <────────── Ready ──────────────────────────  │   every app is loaded or has failed to; it accepts
        │  ─────────── Prepare, then Commit or Abandon ─> │   a change in two steps
        │  ─────────── Drain ─────────────────────────>  │
        │  <────────── Leaving ────────────────────────  │   what it counted last; and it exits

What goes to a worker may be pickled, as the two are one program and a configuration consists of plain objects; what
comes from a worker never is, as hostile code runs there: it is JSON, and read with care.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols import amp
from twisted.python.failure import Failure

from nano.config import AppConfig, Config
from nano.supervisor.listeners import Bound

__all__ = [
    "Abandon",
    "AwaitDrained",
    "CANNOT_BOOT",
    "BootError",
    "Booted",
    "Commit",
    "Configure",
    "ControlFactory",
    "ControlProtocol",
    "Drain",
    "Journal",
    "Json",
    "Leaving",
    "Pickled",
    "Prepare",
    "Proposal",
    "Quarantined",
    "Ready",
    "STUCK",
    "STUCK_AFTER",
    "Status",
    "Task",
]

_Arguments = list[tuple[bytes, amp.Argument]]

#: AMP's values have at most 65,535 bytes.
_PIECE = 0xFFFF


#: The exit code of a worker that cannot serve, whatever the apps are.  An app that fails to load is no reason to exit.
CANNOT_BOOT = 3
#: The exit code of a worker whose reactor stood still for `STUCK_AFTER` seconds; it is the one faulthandler uses.
STUCK = 1
STUCK_AFTER = 10.0


@dataclass(frozen=True)
class Task:
    """
    What a worker is there for.

    Attributes:
        worker: its number, from 1.
        config: what to serve.
        bound: the sockets to accept on; the descriptors are the worker's.
        quarantined: apps in quarantine, and for how many seconds.
        versions: of the apps as others serve them; one that is not named is what lies on disk.
        store: the folder where the code of versions is kept; "" for none.
        alone: whether nobody else accepts connections.
    """

    worker: int
    config: Config
    bound: tuple[Bound, ...] = ()
    quarantined: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Proposal:
    """
    A change of apps.

    Attributes:
        apps: all that shall be served.
        keep: those of them that stay as they are, without a look at their files.
        versions: which version of an app to load, where it is not what lies on disk.
    """

    apps: tuple[AppConfig, ...]
    keep: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)


class ControlProtocol(amp.AMP):
    """AMP that does not log that two processes which made each other are connected."""

    def makeConnection(self, transport: Any) -> None:
        """The other half is there (IProtocol)."""
        amp.BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other half is gone (IProtocol)."""
        amp.BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None


class ControlFactory(Factory):
    """For the one connection that a control socket is."""

    noisy = False

    def __init__(self, protocol: ControlProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        """The protocol (IProtocolFactory)."""
        return self._protocol


class _Large(amp.Argument):
    """An argument of any size: it is sent in pieces, each under a key of its own."""

    def toBox(self, name: bytes, strings: Any, objects: Any, proto: amp.AMP) -> None:
        """Into the keys NAME.0, NAME.1 … (IArgumentType)."""
        data = self.toString(objects[name.decode()])
        for number, at in enumerate(range(0, max(len(data), 1), _PIECE)):
            strings[b"%s.%d" % (name, number)] = data[at : at + _PIECE]

    def fromBox(self, name: bytes, strings: Any, objects: Any, proto: amp.AMP) -> None:
        """From the keys NAME.0, NAME.1 … (IArgumentType)."""
        pieces: list[bytes] = []
        while (piece := strings.get(b"%s.%d" % (name, len(pieces)))) is not None:
            pieces.append(piece)
        objects[name.decode()] = self.fromString(b"".join(pieces))


class Json(_Large):
    """Any JSON value."""

    def toString(self, inObject: Any) -> bytes:
        """To bytes (Argument)."""
        return json.dumps(inObject, separators=(",", ":")).encode("ascii")

    def fromString(self, inString: bytes) -> Any:
        """
        From bytes (Argument).

        Raises:
            ValueError: when they are no JSON.
        """
        return json.loads(inString)


class Pickled(_Large):
    """Any object of ours.  Only for commands to a worker."""

    def toString(self, inObject: Any) -> bytes:
        """To bytes (Argument)."""
        return pickle.dumps(inObject)

    def fromString(self, inString: bytes) -> Any:
        """From bytes (Argument)."""
        return pickle.loads(inString)


# --- to the worker ----------------------------------------------------------------------------


class BootError(Exception):
    """The worker cannot serve, whatever the apps are: it exits with `CANNOT_BOOT`."""


class Configure(amp.Command):
    """Serve; answered when the service has started, before its apps are loaded."""

    arguments: ClassVar[_Arguments] = [(b"task", Pickled())]
    errors: ClassVar[dict[type[Exception], bytes]] = {BootError: b"BOOT"}


class Prepare(amp.Command):
    """
    Load what is new in a `Proposal` beside what is served.

    Answered with a report on each app by name: its `version`, whether it is `fresh`, and `error`, None if it loaded.
    """

    arguments: ClassVar[_Arguments] = [(b"proposal", Pickled())]
    response: ClassVar[_Arguments] = [(b"apps", Json())]


class Commit(amp.Command):
    """Switch to what is prepared, but for the apps in *keep*, which stay as they are; answered at once."""

    arguments: ClassVar[_Arguments] = [(b"keep", Json())]


class Abandon(amp.Command):
    """Give up what is prepared, if anything is."""


class AwaitDrained(amp.Command):
    """Answered when what the last `Commit` has left behind is over: by name, whether it drained in time."""

    response: ClassVar[_Arguments] = [(b"apps", Json())]


class Quarantined(amp.Command):
    """All apps that are in quarantine from now on, and for how many seconds."""

    arguments: ClassVar[_Arguments] = [(b"apps", Json())]


class Status(amp.Command):
    """How the worker is: `apps`, one object each, and `metrics`, its figures."""

    response: ClassVar[_Arguments] = [(b"status", Json())]


class Journal(amp.Command):
    """What the worker has told its log lately (`nano.admin.journal.Journal.answer`)."""

    arguments: ClassVar[_Arguments] = [(b"question", Json())]
    response: ClassVar[_Arguments] = [(b"answer", Json())]


class Drain(amp.Command):
    """
    Finish what is in flight, and exit.

    With *leave* the other workers go on: it accepts no connection any more.  Otherwise the whole server stops, and
    what comes is answered 503.
    """

    arguments: ClassVar[_Arguments] = [(b"leave", amp.Boolean())]


# --- from the worker --------------------------------------------------------------------------


class Booted(amp.Command):
    """The worker can be given its task."""


class Leaving(amp.Command):
    """It has drained, and exits when this is answered; the last `Status`."""

    arguments: ClassVar[_Arguments] = [(b"status", Json())]


class Ready(amp.Command):
    """Every app is loaded, or has failed to; as `Status`."""

    arguments: ClassVar[_Arguments] = [(b"status", Json())]
