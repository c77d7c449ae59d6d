# -*- test-case-name: tests.test_fakes -*-
"""
Fakes of nano's seams, driven by a clock and by the test; V8 and sockets stay out.

`tests.test_fakes` holds them against the interfaces they stand for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from nano.engine.records import encode
from nano.engine.v8 import EvalResult
from nano.errors import DrainingError, NanoError
from nano.exchange import Exchange, Header
from nano.interfaces import (
    IAppLookup,
    IBodyConsumer,
    IEventHandler,
    IRequestBody,
    IResponseSink,
    IsolateProgram,
    Reactor,
)

__all__ = [
    "FakeAppLookup",
    "FakeBody",
    "FakeConsumer",
    "FakeEvent",
    "FakeEventHandler",
    "FakeIsolate",
    "FakeIsolateHost",
    "FakeReactor",
    "FakeSink",
    "make_exchange",
]


@implementer(Reactor)
class FakeReactor(Clock):
    """
    A clock that also takes calls from threads; they run in its next turn.
    """

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:  # noqa: A002
        """Run it in the next turn (IReactorFromThreads)."""
        self.callLater(0, callable, *args, **kwargs)

    def callInThread(self, callable: Callable[..., Any], *args: object, **kwargs: object) -> None:  # noqa: A002
        """Run it now (IReactorInThreads)."""
        callable(*args, **kwargs)

    def getThreadPool(self) -> Any:
        """There is none (IReactorThreads)."""
        raise NotImplementedError

    def suggestThreadPoolSize(self, size: int) -> None:
        """Nothing to suggest it to (IReactorThreads)."""

    def turn(self) -> None:
        """Run what is due, and what that makes due at once."""
        for _ in range(1000):
            if not any(call.getTime() <= self.seconds() for call in self.getDelayedCalls()):
                return
            self.advance(0)
        msg = "the reactor does not come to rest"
        raise AssertionError(msg)


@implementer(IResponseSink)
class FakeSink:
    """
    Keeps what a response consists of.

    Attributes:
        calls: the names of the calls so far.
        status, reason, headers, length: of the head.
        body: so far.
        error: what the test that holds it wants to remember.
        on_write: called with each piece, as a transport that fills up would pause its producer.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = 0
        self.reason = b""
        self.headers: list[Header] = []
        self.length: int | None = None
        self.body = b""
        self.error = ""
        self.on_write: Callable[[bytes], None] = lambda data: None

    def head(self, status: int, reason: bytes, headers: list[Header], length: int | None) -> None:
        """Keep the head (IResponseSink)."""
        self.calls.append("head")
        self.status, self.reason, self.headers, self.length = status, reason, headers, length

    def write(self, data: bytes) -> None:
        """Keep a piece of the body (IResponseSink)."""
        self.calls.append("write")
        self.body += data
        self.on_write(data)

    def finish(self) -> None:
        """Note the end (IResponseSink)."""
        self.calls.append("finish")

    def cut(self) -> None:
        """Note the end (IResponseSink)."""
        self.calls.append("cut")

    @property
    def finished(self) -> bool:
        """Whether the response is whole."""
        return self.calls[-1:] == ["finish"]

    @property
    def was_cut(self) -> bool:
        """Whether the response was broken off."""
        return self.calls[-1:] == ["cut"]

    def header(self, name: bytes) -> bytes | None:
        """The value of a header of the response."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def make_exchange(
    sink: FakeSink | None = None,
    method: str = "GET",
    url: str = "http://app.test/",
    headers: Iterable[Header] = (),
    body: Any = None,
) -> tuple[Exchange, FakeSink]:
    """An exchange, and where its response goes."""
    sink = FakeSink() if sink is None else sink
    return Exchange(sink, method, url, list(headers), body, "request-1"), sink


@implementer(IRequestBody)
class FakeBody:
    """
    A request body of pieces that go out as long as nobody says pause.

    Attributes:
        calls: what was asked of it, in order.
        left: the pieces still to give.
    """

    def __init__(self, pieces: Iterable[bytes] = ()) -> None:
        self.left = list(pieces)
        self.calls: list[str] = []
        self.consumer: Any = None
        self._flowing = False

    def start(self, consumer: Any) -> None:
        """Begin (IRequestBody)."""
        self.calls.append("start")
        self.consumer = consumer
        self._flow()

    def pauseProducing(self) -> None:
        """Pause (IPushProducer)."""
        self.calls.append("pause")
        self._flowing = False

    def resumeProducing(self) -> None:
        """Go on (IPushProducer)."""
        self.calls.append("resume")
        self._flow()

    def stopProducing(self) -> None:
        """Nobody wants the rest (IProducer)."""
        self.calls.append("stop")
        self._flowing = False
        self.left.clear()

    def _flow(self) -> None:
        self._flowing = True
        while self._flowing and self.left:
            self.consumer.write(self.left.pop(0))
        if self._flowing:
            self._flowing = False
            self.calls.append("finish")
            self.consumer.finish()


@implementer(IBodyConsumer)
class FakeConsumer:
    """
    Keeps a request body.
    """

    def __init__(self) -> None:
        self.body = b""
        self.ended: str | None = None

    def write(self, data: bytes) -> None:
        """Keep a piece (IBodyConsumer)."""
        self.body += data

    def finish(self) -> None:
        """The body is whole (IBodyConsumer)."""
        self.ended = "finished"

    def fail(self, reason: str) -> None:
        """The body breaks off (IBodyConsumer)."""
        self.ended = reason


@implementer(IEventHandler)
class FakeEventHandler:
    """
    An app that keeps the exchanges it is given.
    """

    max_body = 2**20

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def handle(self, exchange: Exchange) -> None:
        """Keep it (IEventHandler)."""
        self.exchanges.append(exchange)


@implementer(IAppLookup)
class FakeAppLookup:
    """
    Apps by host name.
    """

    def __init__(self, **apps: IEventHandler) -> None:
        self.apps: dict[str, IEventHandler] = dict(apps)

    def find(self, host: str) -> IEventHandler | None:
        """The app of exactly this name (IAppLookup)."""
        return self.apps.get(host)


class FakeIsolate:
    """
    A `nano.engine.v8.V8Isolate` without V8: the test reads the inbox and writes the outbox.

    Attributes:
        drains: how many drains were asked for and not ended with `end_drain`.
        batches: what stood in the inbox at each drain.
        texts: what was given as text.
        scripts: what was evaluated, with the callbacks.
        cpu: what the isolate's CPU clock shows.
    """

    def __init__(
        self,
        on_bell: Callable[[], None] = lambda: None,
        on_drained: Callable[[EvalResult], None] = lambda result: None,
        size: int = 4096,
    ) -> None:
        self._on_bell = on_bell
        self._on_drained = on_drained
        self.inbox, self.outbox, self.reply = (memoryview(bytearray(size)) for _ in range(3))
        self.drains = 0
        self.batches: list[bytes] = []
        self.texts: list[bytes] = []
        self.scripts: list[tuple[str, Callable[[EvalResult], None]]] = []
        self.heap_limit = 0
        self.cpu = 0.0
        self.freed = False
        self.collections = 0
        self.out_of_memory = False
        self.thread_id = 1

    def start(self, source: str, heap_limit: int) -> None:
        """Nothing to start."""
        self.heap_limit = heap_limit

    def set_heap_limit(self, limit: int) -> None:
        """Keep it."""
        self.heap_limit = limit

    def evaluate(self, source: str, done: Callable[[EvalResult], None]) -> int:
        """Keep the script."""
        self.scripts.append((source, done))
        return len(self.scripts)

    def cancel(self, task: int) -> None:
        """A script that is cancelled has been terminated."""
        _, done = self.scripts[task - 1]
        done(EvalResult("execution terminated", terminated=True))

    def drain(self) -> None:
        """Read the inbox."""
        if self.freed:
            msg = "a freed isolate was asked to drain"
            raise AssertionError(msg)
        (length,) = struct.unpack_from("<I", self.inbox)
        self.batches.append(bytes(self.inbox[4 : 4 + length]))
        self.drains += 1

    def give_text(self, text: bytes) -> None:
        """Take a text, as a drain."""
        self.texts.append(text)
        self.drains += 1

    def end_drain(self, error: str | None = None) -> None:
        """The oldest drain has returned."""
        self.drains -= 1
        self._on_drained(EvalResult(error))

    def ring(self, data: bytes, question: int = 0, length: int | None = None) -> None:
        """Hand *data* to the host, as the runtime does at the end of a turn."""
        self.outbox[8 : 8 + len(data)] = data
        struct.pack_into("<II", self.outbox, 0, len(data) if length is None else length, question)
        self._on_bell()

    def tell(self, type_: int, id_: int = 0, payload: bytes = b"", flags: int = 0, small: int = 0) -> None:
        """Hand one record to the host, in as many pieces as it takes."""
        data = encode(type_, id_, payload, flags, small)
        room = len(self.outbox) - 8
        for at in range(0, len(data), room):
            self.ring(data[at : at + room])

    def records(self) -> list[tuple[int, int, int, bytes]]:
        """All records that were in the inbox so far: type, flags, id and payload."""
        stream, found, at = b"".join(self.batches), [], 0
        while at < len(stream):
            length, type_, flags, _, id_ = struct.unpack_from("<IBBHI", stream, at)
            at += 12
            found.append((type_, flags, id_, stream[at : at + length]))
            at += length
        return found

    def heap_limit_reached(self) -> bool:
        """What the test says."""
        return self.out_of_memory

    def collect_garbage(self) -> None:
        """Count."""
        self.collections += 1

    def cpu_seconds(self) -> float:
        """What the test says."""
        return self.cpu

    def free(self) -> None:
        """Give everything back."""
        self.inbox = self.outbox = self.reply = memoryview(b"")
        self.freed = True


class FakeEvent:
    """
    An event of a `FakeIsolateHost`, as the watchdog sees it.
    """

    def __init__(self, started: float = 0.0, cpu: float = 0.0) -> None:
        self.started = started
        self.cpu = cpu
        self.unanswered = True
        self.expired: float | None = None

    def expire(self, timeout: float) -> None:
        """Note it."""
        self.expired = timeout
        self.unanswered = False


class FakeIsolateHost:
    """
    An isolate host as apps and the watchdog see it (`nano.apps.app.Host`, `nano.engine.watchdog.Watched`).

    Attributes:
        cpu: what its CPU clock shows; `rest` is what it showed when the isolate was at rest.
        events: what is in flight, for the watchdog.
        exchanges: what was dispatched, for the app's test to answer.
        loading: the Deferred that `load` has returned.
        condemned: what it was condemned for.
        at_rest: whether nothing is under way in it, as the test says; `activity` is what it was given and has said.
    """

    request_id = ""

    def __init__(self, cpu_seconds: float = 0.0) -> None:
        self.cpu = cpu_seconds
        self.rest = 0.0
        self.blocked: float | None = None
        self.events: list[FakeEvent] = []
        self.exchanges: list[Exchange] = []
        self.loading: Deferred[Any] = Deferred()
        self.owner: Any = None
        self.program: IsolateProgram | None = None
        self.timeout = 0.0
        self.condemned: NanoError | None = None
        self.retired = False
        self.at_rest = True
        self.activity = 0
        self.reclaims: list[Callable[[], None]] = []

    def load(self, program: IsolateProgram, owner: Any, timeout: float) -> Deferred[Any]:
        """Keep what is to be loaded; the test fires `loading`."""
        self.program, self.owner, self.timeout = program, owner, timeout
        return self.loading

    def dispatch(self, exchange: Exchange) -> None:
        """Keep the exchange."""
        self.exchanges.append(exchange)

    def condemn(self, error: NanoError) -> None:
        """Out of service: tell the owner, fail what is in flight."""
        if self.condemned is not None:
            return
        self.condemned = error
        if self.owner is not None:
            self.owner.isolate_condemned(self, error)
        if self.program is not None and not self.loading.called:
            self.loading.errback(error)
        for exchange in self.exchanges:
            exchange.fail(error)

    def retire(self) -> None:
        """Finish what is there, then condemn: `settle` does it."""
        if self.retired or self.condemned is not None:
            return
        self.retired = True
        if self.owner is not None:
            self.owner.isolate_retired(self)
        self.settle()

    def settle(self) -> None:
        """Nothing is left in flight, if all exchanges are over."""
        if self.retired and all(exchange.over for exchange in self.exchanges):
            self.condemn(DrainingError("the isolate has retired"))

    def cpu_seconds(self) -> float:
        """What the test says."""
        return self.cpu

    def cpu_since_rest(self) -> float:
        """What the test says."""
        return self.cpu - self.rest

    def blocked_since(self) -> float | None:
        """What the test says."""
        return self.blocked

    def events_in_flight(self) -> Iterable[FakeEvent]:
        """Oldest first."""
        return self.events

    def reclaim(self, done: Callable[[], None]) -> None:
        """Keep *done*."""
        self.reclaims.append(done)
