# -*- test-case-name: tests.admin.test_api -*-
"""
What the admin API reads from a request, and the forms of its answers.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.web.server import Request

from nano.admin.problems import PROBLEM_TYPE, ProblemDetails
from nano.json_text import JsonSyntaxError, parse

__all__ = [
    "MAX_BODY",
    "AdminRequest",
    "answer",
    "head",
    "invalid_config",
    "json_answer",
    "object_of",
    "problem_answer",
    "refuse_references",
]

#: How large a request body may be, in bytes.
MAX_BODY = 2**20

_REFERENCES = ("from_env", "from_file")


def object_of(request: Any) -> dict[str, Any]:
    """
    The JSON object in the body of *request*.

    Raises:
        ProblemDetails: 400, 415 or 422.
    """
    if request.media_type != b"application/json":
        raise ProblemDetails(
            415, "unsupported-media-type", "send Content-Type: application/json", headers={"Accept": "application/json"}
        )
    try:
        document = parse(request.content.read().decode("utf-8"))
    except JsonSyntaxError as error:
        raise ProblemDetails(400, "invalid-json", f"at character {error.position}: {error.reason}") from None
    except UnicodeDecodeError:
        raise ProblemDetails(400, "invalid-json", "the body is no UTF-8 text") from None
    if document.duplicates:
        names = [".".join(map(str, path)) for path, _ in document.duplicates]
        raise invalid_config([{"path": name, "detail": "the same key is given more than once"} for name in names])
    if not isinstance(document.value, dict):
        raise invalid_config([{"detail": "must be an object: one app"}])
    return document.value


def _references(value: Any, path: str) -> list[str]:
    """Where in an `env` a secret of the server is named."""
    if isinstance(value, dict):
        if any(kind in value for kind in _REFERENCES):
            return [path]
        return [found for key, item in value.items() for found in _references(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _references(item, f"{path}[{index}]")]
    return []


def refuse_references(value: dict[str, Any]) -> None:
    """
    An app that comes through the API names no secrets of the server.

    Raises:
        ProblemDetails: 422, with every place where one is named.
    """
    references = _references(value.get("env"), "env")
    if references:
        detail = "from_env and from_file read secrets of the server; they work in its configuration file only"
        raise invalid_config([{"path": path, "detail": detail} for path in references])


def invalid_config(errors: list[dict[str, str]]) -> ProblemDetails:
    """What is wrong with an app."""
    count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
    return ProblemDetails(422, "invalid-config", f"the configuration has {count}", errors)


def head(request: Any, status: int, kind: bytes) -> None:
    """Set the head of an answer, but for the length of its body."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", kind)
    request.setHeader(b"cache-control", b"no-store")
    request.responseHeaders.removeHeader(b"server")


def answer(request: Any, status: int, kind: bytes, body: bytes) -> bytes:
    """Set the head of an answer; returns its body."""
    head(request, status, kind)
    request.setHeader(b"content-length", b"%d" % len(body))
    return body


def json_answer(request: Any, value: Any, status: int = 200) -> bytes:
    """The same for a JSON value."""
    return answer(request, status, b"application/json", json.dumps(value, indent=2).encode("ascii") + b"\n")


def problem_answer(request: Any, problem: ProblemDetails) -> bytes:
    """The same for a problem."""
    for name, value in problem.headers.items():
        request.setHeader(name.encode("ascii"), value.encode("ascii"))
    return answer(request, problem.status, PROBLEM_TYPE.encode("ascii"), problem.body())


class AdminRequest(Request):
    """
    A request whose body is kept only as far as it may be needed, and whose errors are problem details.

    Attributes:
        media_type: what its Content-Type says, in lower case and without parameters.
    """

    media_type = b""
    _too_large = False
    _body_size = 0

    def gotLength(self, length: int | None) -> None:
        """The head is complete (twisted.web)."""
        # Out of the way of twisted.web, which would parse forms, and answer bad ones in words of its own.
        self.media_type = (self.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
        self.requestHeaders.removeHeader(b"content-type")
        # What is too large is not written to a temporary file first.
        super().gotLength(min(length or 0, MAX_BODY))

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body (twisted.web)."""
        self._body_size += len(data)
        self._too_large = self._too_large or self._body_size > MAX_BODY
        if not self._too_large:
            super().handleContentChunk(data)

    def process(self) -> None:
        """The request is complete (twisted.web)."""
        problem = None
        if self._too_large:
            problem = ProblemDetails(413, "body-too-large", f"a body may have {MAX_BODY} bytes")
        elif not _is_utf8(self.path):
            problem = ProblemDetails(400, "invalid-request", "the path is no UTF-8 text")
        if problem is None:
            super().process()
        else:
            self.write(problem_answer(self, problem))
            self.finish()


def _is_utf8(path: bytes) -> bool:
    try:
        unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
