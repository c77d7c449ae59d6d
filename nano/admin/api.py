# -*- test-case-name: tests.admin.test_api -*-
"""
The admin API, on a listener of its own: JSON in, JSON out, problem details for whatever goes wrong.

    GET /admin/apps            POST /admin/apps        the apps; serve one more
    GET /admin/apps/NAME       PUT, DELETE             one app; serve or replace it; drain it and serve it no more
    POST /admin/apps/NAME/release                      let an app out of quarantine
    GET /admin/workers         POST /admin/reload      the processes; read configuration and apps again
    GET /livez /readyz /health /healthz                health checks (`nano.admin.health`)
    GET /metrics                                       Prometheus' text format

`/admin` wants `Authorization: Bearer TOKEN`, where there is a token; it may be missing on a Unix socket only.  Health
checks and metrics want none, as those who ask for them seldom have one: they tell no more than the names of the apps.
Who changes something is told to the log, with what and how it ended.

What it does is the business of an `IControl`; nothing here knows how many processes there are.  A change that was
begun goes on when the client that asked for it leaves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from functools import wraps
from hmac import compare_digest
from typing import Any, TypeVar
from urllib.parse import quote, unquote_to_bytes

from klein import Klein
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request, Site
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from nano.admin.exposition import CONTENT_TYPE, exposition
from nano.admin.health import health_answer
from nano.admin.problems import PROBLEM_TYPE, ProblemDetails, problem_of
from nano.config import AppConfig, Secret, as_json
from nano.interfaces import IControl, UnknownAppError
from nano.json_text import JsonSyntaxError, parse

__all__ = ["MAX_BODY", "AdminApi", "make_site"]

#: How large a request body may be, in bytes.
MAX_BODY = 2**20

_NOTE = "What was changed through this API lives until the next restart or reload."
_REFERENCES = ("from_env", "from_file")

T = TypeVar("T")
Route = Callable[..., Coroutine[Any, Any, bytes]]


def _authorised(method: Route) -> Callable[..., Deferred[bytes]]:
    """A route for those who have the token; it runs on when they leave."""

    @wraps(method)
    def route(self: AdminApi, request: Any, **parts: str) -> Deferred[bytes]:
        self.authorise(request)
        return _unhurried(Deferred.fromCoroutine(method(self, request, **parts)))

    return route


def _unhurried(work: Deferred[T]) -> Deferred[T]:
    """The result of *work*, which is not cancelled with it."""
    told: Deferred[T] = Deferred()
    work.addBoth(told.callback)
    return told


class AdminApi:
    """
    The Klein tree: `AdminApi(control, token).klein.resource()` is an `IResource`.

    Args:
        control: does what is asked.
        token: tells what a client has to show now; None only where the listener keeps strangers out.
    """

    _log = Logger()
    klein = Klein()

    def __init__(self, control: IControl, token: Callable[[], Secret | None]) -> None:
        self._control = control
        self._token = token

    # Who may.

    def authorise(self, request: Any) -> None:
        """
        Let only those pass who show the token.

        Raises:
            ProblemDetails: 401.
        """
        token = self._token()
        if token is None:
            return
        scheme, _, shown = (request.getHeader(b"authorization") or b"").partition(b" ")
        good = compare_digest(shown.strip(), token.reveal().encode())
        if scheme.lower() != b"bearer" or not good:
            challenge = 'Bearer realm="nano admin"' + (', error="invalid_token"' if shown else "")
            raise ProblemDetails(
                401,
                "unauthorized",
                "the token is missing or wrong: send Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": challenge},
            )

    def _who(self, request: Any) -> str:
        """As the log names whoever sent *request*."""
        name = "admin token" if self._token() is not None else "unix socket"
        address = getattr(request.getClientAddress(), "host", None)
        return f"{name} from {address}" if address else name

    # Telling.

    @klein.route("/admin/apps", methods=["GET"], strict_slashes=False)
    @_authorised
    async def list_apps(self, request: Any) -> bytes:
        """All apps."""
        return _json(request, {"apps": await self._control.apps(), "note": _NOTE})

    @klein.route("/admin/apps/<name>", methods=["GET"], strict_slashes=False)
    @_authorised
    async def show_app(self, request: Any, name: str) -> bytes:
        """One app, with its configuration; secrets are not shown."""
        return _json(request, await self._described(name))

    async def _described(self, name: str) -> dict[str, Any]:
        config = as_json(self._control.app_config(name))
        states = [state for state in await self._control.apps() if state["name"] == name]
        if not states:
            raise UnknownAppError(f"there is no app {name!r}")
        return {**states[0], "config": config, "note": _NOTE}

    @klein.route("/admin/workers", methods=["GET"], strict_slashes=False)
    @_authorised
    async def list_workers(self, request: Any) -> bytes:
        """All worker processes."""
        return _json(request, {"workers": await self._control.workers()})

    # Changing.

    @klein.route("/admin/apps", methods=["POST"], strict_slashes=False)
    @_authorised
    async def add_app(self, request: Any) -> bytes:
        """Serve one more app."""
        config = self._app_config(_object(request))
        return await self._put(request, config, new=True)

    @klein.route("/admin/apps/<name>", methods=["PUT"], strict_slashes=False)
    @_authorised
    async def put_app(self, request: Any, name: str) -> bytes:
        """Serve an app, in place of the one of its name if there is one."""
        value = _object(request)
        if value.setdefault("name", name) != name:
            raise _invalid([{"path": "name", "detail": f"must be {name!r}, as in the URL, or missing"}])
        return await self._put(request, self._app_config(value), new=False)

    def _app_config(self, value: dict[str, Any]) -> AppConfig:
        references = list(_references(value.get("env"), "env"))
        if references:
            detail = "from_env and from_file read secrets of the server; they work in its configuration file only"
            raise _invalid([{"path": path, "detail": detail} for path in references])
        return self._control.parse_app(value)

    async def _put(self, request: Any, config: AppConfig, new: bool) -> bytes:
        result = await self._logged(request, "put", config.name, lambda: self._control.put_app(config, new), str)
        request.setHeader(b"location", f"/admin/apps/{quote(config.name, safe='')}".encode("ascii"))
        described = {"result": result, **await self._described(config.name)}
        return _json(request, described, 201 if result == "created" else 200)

    @klein.route("/admin/apps/<name>", methods=["DELETE"], strict_slashes=False)
    @_authorised
    async def remove_app(self, request: Any, name: str) -> bytes:
        """Serve an app no more; answers when it has drained, or was cut because it took too long."""
        drained = await self._logged(request, "remove", name, lambda: self._control.remove_app(name), _drained)
        return _json(request, {"name": name, "result": _drained(drained), "note": _NOTE})

    @klein.route("/admin/apps/<name>/release", methods=["POST"], strict_slashes=False)
    @_authorised
    async def release_app(self, request: Any, name: str) -> bytes:
        """Let an app out of quarantine before its time; whether it was there or not, it is not there afterwards."""
        lifted = await self._logged(request, "release", name, lambda: self._control.release_app(name), _released)
        return _json(request, {"name": name, "result": _released(lifted)})

    @klein.route("/admin/reload", methods=["POST"], strict_slashes=False)
    @_authorised
    async def reload(self, request: Any) -> bytes:
        """Read configuration and apps again."""
        return _json(request, await self._logged(request, "reload", "", self._control.reload, _reloaded))

    async def _logged(
        self, request: Any, what: str, app: str, change: Callable[[], Deferred[T]], word: Callable[[T], str]
    ) -> T:
        """Make a change, and tell the log who made it and how it ended, in a *word*."""
        who = self._who(request)
        try:
            result = await maybeDeferred(change)
        except Exception as error:
            problem = problem_of(error)
            self._log.warn(
                "{who} asked for {what}: {result}: {error}",
                event="admin-change",
                who=who,
                what=what,
                app=app,
                result=problem.code if problem is not None else "failed",
                error=str(error),
            )
            raise
        self._log.info(
            "{who} asked for {what}: {result}",
            event="admin-change",
            who=who,
            what=what,
            app=app,
            result=word(result),
        )
        return result

    # Health and figures.

    @klein.route("/livez", methods=["GET"])
    @klein.route("/readyz", methods=["GET"])
    @klein.route("/health", methods=["GET"])
    @klein.route("/healthz", methods=["GET"])
    def health(self, request: Any) -> bytes:
        """A health check."""
        status, body = health_answer(request.path.decode("ascii"), self._control) or (404, b"")
        return _answer(request, status, b"application/json", body)

    @klein.route("/metrics", methods=["GET"])
    def metrics(self, request: Any) -> Deferred[bytes]:
        """The figures of all processes."""
        return self._control.snapshots().addCallback(
            lambda snapshots: _answer(request, 200, CONTENT_TYPE.encode("ascii"), exposition(snapshots))
        )

    # Errors.

    @klein.handle_errors(Exception)
    def failed(self, request: Any, failure: Failure) -> bytes:
        """Whatever a route raises, as problem details."""
        error = failure.value
        if isinstance(error, HTTPException):
            try:
                self._admit(request)
                return _problem(request, _routing_problem(error))
            except ProblemDetails as refusal:
                return _problem(request, refusal)
        problem = problem_of(error) if error is not None else None
        if problem is None:
            self._log.failure("{method} {path} failed", failure, method=request.method, path=request.path)
            problem = ProblemDetails(500, "internal", "the log says what happened")
        return _problem(request, problem)

    def _admit(self, request: Any) -> None:
        """Strangers are not told which paths there are below /admin."""
        if request.path.startswith(b"/admin"):
            self.authorise(request)


def _drained(drained: bool) -> str:
    return "drained" if drained else "timed-out"


def _released(lifted: bool) -> str:
    return "released" if lifted else "not-quarantined"


def _reloaded(result: dict[str, Any]) -> str:
    return "partial" if result.get("failed") else "success"


def _routing_problem(error: HTTPException) -> ProblemDetails:
    if isinstance(error, NotFound):
        return ProblemDetails(404, "not-found", "there is nothing at this path")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return ProblemDetails(405, "method-not-allowed", f"this path takes {allowed}", headers={"Allow": allowed})
    return ProblemDetails(error.code or 400, "bad-request", error.description or "the request cannot be routed")


# --- requests ----------------------------------------------------------------------------------


def _object(request: Any) -> dict[str, Any]:
    """The JSON object in the body of *request*."""
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
        raise _invalid([{"path": name, "detail": "the same key is given more than once"} for name in names])
    if not isinstance(document.value, dict):
        raise _invalid([{"detail": "must be an object: one app"}])
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


def _invalid(errors: list[dict[str, str]]) -> ProblemDetails:
    count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
    return ProblemDetails(422, "invalid-config", f"the configuration has {count}", errors)


# --- answers -----------------------------------------------------------------------------------


def _answer(request: Any, status: int, kind: bytes, body: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", kind)
    request.setHeader(b"content-length", b"%d" % len(body))
    request.setHeader(b"cache-control", b"no-store")
    request.responseHeaders.removeHeader(b"server")
    return body


def _json(request: Any, value: Any, status: int = 200) -> bytes:
    return _answer(request, status, b"application/json", json.dumps(value, indent=2).encode("ascii") + b"\n")


def _problem(request: Any, problem: ProblemDetails) -> bytes:
    for name, value in problem.headers.items():
        request.setHeader(name.encode("ascii"), value.encode("ascii"))
    return _answer(request, problem.status, PROBLEM_TYPE.encode("ascii"), problem.body())


class _AdminRequest(Request):
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
            self.write(_problem(self, problem))
            self.finish()


def _is_utf8(path: bytes) -> bool:
    try:
        unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _AdminSite(Site):
    """Without an access log, which would be one of probes; changes are logged by the API."""

    noisy = False

    def log(self, request: Any) -> None:
        """Called with each finished request (HTTPFactory)."""


def make_site(reactor: Any, control: IControl, token: Callable[[], Secret | None]) -> Site:
    """
    The protocol factory of the admin listener.

    Args:
        reactor: the time, for its time-outs.
        control: what it talks to.
        token: tells what a client has to show now.
    """
    return _AdminSite(AdminApi(control, token).klein.resource(), requestFactory=_AdminRequest, reactor=reactor)
