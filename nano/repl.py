# -*- test-case-name: tests.test_repl -*-
"""
`nano repl`: JavaScript, line by line, in a live isolate.

Two threads work together.  The main thread belongs to the person: it reads lines, with history and completion, and
hears of Ctrl-C: while it reads that is an exception, and while it waits for an answer it is passed on.  The reactor
runs on a thread of its own, and with it the `Session`, which owns the isolate.  The main thread asks, and waits for the
answer; nothing else is shared.

An input takes three steps: the compiler makes a script of it, or tells that it wants another line; the isolate
evaluates the script; the runtime (nano/runtime/repl.js) answers through the log, behind what the input has printed.
An isolate that is condemned, because it ran away or took too much memory, is replaced with the next input.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NamedTuple, Protocol, TextIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from nano import __version__
from nano.apps.program import make_repl_program
from nano.bundle import read_bundle
from nano.engine.compiler import ModuleCompiler
from nano.engine.host import HostState, IsolateHost
from nano.engine.v8 import EvalResult
from nano.errors import DrainingError, EngineError, MemoryExceededError, NanoError, Place
from nano.http.outbound import OutboundSource
from nano.service import make_pool

__all__ = ["Asker", "Outcome", "Prompter", "Session", "converse", "run_repl"]

#: What nano/runtime/repl.js answers with.
_ANSWER = 4
_MEMORY = 1024 * 2**20
_STARTUP_TIME = 10.0
_FREEING_TIME = 1.0
#: How long an isolate may take to come to its senses after Ctrl-C, in seconds.
_GRACE = 1.0
#: How long somebody who has pressed Tab waits, in seconds.
_COMPLETION_TIME = 1.0

#: Frames of the runtime's own in a stack.
_OWN_FRAMES = re.compile(r"\n +at [^\n]*\bnano:[^\n]*")
#: Frames in the first line of an input.
_FIRST_LINES = re.compile(r"\n +at [^\n]*?\bREPL(\d+):1:(\d+)\)?(?=\n|$)")
#: The names, joined by dots, that the text before the cursor ends with.
_NAMES = re.compile(r"(?:[\w$]+\.)*[\w$]*$").search
_HISTORY = 2000


class Outcome(NamedTuple):
    """
    What became of an input.

    Attributes:
        text: its value, or what went wrong, as it is shown.
        failed: whether something went wrong.
        incomplete: whether it needs another line; then nothing was done.
    """

    text: str
    failed: bool = False
    incomplete: bool = False


class _Evaluation:
    """An input that the isolate is at work on."""

    def __init__(self) -> None:
        self.done: Deferred[Any] = Deferred()
        self.task = 0

    def answer(self, result: Any) -> None:
        if not self.done.called:
            self.done.callback(result)


class Session:
    """
    An isolate, and what was said in it so far.  All methods belong on the reactor's thread.

    Args:
        reactor: runs the isolate.
        out: where the console prints.
        err: where its warnings and errors go.
    """

    name = "repl"

    def __init__(self, reactor: Any, out: TextIO, err: TextIO) -> None:
        self._reactor = reactor
        self._out = out
        self._err = err
        self._pool = make_pool(reactor, 0)
        self._compiler = ModuleCompiler(reactor, read_bundle("compiler.js"))
        self._outbound = OutboundSource(reactor).make(self.name)
        self._ids = itertools.count(1)
        self._shifts: dict[int, int] = {}
        self._interrupts = 0
        self._evaluations: dict[int, _Evaluation] = {}
        self._host: IsolateHost | None = None

    # What is asked of it.

    def evaluate(self, source: str) -> Deferred[Outcome]:
        """
        Evaluate an input; the Deferred does not fail.
        """
        return Deferred.fromCoroutine(self._evaluate(source))

    async def _evaluate(self, source: str) -> Outcome:
        number = next(self._ids)
        name = f"REPL{number}"
        interrupts = self._interrupts
        try:
            compiled = await self._compiler.compile(source, name, json.dumps({"repl": number}))
            if "error" in compiled:
                return _syntax_error(source, name, compiled["error"])
            if "incomplete" in compiled:
                return Outcome("", incomplete=True)
            self._shifts[number] = compiled["shift"]
            host = await self._get_host()
            if interrupts != self._interrupts:
                return _INTERRUPTED
            outcome: Outcome = await self._run(host, number, compiled["code"])
        except NanoError as error:
            return Outcome(f"Uncaught {error}", failed=True)
        return outcome

    async def _run(self, host: IsolateHost, number: int, code: str) -> Any:
        evaluation = self._evaluations[number] = _Evaluation()
        evaluation.task = host.isolate.evaluate(code, lambda result: self._on_evaluated(host, evaluation, result))
        quiet = host.when_quiet()
        quiet.addCallbacks(lambda _: evaluation.answer(_NEVER), lambda failure: failure.trap(CancelledError, NanoError))
        try:
            return await evaluation.done
        finally:
            del self._evaluations[number]
            if not quiet.called:
                quiet.cancel()

    def _on_evaluated(self, host: IsolateHost, evaluation: _Evaluation, result: EvalResult) -> None:
        # On the isolate's thread.
        if result.error is not None:
            self._reactor.callFromThread(self._evaluation_failed, host, evaluation, result)

    def _evaluation_failed(self, host: IsolateHost, evaluation: _Evaluation, result: EvalResult) -> None:
        if result.out_of_memory or (host.state is not HostState.CONDEMNED and host.isolate.heap_limit_reached()):
            host.condemn(MemoryExceededError(f"the JavaScript heap outgrew its limit of {_MEMORY >> 20} MB"))
        else:
            evaluation.answer(_INTERRUPTED if result.terminated else Outcome(f"Uncaught {result.error}", failed=True))

    def complete(self, text: str) -> Deferred[list[str]]:
        """
        The ways in which the last name of *text*, names joined by dots, may go on, sorted.

        Fires with an empty list when the isolate is busy; it does not fail.
        """
        return Deferred.fromCoroutine(self._complete(text))

    async def _complete(self, text: str) -> list[str]:
        number = next(self._ids)
        evaluation = self._evaluations[number] = _Evaluation()
        overdue = self._reactor.callLater(_COMPLETION_TIME, evaluation.answer, [])
        try:
            host = await self._get_host()
            script = f'globalThis["nano:repl"].complete({number},{json.dumps(text)})'
            host.isolate.evaluate(script, lambda result: self._on_evaluated(host, evaluation, result))
            found = await evaluation.done
        except NanoError:
            return []
        finally:
            del self._evaluations[number]
            if overdue.active():
                overdue.cancel()
        return found if isinstance(found, list) else []

    def interrupt(self) -> None:
        """
        Give up what is being evaluated; an isolate that does not react is replaced.
        """
        self._interrupts += 1
        host = self._host
        if host is None:
            return
        evaluations = list(self._evaluations.values())
        for evaluation in evaluations:
            host.isolate.cancel(evaluation.task)

        def give_up() -> None:
            host.condemn(EngineError("it could not be interrupted"))

        def reacted() -> None:
            if overdue.active():
                overdue.cancel()
            for evaluation in evaluations:
                evaluation.answer(_INTERRUPTED)

        overdue = self._reactor.callLater(_GRACE, give_up)
        host.isolate.evaluate("0", lambda result: self._reactor.callFromThread(reacted))

    def stop(self) -> Deferred[None]:
        """
        Give everything back; fires with None.
        """
        if self._host is not None:
            self._host.condemn(DrainingError("the session is over"))
        self._outbound.close()
        self._compiler.stop()
        return self._pool.stop(_FREEING_TIME)

    # Its isolate.

    async def _get_host(self) -> IsolateHost:
        if self._host is None:
            host = await self._pool.get()
            host.outbound = self._outbound
            await host.load(make_repl_program(_MEMORY), self, _STARTUP_TIME)
            self._host = host
        return self._host

    def isolate_log(self, host: IsolateHost, level: int, text: str) -> None:
        """A line for the console, or an answer (IsolateOwner)."""
        if level != _ANSWER:
            stream = self._out if level < 2 else self._err
            _show(self._readable(text), stream)
            return
        answer = json.loads(text)
        evaluation = self._evaluations.get(answer["id"])
        if evaluation is None:
            return
        if "names" in answer:
            evaluation.answer(answer["names"])
        else:
            evaluation.answer(Outcome(self._readable(answer["text"]), answer["failed"]))

    def _readable(self, text: str) -> str:
        """A text with stacks as those who typed the inputs expect them: without what stands around the inputs."""

        def first_line(match: re.Match[str]) -> str:
            column = int(match[2]) - self._shifts.get(int(match[1]), 0)
            start, end = match.span(2)
            frame = match[0]
            return f"{frame[: start - match.start()]}{column}{frame[end - match.start() :]}" if column > 0 else ""

        return _FIRST_LINES.sub(first_line, _OWN_FRAMES.sub("", text))

    def isolate_retired(self, host: IsolateHost) -> None:
        """Nobody retires it (IsolateOwner)."""

    def isolate_condemned(self, host: IsolateHost, error: NanoError) -> None:
        """The next input gets another isolate (IsolateOwner)."""
        if self._host is host:
            self._host = None
        for evaluation in list(self._evaluations.values()):
            evaluation.answer(Outcome(f"Interrupted: {error}; what was defined is lost", failed=True))


_INTERRUPTED = Outcome("Interrupted", failed=True)
_NEVER = Outcome("Uncaught: this awaits something that can never happen", failed=True)


def _syntax_error(source: str, name: str, error: dict[str, Any]) -> Outcome:
    lines = source.splitlines()
    line = error["line"]
    place = Place(name, line, error["column"], lines[line - 1] if 0 < line <= len(lines) else None)
    text = f"Uncaught SyntaxError: {error['message']}"
    return Outcome("\n".join(filter(None, (place.frame(), text))), failed=True)


def _show(text: str, stream: TextIO) -> None:
    stream.write(f"{text}\n")
    stream.flush()


class Asker(Protocol):
    """What `converse` needs of a session, from its own thread: each call waits for the answer."""

    def evaluate(self, source: str) -> Outcome:
        """Evaluate an input; Ctrl-C interrupts it."""


def converse(session: Asker, read: Callable[[str], str], out: TextIO, err: TextIO, prompts: tuple[str, str]) -> bool:
    """
    Read lines and show what comes of them, until there are no more.

    Args:
        session: evaluates inputs.
        read: given a prompt, returns a line; raises `EOFError` at the end, and `KeyboardInterrupt` for Ctrl-C.
        out: where values are shown.
        err: where errors are shown.
        prompts: for the first line of an input, and for its further lines.  Empty ones: nobody is there to look at
            values, so only errors are shown.

    Returns:
        Whether everything went well.
    """
    lines: list[str] = []
    good = True
    while True:
        try:
            lines.append(read(prompts[bool(lines)]))
        except EOFError:
            if lines:
                _show("Uncaught SyntaxError: Unexpected end of input", err)
            return good and not lines
        except KeyboardInterrupt:
            _show("" if lines else "\n(Ctrl-D leaves)", out)
            lines = []
            continue
        if not "".join(lines).strip():
            lines = []
            continue
        outcome = session.evaluate("\n".join(lines))
        if outcome.incomplete:
            continue
        lines = []
        good = good and not outcome.failed
        if outcome.failed:
            _show(outcome.text, err)
        elif prompts[0]:
            _show(outcome.text, out)


class Prompter:
    """
    The main thread's way to a session that lives on the reactor's thread, and the completer of `readline`.

    Args:
        reactor: the session's.
        session: is asked.
        read: reads a line.
    """

    def __init__(self, reactor: Any, session: Session, read: Callable[[str], str]) -> None:
        self._reactor = reactor
        self._session = session
        self._read = read
        self._reading = self._asking = self._interrupted = False
        self._candidates: Sequence[str] = ()

    def on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-C, as a signal handler."""
        if self._asking:
            self._reactor.callFromThread(self._session.interrupt)
        elif self._reading:
            raise KeyboardInterrupt
        else:
            # A line is on its way: what is asked next is what is meant.
            self._interrupted = True

    def read(self, prompt: str) -> str:
        """A line; Ctrl-C raises `KeyboardInterrupt` meanwhile, and at no other time."""
        self._interrupted = False
        self._reading = True
        try:
            return self._read(prompt)
        finally:
            self._reading = False

    def ask(self, function: Callable[[], Deferred[Any]]) -> Any:
        """What the Deferred of *function*, which is called on the reactor's thread, fires with."""
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._reactor.callFromThread(lambda: function().addBoth(answers.put))
        self._asking = True
        if self._interrupted:
            self._interrupted = False
            self._reactor.callFromThread(self._session.interrupt)
        answer = answers.get()
        self._asking = False
        if isinstance(answer, Failure):
            answer.raiseException()
        return answer

    def evaluate(self, source: str) -> Outcome:
        """Evaluate an input; Ctrl-C interrupts it."""
        outcome: Outcome = self.ask(lambda: self._session.evaluate(source))
        return outcome

    def complete(self, text: str, state: int) -> str | None:
        """Completion number *state* of *text*, None behind the last (`readline.set_completer`)."""
        if state == 0:
            match = _NAMES(text)
            names = match[0] if match else ""
            beginning = names.rpartition(".")[2]
            before = text[: len(text) - len(beginning)]
            # What every object has from older times, such as __proto__, is offered to those who begin it.
            self._candidates = [
                before + name
                for name in self.ask(lambda: self._session.complete(names))
                if beginning.startswith("_") or not name.startswith("__")
            ]
        return self._candidates[state] if state < len(self._candidates) else None


