"""
Tests for L{nano.ops.crypto_ec}.
"""

from __future__ import annotations

from typing import Any

from nano.ops.crypto_jwk import base64url
from tests.ops.crypto_case import CryptoCase

__all__ = ["EcKeyTests", "EcdhTests", "EcdsaTests"]

# RFC 6979, A.2.5: the key, and the signature of "sample" with SHA-256.
_D = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
_X = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
_Y = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
_SIGNATURE = (
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)
# RFC 5903, 8.1.
_DH_D = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"
_DH_X = "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
_DH_Y = "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
_DH_PEER = (
    "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
)
_DH_SECRET = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"

_CURVES = (("P-256", 32), ("P-384", 48), ("P-521", 66))
_ECDSA = {"name": "ECDSA", "namedCurve": "P-256"}
_ECDH = {"name": "ECDH", "namedCurve": "P-256"}


def _jwk(d: str, x: str, y: str) -> dict[str, Any]:
    numbers = {name: base64url(bytes.fromhex(value)) for name, value in (("d", d), ("x", x), ("y", y))}
    return {"kty": "EC", "crv": "P-256", **numbers}


class EcdsaTests(CryptoCase):
    def test_known_answer(self) -> None:
        """The signature of the RFC verifies, and nothing near it."""
        key = self.isolate.import_raw(bytes.fromhex("04" + _X + _Y), _ECDSA, ["verify"])
        good = bytes.fromhex(_SIGNATURE)
        args = {"algorithm": {"name": "ECDSA", "hash": "SHA-256"}, "key": key, "data": 0, "signature": 1}
        self.assertIs(self.isolate.run("verify", b"sample", good, **args)[0], True)
        for bad in (b"", good[:-1], good + b"\0", bytes(64), good[32:] + good[:32], b"\xff" * 64):
            self.assertIs(self.isolate.run("verify", b"sample", bad, **args)[0], False)
        self.assertIs(self.isolate.run("verify", b"Sample", good, **args)[0], False)

    def test_round_trips(self) -> None:
        """Signatures of every curve and hash function verify, and have twice the curve's size."""
        for curve, size in _CURVES:
            public, private = self.isolate.generate_pair({"name": "ECDSA", "namedCurve": curve}, ["sign", "verify"])
            for function in ("SHA-1", "SHA-256", "SHA-384", "SHA-512"):
                args = {"algorithm": {"name": "ECDSA", "hash": function}, "data": 0}
                signature = self.isolate.output("sign", b"text", key=private, **args)
                self.assertEqual(len(signature), 2 * size)
                self.assertIs(self.isolate.run("verify", b"text", signature, key=public, signature=1, **args)[0], True)


class EcdhTests(CryptoCase):
    def _derive(self, length: int | None, **more: Any) -> bytes:
        key = self.isolate.import_key("jwk", _jwk(_DH_D, _DH_X, _DH_Y), _ECDH, ["deriveBits"])
        peer = self.isolate.import_raw(bytes.fromhex(_DH_PEER), _ECDH, [])
        algorithm = {"name": "ECDH", "public": peer, **more}
        return self.isolate.output("deriveBits", algorithm=algorithm, key=key, length=length)

    def test_known_answer(self) -> None:
        """The secret is that of the RFC, or the first bits of it."""
        secret = bytes.fromhex(_DH_SECRET)
        self.assertEqual(self._derive(None), secret)
        self.assertEqual(self._derive(256), secret)
        self.assertEqual(self._derive(128), secret[:16])
        self.assertEqual(self._derive(12), bytes([secret[0], secret[1] & 0xF0]))
        self.assertEqual(self._derive(0), b"")
        self.assert_refused("OperationError", self._derive, 264)

    def test_wrong_peers(self) -> None:
        """The other key must be a public one of the same algorithm and curve."""
        other = self.isolate.generate_pair({"name": "ECDH", "namedCurve": "P-384"}, ["deriveBits"])
        same = self.isolate.generate_pair(_ECDH, ["deriveBits"])
        signing = self.isolate.generate_pair(_ECDSA, ["sign"])
        for peer in (other[0], other[1], same[1], signing[0]):
            self.assert_refused("InvalidAccessError", self._derive, 8, public=peer)
        self.assert_refused("TypeError", self._derive, 8, public=10**6)

    def test_agreement(self) -> None:
        """Both sides come to the same secret on every curve."""
        for curve, size in _CURVES:
            pairs = [
                self.isolate.generate_pair({"name": "ECDH", "namedCurve": curve}, ["deriveBits"]) for _ in range(2)
            ]
            secrets = [
                self.isolate.output(
                    "deriveBits", algorithm={"name": "ECDH", "public": public}, key=private, length=None
                )
                for (public, _), (_, private) in zip(pairs, reversed(pairs), strict=True)
            ]
            self.assertEqual(secrets[0], secrets[1])
            self.assertEqual(len(secrets[0]), size)


