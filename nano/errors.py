# -*- test-case-name: tests.test_errors -*-
"""
Every error nano knows, in one tree, ordered by who has to act.

The operator (`ConfigError`), the author of an app (`AppError`), whoever sent the request
(`ClientError`) or we ourselves (`ServerError`).  A class carries what the outside sees of it:
the HTTP status, the stable word that the `nano-error` header, logs and metrics share, a message
that is safe to show to a client, and the level at which it is logged.  What went wrong in this
one case is `detail`; it belongs in the log and never in an answer.

A class without a `code` is a branch of the tree: it is there to be caught and refuses to be
raised.  How an error becomes a response is decided by the HTTP front, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = [
    "AppError",
    "AppLoadError",
    "AppStartupTimeoutError",
    "BodyTimeoutError",
    "BodyTooLargeError",
    "ClientError",
    "ClientGoneError",
    "ConfigError",
    "CpuExceededError",
    "DrainingError",
    "EngineError",
    "HandlerError",
    "HandlerHungError",
    "HandlerTimeoutError",
    "HeadersTimeoutError",
    "HeadersTooLargeError",
    "InvalidRequestError",
    "Level",
    "LoopDetectedError",
    "MemoryExceededError",
    "NanoError",
    "NoAppError",
    "OverloadedError",
    "Place",
    "Problem",
    "QuarantinedError",
    "ServerError",
    "UnsupportedMethodError",
    "visible",
]

Level = Literal["debug", "info", "warn", "error", "critical"]

_FRAME_WIDTH = 100


@dataclass(frozen=True)
class Place:
    """
    Where in a text something is wrong; lines and columns count from 1, in code points.
    """

    file: str
    line: int = 0
    column: int = 0
    source_line: str | None = None

    def __str__(self) -> str:
        numbers = [str(n) for n in (self.line, self.column) if n > 0]
        return ":".join([visible(self.file), *numbers])

    def frame(self) -> str:
        """
        The line with a caret under the column; empty when the line is not known.

        Long lines (a bundled script is often a single one) are cropped around the column.
        """
        if self.source_line is None or self.column < 1:
            return ""
        start = max(0, self.column - 1 - _FRAME_WIDTH * 2 // 3)
        shown = visible(self.source_line[start : start + _FRAME_WIDTH])
        before = visible(self.source_line[start : self.column - 1])
        return f"    {shown}\n    {' ' * len(before)}^"


@dataclass(frozen=True)
class Problem:
    """
    One thing an operator has to put right: what, at which JSON path, at which place.
    """

    reason: str
    path: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        place = str(self.place) if self.place else ""
        head = ": ".join(part for part in (place, visible(self.path), visible(self.reason)) if part)
        frame = self.place.frame() if self.place else ""
        return f"{head}\n{frame}" if frame else head


def visible(text: str) -> str:
    """
    *text* with everything that a terminal would act on, or that cannot be encoded, escaped.

    A tab becomes one space, so that a caret below stays under its character.
    """
    return "".join(
        c if c.isprintable() else " " if c == "\t" else c.encode("unicode_escape").decode("ascii") for c in text
    )


class NanoError(Exception):
    """
    The root of the tree; only its leaves can be raised.

    Attributes:
        status: the HTTP status of the answer.
        code: the stable word of the `nano-error` header, logs and metrics.
        message: what a client may read.
        level: at which level the error is logged.
        retry_after: seconds for a `Retry-After` header, None for no such header.
        close: whether the connection ends with the answer.
        detail: what happened, for the log only.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str]
    message: ClassVar[str] = "Internal Server Error"
    level: ClassVar[Level] = "error"
    retry_after: int | None = None
    close: ClassVar[bool] = False

    def __init__(self, detail: str = "") -> None:
        if not hasattr(self, "code"):
            msg = f"{type(self).__name__} is a branch of the error tree; raise one of its leaves"
            raise TypeError(msg)
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail or self.message


class ConfigError(NanoError):
    """
    The configuration cannot be used; `problems` holds everything found, not just the first.
    """

    status = 422
    code = "invalid-config"
    message = "Unprocessable Content"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class AppError(NanoError):
    """
    The app is at fault: its author has to act.
    """


