# -*- test-case-name: tests.admin.test_api -*-
"""
The admin API, on a listener of its own: JSON in, JSON out, problem details for whatever goes wrong.

    GET /admin/apps            POST /admin/apps        the apps; serve one more
    GET /admin/apps/NAME       PUT, DELETE             one app; serve or replace it; drain it and serve it no more
    POST /admin/apps/NAME/release                      let an app out of quarantine
    GET /admin/workers         POST /admin/reload      the processes; read configuration and apps again
    GET /admin/logs            GET /admin/errors       the tail of the log, which may be followed; the latest errors
    GET /admin/openapi.json                            what there is, in OpenAPI 3.1 (`nano.admin.openapi`)
    GET /admin/                GET /admin/status/FILE  the status page (`nano.admin.status_page`), for browsers
    GET /livez /readyz /health /healthz                health checks (`nano.admin.health`)
    GET /metrics                                       Prometheus' text format

`/admin` wants `Authorization: Bearer TOKEN`, where there is a token; it may be missing on a Unix socket only.  Health
checks and metrics want none, as those who ask for them seldom have one: they tell no more than the names of the apps.
Nor do the files of the status page, which tell nothing.  Where there is no token, whoever can reach the socket may do
everything; if that is a browser behind a proxy, pages of other sites still may not change anything.
Who changes something is told to the log, with what and how it ended.

What it does is the business of an `IControl`; nothing here knows how many processes there are.  A change that was
begun goes on when the client that asked for it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from hmac import compare_digest
from typing import Any, TypeVar
from urllib.parse import quote

from klein import Klein
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Site
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from nano.admin.exposition import CONTENT_TYPE, exposition
from nano.admin.health import health_answer
from nano.admin.openapi import openapi
from nano.admin.problems import ProblemDetails, problem_of
from nano.admin.recent import figures
from nano.admin.requests import (
    AdminRequest,
    answer,
    head,
    invalid_config,
    json_answer,
    object_of,
    problem_answer,
    refuse_references,
)
from nano.admin.status_page import HEADERS, status_file
from nano.admin.tail import Follower, Query, error_groups, tail
from nano.config import AppConfig, Secret, as_json
from nano.interfaces import IControl, UnknownAppError

__all__ = ["MAX_FOLLOWERS", "AdminApi", "make_site"]

#: How many clients may follow the log at a time.
MAX_FOLLOWERS = 32

_NOTE = "What was changed through this API lives until the next restart or reload."

T = TypeVar("T")
Route = Callable[..., Coroutine[Any, Any, bytes | None]]


def _authorised(method: Route) -> Callable[..., Deferred[bytes | None]]:
    """A route for those who have the token; it runs on when they leave."""

    @wraps(method)
    def route(self: AdminApi, request: Any, **parts: str) -> Deferred[bytes | None]:
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
    The Klein tree: `AdminApi(control, token, reactor).klein.resource()` is an `IResource`.

    Args:
        control: does what is asked.
        token: tells what a client has to show now; None only where the listener keeps strangers out.
        clock: the reactor's time, for those who follow the log.
    """

    _log = Logger()
    klein = Klein()

    def __init__(self, control: IControl, token: Callable[[], Secret | None], clock: IReactorTime) -> None:
        self._control = control
        self._token = token
        self._clock = clock
        self._followers: set[Follower] = set()

    def close(self) -> None:
        """The listener is closed: nobody follows the log any longer."""
        for follower in list(self._followers):
            follower.stop()

    # Who may.

    def authorise(self, request: Any) -> None:
        """
        Let only those pass who show the token.

        Raises:
            ProblemDetails: 401; 403 for what a page of another site wants.
        """
        token = self._token()
        if token is None:
            _refuse_other_sites(request)
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
        apps = await self._control.apps()
        total = figures(part for app in apps for part in app.get("recent", ()))
        return json_answer(request, {"apps": [_with_figures(app) for app in apps], "total": total, "note": _NOTE})

    @klein.route("/admin/apps/<name>", methods=["GET"], strict_slashes=False)
    @_authorised
    async def show_app(self, request: Any, name: str) -> bytes:
        """One app, with its configuration; secrets are not shown."""
        return json_answer(request, await self._described(name))

    async def _described(self, name: str) -> dict[str, Any]:
        config = as_json(self._control.app_config(name))
        states = [state for state in await self._control.apps() if state["name"] == name]
        if not states:
            raise UnknownAppError(f"there is no app {name!r}")
        return {**_with_figures(states[0]), "config": config, "note": _NOTE}

    @klein.route("/admin/workers", methods=["GET"], strict_slashes=False)
    @_authorised
    async def list_workers(self, request: Any) -> bytes:
        """All worker processes."""
        return json_answer(request, {"workers": await self._control.workers()})

    @klein.route("/admin/logs", methods=["GET"], strict_slashes=False)
    @_authorised
    async def show_logs(self, request: Any) -> bytes | None:
        """The tail of the log; with `follow` it does not end."""
        query = Query.parse(request.args)
        if not query.follow:
            answers = await self._control.journals(query.question(query.cursor))
            return json_answer(request, tail(query, query.cursor, answers).described())
        if len(self._followers) >= MAX_FOLLOWERS:
            detail = f"{MAX_FOLLOWERS} clients follow the log already"
            raise ProblemDetails(503, "too-many-followers", detail, headers={"Retry-After": "5"})
        head(request, 200, b"application/x-ndjson")
        if request.method != b"HEAD":
            await self._follow(Follower(request, query, self._control.journals, self._clock))
        return None

    async def _follow(self, follower: Follower) -> None:
        self._followers.add(follower)
        try:
            # The head is sent: an error can be told to nobody but the log.
            with self._log.failuresHandled("a client could not follow the log any longer"):
                await follower.run()
        finally:
            self._followers.discard(follower)

    @klein.route("/admin/errors", methods=["GET"], strict_slashes=False)
    @_authorised
    async def show_errors(self, request: Any) -> bytes:
        """The latest errors of the apps and of the server, each once, with its latest stack."""
        app = Query.parse({name: value for name, value in request.args.items() if name == b"app"}).app
        answers = await self._control.journals({"about": "errors", "app": app})
        return json_answer(request, {"errors": error_groups(answers)})

    @klein.route("/admin/openapi.json", methods=["GET"])
    @_authorised
    async def describe(self, request: Any) -> bytes:
        """What there is."""
        return json_answer(request, openapi())

    # Changing.

    @klein.route("/admin/apps", methods=["POST"], strict_slashes=False)
    @_authorised
    async def add_app(self, request: Any) -> bytes:
        """Serve one more app."""
        config = self._app_config(object_of(request))
        return await self._put(request, config, new=True)

    @klein.route("/admin/apps/<name>", methods=["PUT"], strict_slashes=False)
    @_authorised
    async def put_app(self, request: Any, name: str) -> bytes:
        """Serve an app, in place of the one of its name if there is one."""
        value = object_of(request)
        if value.setdefault("name", name) != name:
            raise invalid_config([{"path": "name", "detail": f"must be {name!r}, as in the URL, or missing"}])
        return await self._put(request, self._app_config(value), new=False)

    def _app_config(self, value: dict[str, Any]) -> AppConfig:
        refuse_references(value)
        return self._control.parse_app(value)

    async def _put(self, request: Any, config: AppConfig, new: bool) -> bytes:
        result = await self._logged(request, "put", config.name, lambda: self._control.put_app(config, new), str)
        request.setHeader(b"location", f"/admin/apps/{quote(config.name, safe='')}".encode("ascii"))
        described = {"result": result, **await self._described(config.name)}
        return json_answer(request, described, 201 if result == "created" else 200)

    @klein.route("/admin/apps/<name>", methods=["DELETE"], strict_slashes=False)
    @_authorised
    async def remove_app(self, request: Any, name: str) -> bytes:
        """Serve an app no more; answers when it has drained, or was cut because it took too long."""
        drained = await self._logged(request, "remove", name, lambda: self._control.remove_app(name), _drained)
        return json_answer(request, {"name": name, "result": _drained(drained), "note": _NOTE})

    @klein.route("/admin/apps/<name>/release", methods=["POST"], strict_slashes=False)
    @_authorised
    async def release_app(self, request: Any, name: str) -> bytes:
        """Let an app out of quarantine before its time; whether it was there or not, it is not there afterwards."""
        lifted = await self._logged(request, "release", name, lambda: self._control.release_app(name), _released)
        return json_answer(request, {"name": name, "result": _released(lifted)})

    @klein.route("/admin/reload", methods=["POST"], strict_slashes=False)
    @_authorised
    async def reload(self, request: Any) -> bytes:
        """Read configuration and apps again."""
        return json_answer(request, await self._logged(request, "reload", "", self._control.reload, _reloaded))

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

    # The status page.

    @klein.route("/admin", methods=["GET"], strict_slashes=True)
    def to_status_page(self, request: Any) -> bytes:
        """Leads to the page."""
        request.setHeader(b"location", b"/admin/")
        return answer(request, 308, b"text/plain; charset=utf-8", b"")

    @klein.route("/admin/", methods=["GET"], strict_slashes=True)
    def status_page(self, request: Any) -> bytes:
        """The page."""
        return self.status_file(request, "index.html")

    @klein.route("/admin/status/<file>", methods=["GET"])
    def status_file(self, request: Any, file: str) -> bytes:
        """A file of the page."""
        asset = status_file(file)
        if asset is None:
            self.authorise(request)
            raise NotFound
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        return answer(request, 200, asset.kind, asset.body)

    # Health and figures.

    @klein.route("/livez", methods=["GET"])
    @klein.route("/readyz", methods=["GET"])
    @klein.route("/health", methods=["GET"])
    @klein.route("/healthz", methods=["GET"])
    def health(self, request: Any) -> bytes:
        """A health check."""
        status, body = health_answer(request.path.decode("ascii"), self._control) or (404, b"")
        return answer(request, status, b"application/json", body)

    @klein.route("/metrics", methods=["GET"])
    def metrics(self, request: Any) -> Deferred[bytes]:
        """The figures of all processes."""
        return self._control.snapshots().addCallback(
            lambda snapshots: answer(request, 200, CONTENT_TYPE.encode("ascii"), exposition(snapshots))
        )

    # Errors.

    @klein.handle_errors(Exception)
    def failed(self, request: Any, failure: Failure) -> bytes:
        """Whatever a route raises, as problem details."""
        error = failure.value
        if isinstance(error, HTTPException):
            try:
                self._admit(request)
                return problem_answer(request, _routing_problem(error))
            except ProblemDetails as refusal:
                return problem_answer(request, refusal)
        problem = problem_of(error) if error is not None else None
        if problem is None:
            self._log.failure("{method} {path} failed", failure, method=request.method, path=request.path)
            problem = ProblemDetails(500, "internal", "the log says what happened")
        return problem_answer(request, problem)

    def _admit(self, request: Any) -> None:
        """Strangers are not told which paths there are below /admin."""
        if request.path.startswith(b"/admin"):
            self.authorise(request)


