# -*- test-case-name: tests.http.test_forwarded -*-
"""
Whom to believe about where a request comes from.
"""

from __future__ import annotations

from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from nano.addresses import network
from nano.errors import InvalidRequestError
from nano.http.forwarded import Origin, Visitor

PROXY = "10.0.0.1"


class VisitorTests(SynchronousTestCase):
    """One request through one peer."""

    def origin(
        self, special: dict[bytes, bytes], peer: str = PROXY, secure: bool = False, trusted: str = "10.0.0.0/8 ::1/128"
    ) -> tuple[Origin, dict[bytes, bytes]]:
        """Where a request comes from, and what its app is told."""
        ids = count(1)
        visitor = Visitor(peer, secure, [network(text) for text in trusted.split()], lambda: f"id{next(ids)}")
        headers = [(b"accept", b"*/*")]
        origin = visitor.origin({b"host": b"app.test"} | special, headers)
        self.assertEqual(len(headers), len(dict(headers)), "a field came twice")
        return origin, dict(headers)

    def test_anybody(self) -> None:
        """What somebody says of himself is replaced by what we know."""
        claims = {
            b"x-forwarded-for": b"1.1.1.1",
            b"x-forwarded-proto": b"https",
            b"x-forwarded-host": b"bank.test",
            b"x-request-id": b"mine",
            b"forwarded": b"for=1.1.1.1",
        }
        origin, told = self.origin(claims, peer="192.0.2.1")
        self.assertEqual((origin.client, origin.scheme, origin.host), ("192.0.2.1", "http", b"app.test"))
        self.assertEqual(origin.request_id, "id1")
        self.assertEqual(
            told,
            {
                b"accept": b"*/*",
                b"host": b"app.test",
                b"x-forwarded-for": b"192.0.2.1",
                b"x-forwarded-proto": b"http",
                b"x-forwarded-host": b"app.test",
                b"x-request-id": b"id1",
            },
        )

    def test_no_trusted_proxies(self) -> None:
        """Without configured proxies there are none, not even on this machine."""
        origin, _ = self.origin({b"x-forwarded-for": b"1.1.1.1"}, peer="127.0.0.1", trusted="")
        self.assertEqual(origin.client, "127.0.0.1")

    def test_believed(self) -> None:
        """A trusted proxy is believed, and what it said is passed on."""
        claims = {
            b"x-forwarded-for": b"192.0.2.9",
            b"x-forwarded-proto": b"HTTPS",
            b"x-forwarded-host": b"shop.test:8443",
            b"x-request-id": b"abc-1",
            b"forwarded": b"for=192.0.2.9",
        }
        origin, told = self.origin(claims)
        self.assertEqual((origin.client, origin.scheme, origin.host), ("192.0.2.9", "https", b"shop.test:8443"))
        self.assertEqual(origin.request_id, "abc-1")
        expected = claims | {b"x-forwarded-proto": b"https", b"host": b"shop.test:8443", b"accept": b"*/*"}
        self.assertEqual(told, expected)

    def test_silent_proxy(self) -> None:
        """What a trusted proxy does not say is what we see."""
        origin, told = self.origin({}, secure=True)
        self.assertEqual((origin.client, origin.scheme, origin.host), (PROXY, "https", b"app.test"))
        self.assertEqual(told[b"x-forwarded-for"], PROXY.encode())

    def test_chain(self) -> None:
        """The client is the nearest address that is no proxy of ours: what stands before it may be forged."""
        for chain, client in (
            (b"6.6.6.6, 192.0.2.9, 10.0.0.7", "192.0.2.9"),
            (b"10.0.0.8,10.0.0.7", "10.0.0.8"),
            (b"192.0.2.9:5000", "192.0.2.9"),
            (b"[2001:db8::1]:5000, ::1", "2001:db8::1"),
            (b"2001:db8::1", "2001:db8::1"),
            (b"192.0.2.9, unknown, 10.0.0.7", "10.0.0.7"),
            (b"nonsense", PROXY),
            (b"", PROXY),
        ):
            self.assertEqual(self.origin({b"x-forwarded-for": chain})[0].client, client, chain)

    def test_last_word(self) -> None:
        """Of several schemes and hosts the nearest proxy's counts; nonsense does not."""
        origin, _ = self.origin({b"x-forwarded-proto": b"http, https", b"x-forwarded-host": b"a.test, b.test"})
        self.assertEqual((origin.scheme, origin.host), ("https", b"b.test"))
        self.assertEqual(self.origin({b"x-forwarded-proto": b"gopher"})[0].scheme, "http")

    def test_request_ids(self) -> None:
        """An id that could forge a log line, or fill it, is replaced."""
        for given in (b"", b"a b", b"a\xffb", b"x" * 129):
            self.assertEqual(self.origin({b"x-request-id": given})[0].request_id, "id1")

    def test_bad_hosts(self) -> None:
        """A host is valid, whoever says it."""
        for special in ({b"x-forwarded-host": b"a b"}, {b"host": b"a b"}, {b"host": b""}):
            self.assertRaises(InvalidRequestError, self.origin, special)
        self.assertRaises(InvalidRequestError, self.origin, {b"host": b"a/b"}, "192.0.2.1")

    def test_addresses(self) -> None:
        """IPv4 within IPv6 is IPv4; a Unix socket is this machine, and has no address to tell."""
        self.assertEqual(self.origin({}, peer="::ffff:192.0.2.1")[0].client, "192.0.2.1")
        origin, _ = self.origin({b"x-forwarded-for": b"192.0.2.9"}, peer="::ffff:10.0.0.1")
        self.assertEqual(origin.client, "192.0.2.9")
        origin, _ = self.origin({b"x-forwarded-for": b"192.0.2.9"}, peer="", trusted="127.0.0.0/8")
        self.assertEqual(origin.client, "192.0.2.9")
        origin, told = self.origin({b"x-forwarded-for": b"192.0.2.9"}, peer="")
        self.assertEqual((origin.client, b"x-forwarded-for" in told), ("", False))

    def test_second_request(self) -> None:
        """A connection whose first host was good is not believed the second."""
        visitor = Visitor("192.0.2.1", False, (), lambda: "id")
        visitor.origin({b"host": b"a.test"}, [])
        self.assertRaises(InvalidRequestError, visitor.origin, {b"host": b"a test"}, [])
        self.assertEqual(visitor.origin({b"host": b"b.test"}, []).host, b"b.test")
