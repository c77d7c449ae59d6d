# -*- test-case-name: tests.ops.test_crypto -*-
"""
What an algorithm of the Web Cryptography API is to the ops: its operations, as far as it has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from nano.ops.crypto_jwk import Jwk
from nano.ops.crypto_keys import Key
from nano.ops.crypto_params import Params, not_supported, operation_error, syntax_error

__all__ = [
    "SLOW_SIZE",
    "Algorithm",
    "ImportRequest",
    "Keys",
    "check_usages",
    "guarded",
    "truncate_bits",
]

#: Data of so many bytes is not worked on between two turns of the reactor.
SLOW_SIZE = 128 * 1024

Keys = Key | tuple[Key, Key]


@dataclass(frozen=True)
class ImportRequest:
    """
    What importKey, unwrapKey and deriveKey make a key of.

    Attributes:
        format: "raw", "spki", "pkcs8" or "jwk".
        data: the key in that format; a JWK as a dict.
        params: the normalized algorithm.
    """

    format: str
    data: bytes | Jwk
    params: Params
    extractable: bool
    usages: tuple[str, ...]

    @property
    def octets(self) -> bytes:
        """The data of the binary formats."""
        assert isinstance(self.data, bytes)
        return self.data

    @property
    def jwk(self) -> Jwk:
        """The data of the format "jwk"."""
        assert isinstance(self.data, dict)
        return self.data

    def allow(self, *usages: str) -> None:
        """
        Raises:
            OpError: something else is asked for than *usages* (SyntaxError).
        """
        check_usages(self.usages, usages)


class Algorithm:
    """
    One registered algorithm.  Operations that the standard does not give it raise NotSupportedError.

    Args:
        name: in the standard's spelling.
    """

    #: Operations that take so long that they always go to a thread.
    slow: frozenset[str] = frozenset()
    #: Whether its keys can be exported.
    exports = True

    def __init__(self, name: str) -> None:
        self.name = name

    def is_slow(self, operation: str, key: Key | None, size: int) -> bool:
        """Whether an operation on *size* bytes would hold up the reactor."""
        return operation in self.slow or size >= SLOW_SIZE

    def _lacks(self, operation: str) -> NoReturn:
        raise not_supported(f"{self.name} has no operation {operation!r}")

    def encrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        """The ciphertext."""
        self._lacks("encrypt")

    def decrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        """The plaintext."""
        self._lacks("decrypt")

    def wrap_key(self, params: Params, key: Key, data: bytes) -> bytes:
        """The wrapped form of an exported key."""
        return self.encrypt(params, key, data)

    def unwrap_key(self, params: Params, key: Key, data: bytes) -> bytes:
        """The reverse of `wrap_key`."""
        return self.decrypt(params, key, data)

    def sign(self, params: Params, key: Key, data: bytes) -> bytes:
        """The signature."""
        self._lacks("sign")

    def verify(self, params: Params, key: Key, data: bytes, signature: bytes) -> bool:
        """Whether the signature is that of the data."""
        self._lacks("verify")

    def derive_bits(self, params: Params, key: Key, length: int | None) -> bytes:
        """So many bits; None: as many as there are."""
        self._lacks("deriveBits")

    def key_length(self, params: Params) -> int | None:
        """How many bits a derived key takes."""
        self._lacks("get key length")

    def generate_key(self, params: Params, extractable: bool, usages: tuple[str, ...]) -> Keys:
        """A new key, or a pair of public and private key."""
        self._lacks("generateKey")

    def import_key(self, request: ImportRequest) -> Key:
        """The key that the request describes."""
        self._lacks("importKey")

    def export_key(self, key: Key, format_: str) -> bytes | Jwk:
        """The key in a format; a JWK as a dict without "key_ops" and "ext"."""
        self._lacks("exportKey")


def truncate_bits(secret: bytes, length: int | None) -> bytes:
    """
    The first *length* bits of a secret, with zeros behind them to the end of the octet; None: all of it.

    Raises:
        OpError: it has not so many (OperationError).
    """
    if length is None:
        return secret
    if length > len(secret) * 8:
        raise operation_error(f"the shared secret has {len(secret) * 8} bits only")
    size, rest = divmod(length, 8)
    if rest == 0:
        return secret[:size]
    return secret[:size] + bytes([secret[size] & (0xFF00 >> rest) & 0xFF])


def check_usages(usages: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    """
    Hold the usages that are asked for against those that a key can have.

    Raises:
        OpError: a usage is not among *allowed* (SyntaxError).
    """
    for usage in usages:
        if usage not in allowed:
            raise syntax_error(f"such a key cannot be used for {usage!r}")


def guarded(what: str, function: Callable[..., Any], *args: Any) -> Any:
    """
    Call *function*; what `cryptography` refuses is an OperationError about *what*.
    """
    try:
        return function(*args)
    except (ValueError, OverflowError) as error:
        raise operation_error(f"{what}: {error}") from error
