"""
Tests for L{nano.ops.crypto_rsa}.
"""

from __future__ import annotations

import hashlib
from typing import Any

from nano.ops.crypto_jwk import base64url, integer_bytes
from nano.ops.crypto_rsa import LARGEST_MODULUS
from tests.ops.crypto_case import CryptoCase

__all__ = ["RsaKeyTests", "RsaTests"]

_EXPONENT = b"\x01\x00\x01"
#: What stands before a SHA-256 digest in EMSA-PKCS1-v1_5 (RFC 8017, 9.2, note 1).
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class _RsaCase(CryptoCase):
    def pair(self, name: str, usages: list[str], **more: Any) -> tuple[int, int]:
        algorithm = {"name": name, "hash": "SHA-256", "modulusLength": 1024, "publicExponent": 0, **more}
        return self.isolate.generate_pair(algorithm, usages, _EXPONENT)

    def jwk(self, handle: int) -> dict[str, str]:
        jwk: dict[str, str] = self.isolate.run("exportKey", format="jwk", key=handle)[0]
        return jwk


class RsaTests(_RsaCase):
    def test_pkcs1(self) -> None:
        """A signature is the padded digest to the power of d, and verifies."""
        public, private = self.pair("RSASSA-PKCS1-v1_5", ["sign", "verify"])
        algorithm = {"name": "RSASSA-PKCS1-v1_5"}
        signature = self.isolate.output("sign", b"text", algorithm=algorithm, key=private, data=0)
        numbers = self.isolate.kept["crypto"].key(public).material.public_numbers()
        digest = hashlib.sha256(b"text").digest()
        padded = b"\x00\x01" + b"\xff" * (125 - len(_SHA256_INFO) - 32) + b"\x00" + _SHA256_INFO + digest
        plain = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(128, "big")
        self.assertEqual(plain, padded)
        self._verifies(algorithm, public, signature)

    def _verifies(self, algorithm: dict[str, Any], public: int, signature: bytes) -> None:
        for text, given, right in (
            (b"text", signature, True),
            (b"test", signature, False),
            (b"text", b"", False),
        ):
            args = {"algorithm": algorithm, "key": public, "data": 0, "signature": 1}
            self.assertIs(self.isolate.run("verify", text, given, **args)[0], right)

    def test_pss(self) -> None:
        """Salts of any length that has room make good signatures."""
        public, private = self.pair("RSA-PSS", ["sign", "verify"])
        for salt in (0, 20, 32):
            algorithm = {"name": "RSA-PSS", "saltLength": salt}
            signature = self.isolate.output("sign", b"text", algorithm=algorithm, key=private, data=0)
            self._verifies(algorithm, public, signature)
        args = {"algorithm": {"name": "RSA-PSS", "saltLength": 100}, "key": private, "data": 0}
        self.assert_refused("OperationError", self.isolate.run, "sign", b"text", **args)

    def test_oaep(self) -> None:
        """What was encrypted with a label decrypts with that label only."""
        public, private = self.pair("RSA-OAEP", ["encrypt", "decrypt"])
        args = {"algorithm": {"name": "RSA-OAEP", "label": 0}, "data": 1}
        cipher = self.isolate.output("encrypt", b"label", b"text", key=public, **args)
        self.assertEqual(self.isolate.output("decrypt", b"label", cipher, key=private, **args), b"text")
        self.assert_refused("OperationError", self.isolate.run, "decrypt", b"other", cipher, key=private, **args)
        self.assert_refused("OperationError", self.isolate.run, "encrypt", b"", bytes(63), key=public, **args)

    def test_threads(self) -> None:
        """What takes long is done in a thread: making and importing keys, and whatever a private key does."""
        public, private = self.pair("RSASSA-PKCS1-v1_5", ["sign", "verify"])
        self.assertEqual(self.isolate.pool.count, 1)
        args = {"algorithm": {"name": "RSASSA-PKCS1-v1_5"}, "data": 0}
        signature = self.isolate.output("sign", b"", key=private, **args)
        self.assertEqual(self.isolate.pool.count, 2)
        self.isolate.run("verify", b"", signature, key=public, signature=1, **args)
        self.assertEqual(self.isolate.pool.count, 2)

    def test_wrong_half(self) -> None:
        """A public key cannot have the usage of a private one."""
        algorithm = {"name": "RSA-PSS", "hash": "SHA-1"}
        public, _ = self.pair("RSA-PSS", ["sign"])
        spki = self.isolate.output("exportKey", format="spki", key=public)
        self.assert_refused("SyntaxError", self.isolate.import_key, "spki", spki, algorithm, ["sign"])


