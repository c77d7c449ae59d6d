# -*- test-case-name: tests.test_imports -*-
"""
The seams between the rooms of nano, and the words they share.

Rooms do not import one another; what one needs of another is named here and handed over by `nano.service`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorThreads, IReactorTime
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from nano.config import AppConfig
    from nano.exchange import Exchange

__all__ = [
    "AppMeter",
    "ConflictError",
    "IAppLookup",
    "IBodyConsumer",
    "IControl",
    "IEventHandler",
    "IRequestBody",
    "IResponseSink",
    "IsolateProgram",
    "IsolateQuestion",
    "OpContext",
    "OpError",
    "OpFunction",
    "Ops",
    "OutboundError",
    "OutboundRequest",
    "OutboundResponse",
    "Question",
    "Reactor",
    "Trace",
    "Traces",
    "UnknownAppError",
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
        max_buffer: bytes of one body that may be held for the app without its having read them in pieces.
    """

    scripts: tuple[str, ...]
    value: Any
    buffers: tuple[bytes, ...]
    memory: int
    version: str = ""
    max_buffer: int = 64 * 2**20


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


@dataclass(frozen=True)
class OutboundRequest:
    """
    A request to somebody else's server.

    Attributes:
        method: a token.
        url: absolute, http or https, ASCII, without fragment.
        headers: name and value of each header the app wants sent; framing and hop-by-hop ones are left out.
        body: all of it, a producer of it, or None.
        length: of the body in bytes, None where it is not known.
    """

    method: str
    url: str
    headers: list[tuple[bytes, bytes]]
    body: bytes | IRequestBody | None = None
    length: int | None = None


@dataclass(frozen=True)
class OutboundResponse:
    """
    The head of an answer, and its body to come.

    Attributes:
        headers: names in lower case, without framing and hop-by-hop ones.
        body: a producer of the decoded body; None for a response that has none.  It has to be started, or stopped.
            It fails with the text "CODE: message", see `OutboundError`.
        length: of the decoded body in bytes, None where it is not known.
    """

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    body: IRequestBody | None
    length: int | None


class OutboundError(Exception):
    """
    Why there is no answer, or no more of it.

    Args:
        code: a stable word for programs, that of Node.js where it has one: "ECONNREFUSED".
        message: for the app's author.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class IOutbound(Interface):
    """An app's way to other servers."""

    def request(request: OutboundRequest) -> Deferred[OutboundResponse]:
        """
        Send a request.

        Fires with the response when its head is there; fails with `OutboundError`.  Cancelling ends the connection.
        """

    def close() -> None:
        """Close the connections that are idle; nothing is requested afterwards."""


class IChannel(IBodyConsumer):
    """
    The bytes that an op and its script exchange beyond arguments and answer; see nano/engine/channels.py.

    As a body consumer it takes the bytes for the script, within the credit that the script grants.
    """

    upload = Attribute("What the script sends, an IRequestBody.")
    when_cancelled = Attribute("Called without arguments when the script wants no answer any more, or is gone.")

    def attach(body: IRequestBody) -> None:
        """Have *body* start to produce for the script."""

    def take_whole() -> bytes | None:
        """All of the download, if it has ended and none of it has gone to the script; the channel is over then."""

    def close() -> None:
        """There is nothing (more) for the script, and nothing wanted of it."""


class OpContext(Protocol):
    """What an op may know of the isolate that called it."""

    outbound: IOutbound | None
    """The way to other servers, if there is one."""

    @property
    def app(self) -> str:
        """The app's name."""

    @property
    def reactor(self) -> Reactor:
        """The reactor that runs the op."""

    @property
    def kept(self) -> dict[str, Any]:
        """What questions keep for the isolate (`nano.ops.registry.isolate_question`); they run on another thread."""

    def channel(self, id_: object) -> IChannel:
        """The channel that the script has opened under this id; `OpError` for an id that cannot be one."""


#: Called with an OpContext, the script's arguments (any JSON value) and buffers.
OpFunction = Callable[[Any, Any, list[bytes]], Any]
#: Called on the isolate's thread with the question's bytes.
Question = Callable[[bytes], bytes]
#: The same, with what it keeps for the isolate that asks (`nano.ops.registry.isolate_question`).
IsolateQuestion = Callable[[dict[str, Any], bytes], bytes]


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


