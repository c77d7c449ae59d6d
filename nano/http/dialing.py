# -*- test-case-name: tests.http.test_outbound -*-
"""
Connections to other servers, up to the first byte: names are resolved here, held against the egress policy, and
connected to by the very addresses that have passed it.  A name that resolves to something else a moment later is of
no use to anybody.

A *line* is what an HTTP connection writes to: it counts what comes in, remembers why we ended the connection, and knows
what was wrong with a certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHostnameResolver,
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

from nano.http.egress import EgressPolicy
from nano.interfaces import OutboundError

__all__ = ["Dialer", "EgressDeniedError", "Line"]

#: How long a peer may take to end a connection in good order before it is cut, in seconds.
_FAREWELL = 2.0
#: Bytes of a response head, those of 1xx responses included, in front of the piece that goes beyond it.
HEAD_LIMIT = 65536

#: What OpenSSL finds wrong with a certificate; the names are those of Node.js.
_CERTIFICATE_PROBLEMS = {
    7: ("CERT_SIGNATURE_FAILURE", "the signature of the server's certificate is wrong"),
    9: ("CERT_NOT_YET_VALID", "the server's certificate is not valid yet"),
    10: ("CERT_HAS_EXPIRED", "the server's certificate has expired"),
    18: ("DEPTH_ZERO_SELF_SIGNED_CERT", "the server's certificate is self-signed"),
    19: ("SELF_SIGNED_CERT_IN_CHAIN", "there is a self-signed certificate in the server's certificate chain"),
    20: ("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "the issuer of the server's certificate is not known"),
    21: ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "the issuer of the server's certificate is not known"),
    23: ("CERT_REVOKED", "the server's certificate has been revoked"),
}


class EgressDeniedError(OutboundError):
    """The policy denies every address of a host."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__("ERR_EGRESS_DENIED", f"the egress policy of this app denies connections to {host}:{port}")


@implementer(IResolutionReceiver)
class _Answers:
    """Collects the addresses of a host."""

    def __init__(self) -> None:
        self.done: Deferred[list[Any]] = Deferred()
        self._addresses: list[IAddress] = []

    def resolutionBegan(self, resolution: Any) -> None:
        """Nothing to do (IResolutionReceiver)."""

    def addressResolved(self, address: IAddress) -> None:
        """Keep it (IResolutionReceiver)."""
        self._addresses.append(address)

    def resolutionComplete(self) -> None:
        """That is all (IResolutionReceiver)."""
        if not self.done.called:
            self.done.callback(self._addresses)


@implementer(IReactorPluggableNameResolver, IHostnameResolver)
class _Resolved:
    """
    A reactor to which a host has just the given addresses; `HostnameEndpoint` then races them as it always does.
    """

    def __init__(self, reactor: Any, addresses: list[Any]) -> None:
        self._addresses = addresses
        self.nameResolver = self
        self.seconds = reactor.seconds
        self.callLater = reactor.callLater
        self.connectTCP = reactor.connectTCP

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Not this one (IReactorPluggableNameResolver)."""
        raise NotImplementedError

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        """Answer with what there is (IHostnameResolver)."""
        resolutionReceiver.resolutionBegan(self)
        for address in self._addresses:
            resolutionReceiver.addressResolved(address)
        resolutionReceiver.resolutionComplete()
        return self


@implementer(IStreamClientEndpoint)
class _CheckedEndpoint:
    """
    TCP to the addresses of a host that the policy permits.

    Args:
        timeout: seconds for resolving and connecting together.
    """

    def __init__(self, reactor: Any, host: str, port: int, egress: EgressPolicy, timeout: float) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        self._egress = egress
        self._timeout = timeout

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect (IStreamClientEndpoint)."""
        connecting: Deferred[IProtocol] = Deferred.fromCoroutine(self._connect(factory))
        return connecting.addTimeout(self._timeout, self._reactor, self._timed_out)

    def _timed_out(self, result: Any, timeout: float) -> Any:
        if not isinstance(result, Failure):
            return result
        where = f"{self._host}:{self._port}"
        raise OutboundError("ETIMEDOUT", f"{where} could not be connected to within {timeout:g} s")

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        addresses = await self._resolve()
        permitted = [a for a in addresses if self._egress.permits(self._host, a.host, self._port)]
        if not permitted:
            raise EgressDeniedError(self._host, self._port)
        reactor = _Resolved(self._reactor, permitted)
        endpoint = HostnameEndpoint(reactor, self._host, self._port, timeout=self._timeout)
        return await endpoint.connect(factory)

    async def _resolve(self) -> list[Any]:
        if isIPAddress(self._host):
            return [IPv4Address("TCP", self._host, self._port)]
        if isIPv6Address(self._host):
            return [IPv6Address("TCP", self._host, self._port)]
        answers = _Answers()
        self._reactor.nameResolver.resolveHostName(answers, self._host, portNumber=self._port)
        addresses = await answers.done
        if not addresses:
            raise DNSLookupError(self._host)
        return addresses


@implementer(IOpenSSLClientConnectionCreator)
class _Inspector:
    """
    Makes TLS connections as another creator does, and can tell what OpenSSL holds against the certificate.

    It has no part in verifying: the error of a failed handshake only says that there was something.
    """

    def __init__(self, creator: Any) -> None:
        self._creator = creator
        self._connection: SSL.Connection | None = None

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Make a connection (IOpenSSLClientConnectionCreator)."""
        self._connection = self._creator.clientConnectionForTLS(tlsProtocol)
        return self._connection

    def problem(self) -> int:
        """OpenSSL's number for what is wrong, 0 if that is nothing, or cannot be told."""
        try:
            # pyOpenSSL has no public name for it.
            openssl: Any = SSL
            result: int = openssl._lib.SSL_get_verify_result(self._connection._ssl)  # type: ignore[union-attr]
        except AttributeError:
            return 0
        return result