class RsaKeyTests(_RsaCase):
    def test_round_trips(self) -> None:
        """A key comes back from every format as it was."""
        pair = self.pair("RSA-OAEP", ["encrypt", "decrypt"])
        algorithm = {"name": "RSA-OAEP", "hash": "SHA-256"}
        for handle, formats, usages in (
            (pair[0], ("spki", "jwk"), ["encrypt"]),
            (pair[1], ("pkcs8", "jwk"), ["decrypt"]),
        ):
            for format_ in formats:
                value, buffers = self.isolate.run("exportKey", format=format_, key=handle)
                data = value if format_ == "jwk" else buffers[0]
                back = self.isolate.import_key(format_, data, algorithm, usages)
                self.assertEqual(self.isolate.run("exportKey", format=format_, key=back), (value, buffers))

    def test_description(self) -> None:
        """A key tells its modulus length, its exponent and its hash function."""
        algorithm = {"name": "RSA-PSS", "hash": "SHA-512", "modulusLength": 1024, "publicExponent": 0}
        args = {"extractable": False, "usages": ["sign", "verify"]}
        value, buffers = self.isolate.run("generateKey", _EXPONENT, algorithm=algorithm, **args)
        private, public = value["privateKey"], value["publicKey"]
        self.assertEqual(private["algorithm"]["modulusLength"], 1024)
        self.assertEqual(private["algorithm"]["hash"], "SHA-512")
        self.assertEqual(buffers[private["algorithm"]["publicExponent"]], _EXPONENT)
        self.assertEqual((private["extractable"], private["usages"]), (False, ("sign",)))
        self.assertEqual((public["extractable"], public["usages"]), (True, ("verify",)))

    def test_generate_refusals(self) -> None:
        """Other exponents, huge moduli, and keys that nobody can use are refused."""
        for exponent, modulus in (
            (b"\x01", 1024),
            (b"", 1024),
            (_EXPONENT, LARGEST_MODULUS + 8),
            (_EXPONENT, 0),
        ):
            algorithm = {"name": "RSA-PSS", "hash": "SHA-1", "modulusLength": modulus, "publicExponent": 0}
            self.assert_refused("OperationError", self.isolate.generate_pair, algorithm, ["sign"], exponent)
        algorithm = {"name": "RSA-PSS", "hash": "SHA-1", "modulusLength": 1024, "publicExponent": 0}
        self.assert_refused("SyntaxError", self.isolate.generate_pair, algorithm, ["verify"], _EXPONENT)
        self.assert_refused("SyntaxError", self.isolate.generate_pair, algorithm, ["encrypt"], _EXPONENT)

    def test_jwk_refusals(self) -> None:
        """A JWK whose numbers do not belong together is no key; one without primes is, if they can be found."""
        jwk = self.jwk(self.pair("RSA-PSS", ["sign", "verify"])[1])
        algorithm = {"name": "RSA-PSS", "hash": "SHA-256"}
        for change in (
            {"p": jwk["q"]},
            {"d": jwk["p"]},
            {"qi": "AQ"},
            {"n": "AQAB"},
            {"e": "Ag"},
            {"alg": "RS256"},
        ):
            self.assert_refused("DataError", self.isolate.import_key, "jwk", {**jwk, **change}, algorithm, ["sign"])
        lacking = {name: value for name, value in jwk.items() if name != "dq"}
        self.assert_refused("DataError", self.isolate.import_key, "jwk", lacking, algorithm, ["sign"])
        bare = {name: jwk[name] for name in ("kty", "n", "e", "d")}
        back = self.isolate.import_key("jwk", bare, algorithm, ["sign"])
        self.assertEqual({self.jwk(back)["p"], self.jwk(back)["q"]}, {jwk["p"], jwk["q"]})
        more = {**jwk, "oth": [{"r": "AQ"}]}
        self.assert_refused("NotSupportedError", self.isolate.import_key, "jwk", more, algorithm, ["sign"])

    def test_der_refusals(self) -> None:
        """Neither PKCS #1, nor a key of another kind, nor anything behind a key is accepted."""
        public, private = self.pair("RSA-PSS", ["sign", "verify"])
        spki = self.isolate.output("exportKey", format="spki", key=public)
        pkcs8 = self.isolate.output("exportKey", format="pkcs8", key=private)
        other = self.isolate.generate_pair({"name": "ECDSA", "namedCurve": "P-256"}, ["sign"])[0]
        ec = self.isolate.output("exportKey", format="spki", key=other)
        algorithm = {"name": "RSA-PSS", "hash": "SHA-256"}
        for data in (b"", b"\x30", spki[:-1], spki + b"\0", spki[22:], ec, pkcs8):
            self.assert_refused("DataError", self.isolate.import_key, "spki", data, algorithm, ["verify"])
        for data in (b"", pkcs8[:-1], pkcs8 + b"\0", pkcs8[26:], spki):
            self.assert_refused("DataError", self.isolate.import_key, "pkcs8", data, algorithm, ["sign"])

    def test_huge_modulus(self) -> None:
        """A modulus above the limit is not imported."""
        modulus = (1 << LARGEST_MODULUS) + 1
        jwk = {"kty": "RSA", "e": "AQAB", "n": base64url(integer_bytes(modulus))}
        algorithm = {"name": "RSA-PSS", "hash": "SHA-256"}
        self.assert_refused("NotSupportedError", self.isolate.import_key, "jwk", jwk, algorithm, ["verify"])
