# -*- test-case-name: tests.http.test_outbound -*-
"""
HTTP/1.1 to other servers: Twisted's Agent with an egress policy, timeouts, and answers whose bodies flow.

An `Outbound` belongs to one isolate, so that nothing of an app's connections outlives it.  Of its requests
`max_requests` at a time are under way to their response heads; others wait.  Of its connections `max_open` may be in
use, those of bodies that nobody reads included; a request beyond that fails.  A request without body and with an
idempotent method that meets a kept connection which its server has closed meanwhile is sent again on another one;
nothing else is sent twice.

What may take how long is in `Timeouts`.  Of response bodies every pause is bounded, whichever side makes it: a body
that nobody reads would keep its connection forever.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error as net
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    HostnameCachingHTTPSPolicy,
    HTTPConnectionPool,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from nano.exchange import Header
from nano.http.decoding import ACCEPTED, DecodingError, make_decoder
from nano.http.dialing import Dialer, EgressDeniedError, Line
from nano.http.egress import EgressPolicy
from nano.http.transfer import Download, RequestBody
from nano.interfaces import IOutbound, OutboundError, OutboundRequest, OutboundResponse

__all__ = ["Outbound", "OutboundSource", "Timeouts", "make_tls_policy"]

#: Idle connections that are kept, and for how many seconds: fifty concurrent requests and then some.
_KEPT = 64
_KEPT_FOR = 30
#: Contexts for TLS are kept by host name; each knows the authorities of this machine.
_TLS_CONTEXTS = 64

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").fullmatch
_URL = re.compile(r"https?://[\x21-\x7e]+").fullmatch
_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"DELETE"))
_REFUSED_METHODS = frozenset((b"CONNECT", b"TRACE", b"TRACK"))
#: Fields that speak of a connection, which is ours, and those of framing.  Host is that of the URL.
_OURS = frozenset(
    (
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_NO_BODY = frozenset((204, 205, 304))


class Timeouts(NamedTuple):
    """
    How long things may take, in seconds.

    Attributes:
        connect: resolving a name and connecting.
        head: from the end of the request to the end of the response head.
        idle: between two pieces of a body.
    """

    connect: float = 10.0
    head: float = 120.0
    idle: float = 120.0


def make_tls_policy(trust_root: Any = None) -> IPolicyForHTTPS:
    """
    The verification of servers: certificates by the authorities of this machine, names by service-identity.

    Args:
        trust_root: other authorities, as `twisted.internet.ssl.trustRootFromCertificates` makes them.
    """
    policy: IPolicyForHTTPS = HostnameCachingHTTPSPolicy(BrowserLikePolicyForHTTPS(trust_root), _TLS_CONTEXTS)
    return policy


class _StaleError(Exception):
    """A kept connection turned out to be closed; the request can be sent again."""


class _Answer(NamedTuple):
    """What a connection answers: a response and where it comes from."""

    response: Any
    line: Line


class _Connection:
    """
    A connection of the pool for one request, as the Agent uses it.

    Attributes:
        clock: runs the timeout of the head.
    """

    def __init__(self, protocol: Any, clock: Any, timeout: float) -> None:
        self._protocol = protocol
        self._clock = clock
        self._timeout = timeout
        self._overdue: IDelayedCall | None = None

    def request(self, request: Any) -> Deferred[_Answer]:
        """Send *request*; fires with the head of its response."""
        line: Line = self._protocol.transport
        fresh = not line.used
        line.expect_head()
        body: RequestBody | None = request.bodyProducer
        if body is None:
            self._begin_to_wait()
        else:
            body.when_sent = self._begin_to_wait
            body.cut = line.cut
        answer: Deferred[Any] = self._protocol.request(request)

        def failed(failure: Failure) -> Any:
            self._waited()
            unread = not fresh and not line.received and line.error is None and body is None
            if unread and request.method in _IDEMPOTENT and not _cancelled(failure):
                raise _StaleError
            raise line.error or _explained(failure)

        def answered(response: Any) -> _Answer:
            self._waited()
            line.head_received()
            return _Answer(response, line)

        return answer.addCallbacks(answered, failed)

    def _begin_to_wait(self) -> None:
        self._overdue = self._clock.callLater(self._timeout, self._cut)

    def _cut(self) -> None:
        self._overdue = None
        message = f"no response head came within {self._timeout:g} s"
        self._protocol.transport.cut(OutboundError("ERR_HEADERS_TIMEOUT", message))

    def _waited(self) -> None:
        overdue, self._overdue = self._overdue, None
        if overdue is not None:
            overdue.cancel()


class _Pool(HTTPConnectionPool):
    """Keeps connections; what it gives is wrapped for one request."""

    maxPersistentPerHost = _KEPT
    cachedConnectionTimeout = _KEPT_FOR
    # It cannot tell a connection that was closed from one that was cut by us: see _StaleError.
    retryAutomatically = False

    def __init__(self, reactor: Any, timeout: float) -> None:
        super().__init__(reactor)
        self.closed = False
        self._head_timeout = timeout

    def _putConnection(self, key: Any, connection: Any) -> None:
        """Keep a connection (HTTPConnectionPool), unless it is about to end."""
        if self.closed or self.idle >= _KEPT or connection.transport.disconnecting:
            connection.transport.loseConnection()
        else:
            super()._putConnection(key, connection)

    @property
    def idle(self) -> int:
        """How many connections are kept."""
        return sum(map(len, self._connections.values()))

    def close(self) -> None:
        """Keep no connections, from now on."""
        self.closed = True
        self.closeCachedConnections()

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:
        """A connection for one request."""
        connected: Deferred[Any] = super().getConnection(key, endpoint)
        return connected.addCallback(_Connection, self._reactor, self._head_timeout)


@implementer(IOutbound)
class Outbound:
    """
    The way of one isolate to other servers.

    Args:
        reactor: connects.
        app: the app's name, for the log.
        egress: where it may connect to.
        tls: how servers are verified; see `make_tls_policy`.
        timeouts: what may take how long.
        max_requests: how many may wait for their heads at a time.
        max_open: how many connections may be in use; beyond that requests fail.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        app: str,
        egress: EgressPolicy,
        tls: IPolicyForHTTPS,
        timeouts: Timeouts | None = None,
        max_requests: int = 256,
        max_open: int = 256,
    ) -> None:
        self._reactor = reactor
        self._app = app
        self._timeouts = timeouts = timeouts or Timeouts()
        self._slots = DeferredSemaphore(max_requests)
        self._pool = _Pool(reactor, timeouts.head)
        self._max_open = max_open
        self._dialer = Dialer(reactor, egress, tls, timeouts.connect)
        self._agent = Agent.usingEndpointFactory(reactor, self._dialer, self._pool)

    def request(self, request: OutboundRequest) -> Deferred[OutboundResponse]:
        """Send a request (IOutbound)."""
        return Deferred.fromCoroutine(self._request(request))

    def close(self) -> None:
        """Close what is idle (IOutbound)."""
        self._pool.close()

    async def _request(self, request: OutboundRequest) -> OutboundResponse:
        method, url = _checked_target(request)
        headers = _checked_headers(request.headers)
        await self._slots.acquire()
        try:
            self._check_open()
            while True:
                try:
                    return self._received(method, await self._send(method, url, headers, request))
                except _StaleError:
                    continue
        except EgressDeniedError as error:
            self._log.warn("app {app}: {reason}", app=self._app, reason=str(error), event="egress-denied")
            raise
        except (OutboundError, CancelledError):
            raise
        except Exception:
            raise _explained(Failure()) from None
        finally:
            self._slots.release()

    def _check_open(self) -> None:
        """Each is a file descriptor, of which all apps here have to get by with what the system gives."""
        in_use = len(self._dialer.lines) - self._pool.idle
        if in_use >= self._max_open:
            message = f"{in_use} connections are in use: read the bodies of responses, or cancel them"
            raise OutboundError("ERR_TOO_MANY_CONNECTIONS", message)

    def _send(self, method: bytes, url: bytes, headers: Headers, request: OutboundRequest) -> Deferred[Any]:
        body = request.body
        producer = None
        if body is not None:
            length = len(body) if isinstance(body, bytes) else request.length
            producer = RequestBody(body, length, self._reactor, self._timeouts.idle)
        asked: Deferred[Any] = self._agent.request(method, url, headers, producer)
        return asked

    def _received(self, method: bytes, answer: _Answer) -> OutboundResponse:
        response, line = answer
        headers: list[Header] = [
            (name.lower(), value) for name, values in response.headers.getAllRawHeaders() for value in values
        ]
        status: int = response.code
        download = Download(response, line, self._reactor, self._timeouts.idle, _explained)
        malformed = next((n for n, v in headers if not (_NAME(n) and _VALUE(v))), None)
        if not 200 <= status <= 599 or malformed is not None or not _VALUE(response.phrase):
            download.stopProducing()
            what = f"a header {malformed!r}" if malformed is not None else f"the status {status} {response.phrase!r}"
            raise OutboundError("ERR_BAD_RESPONSE", f"the response has {what}")
        if method == b"HEAD" or status in _NO_BODY:
            download.discard()
            return OutboundResponse(status, response.phrase, headers, None, None)
        length = response.length if isinstance(response.length, int) else None
        try:
            coding = b", ".join(value for name, value in headers if name == b"content-encoding")
            download.decoder = make_decoder(coding.decode("latin-1"))
        except DecodingError as error:
            download.stopProducing()
            raise OutboundError("ERR_BAD_ENCODING", str(error)) from None
        if download.decoder is not None:
            headers = [(name, value) for name, value in headers if name != b"content-encoding"]
            length = None
        elif length is not None:
            headers.append((b"content-length", b"%d" % length))
        return OutboundResponse(status, response.phrase, headers, download, length)


