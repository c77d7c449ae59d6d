# -*- test-case-name: tests.ops.test_crypto_rsa -*-
"""
RSASSA-PKCS1-v1_5, RSA-PSS and RSA-OAEP.

@see https://w3c.github.io/webcrypto/#rsassa-pkcs1 and the sections behind it
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from nano.ops import crypto_der as der
from nano.ops.crypto_algorithm import Algorithm, ImportRequest, check_usages, guarded
from nano.ops.crypto_hashes import Hash
from nano.ops.crypto_jwk import (
    Jwk,
    base64url,
    check_jwk,
    get_integer,
    integer_bytes,
)
from nano.ops.crypto_keys import Key
from nano.ops.crypto_params import (
    Params,
    data_error,
    invalid_access,
    not_supported,
    operation_error,
    syntax_error,
)

__all__ = ["ALGORITHMS", "LARGEST_MODULUS"]

#: Keys with more bits are neither made nor imported.
LARGEST_MODULUS = 8192
_FAST_MODULUS = 4096
#: The public exponents that keys are generated with; others can be imported.
_EXPONENTS = (3, 65537)

_CRT = ("p", "q", "dp", "dq", "qi")
_Numbers = rsa.RSAPrivateNumbers


class _Rsa(Algorithm):
    """What all three have in common: their keys."""

    slow = frozenset({"generateKey", "importKey"})
    public_usages: tuple[str, ...] = ("verify",)
    private_usages: tuple[str, ...] = ("sign",)
    use = "sig"

    def is_slow(self, operation: str, key: Key | None, size: int) -> bool:
        if key is not None:
            modulus: int = key.details["modulusLength"]
            if key.type == "private" or modulus > _FAST_MODULUS:
                return True
        return super().is_slow(operation, key, size)

    def jwk_name(self, function: Hash) -> str:
        """The algorithm's name in a JWK."""
        raise NotImplementedError

    def generate_key(self, params: Params, extractable: bool, usages: tuple[str, ...]) -> tuple[Key, Key]:
        check_usages(usages, self.public_usages + self.private_usages)
        function, modulus = params.hash(), params.integer("modulusLength")
        exponent = int.from_bytes(params.buffer("publicExponent"), "big")
        if exponent not in _EXPONENTS:
            raise operation_error("keys are generated with a public exponent of 3 or 65537")
        if modulus > LARGEST_MODULUS:
            raise operation_error(f"the modulus has more than {LARGEST_MODULUS} bits")
        if not set(usages) & set(self.private_usages):
            # What the standard says when the key is there already.
            raise syntax_error("the private key could not be used for anything")
        private = guarded("no key could be made", rsa.generate_private_key, exponent, modulus)
        return (
            self._public(private.public_key(), function, True, usages),
            self._private(private, function, extractable, usages),
        )

    def _public(self, key: rsa.RSAPublicKey, function: Hash, extractable: bool, usages: tuple[str, ...]) -> Key:
        mine = tuple(usage for usage in usages if usage in self.public_usages)
        return Key(self.name, "public", extractable, mine, key, _details(key, function))

    def _private(self, key: rsa.RSAPrivateKey, function: Hash, extractable: bool, usages: tuple[str, ...]) -> Key:
        mine = tuple(usage for usage in usages if usage in self.private_usages)
        return Key(self.name, "private", extractable, mine, key, _details(key.public_key(), function))

    def import_key(self, request: ImportRequest) -> Key:
        function = request.params.hash()
        if request.format == "spki":
            request.allow(*self.public_usages)
            public = _public_from_spki(request.octets)
        elif request.format == "pkcs8":
            request.allow(*self.private_usages)
            private = _private_from_pkcs8(request.octets)
            return self._private(private, function, request.extractable, request.usages)
        elif request.format == "jwk":
            is_private = "d" in request.jwk
            request.allow(*(self.private_usages if is_private else self.public_usages))
            self._check_jwk(request, function)
            if is_private:
                private = _private_from_jwk(request.jwk)
                return self._private(private, function, request.extractable, request.usages)
            public = _public_from_jwk(request.jwk)
        else:
            raise not_supported(f"RSA keys have no format {request.format!r}")
        return self._public(public, function, request.extractable, request.usages)

    def _check_jwk(self, request: ImportRequest, function: Hash) -> None:
        jwk, name = request.jwk, self.jwk_name(function)
        check_jwk(jwk, "RSA", self.use, request.usages, request.extractable)
        if jwk.get("alg", name) != name:
            raise data_error(f"the JWK's 'alg' is not {name!r}")

    def export_key(self, key: Key, format_: str) -> bytes | Jwk:
        if format_ == "jwk":
            return {"kty": "RSA", "alg": self.jwk_name(key.hash), **_jwk_numbers(key)}
        if format_ == "spki":
            if key.type != "public":
                raise invalid_access("a private key has no format 'spki'")
            spki: bytes = key.material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return spki
        if format_ == "pkcs8":
            if key.type != "private":
                raise invalid_access("a public key has no format 'pkcs8'")
            pkcs8: bytes = key.material.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            return pkcs8
        raise not_supported(f"RSA keys have no format {format_!r}")

    def _needs(self, key: Key, type_: str) -> None:
        if key.type != type_:
            raise invalid_access(f"this takes a {type_} key")


def _details(key: rsa.RSAPublicKey, function: Hash) -> dict[str, Any]:
    exponent = integer_bytes(key.public_numbers().e)
    return {"modulusLength": key.key_size, "publicExponent": exponent, "hash": function}


def _checked_size(modulus: int) -> None:
    if modulus.bit_length() > LARGEST_MODULUS:
        raise not_supported(f"the modulus has more than {LARGEST_MODULUS} bits")