class AppMeter(Protocol):
    """Told what one app does, for its metrics."""

    def starting(self) -> Callable[[], None]:
        """The app begins to start in an isolate; what is returned is called when it can serve."""

    def spent(self, seconds: float) -> None:
        """The app has used so much CPU time."""

    def fetched(self, status: str, seconds: float) -> None:
        """A fetch of the app was answered with *status*, "error" for none, after so many seconds."""


class Trace(Protocol):
    """Told what one isolate does, so that it is known even when the process has died of it."""

    def requested(self) -> None:
        """The isolate was given a request."""

    def started(self) -> None:
        """The isolate was given work."""

    def read(self) -> None:
        """The isolate has read the work it was given; promise jobs may follow."""

    def close(self) -> None:
        """The isolate is out of service."""


class Traces(Protocol):
    """Where isolates leave their traces."""

    def open(self, app: str, cpu: Callable[[], float]) -> Trace:
        """
        A trace for an isolate of *app*.

        Args:
            cpu: the CPU time of the isolate's thread in seconds, 0.0 once that is gone.
        """


class UnknownAppError(Exception):
    """There is no app of that name."""


class ConflictError(Exception):
    """A change contradicts what is there; the text says how."""


class IControl(Interface):
    """
    What an operator may ask of a server, whether it is one process or many.

    All results are Deferreds that fire with JSON-able values.  Changes are serialised: a later one begins when the
    one before has switched or failed.  A change switches everywhere or nowhere.
    """

    ready = Attribute("Whether every app is loaded, or has failed to, wherever it shall be.")
    draining = Attribute("Whether nothing new is accepted.")

    def apps() -> Deferred[list[dict[str, Any]]]:
        """
        The state of every app: `name`, `hostnames`, `path`, `state`, `version`, `isolates`, `in_flight`,
        `cpu_seconds`, `memory_bytes`, `requests` and `errors` (so far), `recent` (of each process, what
        `nano.admin.recent.Window` tells), `error` (None, or `code` and `detail`) and `origin` ("config" or "api").
        """

    def workers() -> Deferred[list[dict[str, Any]]]:
        """
        The state of every worker process: `worker` (its number, 0 for the only process), `pid`, `state`,
        `uptime_seconds`, `apps`, `isolates`, `in_flight` and `memory_bytes` (resident).
        """

    def snapshots() -> Deferred[list[dict[str, Any]]]:
        """The figures of every process (`nano.admin.metrics.Metrics.snapshot`)."""

    def journals(question: dict[str, Any]) -> Deferred[list[dict[str, Any]]]:
        """What every process has told its log lately: the answers of `nano.admin.journal.Journal.answer`."""

    def app_config(name: str) -> AppConfig:
        """
        The configuration of an app as it is served now.

        Raises:
            UnknownAppError: when there is no such app.
        """

    def parse_app(value: dict[str, Any]) -> AppConfig:
        """
        The object of one app, with the defaults of the configuration.

        Raises:
            ConfigError: with everything that is wrong.
        """

    def put_app(config: AppConfig, new: bool) -> Deferred[str]:
        """
        Serve an app, in place of the one of its name if there is one.

        Args:
            new: whether it must not replace one that is configured differently.

        Fires with "created", "replaced" or "unchanged" once requests reach it, without waiting for an old version to
        drain.  Fails with `AppLoadError` when it does not load and with `ConflictError` when another app claims one
        of its host names, or *new* forbids; nothing has changed then.
        """

    def remove_app(name: str) -> Deferred[bool]:
        """
        Serve an app no more.

        Fires with whether it drained in time; fails with `UnknownAppError`.
        """

    def release_app(name: str) -> Deferred[bool]:
        """
        Let an app out of quarantine before its time, and forget what brought it there.

        Fires with whether it was in quarantine; fails with `UnknownAppError`.
        """

    def reload() -> Deferred[dict[str, Any]]:
        """
        Read the configuration and the apps again; what was changed through `put_app` and `remove_app` is undone.

        Fires with `created`, `replaced`, `removed` (names), `failed` (name to reason; the old version is served on)
        and `restart_needed` (keys of app.json whose change waits for a restart).  Fails with `ConfigError`; nothing
        has changed then.
        """
