# -*- test-case-name: tests.engine.test_v8 -*-
"""
The one module that touches PyMiniRacer: a V8 isolate behind its C interface.

It decides how memory and calls cross between Python and V8, and leaves to `nano.engine.host` what they mean.

One `V8Isolate` is one V8 isolate with one context and one native thread of its own, on which all of its
JavaScript runs, without the GIL.  Three rules keep a process with such threads sound:

- The reactor thread never waits for V8.  `start` and `free` block and belong on other threads; everything else
  here only posts a task to the isolate's thread.
- What V8 calls (`on_bell`, `on_drained`, the callbacks of `evaluate`) runs *on the isolate's thread*, which
  stands still meanwhile, and must neither wait for the isolate nor touch the reactor except by `callFromThread`.
- A context is freed exactly once, on a thread of its own, since freeing waits for native code that nothing can
  interrupt (a huge `fill`, for instance).

The C interface is private to PyMiniRacer, hence the check at import and the version pinned in setup.py.
"""

from __future__ import annotations

import ctypes
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple

from nano.errors import EngineError

__all__ = ["EvalResult", "V8Function", "V8Isolate", "context_count", "supported_version"]

#: One native thread for each isolate and none besides.
FLAGS = ("--single-threaded",)

_VERSIONS = ("0.14.",)
_FUNCTIONS = (
    "mr_init_context",
    "mr_free_context",
    "mr_eval",
    "mr_call_function",
    "mr_make_js_callback",
    "mr_alloc_string_val",
    "mr_alloc_int_val",
    "mr_array_push",
    "mr_get_object_item",
    "mr_free_value",
    "mr_value_count",
    "mr_context_count",
    "mr_set_hard_memory_limit",
    "mr_hard_memory_limit_reached",
    "mr_low_memory_notification",
    "mr_cancel_task",
)

# Value types of the C interface (mini_racer.cc).
_INTEGER, _STRING, _UNDEFINED = 3, 5, 11
_FIRST_ERROR = 200
_OUT_OF_MEMORY, _TERMINATED = 202, 204

_BELL, _DRAINED = 0, 1

#: A parameter of glibc's mallopt (malloc.h).
_M_ARENA_MAX = -8

#: How many tasks of an isolate are remembered: more than can wait for their turn, the scripts of a load aside, and
#: those run no code of the app.
_RECENT = 32


def supported_version() -> str:
    """
    The version of PyMiniRacer that is installed.

    Raises:
        EngineError: when its private interface is not the one this module was written for.
    """
    version = metadata.version("mini-racer")
    if not version.startswith(_VERSIONS):
        msg = f"mini-racer {version} is installed, but nano needs 0.14: pip install 'mini-racer>=0.14.1,<0.15'"
        raise EngineError(msg)
    return version


def _load() -> Any:
    supported_version()
    from py_mini_racer import _dll

    dll = _dll.init_mini_racer(flags=FLAGS, ignore_duplicate_init=True)
    missing = [name for name in _FUNCTIONS if not hasattr(dll, name)]
    if missing:
        msg = f"mini-racer {supported_version()} lacks {', '.join(missing)}: reinstall it"
        raise EngineError(msg)
    _share_arenas()
    return dll, _dll.MR_CALLBACK


class _Library:
    """The native library, opened when the first isolate is made."""

    #: Held while a context is made: V8 aborts the process when two threads make the first two at once.
    starting = threading.Lock()

    _opened: tuple[Any, Any] | None = None
    _lock = threading.Lock()

    @classmethod
    def open(cls) -> tuple[Any, Any]:
        with cls._lock:
            if cls._opened is None:
                cls._opened = _load()
            return cls._opened


def context_count() -> int:
    """How many contexts of this process are not freed yet."""
    dll, _ = _Library.open()
    return int(dll.mr_context_count())


class EvalResult(NamedTuple):
    """What a task in the isolate came to: its error text, or none, and whether V8 ended it."""

    error: str | None
    terminated: bool = False
    out_of_memory: bool = False


