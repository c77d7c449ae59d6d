"""
Domains outside ASCII, as the URL Standard wants them.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from nano.ops.url import domain_to_ascii, unicode_to_ascii

__all__ = ["DomainToAsciiTests"]


class DomainToAsciiTests(SynchronousTestCase):
    """
    What the host answers to `url.domain_to_ascii`.
    """

    def test_mapped(self) -> None:
        """
        Characters are mapped and normalized, dots of all kinds separate labels.
        """
        for domain, expected in {
            "Bücher.example": "xn--bcher-kva.example",
            "faß.de": "xn--fa-hia.de",
            "日本語。ＪＰ": "xn--wgv71a119e.jp",
            "a\u00adb": "ab",
            "A\u0308.com": "xn--4ca.com",
            "≠": "xn--1ch",
        }.items():
            self.assertEqual(unicode_to_ascii(domain), expected)

    def test_not_strict(self) -> None:
        """
        Hyphens anywhere, ASCII that DNS does not know, empty and overlong labels are no failures.
        """
        for domain in ("-†", "a†--", "ab--c.ß", "_†", "x..ß", "ß.", "x" * 70 + "†"):
            self.assertNotEqual(domain_to_ascii(domain.encode()), b"", domain)

    def test_punycode_is_kept(self) -> None:
        """
        A label that is Punycode already is checked and stays.
        """
        self.assertEqual(domain_to_ascii(b"xn--zca.xn--zca"), b"xn--zca.xn--zca")

    def test_malformed_punycode(self) -> None:
        """
        Punycode that no encoder writes is a failure.
        """
        for label in ("xn--", "xn--a", "xn--abc-", "xn--teš", "xn--ls8h=", "xn--a-ecp", "xn--zn7c"):
            self.assertEqual(domain_to_ascii(label.encode()), b"", label)

    def test_bidi_rule(self) -> None:
        """
        In a domain with right-to-left text every label has to follow the Bidi rule.
        """
        self.assertEqual(domain_to_ascii("يa".encode()), b"")
        self.assertEqual(domain_to_ascii("א.1ü".encode()), b"")
        self.assertEqual(domain_to_ascii("אב.com".encode()), b"xn--4dbc.com")

    def test_joiners(self) -> None:
        """
        Joiners are allowed where scripts need them.
        """
        self.assertEqual(domain_to_ascii("ශ්\u200dරී".encode()), b"xn--10cl1a0b660p")
        self.assertEqual(domain_to_ascii("a\u200db".encode()), b"")

    def test_disallowed(self) -> None:
        """
        Unassigned and disallowed characters, and a combining mark at the beginning, are failures.
        """
        for domain in ("\ufffd.com", "\u0378", "a.\u0301b", "\u202e"):
            self.assertEqual(domain_to_ascii(domain.encode()), b"", domain)

    def test_bytes_that_are_no_text(self) -> None:
        """
        What only a script gone astray would send is a failure like any other.
        """
        self.assertEqual(domain_to_ascii(b"\xff\xfe"), b"")

    @given(st.text(max_size=30))
    def test_answer_is_stable(self, domain: str) -> None:
        """
        Whatever comes in, the answer is ASCII, and asking again with it gives the same.
        """
        answer = domain_to_ascii(domain.encode("utf-8", "replace"))
        self.assertTrue(answer.isascii())
        if answer:
            self.assertEqual(domain_to_ascii(answer), answer)