class AppLoadError(AppError):
    """
    The app's code could not be read, compiled or evaluated; its other versions live on.
    """

    status = 503
    code = "load-failed"
    message = "Service Unavailable"

    def __init__(self, detail: str, place: Place | None = None) -> None:
        super().__init__(detail)
        self.place = place

    def __str__(self) -> str:
        return str(Problem(self.detail or self.message, place=self.place))

    def __reduce__(self) -> tuple[type[AppLoadError], tuple[str, Place | None]]:
        return type(self), (self.detail, self.place)

    @property
    def file(self) -> str | None:
        """The file of the app, as the app's author knows it."""
        return self.place.file if self.place else None

    @property
    def line(self) -> int | None:
        """The line in `file`, from 1."""
        return (self.place.line or None) if self.place else None

    @property
    def column(self) -> int | None:
        """The column in `line`, from 1."""
        return (self.place.column or None) if self.place else None

    @property
    def code_frame(self) -> str:
        """The line with a caret; empty where it is not known."""
        return self.place.frame() if self.place else ""


class AppStartupTimeoutError(AppLoadError):
    """
    The app's global scope was not done within `startup_timeout_ms`.
    """


class HandlerError(AppError):
    """
    A handler threw, or returned something that is no `Response`.
    """

    code = "exception"


class HandlerHungError(AppError):
    """
    A handler waits for something that can never happen.
    """

    code = "hung"


class LoopDetectedError(AppError):
    """
    A request has come back to its app, or to its neighbours, more often than any sense could be in.
    """

    status = 508
    code = "loop"
    message = "Loop Detected"


class HandlerTimeoutError(AppError):
    """
    No response head within `request_timeout_ms`.
    """

    status = 504
    code = "timeout"
    message = "Gateway Timeout"


class CpuExceededError(AppError):
    """
    One event took more CPU time than `timeout_ms`.
    """

    status = 503
    code = "exceeded-cpu"
    message = "Service Unavailable"


class MemoryExceededError(AppError):
    """
    Heap and array buffers together outgrew `memory_mb`.
    """

    status = 503
    code = "exceeded-memory"
    message = "Service Unavailable"


class ClientError(NanoError):
    """
    The client is at fault.  None of these is worth more than a line at level info.
    """

    level: ClassVar[Level] = "info"
    close = True


class InvalidRequestError(ClientError):
    """
    Bad request line, Host or framing.
    """

    status = 400
    code = "invalid-request"
    message = "Bad Request"


class UnsupportedMethodError(ClientError):
    """
    A method that is not for us: CONNECT and TRACE, and what other protocols brought along.
    """

    status = 501
    code = "unsupported-method"
    message = "Not Implemented"


class HeadersTooLargeError(ClientError):
    """
    The header block is larger than `limits.max_header_bytes`.
    """

    status = 431
    code = "headers-too-large"
    message = "Request Header Fields Too Large"


class HeadersTimeoutError(ClientError):
    """
    The header block took longer than `limits.header_timeout_ms`.
    """

    status = 408
    code = "headers-timeout"
    message = "Request Timeout"


class BodyTooLargeError(ClientError):
    """
    The body is larger than the app's `max_body_mb`.
    """

    status = 413
    code = "body-too-large"
    message = "Content Too Large"


class BodyTimeoutError(ClientError):
    """
    The body stopped arriving for `limits.idle_timeout_ms`.
    """

    status = 408
    code = "body-timeout"
    message = "Request Timeout"


class ClientGoneError(ClientError):
    """
    The client left before its answer was complete; the status is for logs and metrics alone.
    """

    status = 499
    code = "client-gone"
    message = "Client Closed Request"
    level = "debug"


class ServerError(NanoError):
    """
    Neither the app nor the client is at fault: what we, or our state, cannot do now.
    """


class NoAppError(ServerError):
    """
    No app claims the host name of the request.
    """

    status = 404
    code = "no-app"
    message = "Not Found"
    level = "info"


class OverloadedError(ServerError):
    """
    The app has `max_concurrent_requests` in flight, or the server `limits.max_connections`.
    """

    status = 503
    code = "overloaded"
    message = "Service Unavailable"
    level = "warn"
    retry_after = 1


class DrainingError(ServerError):
    """
    App or server accepts nothing new.
    """

    status = 503
    code = "draining"
    message = "Service Unavailable"
    level = "info"
    retry_after = 1
    close = True


class QuarantinedError(ServerError):
    """
    The app brought down workers and pauses, so that its neighbours stay up.
    """

    status = 503
    code = "quarantined"
    message = "Service Unavailable"
    level = "warn"

    def __init__(self, detail: str = "", retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type[QuarantinedError], tuple[str, int | None]]:
        return type(self), (self.detail, self.retry_after)


class EngineError(ServerError):
    """
    The engine failed, through no fault of an app that we could name.
    """

    status = 503
    code = "engine-failure"
    message = "Service Unavailable"
    level = "critical"
    retry_after = 1