def run_repl(reactor: Any) -> int:
    """
    Talk with whoever is at standard input; a terminal gets prompts, history and completion.

    Args:
        reactor: a fresh one; run on a thread of its own, and stopped.

    Returns:
        The exit code: 0, or 1 after an error in an input that was no terminal's.
    """
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    thread = threading.Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, name="nano-reactor")
    thread.start()
    session = Session(reactor, sys.stdout, sys.stderr)
    prompter = Prompter(reactor, session, input if interactive else _read_plainly)
    signal.signal(signal.SIGINT, prompter.on_interrupt)
    try:
        if interactive:
            return _at_terminal(prompter)
        return 0 if converse(prompter, prompter.read, sys.stdout, sys.stderr, ("", "")) else 1
    except KeyboardInterrupt:
        return 130
    finally:
        prompter.ask(session.stop)
        reactor.callFromThread(reactor.stop)
        thread.join()


def _at_terminal(prompter: Prompter) -> int:
    _show(f"nano {__version__}: Tab completes, Ctrl-C interrupts, Ctrl-D leaves.", sys.stdout)
    save_history = _use_readline(prompter.complete)
    converse(prompter, prompter.read, sys.stdout, sys.stderr, ("> ", "... "))
    _show("", sys.stdout)
    save_history()
    return 0


def _read_plainly(prompt: str) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")


def _use_readline(complete: Callable[[str, int], str | None]) -> Callable[[], None]:
    """
    Set up history and completion; returns what saves the history.

    Where Python was built without readline there are neither.
    """
    try:
        import readline
    except ImportError:
        return lambda: None
    path = os.path.expanduser(os.environ.get("NANO_REPL_HISTORY", "~/.nano_history"))
    try:
        readline.read_history_file(path)
    except OSError:
        pass  # There is none yet.
    readline.set_history_length(_HISTORY)
    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n`!@#%^&*()-=+[{]}\\|;:'\",<>/?~")
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")

    def save() -> None:
        try:
            readline.write_history_file(path)
        except OSError:
            pass  # A home that cannot be written to is no reason to fail at the very end.

    return save
