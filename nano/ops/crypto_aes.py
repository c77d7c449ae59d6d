# -*- test-case-name: tests.ops.test_crypto_aes -*-
"""
AES-CBC, AES-CTR, AES-GCM and AES-KW.

@see https://w3c.github.io/webcrypto/#aes-ctr and the sections behind it
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.padding import PKCS7

from nano.ops.crypto_algorithm import Algorithm, ImportRequest, check_usages, guarded
from nano.ops.crypto_jwk import Jwk, base64url, check_jwk, get_bytes
from nano.ops.crypto_keys import Key
from nano.ops.crypto_params import Params, data_error, not_supported, operation_error

__all__ = ["ALGORITHMS", "LARGEST_WRAPPED"]

#: AES-KW is for keys, and slow: more than so many bytes are refused.
LARGEST_WRAPPED = 32 * 1024
_FAST_WRAPPED = 512

_SIZES = (128, 192, 256)
_BLOCK = 16
_TAG_LENGTHS = (32, 64, 96, 104, 112, 120, 128)
_CIPHER_USAGES = ("encrypt", "decrypt", "wrapKey", "unwrapKey")


class _Aes(Algorithm):
    """What all modes have in common: their keys."""

    usages: tuple[str, ...] = _CIPHER_USAGES

    def key_length(self, params: Params) -> int:
        length = params.integer("length", 65535)
        if length not in _SIZES:
            raise operation_error("AES keys have 128, 192 or 256 bits")
        return length

    def generate_key(self, params: Params, extractable: bool, usages: tuple[str, ...]) -> Key:
        check_usages(usages, self.usages)
        return self._key(os.urandom(self.key_length(params) // 8), extractable, usages)

    def import_key(self, request: ImportRequest) -> Key:
        request.allow(*self.usages)
        if request.format == "raw":
            data = request.octets
        elif request.format == "jwk":
            data = self._jwk_octets(request)
        else:
            raise not_supported(f"AES keys have no format {request.format!r}")
        if len(data) * 8 not in _SIZES:
            raise data_error("AES keys have 128, 192 or 256 bits")
        return self._key(data, request.extractable, request.usages)

    def _jwk_octets(self, request: ImportRequest) -> bytes:
        jwk = request.jwk
        check_jwk(jwk, "oct", "enc", request.usages, request.extractable)
        data = get_bytes(jwk, "k")
        if jwk.get("alg", self._jwk_name(data)) != self._jwk_name(data):
            raise data_error(f"the JWK's 'alg' is not {self._jwk_name(data)!r}")
        return data

    def _jwk_name(self, data: bytes) -> str:
        return f"A{len(data) * 8}{self.name[4:]}"

    def _key(self, data: bytes, extractable: bool, usages: tuple[str, ...]) -> Key:
        return Key(self.name, "secret", extractable, usages, data, {"length": len(data) * 8})

    def export_key(self, key: Key, format_: str) -> bytes | Jwk:
        data: bytes = key.material
        if format_ == "raw":
            return data
        if format_ == "jwk":
            return {"kty": "oct", "k": base64url(data), "alg": self._jwk_name(data)}
        raise not_supported(f"AES keys have no format {format_!r}")


class _AesCbc(_Aes):
    def _cipher(self, params: Params, key: Key) -> Cipher[modes.CBC]:
        vector = params.buffer("iv")
        if len(vector) != _BLOCK:
            raise operation_error("the initialization vector has not 16 bytes")
        return Cipher(AES(key.material), modes.CBC(vector))

    def encrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        encryptor, padder = self._cipher(params, key).encryptor(), PKCS7(AES.block_size).padder()
        padded = padder.update(data) + padder.finalize()
        return encryptor.update(padded) + encryptor.finalize()

    def decrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        decryptor = self._cipher(params, key).decryptor()
        if not data or len(data) % _BLOCK:
            raise operation_error("the ciphertext does not consist of whole blocks")
        padded, unpadder = decryptor.update(data) + decryptor.finalize(), PKCS7(AES.block_size).unpadder()
        return bytes(guarded("decryption failed", lambda: unpadder.update(padded) + unpadder.finalize()))


class _AesCtr(_Aes):
    def encrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        counter, bits = params.buffer("counter"), params.integer("length", 255)
        if len(counter) != _BLOCK:
            raise operation_error("the counter block has not 16 bytes")
        if not 1 <= bits <= 128:
            raise operation_error("the counter has not between 1 and 128 bits")
        modulus, start = 1 << bits, int.from_bytes(counter, "big")
        if -(-len(data) // _BLOCK) > modulus:
            raise operation_error("the counter would repeat")
        # OpenSSL counts with all 128 bits; where the standard's counter wraps around, begin again.
        first = (modulus - start % modulus) * _BLOCK
        wrapped = start - start % modulus
        head = _count(key, counter, data[:first])
        return head + (_count(key, wrapped.to_bytes(_BLOCK, "big"), data[first:]) if len(data) > first else b"")

    def decrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        return self.encrypt(params, key, data)


def _count(key: Key, counter: bytes, data: bytes) -> bytes:
    encryptor = Cipher(AES(key.material), modes.CTR(counter)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


class _AesGcm(_Aes):
    def encrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        size = _tag_size(params)
        encryptor = Cipher(AES(key.material), _gcm(params.buffer("iv"), None)).encryptor()
        encryptor.authenticate_additional_data(params.buffer("additionalData", b""))
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag[:size]

    def decrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        size = _tag_size(params)
        if len(data) < size:
            raise operation_error("the ciphertext is shorter than its tag")
        mode = _gcm(params.buffer("iv"), data[-size:])
        decryptor = Cipher(AES(key.material), mode).decryptor()
        decryptor.authenticate_additional_data(params.buffer("additionalData", b""))
        try:
            return decryptor.update(data[:-size]) + decryptor.finalize()
        except InvalidTag:
            raise operation_error("the ciphertext is not authentic") from None


def _gcm(vector: bytes, tag: bytes | None) -> modes.GCM:
    # OpenSSL takes 8 to 128 bytes only.
    mode: modes.GCM = guarded("initialization vector", modes.GCM, vector, tag, 4)
    return mode


def _tag_size(params: Params) -> int:
    bits = params.integer("tagLength", 255) if "tagLength" in params else 128
    if bits not in _TAG_LENGTHS:
        raise operation_error(f"a tag cannot have {bits} bits")
    return bits // 8


class _AesKw(_Aes):
    usages = ("wrapKey", "unwrapKey")

    def is_slow(self, operation: str, key: Key | None, size: int) -> bool:
        # `cryptography` does this in Python, block by block.
        return size > _FAST_WRAPPED

    def wrap_key(self, params: Params, key: Key, data: bytes) -> bytes:
        _check_wrapped(data)
        return bytes(guarded("wrapping failed", keywrap.aes_key_wrap, key.material, data))

    def unwrap_key(self, params: Params, key: Key, data: bytes) -> bytes:
        _check_wrapped(data)
        try:
            return keywrap.aes_key_unwrap(key.material, data)
        except keywrap.InvalidUnwrap:
            raise operation_error("this is no key that the wrapping key wrapped") from None


def _check_wrapped(data: bytes) -> None:
    if len(data) % 8 or len(data) > LARGEST_WRAPPED:
        raise operation_error("AES-KW takes a multiple of 8 bytes, and 32 kB at most")


ALGORITHMS: tuple[Algorithm, ...] = (
    _AesCbc("AES-CBC"),
    _AesCtr("AES-CTR"),
    _AesGcm("AES-GCM"),
    _AesKw("AES-KW"),
)
