# -*- test-case-name: tests.engine.test_host -*-
"""
The Python object that owns one isolate: its inbox and outbox, the events it runs and the ops it asked for.

Two threads meet here.  On the *isolate's thread* `_on_bell` and `_on_drained` copy what the scripts wrote and hand
it over as `Notices`; everything else runs on the *reactor thread*, which never waits for the isolate.

Inwards, records queue up until the isolate has read the last batch; then one crossing hands over all of them.
Outwards, one bell brings all records of a turn.  An isolate that writes faster than the reactor reads stands still
in its bell until the reactor has caught up: its output is never buffered beyond `BACKLOG` bytes.

States of a host:

    SPARE ── load ──> LOADING ──> SERVING ── retire ──> RETIRED
      │                  │           │                     │
      └──────────────────┴───────────┴───── condemn ───────┴──> CONDEMNED

A condemned host never serves again: its events fail, its memory is given back on a thread of its own.  A retired one
is condemned when the last of its events has settled.
"""

from __future__ import annotations

import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure as TwistedFailure

from nano.engine.alarm import Alarm
from nano.engine.channels import FIRST_CHANNEL, Channel, Channels
from nano.engine.events import FetchEvent
from nano.engine.notices import Notices
from nano.engine.owner import NO_TRACE, UNOWNED, HostState, IsolateOwner
from nano.engine.records import (
    OP_FAILED,
    OP_FORGET,
    Inward,
    Outward,
    Record,
    RecordDecoder,
    RecordError,
    encode,
    pack_value,
    unpack_value,
)
from nano.engine.unread import UnreadBodies
from nano.engine.v8 import EvalResult, V8Isolate
from nano.errors import (
    AppLoadError,
    AppStartupTimeoutError,
    DrainingError,
    EngineError,
    HandlerHungError,
    MemoryExceededError,
    NanoError,
)
from nano.exchange import Exchange
from nano.interfaces import IOutbound, IsolateProgram, IsolateQuestion, OpError, Ops, Reactor, Trace

__all__ = ["BACKLOG", "HostState", "IsolateHost", "IsolateOwner"]

#: How many bytes of output may wait for the reactor before the isolate is made to wait.
BACKLOG = 4 * 2**20
#: How long nothing may happen before an isolate with unanswered events is asked whether it hangs, in seconds.
HANG_PAUSE = 0.01
#: How many more bytes than `memory` one record may have, for its head.
_RECORD_SLACK = 2**20

_OUTBOX_HEAD = struct.Struct("<II")
_U32 = struct.Struct("<I")
_ASK = 1


