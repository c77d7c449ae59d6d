# -*- test-case-name: tests.ops.test_crypto_rsa -*-
"""
The one thing about SPKI and PKCS#8 that `cryptography` does not tell: which algorithm a key says it is for.
"""

from __future__ import annotations

from nano.ops.crypto_params import data_error

__all__ = ["RSA", "EC", "ED25519", "ED448", "X25519", "X448", "check_private", "check_public"]

#: Object identifiers, as DER.
RSA = bytes.fromhex("06092a864886f70d010101")
EC = bytes.fromhex("06072a8648ce3d0201")
X25519 = bytes.fromhex("06032b656e")
X448 = bytes.fromhex("06032b656f")
ED25519 = bytes.fromhex("06032b6570")
ED448 = bytes.fromhex("06032b6571")

_INTEGER, _SEQUENCE = 0x02, 0x30


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the element that *data* begins with, and what is behind it."""
    if len(data) < 2 or data[0] != tag:
        raise data_error("the key is not DER of the right form")
    size, at = data[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(data[2:at], "big")
    if len(data) < at + size:
        raise data_error("the key is cut off")
    return data[at : at + size], data[at + size :]


def _check(algorithm: bytes, oid: bytes, alone: bool) -> None:
    if algorithm != oid if alone else not algorithm.startswith(oid):
        raise data_error("the key is for another algorithm")


def check_public(spki: bytes, oid: bytes, alone: bool = False) -> None:
    """
    Hold the AlgorithmIdentifier of a SubjectPublicKeyInfo against an object identifier.

    Args:
        alone: whether it must have no parameters.

    Raises:
        OpError: it is another, or *spki* is no such thing (DataError).
    """
    info, rest = _element(spki, _SEQUENCE)
    if rest:
        raise data_error("there is something behind the key")
    _check(_element(info, _SEQUENCE)[0], oid, alone)


def check_private(pkcs8: bytes, oid: bytes, alone: bool = False) -> None:
    """
    The same for a PrivateKeyInfo.
    """
    info, rest = _element(pkcs8, _SEQUENCE)
    if rest:
        raise data_error("there is something behind the key")
    _check(_element(_element(info, _INTEGER)[1], _SEQUENCE)[0], oid, alone)
