"""
Sockets that are bound in one place and accepted on in another.
"""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import SSL4ClientEndpoint, clientFromString, connectProtocol, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.trial.unittest import TestCase

from nano.errors import ConfigError
from nano.supervisor import listeners
from nano.supervisor.listeners import Adopter, Binder, Listeners
from tests.supervisor.servers import reactor, until


class _Greeter(Protocol):
    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"hello")
        self.transport.loseConnection()


class _Visitor(Protocol):
    def __init__(self) -> None:
        self.data = b""
        self.over = False

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.over = True


class ListenersTests(TestCase):
    timeout = 60

    def bind(self, *endpoints: str) -> Listeners:
        """Bind, until the test ends."""
        bound = Listeners(reactor, endpoints)
        bound.open()
        self.addCleanup(bound.close)
        return bound

    async def adopt(self, bound: Listeners) -> Adopter:
        """What a worker does, with descriptors as it would have them."""
        descriptors, sockets = bound.handed_over(5)
        theirs = [replace(each, descriptor=os.dup(descriptors[each.descriptor])) for each in sockets]
        adopter = Adopter(reactor, theirs)
        for text in bound.endpoints:
            port = await serverFromString(adopter, text).listen(Factory.forProtocol(_Greeter))
            self.addCleanup(lambda port=port: maybeDeferred(port.stopListening))  # type: ignore[misc]
        return adopter

    async def visit(self, endpoint: Any) -> bytes:
        """What is said at an endpoint."""
        visitor: _Visitor = await connectProtocol(endpoint, _Visitor())
        await until(lambda: visitor.over, "the connection is over")
        return visitor.data

    def client(self, bound: Listeners) -> Any:
        """A client endpoint for the first socket."""
        return clientFromString(reactor, f"tcp:127.0.0.1:{bound.addresses[0].rpartition(':')[2]}")

    async def test_tcp(self) -> None:
        """A connection waits until somebody accepts; ports that were chosen by the system keep apart."""
        bound = self.bind("tcp:0:interface=127.0.0.1", "tcp:0:interface=127.0.0.1")
        self.assertEqual(len(set(bound.addresses)), 2)
        adopter = await self.adopt(bound)
        visitor = await connectProtocol(self.client(bound), _Visitor())
        self.assertFalse(visitor.data)
        adopter.accept()
        await until(lambda: visitor.over, "it was answered")
        self.assertEqual(visitor.data, b"hello")

    async def test_two_workers(self) -> None:
        """When one stops, the socket goes on listening for the other."""
        bound = self.bind("tcp:0:interface=127.0.0.1")
        first, second = await self.adopt(bound), await self.adopt(bound)
        first.accept()
        self.assertEqual(await self.visit(self.client(bound)), b"hello")
        first.refrain()
        await first._ports[0].stopListening()
        second.accept()
        self.assertEqual(await self.visit(self.client(bound)), b"hello")

    async def test_ipv6(self) -> None:
        """IPv6 addresses, as well."""
        try:
            bound = self.bind("tcp6:0:interface=\\:\\:1")
        except CannotListenError as error:
            self.skipTest(f"no IPv6 here: {error}")
        (await self.adopt(bound)).accept()
        port = bound.addresses[0].rpartition("]:")[2]
        self.assertEqual(await self.visit(clientFromString(reactor, f"tcp:\\:\\:1:{port}")), b"hello")

    async def test_tls(self) -> None:
        """TLS is spoken by who accepts, with the key that the endpoint names."""
        path = self.mktemp()
        Path(path).write_bytes(_certificate())
        bound = self.bind(f"ssl:0:privateKey={path}:interface=127.0.0.1")
        (await self.adopt(bound)).accept()
        port = int(bound.addresses[0].rpartition(":")[2])
        self.assertEqual(
            await self.visit(SSL4ClientEndpoint(reactor, "127.0.0.1", port, CertificateOptions())), b"hello"
        )

    async def test_unix(self) -> None:
        """Nobody but the supervisor changes the mode of a unix socket, or takes its name away."""
        # The name of a socket has room for some hundred bytes, which trial's folders may use up.
        folder = TemporaryDirectory(prefix="nano-")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "socket")
        bound = self.bind(f"unix:{path}:mode=600")
        adopter = await self.adopt(bound)
        adopter.accept()
        self.assertEqual(await self.visit(clientFromString(reactor, f"unix:{path}")), b"hello")
        await adopter._ports[0].stopListening()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        await bound.close()
        self.assertFalse(os.path.exists(path))

    async def test_systemd(self) -> None:
        """A socket from systemd is bound already; workers know it by its address."""
        inherited = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(inherited.close)
        binder = Binder(reactor)
        binder.adoptStreamPort(inherited.fileno(), socket.AF_INET, None)
        self.addCleanup(binder.close)
        port = inherited.getsockname()[1]
        text = listeners._for_worker("haproxy:systemd:domain=INET:index=0", binder.bound)
        self.assertEqual(text, f"haproxy:tcp:{port}:interface=127.0.0.1")
        self.assertEqual(binder.bound[0].key, ("tcp", str(port), "127.0.0.1"))

    async def test_systemd_unix(self) -> None:
        """So is a unix socket, which keeps its mode."""
        path = self.mktemp()
        inherited = socket.socket(socket.AF_UNIX)
        self.addCleanup(inherited.close)
        inherited.bind(path)
        inherited.listen()
        os.chmod(path, 0o640)
        binder = Binder(reactor)
        binder.adoptStreamPort(inherited.fileno(), socket.AF_UNIX, None)
        text = listeners._for_worker("systemd:domain=UNIX:index=0", binder.bound)
        self.assertEqual(text, f"unix:{path}:mode=640")
        await binder.close()
        self.assertTrue(os.path.exists(path), "it is systemd's")

    def test_taken(self) -> None:
        """A port that is taken is an error, and those before it are given back."""
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        before = len(os.listdir("/proc/self/fd"))
        bound = Listeners(reactor, ("tcp:0", f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"))
        self.assertRaises(CannotListenError, bound.open)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_no_key(self) -> None:
        """What else hinders an endpoint is the operator's business, in one sentence."""
        bound = Listeners(reactor, ("ssl:0:privateKey=/no/such.pem",))
        error = self.assertRaises(ConfigError, bound.open)
        self.assertIn("cannot listen on ssl:0:privateKey=/no/such.pem: ", str(error))

    async def test_not_bound(self) -> None:
        """Who asks for a socket that was not bound is told so."""
        adopter = Adopter(reactor, ())
        with self.assertRaises(CannotListenError):
            await serverFromString(adopter, "tcp:80").listen(Factory())


def _certificate() -> bytes:
    """A key and a certificate for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)
