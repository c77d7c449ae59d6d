"""
Tests for L{nano.ops.crypto_okp}.
"""

from __future__ import annotations

from typing import Any

from nano.ops.crypto_jwk import base64url
from tests.ops.crypto_case import CryptoCase

__all__ = ["EdwardsTests", "MontgomeryTests", "OkpKeyTests"]

# RFC 8032, 7.1, test 1.
_SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
_SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
# RFC 7748, 5.2.
_SCALAR = "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"
_POINT = "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"
_PRODUCT = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"

_ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
_X25519_PKCS8 = bytes.fromhex("302e020100300506032b656e04220420")


class EdwardsTests(CryptoCase):
    def test_known_answer(self) -> None:
        """The signature is that of the RFC, and verifies."""
        algorithm = {"name": "Ed25519"}
        private = self.isolate.import_key("pkcs8", _ED25519_PKCS8 + bytes.fromhex(_SECRET), algorithm, ["sign"])
        signature = self.isolate.output("sign", b"", algorithm=algorithm, key=private, data=0)
        self.assertEqual(signature.hex(), _SIGNATURE)
        public = self.isolate.import_raw(bytes.fromhex(_PUBLIC), algorithm, ["verify"])
        args = {"algorithm": algorithm, "key": public, "data": 0, "signature": 1}
        self.assertIs(self.isolate.run("verify", b"", signature, **args)[0], True)
        for bad in (b"", signature[:-1], signature[::-1]):
            self.assertIs(self.isolate.run("verify", b"", bad, **args)[0], False)
        self.assertIs(self.isolate.run("verify", b"\0", signature, **args)[0], False)

    def test_small_order(self) -> None:
        """With a key of small order nothing verifies, though the equation holds."""
        # The neutral element as key and as R, and zero as S, verify for any text by the bare equation.
        for name, size in (("Ed25519", 32), ("Ed448", 57)):
            neutral = b"\x01" + bytes(size - 1)
            public = self.isolate.import_raw(neutral, {"name": name}, ["verify"])
            args = {"algorithm": {"name": name}, "key": public, "data": 0, "signature": 1}
            self.assertIs(self.isolate.run("verify", b"text", neutral + bytes(size), **args)[0], False)

    def test_round_trip(self) -> None:
        """Both curves sign and verify; contexts are not there."""
        for name in ("Ed25519", "Ed448"):
            public, private = self.isolate.generate_pair({"name": name}, ["sign", "verify"])
            args: dict[str, Any] = {"algorithm": {"name": name}, "data": 0}
            signature = self.isolate.output("sign", b"text", key=private, **args)
            self.assertIs(self.isolate.run("verify", b"text", signature, key=public, signature=1, **args)[0], True)
        args = {"algorithm": {"name": "Ed448", "context": 0}, "data": 1, "key": private}
        self.isolate.run("sign", b"", b"text", **args)
        self.assert_refused("OperationError", self.isolate.run, "sign", b"context", b"text", **args)


class MontgomeryTests(CryptoCase):
    def test_known_answer(self) -> None:
        """The product is that of the RFC."""
        algorithm = {"name": "X25519"}
        private = self.isolate.import_key("pkcs8", _X25519_PKCS8 + bytes.fromhex(_SCALAR), algorithm, ["deriveBits"])
        peer = self.isolate.import_raw(bytes.fromhex(_POINT), algorithm, [])
        args = {"algorithm": {"name": "X25519", "public": peer}, "key": private}
        self.assertEqual(self.isolate.output("deriveBits", length=256, **args).hex(), _PRODUCT)
        self.assert_refused("OperationError", self.isolate.run, "deriveBits", length=264, **args)

    def test_small_order(self) -> None:
        """A point of small order, which makes every secret zero, is refused when it is used."""
        for name, size in (("X25519", 32), ("X448", 56)):
            _, private = self.isolate.generate_pair({"name": name}, ["deriveBits"])
            for point in (bytes(size), b"\x01" + bytes(size - 1)):
                peer = self.isolate.import_raw(point, {"name": name}, [])
                args = {"algorithm": {"name": name, "public": peer}, "key": private, "length": None}
                self.assert_refused("OperationError", self.isolate.run, "deriveBits", **args)

    def test_other_curve(self) -> None:
        """Keys of two curves have no secret."""
        peer, _ = self.isolate.generate_pair({"name": "X448"}, ["deriveBits"])
        _, private = self.isolate.generate_pair({"name": "X25519"}, ["deriveBits"])
        args = {"algorithm": {"name": "X25519", "public": peer}, "key": private, "length": None}
        self.assert_refused("InvalidAccessError", self.isolate.run, "deriveBits", **args)


class OkpKeyTests(CryptoCase):
    def test_round_trips(self) -> None:
        """A key comes back from every format as it was."""
        halves = {
            "Ed25519": ("verify", "sign"),
            "Ed448": ("verify", "sign"),
            "X25519": ("", "deriveBits"),
            "X448": ("", "deriveBits"),
        }
        for name, (of_public, of_private) in halves.items():
            usages = [usage for usage in (of_public, of_private) if usage]
            public, private = self.isolate.generate_pair({"name": name}, usages)
            kinds = ((public, ("raw", "spki", "jwk"), usages[:-1]), (private, ("pkcs8", "jwk"), [of_private]))
            for handle, formats, wanted in kinds:
                for format_ in formats:
                    value, buffers = self.isolate.run("exportKey", format=format_, key=handle)
                    data = value if format_ == "jwk" else buffers[0]
                    back = self.isolate.import_key(format_, data, {"name": name}, wanted)
                    self.assertEqual(self.isolate.run("exportKey", format=format_, key=back), (value, buffers))

    def test_jwk_refusals(self) -> None:
        """Halves that do not match, other curves and other names are refused."""
        halves = {"d": base64url(bytes.fromhex(_SECRET)), "x": base64url(bytes.fromhex(_PUBLIC))}
        jwk = {"kty": "OKP", "crv": "Ed25519", **halves}
        algorithm = {"name": "Ed25519"}
        for alg in ("Ed25519", "EdDSA"):
            self.isolate.import_key("jwk", {**jwk, "alg": alg}, algorithm, ["sign"])
        for change in (
            {"x": jwk["d"]},
            {"d": "AA"},
            {"crv": "X25519"},
            {"alg": "ed25519"},
            {"kty": "EC"},
            {"use": "enc"},
        ):
            self.assert_refused("DataError", self.isolate.import_key, "jwk", {**jwk, **change}, algorithm, ["sign"])
        self.assert_refused("SyntaxError", self.isolate.import_key, "jwk", jwk, algorithm, ["verify"])

    def test_other_algorithm(self) -> None:
        """The object identifier decides, and nothing may stand beside it."""
        data = _ED25519_PKCS8 + bytes(32)
        self.assert_refused("DataError", self.isolate.import_key, "pkcs8", data, {"name": "X25519"}, ["deriveBits"])
        with_null = bytes.fromhex("3030020100300706032b6570050004220420") + bytes(32)
        self.assert_refused("DataError", self.isolate.import_key, "pkcs8", with_null, {"name": "Ed25519"}, ["sign"])