class EcKeyTests(CryptoCase):
    def test_round_trips(self) -> None:
        """A key comes back from every format as it was."""
        for curve, _ in _CURVES:
            algorithm = {"name": "ECDSA", "namedCurve": curve}
            public, private = self.isolate.generate_pair(algorithm, ["sign", "verify"])
            for handle, formats, usages in (
                (public, ("raw", "spki", "jwk"), ["verify"]),
                (private, ("pkcs8", "jwk"), ["sign"]),
            ):
                for format_ in formats:
                    value, buffers = self.isolate.run("exportKey", format=format_, key=handle)
                    data = value if format_ == "jwk" else buffers[0]
                    back = self.isolate.import_key(format_, data, algorithm, usages)
                    self.assertEqual(self.isolate.run("exportKey", format=format_, key=back), (value, buffers))

    def test_compressed(self) -> None:
        """A compressed point is the same key."""
        sign = "03" if int(_Y[-1], 16) % 2 else "02"
        key = self.isolate.import_raw(bytes.fromhex(sign + _X), _ECDSA, ["verify"])
        self.assertEqual(self.isolate.output("exportKey", format="raw", key=key).hex(), "04" + _X + _Y)

    def test_refusals(self) -> None:
        """Points that are none, halves that do not match, and other curves are no keys."""
        good = _jwk(_D, _X, _Y)
        self.isolate.import_key("jwk", good, _ECDSA, ["sign"])
        changes = (
            {"y": good["x"]},
            {"d": good["x"]},
            {"crv": "P-384"},
            {"x": "AA"},
            {"alg": "ES384"},
            {"kty": "OKP"},
        )
        for change in changes:
            self.assert_refused("DataError", self.isolate.import_key, "jwk", {**good, **change}, _ECDSA, ["sign"])
        for octets in (b"", b"\0", bytes(65), bytes.fromhex("04" + _X + _X)):
            self.assert_refused("DataError", self.isolate.import_raw, octets, _ECDSA, ["verify"])
        larger = {"name": "ECDSA", "namedCurve": "P-384"}
        self.assert_refused("DataError", self.isolate.import_raw, bytes.fromhex("04" + _X + _Y), larger, ["verify"])

    def test_unknown_curves(self) -> None:
        """An unknown curve is not supported, after the usages have been looked at."""
        algorithm = {"name": "ECDH", "namedCurve": "P-512"}
        self.assert_refused("NotSupportedError", self.isolate.generate_pair, algorithm, ["deriveBits"])
        self.assert_refused("SyntaxError", self.isolate.generate_pair, algorithm, ["sign"])
        self.assert_refused("DataError", self.isolate.import_raw, b"", algorithm, [])

    def test_wrong_formats(self) -> None:
        """A private key has no public format, and the reverse."""
        public, private = self.isolate.generate_pair(_ECDSA, ["sign", "verify"])
        for format_, key in (("raw", private), ("spki", private), ("pkcs8", public)):
            self.assert_refused("InvalidAccessError", self.isolate.run, "exportKey", format=format_, key=key)
