# -*- test-case-name: tests.ops.test_crypto_hmac -*-
"""
HMAC.

@see https://w3c.github.io/webcrypto/#hmac
"""

from __future__ import annotations

import hmac
import os

from nano.interfaces import OpError
from nano.ops.crypto_algorithm import Algorithm, ImportRequest, check_usages
from nano.ops.crypto_hashes import Hash
from nano.ops.crypto_jwk import Jwk, base64url, check_jwk, get_bytes
from nano.ops.crypto_keys import Key
from nano.ops.crypto_params import Params, data_error, not_supported, operation_error

__all__ = ["ALGORITHMS", "LARGEST_KEY"]

#: No key is generated with more bits.
LARGEST_KEY = 2**20

_USAGES = ("sign", "verify")


class _Hmac(Algorithm):
    def sign(self, params: Params, key: Key, data: bytes) -> bytes:
        return hmac.digest(key.material, data, key.hash.python)

    def verify(self, params: Params, key: Key, data: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(params, key, data), signature)

    def key_length(self, params: Params) -> int:
        length = params.length("length")
        if length == 0:
            raise OpError("TypeError", "an HMAC key cannot have zero bits")
        return params.hash().block if length is None else length

    def generate_key(self, params: Params, extractable: bool, usages: tuple[str, ...]) -> Key:
        check_usages(usages, _USAGES)
        function, length = params.hash(), params.length("length")
        length = function.block if length is None else length
        if not 0 < length <= LARGEST_KEY:
            raise operation_error(f"an HMAC key cannot have {length} bits")
        data = _leading_bits(os.urandom((length + 7) // 8), length)
        return _key(function, data, length, extractable, usages)

    def import_key(self, request: ImportRequest) -> Key:
        request.allow(*_USAGES)
        function = request.params.hash()
        if request.format == "raw":
            data = request.octets
        elif request.format == "jwk":
            data = _jwk_octets(request, function)
        else:
            raise not_supported(f"HMAC keys have no format {request.format!r}")
        length, asked = len(data) * 8, request.params.length("length")
        if length == 0:
            raise data_error("an HMAC key cannot be empty")
        if asked is not None and not length - 8 < asked <= length:
            raise data_error(f"the key has {length} bits, not {asked}")
        length = length if asked is None else asked
        return _key(function, _leading_bits(data, length), length, request.extractable, request.usages)

    def export_key(self, key: Key, format_: str) -> bytes | Jwk:
        data: bytes = key.material
        if format_ == "raw":
            return data
        if format_ == "jwk":
            return {"kty": "oct", "k": base64url(data), "alg": f"HS{key.hash.jwk}"}
        raise not_supported(f"HMAC keys have no format {format_!r}")


def _jwk_octets(request: ImportRequest, function: Hash) -> bytes:
    jwk, name = request.jwk, f"HS{function.jwk}"
    check_jwk(jwk, "oct", "sig", request.usages, request.extractable)
    if jwk.get("alg", name) != name:
        raise data_error(f"the JWK's 'alg' is not {name!r}")
    return get_bytes(jwk, "k")


def _leading_bits(data: bytes, length: int) -> bytes:
    rest = length % 8
    return data if rest == 0 else data[:-1] + bytes([data[-1] & (0xFF00 >> rest) & 0xFF])


def _key(function: Hash, data: bytes, length: int, extractable: bool, usages: tuple[str, ...]) -> Key:
    return Key("HMAC", "secret", extractable, usages, data, {"hash": function, "length": length})


ALGORITHMS: tuple[Algorithm, ...] = (_Hmac("HMAC"),)
