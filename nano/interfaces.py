# -*- test-case-name: tests.test_imports -*-
"""
The seams between the rooms of nano, and the words they share.

Rooms do not import one another; what one needs of another is named here and handed over by `nano.service`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.interfaces import IPushProducer, IReactorThreads, IReactorTime
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from nano.exchange import Exchange

__all__ = [
    "IAppLookup",
    "IBodyConsumer",
    "IEventHandler",
    "IRequestBody",
    "IResponseSink",
    "IsolateProgram",
    "OpContext",
    "OpError",
    "OpFunction",
    "Ops",
    "Question",
    "Reactor",
]


class Reactor(IReactorTime, IReactorThreads):
    """What the engine needs of a reactor: time, and the way back from an isolate's thread."""


class IResponseSink(Interface):
    """
    The front end's half of an exchange: where its response goes, whoever parsed the request.

    All calls come on the reactor thread, in the order head, write…, finish; `cut` may come at any time and is the
    last.  None comes after the front end has called `Exchange.client_gone`.
    """

    def head(status: int, reason: bytes, headers: list[tuple[bytes, bytes]], length: int | None) -> None:
        """
        Send the response head.

        Headers are valid and free of framing and hop-by-hop fields.  *length* is the body's length in bytes, or
        None when it is not known and the framing has to tell the end.
        """

    def write(data: bytes) -> None:
        """Send a piece of the body; may call the exchange's `pauseProducing` before it returns."""

    def finish() -> None:
        """The response is whole."""

    def cut() -> None:
        """End the connection so that the client can tell that the response is not whole."""


class IBodyConsumer(Interface):
    """Who takes a request body: the isolate host."""

    def write(data: bytes) -> None:
        """A piece of the body."""

    def finish() -> None:
        """The body is whole."""

    def fail(reason: str) -> None:
        """The body ends here, though more was announced."""


class IRequestBody(IPushProducer):
    """
    A request body that is not all there yet.  It is paused until `start`; afterwards it heeds pauseProducing and
    resumeProducing, and stopProducing says that nobody wants the rest.
    """

    def start(consumer: IBodyConsumer) -> None:
        """Begin to give the body to *consumer*."""


class IEventHandler(Interface):
    """What runs an exchange: an app, as the front ends see it."""

    max_body = Attribute("How many bytes a request body may have.")

    def handle(exchange: Exchange) -> None:
        """Take the exchange over; its response is given to the exchange, errors included.  Reactor thread."""


class IAppLookup(Interface):
    """Finds the app of a request."""

    def find(host: str) -> IEventHandler | None:
        """The app that claims this host name (lower case, without port), or None."""


@dataclass(frozen=True)
class IsolateProgram:
    """
    An app as the engine takes it.

    Attributes:
        scripts: each registers one module with the runtime; they run no code of the app yet.
        value: what the runtime is told of the app (JSON-able): its modules, its env, its settings.
        buffers: the bytes of binary modules.
        memory: bytes of heap and buffers that the app may use.
        version: of the app's code and configuration: another text or key, another version.
    """

    scripts: tuple[str, ...]
    value: Any
    buffers: tuple[bytes, ...]
    memory: int
    version: str = ""


class OpError(Exception):
    """
    What an op tells the script that called it.

    Args:
        name: the error's name as the script's author knows it: "TypeError", "OperationError", …
        message: its text.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class OpContext(Protocol):
    """What an op may know of the isolate that called it."""

    @property
    def app(self) -> str:
        """The app's name."""

    @property
    def reactor(self) -> Reactor:
        """The reactor that runs the op."""


#: Called with an OpContext, the script's arguments (any JSON value) and buffers.
OpFunction = Callable[[Any, Any, list[bytes]], Any]
#: Called on the isolate's thread with the question's bytes.
Question = Callable[[bytes], bytes]


class Ops(Protocol):
    """What scripts may ask for; a number that the bundle uses is a place in these tuples."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the sources of the runtime."""

    @property
    def ops(self) -> tuple[OpFunction | None, ...]:
        """What is asked and awaited, on the reactor thread."""

    @property
    def questions(self) -> tuple[Question | None, ...]:
        """What is asked and waited for, on the isolate's thread."""