class _Isolate:
    """What every isolate has: a context, tasks that wait for their end, and an end of its own."""

    def __init__(self) -> None:
        self._dll, callback_type = _Library.open()
        self._callback = callback_type(self._called)
        self._task_ids = itertools.count(_DRAINED + 1)
        self._blocking: dict[int, queue.SimpleQueue[Any]] = {}
        self._context: int | None = None
        self._freeing = False
        self._freed = threading.Event()
        self.thread_id = 0

    def _open(self, source: str, heap_limit: int) -> Any:
        """Make the isolate, and evaluate *source* to a function.  Blocks."""
        dll = self._dll
        with _Library.starting:
            self._context = dll.mr_init_context(self._callback)
        self._no_this = dll.mr_alloc_int_val(self._context, 0, _UNDEFINED)
        self.set_heap_limit(heap_limit)
        return self._evaluate_and_wait(source)

    def _called(self, callback: int, handle: Any) -> None:
        """On the isolate's thread: a task has ended."""
        if not self.thread_id:
            self.thread_id = threading.get_native_id()
        self._blocking.pop(callback).put(handle)

    def _string(self, text: str) -> Any:
        data = text.encode("utf-8", "surrogatepass")
        return self._dll.mr_alloc_string_val(self._context, data, len(data), _STRING)

    def _evaluate_and_wait(self, source: str) -> Any:
        code = self._string(source)
        try:
            return self._wait(self._dll.mr_eval, code)
        finally:
            self._dll.mr_free_value(self._context, code)

    def _call_and_wait(self, function: Any, *arguments: Any) -> Any:
        array = self._evaluate_and_wait("[]")
        for argument in arguments:
            self._dll.mr_free_value(self._context, self._dll.mr_array_push(self._context, array, argument))
        try:
            return self._wait(self._dll.mr_call_function, function, self._no_this, array)
        finally:
            self._dll.mr_free_value(self._context, array)

    def _wait(self, function: Any, *arguments: Any) -> Any:
        task = next(self._task_ids)
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._blocking[task] = answer
        function(self._context, *arguments, task)
        handle = answer.get()
        result = self._result(handle)
        if result.error is not None:
            self._dll.mr_free_value(self._context, handle)
            raise EngineError(result.error)
        return handle

    def _result(self, handle: Any) -> EvalResult:
        value = handle.contents
        if value.type < _FIRST_ERROR:
            return EvalResult(None)
        text = _text(value)
        return EvalResult(text, value.type == _TERMINATED, value.type == _OUT_OF_MEMORY)

    def set_heap_limit(self, limit: int) -> None:
        """Set how many bytes of JavaScript heap make V8 terminate what runs."""
        self._dll.mr_set_hard_memory_limit(self._context, limit)

    def value_count(self) -> int:
        """How many values C++ holds for us; it must not grow with the work done."""
        return 0 if self._context is None or self._freeing else int(self._dll.mr_value_count(self._context))

    def free(self) -> None:
        """Give everything back.  Blocks, without bound when native code runs on: only on a thread of its own."""
        if self._context is not None and not self._freeing:
            # The id stays, as the isolate's thread may still be handing over values; C++ knows that it is void.
            self._freeing = True
            self._dll.mr_free_context(self._context)
        self._freed.set()

    @property
    def freed(self) -> bool:
        """Whether `free` has come to its end."""
        return self._freed.is_set()


class V8Function(_Isolate):
    """
    A function from texts to a text that runs in an isolate of its own, such as the module compiler.

    Every method blocks: it belongs on a thread of its own.

    Args:
        source: a script whose value is the function.
        heap_limit: how many bytes of JavaScript heap make V8 terminate it.

    Raises:
        EngineError: when the script fails.
    """

    def __init__(self, source: str, heap_limit: int) -> None:
        super().__init__()
        self._function = self._open(source, heap_limit)

    def __call__(self, *texts: str) -> str:
        """
        Call the function.

        Raises:
            EngineError: when it throws or does not return a string.
        """
        arguments = [self._string(text) for text in texts]
        try:
            handle = self._call_and_wait(self._function, *arguments)
        finally:
            for argument in arguments:
                self._dll.mr_free_value(self._context, argument)
        try:
            if handle.contents.type != _STRING:
                msg = "the function did not return a string"
                raise EngineError(msg)
            return _text(handle.contents)
        finally:
            self._dll.mr_free_value(self._context, handle)


