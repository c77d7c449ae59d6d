# -*- test-case-name: tests.test_addresses -*-
"""
Host names, networks and endpoint strings.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import TCP4ServerEndpoint, UNIXServerEndpoint, serverFromString
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from nano.addresses import (
    canonical_hostname,
    endpoint_needs_token,
    endpoint_port,
    network,
    reachable,
    resolve_endpoint,
    tcp_endpoint,
)


class HostnameTests(SynchronousTestCase):
    def test_canonical(self) -> None:
        """Each name has one spelling."""
        for text, expected in {
            "Example.COM": "example.com",
            "example.com.": "example.com",
            "*": "*",
            "*.Example.com": "*.example.com",
            "my_app": "my_app",
            "127.0.0.1": "127.0.0.1",
            "[0:0::1]": "[::1]",
            "Größe.de": "xn--gre-6ka8i.de",
            "*.пример.рф": "*.xn--e1afmkfd.xn--p1ai",
            "xn--e1afmkfd.xn--p1ai": "xn--e1afmkfd.xn--p1ai",
        }.items():
            self.assertEqual(canonical_hostname(text), expected)

    def test_invalid(self) -> None:
        """What no request can be for is refused."""
        for text in (
            *("", ".", "a..b", "-a", "a-", "a b", "a/b", "*.", "*a.com", "a.*.com", "*.*"),
            *("[::1", "[x]", "::1", "xn--", "http://a.com", "a" * 64, "a." * 130 + "a", "ﾟ.\0"),
        ):
            self.assertRaises(ValueError, canonical_hostname, text)

    def test_port(self) -> None:
        """A port is the usual mistake, and named as such."""
        for text in ("a.com:80", "[::1]:80", "a.com:"):
            error = self.assertRaises(ValueError, canonical_hostname, text)
            self.assertIn("has a port", str(error))

    @given(st.text())
    def test_stable(self, text: str) -> None:
        """Whatever passes, passes unchanged the second time."""
        try:
            name = canonical_hostname(text)
        except ValueError:
            return
        self.assertEqual(canonical_hostname(name), name)


class NetworkTests(SynchronousTestCase):
    def test_blocks_and_addresses(self) -> None:
        """A block or one address, of either family."""
        for text in ("10.0.0.0/8", "::1/128", "127.0.0.1/32"):
            self.assertEqual(str(network(text)), text)
        self.assertEqual(str(network("127.0.0.1")), "127.0.0.1/32")

    def test_invalid(self) -> None:
        """The reason shows the text."""
        for text in ("10.0.0.1/8", "10.0.0.0/33", "localhost", ""):
            self.assertIn(text, str(self.assertRaises(ValueError, network, text)))


class EndpointTests(SynchronousTestCase):
    def resolve(self, text: str) -> str:
        return resolve_endpoint(text, "/base")

    def test_unchanged(self) -> None:
        """What holds no path stays as it is."""
        for text in (
            *("tcp:8080", "tcp:port=0", "tcp:80:interface=127.0.0.1", "tcp6:80:backlog=9"),
            *(r"tcp:80:interface=\:\:1", "systemd:domain=INET:index=0", "haproxy:tcp:80"),
        ):
            self.assertEqual(self.resolve(text), text)

    def test_relative_paths(self) -> None:
        """Paths start at the configuration's folder."""
        for text, expected in {
            "unix:run/x.sock": "unix:/base/run/x.sock",
            r"unix:address=a\:b:mode=660": r"unix:address=/base/a\:b:mode=660",
            "unix:/run/x": "unix:/run/x",
            "ssl:443:privateKey=k.pem:certKey=c.pem": ("ssl:443:privateKey=/base/k.pem:certKey=/base/c.pem"),
            "tls:certs:443": "tls:/base/certs:443",
            "haproxy:unix:x": "haproxy:unix:/base/x",
        }.items():
            self.assertEqual(self.resolve(text), expected)

    def test_invalid(self) -> None:
        """The reason names what is wrong."""
        for text, reason in {
            "": "unknown endpoint type ''",
            "8080": "unknown endpoint type '8080'",
            "htp:80": "unknown endpoint type 'htp'",
            "tcp": "needs port",
            "tcp:": "port must be a number",
            "tcp:http": "port must be a number",
            "tcp:65536": "from 0 to 65535",
            "tcp:-1": "from 0 to 65535",
            "tcp:80:port=81": "port twice",
            "tcp:80:prot=1": "no argument 'prot'",
            "tcp:1:2:3:4": "at most 3",
            "unix:": "must not be empty",
            "unix:x:mode=999": "octal",
            "tcp:80\\": "ends within an escape",
            "haproxy:": "unknown endpoint type ''",
        }.items():
            self.assertIn(reason, str(self.assertRaises(ValueError, self.resolve, text)))

    def test_plugins(self) -> None:
        """Types of plugins pass as they are; they are asked for only when needed."""
        self.assertEqual(resolve_endpoint("onion:80", "/", lambda: {"onion"}), "onion:80")
        self.assertEqual(resolve_endpoint("tcp:80", "/", self.fail), "tcp:80")

    def test_twisted_agrees(self) -> None:
        """Twisted understands what comes out."""
        reactor = MemoryReactor()
        for text, kind in (
            (self.resolve(r"unix:a\:b\=c\\d"), UNIXServerEndpoint),
            (tcp_endpoint(80, "::1"), TCP4ServerEndpoint),
        ):
            self.assertIsInstance(serverFromString(reactor, text), kind)
        serverFromString(reactor, self.resolve(r"unix:a\:b\=c\\d")).listen(None)
        self.assertEqual(reactor.unixServers[0][0], "/base/a:b=c\\d")
        serverFromString(reactor, tcp_endpoint(80, "::1")).listen(None)
        self.assertEqual(reactor.tcpServers[0][0::3], (80, "::1"))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text is an endpoint or a mistake; resolving twice changes nothing."""
        for prefix in ("", "tcp:", "unix:"):
            try:
                once = self.resolve(prefix + text)
            except ValueError:
                continue
            self.assertEqual(self.resolve(once), once)

    def test_tokens(self) -> None:
        """Only a unix socket is this machine's own."""
        self.assertFalse(endpoint_needs_token("unix:/x"))
        for text in ("tcp:80:interface=127.0.0.1", "systemd:domain=UNIX:index=0", "haproxy:unix:x"):
            self.assertTrue(endpoint_needs_token(text))


