# -*- test-case-name: tests.http.test_outbound -*-
"""
Servers that say exactly what a test has them say, and certificates that are good or not.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import protocol, ssl

__all__ = ["Authority", "Script", "ScriptedServer", "ServerFactory"]

#: What a server does when a request has come: it is called with the server's protocol and the request's number.
Script = Callable[["ScriptedServer", int], None]


class ScriptedServer(protocol.Protocol):
    """
    One connection; the script runs each time that a request head, and the body it announces, has come.
    """

    transport: Any

    def __init__(self, factory: ServerFactory) -> None:
        self.factory: ServerFactory = factory
        self.received = b""

    def connectionMade(self) -> None:
        """Count it (IProtocol)."""
        self.factory.connections.append(self)
        self.factory.open += 1

    def dataReceived(self, data: bytes) -> None:
        """Cut requests out of the stream (IProtocol)."""
        self.received += data
        if self.factory.on_data is not None:
            self.factory.on_data(self, data)
        while b"\r\n\r\n" in self.received:
            head, _, rest = self.received.partition(b"\r\n\r\n")
            whole = _dechunked(rest) if b"transfer-encoding: chunked" in head.lower() else _counted(head, rest)
            if whole is None:
                return
            body, self.received = whole
            self.factory.requests.append((head, body))
            self.factory.script(self, len(self.factory.requests))

    def connectionLost(self, reason: Any = protocol.connectionDone) -> None:
        """Count it (IProtocol)."""
        self.factory.open -= 1

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.transport.write(data)

    def answer(self, body: bytes = b"", status: str = "200 OK", headers: str = "") -> None:
        """Send a proper response."""
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.say(head.encode("latin-1") + body)


def _counted(head: bytes, rest: bytes) -> tuple[bytes, bytes] | None:
    """The body of a request, by its length, and what follows; None if there has to come more."""
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return (rest[:length], rest[length:]) if len(rest) >= length else None


def _dechunked(rest: bytes) -> tuple[bytes, bytes] | None:
    """The same of a body in chunks, which nothing follows."""
    if not rest.endswith(b"0\r\n\r\n"):
        return None
    body = b""
    while True:
        line, found, rest = rest.partition(b"\r\n")
        size = int(line, 16) if found else 0
        if not found or len(rest) < size + 2:
            return None
        body, rest = body + rest[:size], rest[size + 2 :]
        if not size:
            return body, rest


class ServerFactory(protocol.Factory):
    """
    Attributes:
        requests: head and body of each request.
        connections: all there ever were.
        open: how many there are.
        on_data: called with each piece as it comes.
    """

    noisy = False

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections: list[ScriptedServer] = []
        self.open = 0
        self.on_data: Callable[[ScriptedServer, bytes], None] | None = None

    def buildProtocol(self, addr: Any) -> Any:
        """A connection has been made (IProtocolFactory)."""
        return ScriptedServer(self)


class Authority:
    """
    A certificate authority of the test's own.

    Attributes:
        trust_root: for clients that trust it.
    """

    def __init__(self, name: str = "test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certificate(name, self._key, None, self._key, 0, 10, True)
        self.trust_root = ssl.trustRootFromCertificates(
            [ssl.Certificate.loadPEM(self._certificate.public_bytes(serialization.Encoding.PEM))]
        )

    def server_options(self, name: str, begins: int = -1, ends: int = 1, self_signed: bool = False) -> Any:
        """
        What a server needs to be *name*.

        Args:
            begins, ends: of its validity, in days from now.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = None if self_signed else self._certificate
        certificate = _certificate(name, key, issuer, key if self_signed else self._key, begins, ends, False)
        pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return ssl.PrivateCertificate.loadPEM(pem).options()


def _certificate(name: str, key: Any, issuer: Any, signer: Any, begins: int, ends: int, authority: bool) -> Any:
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    try:
        general: Any = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        general = x509.DNSName(name.replace(" ", "-"))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=begins - 1 if authority else begins))
        .not_valid_after(now + datetime.timedelta(days=ends))
        .add_extension(x509.SubjectAlternativeName([general]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