class IsolateHost:
    """
    One isolate at work.

    Args:
        reactor: runs timers and ops.
        ops: what scripts may ask for.
        on_thread: runs what blocks on a thread of its own.
        notices: brings what its thread has to tell to the reactor thread; made if not given.

    Attributes:
        isolate: the V8 isolate; started elsewhere, as that blocks.
        app: the name of the app it serves.
        state: see the module's text.
        events: what is in flight here, by id, oldest first.
        memory: bytes of heap and buffers that the app may use.
        trace: is told what it does.
        cpu_at_rest: the CPU clock of its thread when it was last known to have nothing to do, in seconds.
        outbound: its scripts' way to other servers; whoever sets it closes it.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        ops: Ops,
        on_thread: Callable[[Callable[[], None]], object],
        notices: Notices | None = None,
    ) -> None:
        self.reactor = reactor
        self.isolate = V8Isolate(self._on_bell, self._on_drained)
        self.state = HostState.SPARE
        self.events: dict[int, FetchEvent] = {}
        self.memory = 128 * 2**20
        self.cpu_at_rest = 0.0
        self.outbound: IOutbound | None = None
        self.trace: Trace = NO_TRACE
        self._ops = ops
        self._on_thread = on_thread
        self._notices = Notices(reactor) if notices is None else notices
        self._owner: IsolateOwner = UNOWNED
        self._decoder = RecordDecoder(self.memory + _RECORD_SLACK)
        self._last_event = 0
        self._queue: deque[bytes | memoryview] = deque()
        self._kick_scheduled = False
        self._draining = False
        self._drain_began = 0.0
        self._pending_ops: set[Deferred[Any]] = set()
        self._channels = Channels(self.send)
        self._bodies = UnreadBodies(self.events, self._channels, self.send, self._wake, self.condemn)
        self._alarm = Alarm(reactor, lambda: self.send(encode(Inward.TIMER, 0)))
        self._loaded: Deferred[Any] | None = None
        self._when_quiet: list[Deferred[None]] = []
        self._hang_check: IDelayedCall | None = None
        self._activity = 0
        self._answer = b""
        # What questions keep from one to the next: the isolate's thread looks into it, and ops that share it by `kept`.
        self._kept: dict[str, Any] = {}
        # Shared with the isolate's thread, guarded by the condition.
        self._arrived: deque[bytes] = deque()
        self._backlog = 0
        self._caught_up = threading.Condition()

    @property
    def app(self) -> str:
        """The name of the app it serves, "" for a spare."""
        return self._owner.name

    @property
    def kept(self) -> dict[str, Any]:
        """What questions keep for this isolate (OpContext)."""
        return self._kept

    @property
    def request_id(self) -> str:
        """The id of the request it is at work on; "" unless there is exactly one."""
        if len(self.events) != 1:
            return ""
        return next(iter(self.events.values())).exchange.request_id

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way: no event, no op, no timer, no body, nothing on its way in or out."""
        under_way = self.events or self._pending_ops or self._alarm or self._draining or self._queue or self._arrived
        return self.state is HostState.SERVING and not (under_way or len(self._channels))

    @property
    def activity(self) -> int:
        """Grows whenever it is given work, or has said something."""
        return self._activity

    # On the isolate's thread.

    def _on_bell(self) -> None:
        # Taken before the look at the state: `free`, which takes them away, follows on it.
        outbox, reply = self.isolate.outbox, self.isolate.reply
        if self.state is HostState.CONDEMNED:
            return
        length, question = _OUTBOX_HEAD.unpack_from(outbox)
        start = _OUTBOX_HEAD.size
        data = bytes(outbox[start : start + min(length, len(outbox) - start)])
        if question:
            self._answer_question(question, reply)
        if not data:
            return
        with self._caught_up:
            first = not self._arrived
            self._arrived.append(data)
            self._backlog += len(data)
        if first:
            self._notices.put(self._deliver)
        if self._backlog > BACKLOG:
            self._wait_for_reactor()

    def _wait_for_reactor(self) -> None:
        with self._caught_up:
            self._caught_up.wait_for(lambda: self._backlog <= BACKLOG or self.state is HostState.CONDEMNED)

    def _answer_question(self, question: int, reply: memoryview) -> None:
        if question == _ASK:
            number, length = _OUTBOX_HEAD.unpack_from(reply)
            asked = bytes(reply[8 : 8 + min(length, len(reply) - 8)])
            self._answer = self._ask(number, asked)
            _U32.pack_into(reply, 0, len(self._answer))
        piece, self._answer = self._answer[: len(reply) - 4], self._answer[len(reply) - 4 :]
        reply[4 : 4 + len(piece)] = piece

    def _ask(self, number: int, asked: bytes) -> bytes:
        questions = self._ops.questions
        function = questions[number] if number < len(questions) else None
        if function is None:
            return b""
        try:
            if getattr(function, "nano_per_isolate", False):
                return cast(IsolateQuestion, function)(self._kept, asked)
            return function(asked)
        except Exception:
            self.reactor.callFromThread(
                self._log.failure, "question {name} failed", TwistedFailure(), name=self._ops.names[number]
            )
            return b""

    def _on_drained(self, result: EvalResult) -> None:
        # All promise jobs of the turns before have ended when a drain begins, so this thread was at rest then.
        self.cpu_at_rest = time.thread_time()
        self._notices.put(self._drained, result)

    # Inwards.

    def send(self, record: bytes) -> None:
        """Queue a record for the isolate; records of one reactor turn cross together."""
        if self.state is HostState.CONDEMNED:
            return
        self._queue.append(record)
        self._wake()

    def _wake(self) -> None:
        if not self._draining and not self._kick_scheduled:
            self._kick_scheduled = True
            self.reactor.callLater(0, self._kick)

    def _kick(self) -> None:
        self._kick_scheduled = False
        if self._draining or self.state is HostState.CONDEMNED:
            return
        text = self._bodies.take_text()
        if text is not None or not self._queue:
            if text is not None:
                self._drain(text)
            return
        inbox, queue, at = self.isolate.inbox, self._queue, _U32.size
        while queue and at < len(inbox):
            data = queue.popleft()
            room = len(inbox) - at
            if len(data) > room:
                queue.appendleft(memoryview(data)[room:])
                data = memoryview(data)[:room]
            inbox[at : at + len(data)] = data
            at += len(data)
        _U32.pack_into(inbox, 0, at - _U32.size)
        self._drain()

    def _drain(self, text: bytes | None = None) -> None:
        """Have the isolate read the inbox, or take *text*."""
        self._draining = True
        self._drain_began = self.reactor.seconds()
        self._activity += 1
        self.trace.started()
        if text is None:
            self.isolate.drain()
        else:
            self.isolate.give_text(text)

    def _drained(self, result: EvalResult) -> None:
        self._draining = False
        self.trace.read()
        if self.state is HostState.CONDEMNED:
            return
        # The limit may also have ended a promise job of an earlier turn, whose drain had returned by then.
        if result.error is not None or self.isolate.heap_limit_reached():
            self.condemn(self._verdict(result))
            return
        self._kick()
        if not self._draining:
            self._watch_for_hang()

    def _verdict(self, result: EvalResult) -> NanoError:
        if result.out_of_memory or self.isolate.heap_limit_reached():
            return MemoryExceededError(f"the JavaScript heap outgrew its limit of {self.memory} bytes")
        return EngineError(f"the runtime failed: {result.error}")

    # Outwards.

    def _deliver(self) -> None:
        with self._caught_up:
            arrived, self._arrived = self._arrived, deque()
            self._backlog = 0
            self._caught_up.notify_all()
        if self.state is HostState.CONDEMNED:
            return
        self._activity += 1
        try:
            for data in arrived:
                for record in self._decoder.feed(data):
                    self._handle(record)
        except RecordError as error:
            self.condemn(EngineError(f"the isolate of {self.app!r} does not keep to the protocol: {error}"))
        except Exception:
            # The records behind this one are lost, and with them whatever they would have moved on.
            self._log.failure("a record of {app} could not be handled", app=self.app)
            self.condemn(EngineError("a record could not be handled"))

    def _handle(self, record: Record) -> None:
        if self.state is HostState.CONDEMNED:
            return
        if self._channels.takes(record):
            return
        kind = record.type
        event = self.events.get(record.id)
        if kind == Outward.RESPONSE and event is not None:
            event.respond(record)
        elif kind == Outward.CHUNK and event is not None:
            event.chunk(record.payload)
        elif kind == Outward.END and event is not None:
            event.end(record.flags)
        elif kind == Outward.FAIL and event is not None:
            event.fail_response(record)
        elif kind == Outward.CREDIT and event is not None:
            event.body_credit(record.payload)
        elif kind == Outward.BODY_CANCEL and event is not None:
            event.body_cancel()
        elif kind == Outward.SETTLED and event is not None:
            event.settle()
        elif kind == Outward.PASS or kind == Outward.TEXT:
            self._bodies.handle(record)
        elif kind == Outward.OP:
            self._run_op(record)
        elif kind == Outward.LOG:
            self._owner.isolate_log(self, record.small, record.payload.decode("utf-8", "replace"))
        elif kind == Outward.TIMER:
            self._alarm.set(record.payload)
        elif kind == Outward.LOADED or kind == Outward.LOAD_FAILED:
            self._load_ended(kind, record.payload)
        # What remains speaks of an event that ended meanwhile, as both sides may end one at any time.

    # Events.

    def dispatch(self, exchange: Exchange) -> FetchEvent:
        """Have the app's handler answer an exchange."""
        self._last_event = (self._last_event + 1) % FIRST_CHANNEL
        event = FetchEvent(self._last_event, exchange, self, self.reactor.seconds())
        self.events[event.id] = event
        self.trace.requested()
        event.start()
        return event

    def forget(self, event: FetchEvent) -> None:
        """The event is over in every respect."""
        self.events.pop(event.id, None)
        self._leave_if_retired()

    def retire(self) -> None:
        """Finish what is in flight, take nothing new, and give the memory back then."""
        if self.state is HostState.SERVING:
            self.state = HostState.RETIRED
            self._owner.isolate_retired(self)
            self._leave_if_retired()

    def _leave_if_retired(self) -> None:
        if self.state is HostState.RETIRED and not self.events:
            self.condemn(DrainingError("the isolate has retired"))

    # Ops.

    def channel(self, id_: object) -> Channel:
        """The channel that a script has opened for an op (OpContext)."""
        return self._channels.open(id_)

    def _run_op(self, record: Record) -> None:
        args, buffers = unpack_value(record.payload)
        ops = self._ops.ops
        function = ops[record.small] if record.small < len(ops) else None
        if function is None:
            msg = f"there is no op of number {record.small}"
            raise RecordError(msg)
        result = maybeDeferred(function, self, args, buffers)
        if record.flags & OP_FORGET:
            result.addErrback(self._op_failure, record)
            return
        self._pending_ops.add(result)
        result.addCallbacks(_packed, self._op_failure, errbackArgs=(record,))
        result.addErrback(self._op_failure, record)
        result.addCallback(self._op_answer, record.id, result)

    def _op_failure(self, failure: TwistedFailure, record: Record) -> tuple[int, bytes]:
        error = failure.value
        if isinstance(error, OpError):
            return OP_FAILED, pack_value({"name": error.name, "message": str(error)})
        if self.state is HostState.CONDEMNED and isinstance(error, CancelledError):
            return OP_FAILED, b""
        self._log.failure("op {name} of {app} failed", failure, name=self._ops.names[record.small], app=self.app)
        return OP_FAILED, pack_value({"name": "Error", "message": "internal error"})

    def _op_answer(self, answer: tuple[int, bytes], op: int, result: Deferred[Any]) -> None:
        self._pending_ops.discard(result)
        flags, payload = answer
        self.send(encode(Inward.OP_RESULT, op, payload, flags))

    # What the watchdog asks.

    def cpu_seconds(self) -> float:
        """CPU time that its thread has used."""
        return self.isolate.cpu_seconds()

    def cpu_since_rest(self) -> float:
        """CPU time that its thread has used since it was last known to have nothing to do."""
        return self.isolate.cpu_seconds() - self.cpu_at_rest

    def blocked_since(self) -> float | None:
        """Since when it has a batch and has not come back from it, on the reactor's clock; None when it has none."""
        return self._drain_began if self._draining else None

    def events_in_flight(self) -> Iterable[FetchEvent]:
        """Its events, oldest first."""
        return self.events.values()

    def reclaim(self, done: Callable[[], None]) -> None:
        """Have it collect its garbage; *done* is called on the reactor thread when it has."""

        def collect() -> None:
            self.isolate.collect_garbage()
            self.reactor.callFromThread(done)

        self._on_thread(collect)

    # Loading.

    def load(self, program: IsolateProgram, owner: IsolateOwner, timeout: float) -> Deferred[Any]:
        """
        Evaluate an app in this spare.

        Args:
            program: its scripts and what the runtime is told of it.
            owner: the app.
            timeout: seconds of time for its global scope, waiting included.

        Returns:
            Fires with what the runtime says of the app ({"handlers": […]}) when it serves; fails with
            `AppLoadError`, or with what the host was condemned for.  The host is condemned when it fails.
        """
        self._owner = owner
        self.state = HostState.LOADING
        self.memory = self._bodies.memory = program.memory
        self._bodies.limit = program.max_buffer
        self._decoder.limit = program.memory + _RECORD_SLACK
        self.isolate.set_heap_limit(program.memory)
        loaded: Deferred[Any] = Deferred(lambda _: self.condemn(DrainingError("loading was cancelled")))
        self._loaded = loaded
        overdue = self.reactor.callLater(timeout, self._load_overdue, timeout)
        for source in program.scripts:
            self.isolate.evaluate(source, self._on_script)
        self.send(encode(Inward.LOAD, 0, pack_value(program.value, program.buffers)))
        return loaded.addBoth(_cancel_call, overdue)

    def _on_script(self, result: EvalResult) -> None:
        # On the isolate's thread.
        if result.error is not None:
            self.reactor.callFromThread(self.condemn, AppLoadError(result.error))

    def _load_overdue(self, timeout: float) -> None:
        self.condemn(AppStartupTimeoutError(f"the global scope was not done within {timeout:g} s"))

    def _load_ended(self, kind: int, payload: bytes) -> None:
        if self.state is not HostState.LOADING:
            return
        value, _ = unpack_value(payload)
        if kind == Outward.LOAD_FAILED:
            self.condemn(AppLoadError(str(value.get("stack") if isinstance(value, dict) else value)))
            return
        self.state = HostState.SERVING
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.callback(value)

    # Hanging.

    def when_quiet(self) -> Deferred[None]:
        """
        Fires with None when nothing is on its way any more that could make a script go on; fails with what the host is
        condemned for.
        """
        quiet: Deferred[None] = Deferred(self._when_quiet.remove)
        self._when_quiet.append(quiet)
        self._watch_for_hang()
        return quiet

    def _watch_for_hang(self) -> None:
        if self._hang_check is None and self._stuck():
            self._hang_check = self.reactor.callLater(HANG_PAUSE, self._check_hang, self._activity, False)

    def _stuck(self) -> bool:
        """Whether nothing is on its way that could make an unanswered event go on."""
        if self._pending_ops or self._alarm or self._draining or self._queue:
            return False
        if self._channels.external or self._bodies.external:
            return False
        if self.state is HostState.LOADING or self._when_quiet:
            return True
        events = self.events.values()
        waiting = any(event.unanswered or event.exchange.over for event in events)
        return waiting and not any(event.external for event in events)

    def _check_hang(self, activity: int, probed: bool) -> None:
        self._hang_check = None
        if self.state is HostState.CONDEMNED or not self._stuck():
            return
        if not probed and activity == self._activity:
            # An empty batch: when it has been read, every promise job before it has run and said what it had to say.
            self.isolate.inbox[0:4] = b"\0\0\0\0"
            self._drain()
            self._hang_check = self.reactor.callLater(HANG_PAUSE, self._check_hang, self._activity, True)
        elif activity == self._activity and not self._arrived:
            self._hangs()
        else:
            self._watch_for_hang()

    def _hangs(self) -> None:
        if self.state is HostState.LOADING:
            self.condemn(AppLoadError("the global scope awaits something that can never happen"))
            return
        quiet, self._when_quiet = self._when_quiet, []
        for waiting in quiet:
            waiting.callback(None)
        for event in list(self.events.values()):
            if event.unanswered:
                event.exchange.fail(
                    HandlerHungError(
                        "the handler awaits something that can never happen: no timer, fetch or other "
                        "operation is pending"
                    )
                )
                event.abandon("the handler hung")
            elif event.exchange.over:
                # What its waitUntil awaits can never happen either.
                self.forget(event)

    # The end.

    def condemn(self, error: NanoError) -> None:
        """
        Take the isolate out of service for good: fail what is in flight, give its memory back elsewhere.

        Args:
            error: what the exchanges in flight fail with.
        """
        if self.state is HostState.CONDEMNED:
            return
        with self._caught_up:
            self.state = HostState.CONDEMNED
            self._caught_up.notify_all()
        self._alarm.cancel()
        if self._hang_check is not None:
            self._hang_check.cancel()
            self._hang_check = None
        self._queue.clear()
        self._kept = {}
        self._on_thread(self.isolate.free)
        ops, self._pending_ops = self._pending_ops, set()
        for op in ops:
            op.cancel()
        self._channels.close()
        self._bodies.close()
        loaded, self._loaded = self._loaded, None
        quiet, self._when_quiet = self._when_quiet, []
        events = list(self.events.values())
        self.events.clear()
        self._owner.isolate_condemned(self, error)
        for waiting in [*([loaded] if loaded is not None else []), *quiet]:
            waiting.errback(error)
        for event in events:
            event.host_condemned(error)


def _packed(result: Any) -> tuple[int, bytes]:
    if isinstance(result, tuple):
        return 0, pack_value(*result)
    return 0, pack_value(result)


def _cancel_call(result: Any, call: IDelayedCall) -> Any:
    if call.active():
        call.cancel()
    return result
