# -*- test-case-name: tests.ops.test_url -*-
"""
Host half of nano/runtime/url_host.js: domains that need the tables of Unicode.

The mapping table, the Bidi rule and the joiner rules are those of the `idna` package; how they are
put together here is Unicode's ToASCII (https://www.unicode.org/reports/tr46/) with the parameters
of the URL Standard, which the package's own `encode` does not offer.

Normalization and character classes are those of this Python's `unicodedata`, which may know fewer
characters than `idna` does; the script normalizes with V8's newer tables before it asks.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import idna

from nano.ops.registry import host_question

__all__ = ["domain_to_ascii", "unicode_to_ascii"]

_PREFIX = "xn--"
_JOINERS = "\u200c\u200d"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def _decoded(label: str) -> str:
    """
    What an "xn--" label stands for.

    Raises:
        UnicodeError: it is no Punycode, or nothing that an encoder would have written.
    """
    encoded = label[len(_PREFIX) :].encode("ascii")
    text = encoded.decode("punycode")
    if text.isascii() or text.startswith(_PREFIX) or text.encode("punycode") != encoded:
        msg = f"{label!r} is not what an encoder writes"
        raise UnicodeError(msg)
    if idna.uts46_remap(text, std3_rules=False) != text:
        msg = f"{label!r} holds characters that are mapped or not normalized"
        raise UnicodeError(msg)
    return text


def _check(label: str) -> None:
    """
    The validity criteria that mapping does not establish, but for the Bidi rule.

    Raises:
        UnicodeError: *label* breaks one.
    """
    if "." in label or (label and unicodedata.category(label[0]).startswith("M")):
        msg = f"{label!r} has a dot or begins with a combining mark"
        raise UnicodeError(msg)
    for position, character in enumerate(label):
        if character in _JOINERS and not idna.valid_contextj(label, position):
            msg = f"{label!r} has a joiner where none may be"
            raise UnicodeError(msg)


def _check_bidi(labels: list[str]) -> None:
    """
    The Bidi rule, which holds for every label of a domain that has anything written right to left.

    Raises:
        UnicodeError: a label breaks it.
    """
    if any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for label in labels for c in label):
        for label in filter(None, labels):
            idna.check_bidi(label, check_ltr=True)


def unicode_to_ascii(domain: str) -> str:
    """
    ToASCII, not transitional, with CheckBidi and CheckJoiners, without CheckHyphens,
    UseSTD3ASCIIRules and VerifyDnsLength.

    Raises:
        UnicodeError: where the standard records an error.
    """
    mapped = idna.uts46_remap(domain, std3_rules=False).split(".")
    labels = [_decoded(label) if label.startswith(_PREFIX) else label for label in mapped]
    for label in labels:
        _check(label)
    _check_bidi(labels)
    return ".".join(
        label if label.isascii() else _PREFIX + label.encode("punycode").decode("ascii") for label in labels
    )


@lru_cache(maxsize=1024)
def _answer(domain: str) -> bytes:
    try:
        return unicode_to_ascii(domain).encode("ascii")
    except ValueError:  # UnicodeError and idna's errors; and what older versions of it let through
        return b""


@host_question("url.domain_to_ascii")
def domain_to_ascii(question: bytes) -> bytes:
    """
    The ASCII form of a domain in UTF-8; nothing where the standard says failure.  Runs on the
    isolate's thread.
    """
    return _answer(question.decode("utf-8", "replace"))
