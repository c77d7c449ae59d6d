# -*- test-case-name: tests.ops.test_crypto_kdf -*-
"""
HKDF and PBKDF2.

@see https://w3c.github.io/webcrypto/#hkdf and https://w3c.github.io/webcrypto/#pbkdf2
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nano.ops.crypto_algorithm import Algorithm, ImportRequest, guarded
from nano.ops.crypto_keys import Key
from nano.ops.crypto_params import Params, not_supported, operation_error, syntax_error

__all__ = ["ALGORITHMS", "PBKDF2_WORK"]

#: The largest product of iterations and blocks of output that PBKDF2 does: some seconds of one core.
PBKDF2_WORK = 10_000_000


class _Kdf(Algorithm):
    """Both take any octets as key, and give none back."""

    exports = False

    def key_length(self, params: Params) -> None:
        return None

    def import_key(self, request: ImportRequest) -> Key:
        if request.format != "raw":
            raise not_supported(f"{self.name} keys have no format {request.format!r}")
        request.allow("deriveKey", "deriveBits")
        if request.extractable:
            raise syntax_error(f"{self.name} keys cannot be extractable")
        return Key(self.name, "secret", False, request.usages, request.octets)


def _size(length: int | None) -> int:
    if length is None or length % 8:
        raise operation_error("the length is not a multiple of 8")
    return length // 8


class _Hkdf(_Kdf):
    def derive_bits(self, params: Params, key: Key, length: int | None) -> bytes:
        size, function = _size(length), params.hash()
        salt, info = params.buffer("salt"), params.buffer("info")
        if size > 255 * function.size:
            raise operation_error("HKDF does not give so many bits")
        if size == 0:
            return b""
        kdf = HKDF(function.primitive(), size, salt, info)
        return bytes(guarded("HKDF failed", kdf.derive, key.material))


class _Pbkdf2(_Kdf):
    slow = frozenset({"deriveBits"})

    def derive_bits(self, params: Params, key: Key, length: int | None) -> bytes:
        size, function = _size(length), params.hash()
        salt, iterations = params.buffer("salt"), params.integer("iterations")
        if iterations == 0:
            raise operation_error("PBKDF2 takes at least one iteration")
        if iterations * -(-size // function.size) > PBKDF2_WORK:
            raise operation_error(f"iterations times blocks of output exceed {PBKDF2_WORK}")
        if size == 0:
            return b""
        return hashlib.pbkdf2_hmac(function.python, key.material, salt, iterations, size)


ALGORITHMS: tuple[Algorithm, ...] = (_Hkdf("HKDF"), _Pbkdf2("PBKDF2"))