def _public_from_spki(spki: bytes) -> rsa.RSAPublicKey:
    der.check_public(spki, der.RSA)
    try:
        key = load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise data_error(f"not an RSA key in SPKI: {error}") from error
    assert isinstance(key, rsa.RSAPublicKey)
    _checked_size(key.public_numbers().n)
    return key


def _private_from_pkcs8(pkcs8: bytes) -> rsa.RSAPrivateKey:
    der.check_private(pkcs8, der.RSA)
    try:
        key = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise data_error(f"not an RSA key in PKCS #8: {error}") from error
    assert isinstance(key, rsa.RSAPrivateKey)
    _check_numbers(key.private_numbers())
    return key


def _check_numbers(numbers: _Numbers) -> None:
    """
    Whether the numbers belong together.  That p and q are primes is not tested, which would take much longer.
    """
    public, p, q = numbers.public_numbers, numbers.p, numbers.q
    _checked_size(public.n)
    fits = (
        min(p, q) > 2
        and p * q == public.n
        and numbers.d * public.e % (p - 1) == 1
        and numbers.d * public.e % (q - 1) == 1
        and numbers.dmp1 == numbers.d % (p - 1)
        and numbers.dmq1 == numbers.d % (q - 1)
        and numbers.iqmp * q % p == 1
    )
    if not fits:
        raise data_error("the numbers of the RSA key do not belong together")


def _public_from_jwk(jwk: Jwk) -> rsa.RSAPublicKey:
    numbers = rsa.RSAPublicNumbers(get_integer(jwk, "e"), get_integer(jwk, "n"))
    _checked_size(numbers.n)
    try:
        return numbers.public_key()
    except ValueError as error:
        raise data_error(f"not an RSA key: {error}") from error


def _private_from_jwk(jwk: Jwk) -> rsa.RSAPrivateKey:
    if "oth" in jwk:
        raise not_supported("RSA keys of more than two primes are not supported")
    public, d = _public_from_jwk(jwk).public_numbers(), get_integer(jwk, "d")
    try:
        if not any(name in jwk for name in _CRT):
            p, q = rsa.rsa_recover_prime_factors(public.n, public.e, d)
            dp, dq, qi = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
        else:
            p, q, dp, dq, qi = (get_integer(jwk, name) for name in _CRT)
        numbers = _Numbers(p, q, d, dp, dq, qi, public)
        _check_numbers(numbers)
        return numbers.private_key(unsafe_skip_rsa_key_validation=True)
    except ValueError as error:
        raise data_error(f"not an RSA key: {error}") from error


def _jwk_numbers(key: Key) -> Jwk:
    if key.type == "public":
        public = key.material.public_numbers()
        return {name: base64url(integer_bytes(value)) for name, value in (("n", public.n), ("e", public.e))}
    numbers: _Numbers = key.material.private_numbers()
    public = numbers.public_numbers
    values = {
        "n": public.n,
        "e": public.e,
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    return {name: base64url(integer_bytes(value)) for name, value in values.items()}


class _Signing(_Rsa):
    """What the two signature schemes have in common."""

    def padding(self, params: Params, function: Hash) -> padding.AsymmetricPadding:
        """How a digest becomes as long as the modulus."""
        raise NotImplementedError

    def sign(self, params: Params, key: Key, data: bytes) -> bytes:
        self._needs(key, "private")
        scheme = self.padding(params, key.hash)
        return bytes(guarded("signing failed", key.material.sign, data, scheme, key.hash.primitive()))

    def verify(self, params: Params, key: Key, data: bytes, signature: bytes) -> bool:
        self._needs(key, "public")
        try:
            key.material.verify(signature, data, self.padding(params, key.hash), key.hash.primitive())
        except (InvalidSignature, ValueError):
            return False
        return True


class _Pkcs1(_Signing):
    def jwk_name(self, function: Hash) -> str:
        return f"RS{function.jwk}"

    def padding(self, params: Params, function: Hash) -> padding.AsymmetricPadding:
        return padding.PKCS1v15()


class _Pss(_Signing):
    def jwk_name(self, function: Hash) -> str:
        return f"PS{function.jwk}"

    def padding(self, params: Params, function: Hash) -> padding.AsymmetricPadding:
        salt = params.integer("saltLength")
        if salt > LARGEST_MODULUS // 8:
            raise operation_error("the salt is longer than any modulus")
        return padding.PSS(padding.MGF1(function.primitive()), salt)


class _Oaep(_Rsa):
    public_usages = ("encrypt", "wrapKey")
    private_usages = ("decrypt", "unwrapKey")
    use = "enc"

    def jwk_name(self, function: Hash) -> str:
        return "RSA-OAEP" if function.name == "SHA-1" else f"RSA-OAEP-{function.jwk}"

    def _padding(self, params: Params, function: Hash) -> padding.OAEP:
        label = params.buffer("label", b"")
        return padding.OAEP(padding.MGF1(function.primitive()), function.primitive(), label or None)

    def encrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        self._needs(key, "public")
        return bytes(guarded("encryption failed", key.material.encrypt, data, self._padding(params, key.hash)))

    def decrypt(self, params: Params, key: Key, data: bytes) -> bytes:
        self._needs(key, "private")
        return bytes(guarded("decryption failed", key.material.decrypt, data, self._padding(params, key.hash)))


ALGORITHMS: tuple[Algorithm, ...] = (
    _Pkcs1("RSASSA-PKCS1-v1_5"),
    _Pss("RSA-PSS"),
    _Oaep("RSA-OAEP"),
)