class Line(ProtocolWrapper):
    """
    The transport of an HTTP connection.

    Attributes:
        received: bytes since the last request was sent.
        used: whether it has carried a request.
        error: why we have cut it.
    """

    transport: Any
    factory: Any

    def __init__(self, factory: Any, protocol: Any) -> None:
        super().__init__(factory, protocol)
        self.received = 0
        self.used = False
        self.error: OutboundError | None = None
        self._awaits_head = False
        self._farewell: IDelayedCall | None = None

    def expect_head(self) -> None:
        """A request begins: what comes is the head of its response until `head_received`."""
        self.received = 0
        self.used = self._awaits_head = True

    def head_received(self) -> None:
        """What comes now is a body."""
        self._awaits_head = False

    def dataReceived(self, data: bytes) -> None:
        """Pass it on, as long as a head does not become endless (IProtocol)."""
        self.received += len(data)
        super().dataReceived(data)
        if self._awaits_head and self.received > HEAD_LIMIT:
            self.cut(OutboundError("ERR_HEADERS_OVERFLOW", "the headers of the response are too large"))

    def cut(self, error: OutboundError) -> None:
        """End the connection at once; whoever waits for something from it fails with *error*."""
        if self.error is None:
            self.error = error
        self._awaits_head = False
        self.abortConnection()

    def abortConnection(self) -> None:
        """End the connection at once (ITCPTransport)."""
        self.disconnecting = 1
        self.transport.abortConnection()

    def stopProducing(self) -> None:
        """Nobody wants the rest of a response: polite ways of saying so would first read it (IPushProducer)."""
        self.abortConnection()

    def loseConnection(self) -> None:
        """End the connection in good order, if the peer goes along with that (ITransport)."""
        if self._farewell is None:
            self._farewell = self.factory.reactor.callLater(_FAREWELL, self._insist)
        super().loseConnection()

    def _insist(self) -> None:
        self._farewell = None
        self.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass it on, with the better reason if there is one (IProtocol)."""
        farewell, self._farewell = self._farewell, None
        if farewell is not None:
            farewell.cancel()
        error = self.error
        if error is None and reason.check(SSL.Error):
            error = self.factory.certificate_problem()
        super().connectionLost(reason if error is None else Failure(error))


class _Lines(WrappingFactory):
    """Puts a line under each connection that a factory's protocols get."""

    protocol = Line
    noisy = False

    def __init__(self, factory: Any, reactor: Any, inspector: _Inspector | None, lines: set[object]) -> None:
        super().__init__(factory)
        self.reactor = reactor
        self._inspector = inspector
        self._lines = lines

    def registerProtocol(self, p: Any) -> None:
        """A line is open (WrappingFactory)."""
        super().registerProtocol(p)
        self._lines.add(p)

    def unregisterProtocol(self, p: Any) -> None:
        """A line is closed (WrappingFactory)."""
        super().unregisterProtocol(p)
        self._lines.discard(p)

    def certificate_problem(self) -> OutboundError | None:
        """What was wrong with the peer's certificate."""
        problem = self._inspector.problem() if self._inspector is not None else 0
        if not problem:
            return None
        unknown = ("ERR_TLS_CERT", f"the server's certificate is not trusted (OpenSSL's error {problem})")
        return OutboundError(*_CERTIFICATE_PROBLEMS.get(problem, unknown))


@implementer(IStreamClientEndpoint)
class _LineEndpoint:
    """Connects as another endpoint does, with lines under the protocols."""

    def __init__(
        self, endpoint: IStreamClientEndpoint, reactor: Any, inspector: _Inspector | None, lines: set[object]
    ) -> None:
        self._endpoint = endpoint
        self._reactor = reactor
        self._inspector = inspector
        self._lines = lines

    def connect(self, factory: Any) -> Deferred[IProtocol]:
        """Connect (IStreamClientEndpoint)."""
        # It is made for this connection alone, and would log its beginning and its end.
        factory.noisy = False
        lines = _Lines(factory, self._reactor, self._inspector, self._lines)
        place = object()
        self._lines.add(place)

        def connected(result: Any) -> Any:
            self._lines.discard(place)
            return result

        connecting: Deferred[Any] = self._endpoint.connect(lines)
        return connecting.addBoth(connected).addCallback(lambda line: line.wrappedProtocol)


@implementer(IAgentEndpointFactory)
class Dialer:
    """
    Makes the endpoints of an Agent.

    Args:
        reactor: connects.
        egress: what may be connected to.
        tls: makes TLS connections and verifies them.
        timeout: seconds for resolving and connecting.

    Attributes:
        lines: those that are open, and something else for each that is about to be.
    """

    def __init__(self, reactor: Any, egress: EgressPolicy, tls: IPolicyForHTTPS, timeout: float) -> None:
        self.lines: set[object] = set()
        self._reactor = reactor
        self._egress = egress
        self._tls = tls
        self._timeout = timeout

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """The way to the server of a URI (IAgentEndpointFactory)."""
        host = uri.host.decode("ascii").lower()
        endpoint: Any = _CheckedEndpoint(self._reactor, host, uri.port, self._egress, self._timeout)
        if uri.scheme != b"https":
            return _LineEndpoint(endpoint, self._reactor, None, self.lines)
        inspector = _Inspector(self._tls.creatorForNetloc(uri.host, uri.port))
        return _LineEndpoint(wrapClientTLS(inspector, endpoint), self._reactor, inspector, self.lines)
