# -*- test-case-name: tests.http.test_headers -*-
"""
Hosts and URLs.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from nano.errors import InvalidRequestError
from nano.http.headers import absolute_url, host_name, is_host, single_host, url_path


class HostTests(SynchronousTestCase):
    """What may stand in Host, and which name it is."""

    def test_valid(self) -> None:
        """Names, addresses and ports; the name is what apps are found by."""
        for host, name in (
            (b"App.Test", "app.test"),
            (b"app.test.:8080", "app.test"),
            (b"app.test:", "app.test"),
            (b"a_b.xn--nxasmq6b", "a_b.xn--nxasmq6b"),
            (b"1.2.3.4:80", "1.2.3.4"),
            (b"1.2.3.4a", "1.2.3.4a"),
            (b"[::1]:80", "[::1]"),
            (b"[::FFFF:1.2.3.4]", "[::ffff:1.2.3.4]"),
        ):
            self.assertTrue(is_host(host), host)
            self.assertEqual(host_name(host), name)

    def test_invalid(self) -> None:
        """What no URL can be made of is no host."""
        bad = (
            b" . :80 a/b a@b a%20b a:80:80 a:65536 a:x a\n a,b/ a?b a#b a\\b \xe4 "
            b"[::g] [::1 ::1 [] [1.2.3.4] 1.2.3 1.2.3.256 a.1 0x7f"
        )
        for host in (*bad.split(b" "), b"a b"):
            self.assertFalse(is_host(host), host)

    def test_single(self) -> None:
        """There is one Host, and it is valid."""
        self.assertEqual(single_host([(b"accept", b"*/*"), (b"host", b"a")]), b"a")
        for headers in ([], [(b"host", b"a"), (b"host", b"a")], [(b"host", b"a b")]):
            self.assertRaises(InvalidRequestError, single_host, headers)


class UrlTests(SynchronousTestCase):
    """Host and target together."""

    def test_origin_form(self) -> None:
        """A path is taken as it is, but for bytes that no URL has."""
        self.assertEqual(absolute_url("https", b"a:1", b"/%2e/?q=%zz"), "https://a:1/%2e/?q=%zz")
        self.assertEqual(absolute_url("http", b"a", b"/\xc3\xa4"), "http://a/%C3%A4")
        self.assertEqual(absolute_url("http", b"a", b"*"), "http://a/")

    def test_absolute_form(self) -> None:
        """Only for the same host; the scheme is ours."""
        for target, url in (
            (b"http://a", "https://a/"),
            (b"HTTP://A/x/y?z", "https://a/x/y?z"),
            (b"https://a?x=/y", "https://a/?x=/y"),
        ):
            self.assertEqual(absolute_url("https", b"a", target), url)
        for target in (
            b"http://b/",
            b"http://a:80/",
            b"ftp://a/",
            b"http://user@a/",
            b"a:80",
            b"x",
            b"/ /",
            b"/\0",
            b"",
        ):
            self.assertRaises(InvalidRequestError, absolute_url, "http", b"a", target)

    def test_path(self) -> None:
        """The path is what stands between host and query."""
        for url, path in (("http://a/", "/"), ("http://a", "/"), ("http://a/b/c?d/e", "/b/c"), ("http://a//b", "//b")):
            self.assertEqual(url_path(url), path)