class V8Isolate(_Isolate):
    """
    An isolate for an app: its three pieces of shared memory, its `drain` function and another one that takes a text.

    Args:
        on_bell: called on the isolate's thread when the scripts have filled the outbox.
        on_drained: called on the isolate's thread when a `drain` has returned (promise jobs may still follow).

    Attributes:
        inbox, outbox, reply: the shared memory, writable, valid between `start` and `free`.
        thread_id: the native id of the isolate's thread.
    """

    def __init__(self, on_bell: Callable[[], None], on_drained: Callable[[EvalResult], None]) -> None:
        super().__init__()
        self._on_bell = on_bell
        self._on_drained = on_drained
        self._done: dict[int, Callable[[EvalResult], None]] = {}
        self._recent_tasks: deque[int] = deque(maxlen=_RECENT)
        self.inbox = self.outbox = self.reply = memoryview(b"")

    def start(self, source: str, heap_limit: int) -> None:
        """
        Make the isolate and boot the runtime in it.  Blocks for about ten milliseconds: not for the reactor thread.

        Args:
            source: a script whose value is the runtime's `boot` function.
            heap_limit: how many bytes of JavaScript heap make V8 terminate what runs.

        Raises:
            EngineError: when the script fails.
        """
        dll = self._dll
        boot = self._open(source, heap_limit)
        bell = dll.mr_make_js_callback(self._context, _BELL)
        ends = self._call_and_wait(boot, bell)
        self._drain, self._take_text, inbox, outbox, reply = (self._item(ends, i) for i in range(5))
        self.inbox, self.outbox, self.reply = map(_memory, (inbox, outbox, reply))
        self._no_arguments = self._evaluate_and_wait("[]")
        for handle in (boot, bell, ends):
            dll.mr_free_value(self._context, handle)
        # What parsing took is given back at once, as many isolates wait for their app like this one.
        self.collect_garbage()

    def _item(self, handle: Any, index: int) -> Any:
        key = self._dll.mr_alloc_int_val(self._context, index, _INTEGER)
        item = self._dll.mr_get_object_item(self._context, handle, key)
        self._dll.mr_free_value(self._context, key)
        return item

    # What V8 calls, on the isolate's thread.

    def _called(self, callback: int, handle: Any) -> None:
        if callback == _BELL:
            self._dll.mr_free_value(self._context, handle)
            self._on_bell()
        elif callback == _DRAINED:
            result = self._finish(handle)
            self._on_drained(result)
        elif callback in self._blocking:
            super()._called(callback, handle)
        else:
            result = self._finish(handle)
            self._done.pop(callback)(result)

    def _finish(self, handle: Any) -> EvalResult:
        result = _DONE if handle.contents.type < _FIRST_ERROR else self._result(handle)
        self._dll.mr_free_value(self._context, handle)
        return result

    # Working: posts a task and returns; any thread.

    def drain(self) -> None:
        """Have the scripts read the inbox; `on_drained` follows."""
        task = self._dll.mr_call_function(self._context, self._drain, self._no_this, self._no_arguments, _DRAINED)
        self._recent_tasks.append(task)

    def give_text(self, text: bytes) -> None:
        """
        Have the scripts take a text; `on_drained` follows, as after `drain`.

        V8 decodes it as it is handed over: a value of `this` is the only one that crosses without waiting.

        Args:
            text: UTF-8; what is ill-formed becomes U+FFFD, as the Encoding standard says.
        """
        dll = self._dll
        value = dll.mr_alloc_string_val(self._context, text, len(text), _STRING)
        task = dll.mr_call_function(self._context, self._take_text, value, self._no_arguments, _DRAINED)
        self._recent_tasks.append(task)
        dll.mr_free_value(self._context, value)

    def evaluate(self, source: str, done: Callable[[EvalResult], None]) -> int:
        """
        Evaluate a script in the global scope; its value is dropped.

        Args:
            source: the script; a `//# sourceURL=` at its end names it in stack traces.
            done: called on the isolate's thread.

        Returns:
            The task, for `cancel`.
        """
        callback = next(self._task_ids)
        self._done[callback] = done
        code = self._string(source)
        task = int(self._dll.mr_eval(self._context, code, callback))
        self._recent_tasks.append(task)
        self._dll.mr_free_value(self._context, code)
        return task

    def cancel(self, task: int) -> None:
        """End a task of `evaluate`, if it runs or waits; it is told so, and what promise jobs it left goes on."""
        if not self._freeing:
            self._dll.mr_cancel_task(self._context, task)

    def heap_limit_reached(self) -> bool:
        """Whether V8 has terminated a task because of the heap limit; such an isolate is not to be used again."""
        return not self._freeing and bool(self._dll.mr_hard_memory_limit_reached(self._context))

    def collect_garbage(self) -> None:
        """Have V8 give back all it can.  Blocks until the isolate comes to it: not for the reactor thread."""
        if not self._freeing:
            self._dll.mr_low_memory_notification(self._context)
            _trim()

    def cpu_seconds(self) -> float:
        """CPU time the isolate's thread has used; 0.0 once it is gone, which may be some time after `free`."""
        if not self.thread_id:
            return 0.0
        try:
            return time.clock_gettime((~self.thread_id << 3) | 6)
        except OSError:
            # Later another thread may get the number.
            self.thread_id = 0
            return 0.0

    # The end.

    def free(self) -> None:
        """Give everything back.  Blocks, without bound when native code runs on: only on a thread of its own."""
        self.inbox = self.outbox = self.reply = memoryview(b"")
        if self._context is not None and not self._freeing:
            self._interrupt()
        super().free()

    def _interrupt(self) -> None:
        """
        End what runs now: the tasks, and promise jobs with the next object they make.

        `mr_free_context` does so by itself, but not while another thread waits in `collect_garbage`: then it returns at
        once, and the isolate would go on, and its memory grow, for as long as it likes.
        """
        self.set_heap_limit(1)
        for task in tuple(self._recent_tasks):
            self._dll.mr_cancel_task(self._context, task)


_DONE = EvalResult(None)


def _share_arenas() -> None:
    """
    Have all threads share two heaps of the C library, where it is one that can (glibc).

    Otherwise there would be eight for each core, with what V8 needs while it parses and compiles left over in each;
    isolates seldom allocate in them, so that they hardly wait for one another.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def _trim() -> None:
    """Have the C library return freed memory to the system, where it is one that can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _memory(handle: Any) -> memoryview:
    value = handle.contents
    data = (ctypes.c_ubyte * value.len).from_address(value.value.value_ptr)
    return memoryview(data).cast("B")


def _text(value: Any) -> str:
    return ctypes.string_at(value.value.value_ptr, value.len).decode("utf-8", "replace")
