# -*- test-case-name: tests.ops.test_crypto_hashes -*-
"""
The hash functions of the Web Cryptography API.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes

__all__ = ["DIGESTS", "HASHES", "Hash", "new_digest"]


@dataclass(frozen=True)
class Hash:
    """
    A hash function that keys and signatures can be made with.

    Attributes:
        name: in the standard's spelling.
        python: its name in hashlib.
        primitive: makes what `cryptography` calls it.
        size: of a digest, in bytes.
        block: the bits that its compression function takes.
        jwk: what JWK algorithm names end with.
    """

    name: str
    python: str
    primitive: Callable[[], hashes.HashAlgorithm]
    size: int
    block: int
    jwk: str


_ALL = (
    Hash("SHA-1", "sha1", hashes.SHA1, 20, 512, "1"),
    Hash("SHA-256", "sha256", hashes.SHA256, 32, 512, "256"),
    Hash("SHA-384", "sha384", hashes.SHA384, 48, 1024, "384"),
    Hash("SHA-512", "sha512", hashes.SHA512, 64, 1024, "512"),
)

HASHES = {function.name: function for function in _ALL}
#: What `digest` knows: the same, and MD5, as Workers have it.
DIGESTS = {**{function.name: function.python for function in _ALL}, "MD5": "md5"}


def new_digest(name: str) -> Any:
    """
    A hashlib object.

    Args:
        name: one of `DIGESTS`.
    """
    return hashlib.new(DIGESTS[name], usedforsecurity=False)
