# -*- test-case-name: tests.ops.test_crypto_okp -*-
"""
Ed25519 and X25519, and their larger sisters Ed448 and X448.

@see https://w3c.github.io/webcrypto/#ed25519, https://wicg.github.io/webcrypto-secure-curves/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from nano.ops import crypto_der as der
from nano.ops.crypto_algorithm import Algorithm, ImportRequest, check_usages, guarded, truncate_bits
from nano.ops.crypto_jwk import Jwk, base64url, check_jwk, get_bytes
from nano.ops.crypto_keys import Key
from nano.ops.crypto_params import Params, data_error, invalid_access, not_supported, operation_error

__all__ = ["ALGORITHMS"]


@dataclass(frozen=True)
class _Curve:
    """
    The classes of `cryptography` that are one curve's keys, and the object identifier of both.
    """

    private: Any
    public: Any
    oid: bytes


class _Okp(Algorithm):
    """What all of them have in common: their keys."""

    public_usages: tuple[str, ...] = ()
    private_usages: tuple[str, ...] = ()
    use = ""
    #: The values of "alg" that a JWK may have, exported with the first; none: the member does not matter.
    jwk_names: tuple[str, ...] = ()

    def __init__(self, name: str, curve: _Curve) -> None:
        super().__init__(name)
        self._curve = curve

    def generate_key(self, params: Params, extractable: bool, usages: tuple[str, ...]) -> tuple[Key, Key]:
        check_usages(usages, self.public_usages + self.private_usages)
        private = self._curve.private.generate()
        return (
            self._key("public", private.public_key(), True, usages),
            self._key("private", private, extractable, usages),
        )

    def _key(self, type_: str, material: Any, extractable: bool, usages: tuple[str, ...]) -> Key:
        allowed = self.public_usages if type_ == "public" else self.private_usages
        return Key(self.name, type_, extractable, tuple(usage for usage in usages if usage in allowed), material)

    def import_key(self, request: ImportRequest) -> Key:
        is_private = request.format == "pkcs8" or (request.format == "jwk" and "d" in request.jwk)
        request.allow(*(self.private_usages if is_private else self.public_usages))
        if request.format == "jwk":
            material = self._from_jwk(request)
        elif request.format == "raw":
            material = self._from_octets(self._curve.public.from_public_bytes, request.octets)
        elif request.format in ("spki", "pkcs8"):
            material = self._from_der(request.octets, is_private)
        else:
            raise not_supported(f"{self.name} keys have no format {request.format!r}")
        return self._key("private" if is_private else "public", material, request.extractable, request.usages)

    def _from_octets(self, load: Any, octets: bytes) -> Any:
        try:
            return load(octets)
        except ValueError as error:
            raise data_error(f"not a key for {self.name}: {error}") from error

    def _from_der(self, data: bytes, is_private: bool) -> Any:
        key: Any
        (der.check_private if is_private else der.check_public)(data, self._curve.oid, alone=True)
        try:
            key = load_der_private_key(data, None) if is_private else load_der_public_key(data)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise data_error(f"not a key for {self.name}: {error}") from error
        return key

    def _from_jwk(self, request: ImportRequest) -> Any:
        jwk = request.jwk
        check_jwk(jwk, "OKP", self.use, request.usages, request.extractable)
        if jwk.get("crv") != self.name:
            raise data_error(f"the JWK's 'crv' is not {self.name!r}")
        if self.jwk_names and jwk.get("alg", self.name) not in self.jwk_names:
            raise data_error(f"the JWK's 'alg' is not {self.name!r}")
        public = get_bytes(jwk, "x")
        if "d" not in jwk:
            return self._from_octets(self._curve.public.from_public_bytes, public)
        key = self._from_octets(self._curve.private.from_private_bytes, get_bytes(jwk, "d"))
        if key.public_key().public_bytes_raw() != public:
            raise data_error("the private key does not belong to the public one")
        return key

    def export_key(self, key: Key, format_: str) -> bytes | Jwk:
        octets: bytes
        if format_ == "jwk":
            return self._jwk(key)
        if format_ not in ("raw", "spki", "pkcs8"):
            raise not_supported(f"{self.name} keys have no format {format_!r}")
        if (key.type == "private") is not (format_ == "pkcs8"):
            raise invalid_access(f"a {key.type} key has no format {format_!r}")
        if format_ == "pkcs8":
            octets = key.material.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        elif format_ == "spki":
            octets = key.material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = key.material.public_bytes_raw()
        return octets

    def _jwk(self, key: Key) -> Jwk:
        is_private = key.type == "private"
        public = key.material.public_key() if is_private else key.material
        jwk = {"kty": "OKP", "crv": self.name, "x": base64url(public.public_bytes_raw())}
        if is_private:
            jwk["d"] = base64url(key.material.private_bytes_raw())
        if self.jwk_names:
            jwk["alg"] = self.jwk_names[0]
        return jwk


class _Edwards(_Okp):
    """
    Args:
        prime: of the field.
        small: the y coordinates of the points of small order, which verify more than they should.
    """

    public_usages = ("verify",)
    private_usages = ("sign",)
    use = "sig"

    def __init__(self, name: str, curve: _Curve, prime: int, small: frozenset[int]) -> None:
        super().__init__(name, curve)
        self.jwk_names = (name, "EdDSA")
        self._prime = prime
        self._small = small

    def sign(self, params: Params, key: Key, data: bytes) -> bytes:
        if key.type != "private":
            raise invalid_access("signing takes a private key")
        _refuse_context(params)
        signature: bytes = key.material.sign(data)
        return signature

    def verify(self, params: Params, key: Key, data: bytes, signature: bytes) -> bool:
        if key.type != "public":
            raise invalid_access("verifying takes a public key")
        _refuse_context(params)
        public: bytes = key.material.public_bytes_raw()
        if len(signature) != 2 * len(public):
            return False
        if self._has_small_order(public) or self._has_small_order(signature[: len(public)]):
            return False
        try:
            key.material.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def _has_small_order(self, point: bytes) -> bool:
        # The highest bit is the sign of x; y need not be below the prime in an encoding that is accepted.
        y = int.from_bytes(point, "little") & ((1 << (len(point) * 8 - 1)) - 1)
        return y % self._prime in self._small


def _refuse_context(params: Params) -> None:
    if params.buffer("context", b""):
        raise operation_error("contexts are not supported")


class _Montgomery(_Okp):
    private_usages = ("deriveKey", "deriveBits")
    use = "enc"

    def derive_bits(self, params: Params, key: Key, length: int | None) -> bytes:
        peer = params.peer()
        if key.type != "private" or peer.type != "public":
            raise invalid_access(f"{self.name} takes a private key and the other side's public one")
        if peer.name != self.name:
            raise invalid_access("the two keys do not belong to the same algorithm")
        # A secret of zeros, which a point of small order gives, is an error here.
        return truncate_bits(guarded("no secret", key.material.exchange, peer.material), length)


_P25519 = 2**255 - 19
_P448 = 2**448 - 2**224 - 1
#: A y coordinate of order eight on edwards25519.
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7

ALGORITHMS: tuple[Algorithm, ...] = (
    _Edwards(
        "Ed25519",
        _Curve(ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey, der.ED25519),
        _P25519,
        frozenset((0, 1, _P25519 - 1, _Y8, _P25519 - _Y8)),
    ),
    _Edwards(
        "Ed448",
        _Curve(ed448.Ed448PrivateKey, ed448.Ed448PublicKey, der.ED448),
        _P448,
        frozenset((0, 1, _P448 - 1)),
    ),
    _Montgomery("X25519", _Curve(x25519.X25519PrivateKey, x25519.X25519PublicKey, der.X25519)),
    _Montgomery("X448", _Curve(x448.X448PrivateKey, x448.X448PublicKey, der.X448)),
)