class PortTests(SynchronousTestCase):
    """
    The TCP port that an endpoint string names.
    """

    def test_port(self) -> None:
        """Named or in its place, of every type that has one."""
        for text, port in (
            ("tcp:80", 80),
            ("tcp:interface=127.0.0.1:port=8081", 8081),
            ("tcp6:81:interface=\\:\\:1", 81),
            ("ssl:443:privateKey=k", 443),
            ("tls:/keys:port=8443", 8443),
            ("tls:/keys", None),
            ("haproxy:tcp:82", 82),
            ("unix:/socket", None),
            ("systemd:domain=INET:index=0", None),
            ("plugin:80", None),
        ):
            self.assertEqual(endpoint_port(text), port, text)


class ReachableTests(SynchronousTestCase):
    """
    The way to an endpoint, for somebody on the same machine.
    """

    def test_urls(self) -> None:
        """An address to click on, whatever the interface; the usual ports go without saying."""
        for text, url in (
            ("tcp:8080", "http://localhost:8080/"),
            ("tcp:80:interface=127.0.0.1", "http://localhost/"),
            ("tcp:81:interface=192.0.2.1", "http://192.0.2.1:81/"),
            ("tcp6:81:interface=2001\\:db8\\:\\:1", "http://[2001:db8::1]:81/"),
            ("tcp6:81:interface=\\:\\:", "http://localhost:81/"),
            ("ssl:443:privateKey=k", "https://localhost/"),
            ("tls:/keys:port=8443", "https://localhost:8443/"),
            ("unix:/run/nano.sock", "unix:/run/nano.sock"),
        ):
            way = reachable(text)
            assert way is not None
            self.assertEqual(way.url(), url, text)

    def test_host(self) -> None:
        """A host name takes the place of the machine's."""
        way = reachable("tcp:8080:interface=192.0.2.1")
        assert way is not None
        self.assertEqual(way.url("shop.example"), "http://shop.example:8080/")

    def test_unknown(self) -> None:
        """Some endpoints do not say where they are."""
        for text in ("tcp:0", "systemd:domain=INET:index=0", "haproxy:tcp:82", "plugin:80"):
            self.assertIsNone(reachable(text), text)
