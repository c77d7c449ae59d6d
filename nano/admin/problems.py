# -*- test-case-name: tests.admin.test_problems -*-
"""
Problem details (RFC 9457): what the admin API answers when it does not do what it was asked.  Pure.

`type` is `urn:nano:problem:` and a stable word, which the `nano-error` header repeats: the word of a `NanoError` where
there is one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from nano.errors import AppLoadError, ConfigError, NanoError
from nano.interfaces import ConflictError, UnknownAppError

__all__ = ["PROBLEM_TYPE", "ProblemDetails", "problem_of"]

PROBLEM_TYPE = "application/problem+json"


class ProblemDetails(Exception):
    """
    An answer that says what is wrong.

    Args:
        status: the HTTP status.
        code: the stable word.
        detail: what is wrong in this case.
        errors: its parts, if it has several: each with `detail`, and `path` where it has one.
        headers: that go with the status.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = {"nano-error": code, **(headers or {})}

    def body(self) -> bytes:
        """As `application/problem+json`."""
        document: dict[str, Any] = {
            "type": f"urn:nano:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = list(self.errors)
        return json.dumps(document).encode("ascii")


def problem_of(error: BaseException) -> ProblemDetails | None:
    """
    The answer for an error of the server's control; None for an error that nobody has foreseen.
    """
    if isinstance(error, ProblemDetails):
        return error
    if isinstance(error, UnknownAppError):
        return ProblemDetails(404, "unknown-app", str(error))
    if isinstance(error, ConflictError):
        return ProblemDetails(409, "conflict", str(error))
    if isinstance(error, ConfigError):
        return _invalid_config(error)
    if isinstance(error, AppLoadError):
        return ProblemDetails(422, error.code, f"the app does not load: {error}")
    if isinstance(error, NanoError):
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
        return ProblemDetails(error.status, error.code, str(error), headers=headers)
    return None


def _invalid_config(error: ConfigError) -> ProblemDetails:
    parts = []
    for problem in error.problems:
        part = {"detail": problem.reason}
        if problem.path:
            part["path"] = problem.path
        if problem.place is not None:
            part["place"] = str(problem.place)
        parts.append(part)
    count = "1 problem" if len(parts) == 1 else f"{len(parts)} problems"
    return ProblemDetails(error.status, error.code, f"the configuration has {count}", parts)