class OutboundSource:
    """
    Makes the ways of all isolates.

    Args:
        reactor: connects.
        guarded_ports: of this machine, see `EgressPolicy`: those of the admin listener.
        trust_root: of servers' certificates, see `make_tls_policy`.
    """

    def __init__(self, reactor: Any, guarded_ports: Collection[int] = (), trust_root: Any = None) -> None:
        self._reactor = reactor
        self._guarded_ports = guarded_ports
        self._tls = make_tls_policy(trust_root)

    def make(self, app: str, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> Outbound:
        """
        A way for one isolate of an app.

        Args:
            app: its name.
            allow, deny: its egress rules.
        """
        egress = EgressPolicy(allow, deny, self._guarded_ports, _is_local)
        return Outbound(self._reactor, app, egress, self._tls)


def _is_local(address: str) -> bool:
    """Whether an address is one of this machine's: only those can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _checked_target(request: OutboundRequest) -> tuple[bytes, bytes]:
    method = request.method.encode("latin-1", "replace")
    if not _NAME(method) or method in _REFUSED_METHODS:
        raise OutboundError("ERR_INVALID_REQUEST", f"the method {request.method!r} cannot be used")
    if not _URL(request.url):
        raise OutboundError("ERR_INVALID_URL", f"{request.url!r} is no URL of the network")
    scheme, _, rest = request.url.partition("://")
    authority, mark, path = re.split(r"([/?]|$)", rest, maxsplit=1)
    # User names in a URL are for whoever reads it, not for the server.
    return method, f"{scheme}://{authority.rpartition('@')[2]}{mark}{path}".encode("ascii")


def _checked_headers(given: list[Header]) -> Headers:
    headers = Headers()
    for name, value in given:
        if not _NAME(name) or not _VALUE(value):
            raise OutboundError("ERR_INVALID_REQUEST", f"the request has an invalid header {name!r}")
        if name.lower() not in _OURS:
            headers.addRawHeader(name, value)
    if not headers.hasHeader(b"accept-encoding"):
        headers.addRawHeader(b"accept-encoding", ACCEPTED)
    return headers


def _cancelled(failure: Failure) -> bool:
    return any(isinstance(error, CancelledError) for error in _causes(failure))


def _causes(failure: Failure) -> list[BaseException]:
    """What a failure consists of, the innermost first."""
    error: Any = failure.value
    reasons: list[Failure] = getattr(error, "reasons", None) or []
    return [*(cause for reason in reasons for cause in _causes(reason)), error]


def _explained(failure: Failure) -> Exception:
    """
    A failure of Twisted's in the words of this module.
    """
    causes = _causes(failure)
    for cause in causes:
        if isinstance(cause, (OutboundError, CancelledError)):
            return cause
    for cause in causes:
        for kind, code, say in _EXPLANATIONS:
            if isinstance(cause, kind):
                return OutboundError(code, say(cause))
    return OutboundError("ERR_BAD_RESPONSE", f"the response is malformed: {causes[0]}")


def _tls_words(error: Any) -> str:
    words = [part for item in (error.args[0] if error.args else ()) for part in item[2:] if part]
    return f"TLS failed: {', '.join(words) or 'the connection was closed'}"


_EXPLANATIONS: tuple[tuple[Any, str, Callable[[Any], str]], ...] = (
    (net.DNSLookupError, "ENOTFOUND", lambda e: f"the host name cannot be resolved: {e}"),
    (net.ConnectionRefusedError, "ECONNREFUSED", lambda e: "the connection was refused"),
    (net.NoRouteError, "EHOSTUNREACH", lambda e: "there is no route to the host"),
    (net.TimeoutError, "ETIMEDOUT", lambda e: "the connection could not be made in time"),
    (net.ConnectError, "ECONNFAILED", lambda e: f"the connection could not be made: {e}"),
    (VerificationError, "ERR_TLS_CERT_ALTNAME_INVALID", lambda e: "the server's certificate is for another name"),
    (SSL.Error, "ERR_TLS", _tls_words),
    ((net.ConnectionDone, net.ConnectionLost), "ECONNRESET", lambda e: "the server closed the connection too early"),
)
