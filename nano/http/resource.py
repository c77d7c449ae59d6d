# -*- test-case-name: tests.http.test_resource -*-
"""
nano as a `twisted.web` resource: for mounting an app, or all of them, in somebody's site.

`AppResource` serves one app wherever it is mounted; `AppTree` is the Klein tree of the daemon: each request goes to
the app that claims its host, and health checks are answered for hosts that no app claims.  `twisted.web` has read the
whole request body before a resource sees the request; responses stream, with backpressure.
"""

from __future__ import annotations

import uuid
from typing import Any

from klein import Klein
from klein.resource import KleinResource
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from nano.errors import BodyTooLargeError, InvalidRequestError, NanoError
from nano.exchange import Exchange, Header, error_answer
from nano.http.bodies import FileBody
from nano.http.headers import absolute_url, host_name, single_host
from nano.interfaces import IAppLookup, IEventHandler, IRequestBody, IResponseSink

__all__ = ["AppResource", "AppTree", "RequestSink"]

#: A request body up to this size is given to the isolate with the request's head.
INLINE_BODY = 65536


@implementer(IResponseSink)
class RequestSink:
    """Writes an exchange's response to a `twisted.web` request."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.exchange: Exchange | None = None
        self._streaming = False
        self.done: Deferred[None] = Deferred(self._cancelled)

    def begin(self, exchange: Exchange) -> None:
        """Tell the exchange when the client leaves."""
        self.exchange = exchange
        self._request.notifyFinish().addErrback(self._gone)

    def _cancelled(self, _deferred: Deferred[None]) -> None:
        # Klein cancels what a route returned when the client is gone.
        if self.exchange is not None:
            self.exchange.client_gone("the client closed the connection")

    def _gone(self, failure: Failure) -> None:
        if self.exchange is not None:
            self.exchange.client_gone(failure.getErrorMessage())
        if not self.done.called:
            self.done.callback(None)

    def head(self, status: int, reason: bytes, headers: list[Header], length: int | None) -> None:
        """Send the response head (IResponseSink)."""
        request, exchange = self._request, self.exchange
        request.setResponseCode(status, reason or None)
        # Of what twisted.web sets beforehand only Date stays, and only if the app has none.
        request.responseHeaders.removeHeader(b"content-type")
        request.responseHeaders.removeHeader(b"server")
        request.defaultContentType = None
        if any(name.lower() == b"date" for name, _ in headers):
            request.responseHeaders.removeHeader(b"date")
        for name, value in headers:
            request.responseHeaders.addRawHeader(name, value)
        if length is not None:
            request.responseHeaders.setRawHeaders(b"content-length", [b"%d" % length])
        if (exchange is not None and length is None) or length:
            self._streaming = True
            request.registerProducer(exchange, True)
        if exchange is not None and exchange.error is not None and exchange.error.close:
            _end_connection(request)
        # The head leaves at once, however long the body takes.
        request.write(b"")

    def write(self, data: bytes) -> None:
        """Send a piece of the body (IResponseSink)."""
        self._request.write(data)

    def finish(self) -> None:
        """The response is whole (IResponseSink)."""
        self._unregister()
        self._request.finish()
        self.done.callback(None)

    def cut(self) -> None:
        """Abort the connection (IResponseSink)."""
        self._unregister()
        self._request.transport.abortConnection()

    def _unregister(self) -> None:
        if self._streaming:
            self._streaming = False
            self._request.unregisterProducer()


class _Front:
    """Makes exchanges of `twisted.web` requests."""

    def __init__(self, clock: IReactorTime, apps: IAppLookup) -> None:
        self._clock = clock
        self._apps = apps

    def exchange(self, request: Any) -> RequestSink | None:
        """
        Hand *request* to the app of its host; None when no app claims it.

        Raises:
            NanoError: when the request cannot be handed over.
        """
        headers = [
            (name.lower(), value) for name, values in request.requestHeaders.getAllRawHeaders() for value in values
        ]
        host = single_host(headers)
        app = self._apps.find(host_name(host))
        if app is None:
            return None
        scheme = "https" if request.isSecure() else "http"
        url = absolute_url(scheme, host, request.uri)
        request_id = uuid.uuid4().hex
        sink = RequestSink(request)
        exchange = Exchange(
            sink, request.method.decode("latin-1"), url, headers, self._body(request, headers, app), request_id
        )
        sink.begin(exchange)
        app.handle(exchange)
        return sink

    def _body(self, request: Any, headers: list[Header], app: Any) -> bytes | IRequestBody | None:
        if not any(name in (b"content-length", b"transfer-encoding") for name, _ in headers):
            return None
        content = request.content
        size = content.seek(0, 2)
        content.seek(0)
        if size > app.max_body:
            raise BodyTooLargeError(f"the request body has {size} bytes; {app.max_body} are allowed")
        return bytes(content.read()) if size <= INLINE_BODY else FileBody(self._clock, content)


@implementer(IAppLookup)
class _Everything:
    """An `IAppLookup` that has one app for every host."""

    def __init__(self, app: IEventHandler) -> None:
        self._app = app

    def find(self, host: str) -> IEventHandler:
        return self._app


class AppResource(Resource):
    """
    One app as a leaf of somebody's resource tree.

    Args:
        app: an app of a `NanoService` (`NanoService.app(name)`), or any other `IEventHandler`.
        reactor: paces large request bodies; the global reactor if not given.
    """

    isLeaf = True

    def __init__(self, app: IEventHandler, reactor: IReactorTime | None = None) -> None:
        super().__init__()
        if reactor is None:
            from twisted.internet import reactor as global_reactor

            reactor = IReactorTime(global_reactor)
        self._front = _Front(reactor, _Everything(app))

    def render(self, request: Any) -> int:
        """Answer any method (IResource)."""
        try:
            self._front.exchange(request)
        except NanoError as error:
            request.write(_answer(request, error))
            request.finish()
        return NOT_DONE_YET


class _AnyPath(KleinResource):
    """
    The resource of a tree that routes by host alone.

    Klein would redirect paths with empty segments, and refuse those that are no UTF-8 or in absolute form; what a path
    means is the app's business.
    """

    def render(self, request: Any) -> Any:
        host = request.getHeader(b"host") or b""
        if not host.isascii():
            request.write(_answer(request, InvalidRequestError(f"invalid Host header {host!r}")))
            request.finish()
            return NOT_DONE_YET
        request.postpath = [b""]
        return super().render(request)


class _Tree(Klein):
    """A Klein tree with such a resource."""

    def resource(self) -> KleinResource:
        return _AnyPath(self)


class AppTree:
    """
    The Klein tree of all apps: `AppTree(reactor, apps).klein.resource()` is an `IResource`.

    Args:
        reactor: paces large request bodies.
        apps: finds the app of a host.
        fallback: answers for hosts that no app claims.
    """

    klein = _Tree()

    def __init__(self, reactor: IReactorTime, apps: IAppLookup, fallback: IEventHandler) -> None:
        self._front = _Front(reactor, apps)
        self._fallback = _Front(reactor, _Everything(fallback))

    @klein.route("/", branch=True)
    def dispatch(self, request: Any) -> Deferred[None]:
        """Any request."""
        sink = self._front.exchange(request) or self._fallback.exchange(request)
        assert sink is not None, "the fallback takes every request"
        return sink.done

    @klein.handle_errors(NanoError)
    def refused(self, request: Any, failure: Failure) -> bytes:
        """A request that could not be handed to an app."""
        return _answer(request, failure.value)


def _answer(request: Any, error: BaseException | None) -> bytes:
    refusal = error if isinstance(error, NanoError) else InvalidRequestError(str(error))
    status, headers, body = error_answer(refusal)
    request.setResponseCode(status)
    for name, value in headers:
        request.setHeader(name, value)
    request.setHeader(b"content-length", b"%d" % len(body))
    if refusal.close:
        _end_connection(request)
    return body


def _end_connection(request: Any) -> None:
    """Close the connection after this response, where it is one of HTTP/1."""
    if request.clientproto != b"HTTP/2":
        request.setHeader(b"connection", b"close")
        request.channel.persistent = False