def _refuse_other_sites(request: Any) -> None:
    """
    A browser says which site a request is from, and a page of another one changes nothing here.

    With a token that goes without saying, as no such page knows it.

    Raises:
        ProblemDetails: 403.
    """
    if request.method in (b"GET", b"HEAD"):
        return
    site, origin = request.getHeader(b"sec-fetch-site"), request.getHeader(b"origin")
    if site is None and origin is not None:
        site = b"same-origin" if origin.partition(b"://")[2] == request.getHeader(b"host") else b"cross-site"
    if site not in (None, b"same-origin", b"none"):
        raise ProblemDetails(403, "cross-site", "a page of another site may change nothing here")


def _drained(drained: bool) -> str:
    return "drained" if drained else "timed-out"


def _released(lifted: bool) -> str:
    return "released" if lifted else "not-quarantined"


def _reloaded(result: dict[str, Any]) -> str:
    return "partial" if result.get("failed") else "success"


def _with_figures(app: dict[str, Any]) -> dict[str, Any]:
    """An app's state with figures of what happened lately in place of what they are made of."""
    return {**{key: value for key, value in app.items() if key != "recent"}, **figures(app.get("recent", ()))}


def _routing_problem(error: HTTPException) -> ProblemDetails:
    if isinstance(error, NotFound):
        return ProblemDetails(404, "not-found", "there is nothing at this path")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return ProblemDetails(405, "method-not-allowed", f"this path takes {allowed}", headers={"Allow": allowed})
    return ProblemDetails(error.code or 400, "bad-request", error.description or "the request cannot be routed")


class _AdminSite(Site):
    """
    Without an access log, which would be one of probes; changes are logged by the API.

    Args:
        api: is closed with the listener.
    """

    noisy = False

    def __init__(self, api: AdminApi, reactor: Any) -> None:
        super().__init__(api.klein.resource(), requestFactory=AdminRequest, reactor=reactor)
        self._api = api

    def log(self, request: Any) -> None:
        """Called with each finished request (HTTPFactory)."""

    def stopFactory(self) -> None:
        """The listener is closed (IProtocolFactory)."""
        super().stopFactory()
        self._api.close()


def make_site(reactor: Any, control: IControl, token: Callable[[], Secret | None]) -> Site:
    """
    The protocol factory of the admin listener.

    Args:
        reactor: the time, for its time-outs.
        control: what it talks to.
        token: tells what a client has to show now.
    """
    return _AdminSite(AdminApi(control, token, reactor), reactor)
