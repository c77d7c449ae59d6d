# -*- test-case-name: tests.ops.test_crypto_ec -*-
"""
ECDSA and ECDH on P-256, P-384 and P-521.

@see https://w3c.github.io/webcrypto/#ecdsa and https://w3c.github.io/webcrypto/#ecdh
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
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
from nano.ops.crypto_params import (
    Params,
    data_error,
    invalid_access,
    not_supported,
)

__all__ = ["ALGORITHMS"]


@dataclass(frozen=True)
class _Curve:
    name: str
    primitive: ec.EllipticCurve
    size: int
    jwk: str


_CURVES = {
    curve.name: curve
    for curve in (
        _Curve("P-256", ec.SECP256R1(), 32, "ES256"),
        _Curve("P-384", ec.SECP384R1(), 48, "ES384"),
        _Curve("P-521", ec.SECP521R1(), 66, "ES512"),
    )
}
_PUBLIC_FORMATS = {
    "raw": (Encoding.X962, PublicFormat.UncompressedPoint),
    "spki": (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
}


class _Ec(Algorithm):
    """What both have in common: their keys."""

    public_usages: tuple[str, ...] = ()
    private_usages: tuple[str, ...] = ()
    use = ""

    def is_slow(self, operation: str, key: Key | None, size: int) -> bool:
        # OpenSSL takes up to 1 ms for what is not P-256.
        slow = key is not None and key.details["namedCurve"] != "P-256"
        return slow or super().is_slow(operation, key, size)

    def generate_key(self, params: Params, extractable: bool, usages: tuple[str, ...]) -> tuple[Key, Key]:
        check_usages(usages, self.public_usages + self.private_usages)
        curve = _CURVES.get(params.text("namedCurve"))
        if curve is None:
            raise not_supported("there is no such curve")
        private = ec.generate_private_key(curve.primitive)
        return (
            self._public(private.public_key(), curve, True, usages),
            self._private(private, curve, extractable, usages),
        )

    def _public(self, key: ec.EllipticCurvePublicKey, curve: _Curve, extractable: bool, usages: tuple[str, ...]) -> Key:
        mine = tuple(usage for usage in usages if usage in self.public_usages)
        return Key(self.name, "public", extractable, mine, key, {"namedCurve": curve.name})

    def _private(
        self, key: ec.EllipticCurvePrivateKey, curve: _Curve, extractable: bool, usages: tuple[str, ...]
    ) -> Key:
        mine = tuple(usage for usage in usages if usage in self.private_usages)
        return Key(self.name, "private", extractable, mine, key, {"namedCurve": curve.name})

    def import_key(self, request: ImportRequest) -> Key:
        is_private = request.format == "pkcs8" or (request.format == "jwk" and "d" in request.jwk)
        if request.format not in ("raw", "spki", "pkcs8", "jwk"):
            raise not_supported(f"{self.name} keys have no format {request.format!r}")
        if is_private or request.format != "raw":
            request.allow(*(self.private_usages if is_private else self.public_usages))
        curve = _CURVES.get(request.params.text("namedCurve"))
        if curve is None:
            raise data_error("there is no such curve")
        if request.format == "raw":
            request.allow(*self.public_usages)
        if is_private:
            private = self._import_private(request, curve)
            return self._private(private, curve, request.extractable, request.usages)
        public = self._import_public(request, curve)
        return self._public(public, curve, request.extractable, request.usages)

    def _import_public(self, request: ImportRequest, curve: _Curve) -> ec.EllipticCurvePublicKey:
        if request.format == "raw":
            return _point(request.octets, curve)
        if request.format == "spki":
            return _public_from_spki(request.octets, curve)
        self._check_jwk(request, curve)
        return _public_from_jwk(request.jwk, curve)

    def _import_private(self, request: ImportRequest, curve: _Curve) -> ec.EllipticCurvePrivateKey:
        if request.format == "pkcs8":
            return _private_from_pkcs8(request.octets, curve)
        self._check_jwk(request, curve)
        return _private_from_jwk(request.jwk, curve)

    def _check_jwk(self, request: ImportRequest, curve: _Curve) -> None:
        check_jwk(request.jwk, "EC", self.use, request.usages, request.extractable)
        if request.jwk.get("crv") != curve.name:
            raise data_error(f"the JWK's 'crv' is not {curve.name!r}")

    def export_key(self, key: Key, format_: str) -> bytes | Jwk:
        if format_ == "jwk":
            return _jwk(key)
        if format_ == "pkcs8":
            if key.type != "private":
                raise invalid_access("a public key has no format 'pkcs8'")
            pkcs8: bytes = key.material.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            return pkcs8
        if format_ not in _PUBLIC_FORMATS:
            raise not_supported(f"{self.name} keys have no format {format_!r}")
        if key.type != "public":
            raise invalid_access(f"a private key has no format {format_!r}")
        octets: bytes = key.material.public_bytes(*_PUBLIC_FORMATS[format_])
        return octets


def _point(octets: bytes, curve: _Curve) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve.primitive, octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise data_error(f"not a point on {curve.name}: {error}") from error


def _public_from_spki(spki: bytes, curve: _Curve) -> ec.EllipticCurvePublicKey:
    der.check_public(spki, der.EC)
    try:
        key = load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise data_error(f"not an EC key in SPKI: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != curve.primitive.name:
        raise data_error(f"the key is not for {curve.name}")
    return key


def _private_from_pkcs8(pkcs8: bytes, curve: _Curve) -> ec.EllipticCurvePrivateKey:
    der.check_private(pkcs8, der.EC)
    try:
        key = load_der_private_key(pkcs8, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise data_error(f"not an EC key in PKCS #8: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != curve.primitive.name:
        raise data_error(f"the key is not for {curve.name}")
    return key


def _public_from_jwk(jwk: Jwk, curve: _Curve) -> ec.EllipticCurvePublicKey:
    x, y = get_bytes(jwk, "x"), get_bytes(jwk, "y")
    if len(x) != curve.size or len(y) != curve.size:
        raise data_error(f"the coordinates have not {curve.size} bytes")
    return _point(b"\x04" + x + y, curve)


def _private_from_jwk(jwk: Jwk, curve: _Curve) -> ec.EllipticCurvePrivateKey:
    public, d = _public_from_jwk(jwk, curve), get_bytes(jwk, "d")
    if len(d) != curve.size:
        raise data_error(f"the private key has not {curve.size} bytes")
    try:
        key = ec.derive_private_key(int.from_bytes(d, "big"), curve.primitive)
    except ValueError as error:
        raise data_error(f"not a private key: {error}") from error
    if key.public_key().public_numbers() != public.public_numbers():
        raise data_error("the private key does not belong to the public one")
    return key


def _jwk(key: Key) -> Jwk:
    curve = _CURVES[key.details["namedCurve"]]
    is_private = key.type == "private"
    public = (key.material.public_key() if is_private else key.material).public_numbers()
    values = {"x": public.x, "y": public.y}
    if is_private:
        values["d"] = key.material.private_numbers().private_value
    octets = {name: base64url(value.to_bytes(curve.size, "big")) for name, value in values.items()}
    return {"kty": "EC", "crv": curve.name, **octets}


class _Ecdsa(_Ec):
    public_usages = ("verify",)
    private_usages = ("sign",)
    use = "sig"

    def _check_jwk(self, request: ImportRequest, curve: _Curve) -> None:
        super()._check_jwk(request, curve)
        if request.jwk.get("alg", curve.jwk) != curve.jwk:
            raise data_error(f"the JWK's 'alg' is not {curve.jwk!r}")

    def sign(self, params: Params, key: Key, data: bytes) -> bytes:
        if key.type != "private":
            raise invalid_access("signing takes a private key")
        size = _CURVES[key.details["namedCurve"]].size
        signature = key.material.sign(data, ec.ECDSA(params.hash().primitive()))
        return b"".join(value.to_bytes(size, "big") for value in decode_dss_signature(signature))

    def verify(self, params: Params, key: Key, data: bytes, signature: bytes) -> bool:
        if key.type != "public":
            raise invalid_access("verifying takes a public key")
        function, size = params.hash(), _CURVES[key.details["namedCurve"]].size
        if len(signature) != 2 * size:
            return False
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        try:
            key.material.verify(encode_dss_signature(r, s), data, ec.ECDSA(function.primitive()))
        except InvalidSignature:
            return False
        return True


class _Ecdh(_Ec):
    private_usages = ("deriveKey", "deriveBits")
    use = "enc"

    def derive_bits(self, params: Params, key: Key, length: int | None) -> bytes:
        peer = params.peer()
        if key.type != "private" or peer.type != "public":
            raise invalid_access("ECDH takes a private key and the other side's public one")
        if peer.name != self.name or peer.details["namedCurve"] != key.details["namedCurve"]:
            raise invalid_access("the two keys do not belong to the same algorithm and curve")
        secret = guarded("no secret", key.material.exchange, ec.ECDH(), peer.material)
        return truncate_bits(secret, length)


ALGORITHMS: tuple[Algorithm, ...] = (_Ecdsa("ECDSA"), _Ecdh("ECDH"))
