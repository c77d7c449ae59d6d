"""
Tests for L{nano.ops.crypto_hmac}.
"""

from __future__ import annotations

from typing import Any

from tests.ops.crypto_case import CryptoCase

__all__ = ["HmacTests"]

# RFC 2202 and RFC 4231, test case 1 each, then test case 2 of RFC 4231.
_ANSWERS = (
    ("SHA-1", b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
    (
        "SHA-256",
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        "SHA-256",
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
)


class HmacTests(CryptoCase):
    def _key(self, data: bytes, **more: Any) -> int:
        return self.isolate.import_raw(data, {"name": "HMAC", "hash": "SHA-256", **more})

    def test_known_answers(self) -> None:
        """Signatures are those of the RFCs, and verify; others do not."""
        for function, data, text, expected in _ANSWERS:
            key = self.isolate.import_raw(data, {"name": "HMAC", "hash": function})
            args = {"algorithm": {"name": "HMAC"}, "key": key, "data": 0}
            signature = self.isolate.output("sign", text, **args)
            self.assertEqual(signature.hex(), expected)
            for given, right in (
                (signature, True),
                (signature[:-1], False),
                (b"", False),
                (signature[::-1], False),
            ):
                self.assertIs(self.isolate.run("verify", text, given, signature=1, **args)[0], right)

    def test_lengths(self) -> None:
        """A length within the last octet cuts bits off; any other is refused."""
        for length, expected in ((None, "ffff"), (16, "ffff"), (15, "fffe"), (9, "ff80")):
            key = self._key(b"\xff\xff", **({} if length is None else {"length": length}))
            self.assertEqual(self.isolate.output("exportKey", format="raw", key=key).hex(), expected)
        for length in (0, 8, 17):
            self.assert_refused("DataError", self._key, b"\xff\xff", length=length)
        self.assert_refused("DataError", self._key, b"")

    def test_generate(self) -> None:
        """A key has the block's length unless another is asked for."""
        for function, given, expected in (
            ("SHA-1", {}, 512),
            ("SHA-512", {}, 1024),
            ("SHA-256", {"length": 161}, 161),
        ):
            args = {"extractable": True, "usages": ["sign"]}
            algorithm = {"name": "HMAC", "hash": function, **given}
            value, _ = self.isolate.run("generateKey", algorithm=algorithm, **args)
            self.assertEqual(value["algorithm"], {"name": "HMAC", "hash": function, "length": expected})
        for length in (0, 2**31):
            algorithm = {"name": "HMAC", "hash": "SHA-1", "length": length}
            self.assert_refused("OperationError", self.isolate.run, "generateKey", algorithm=algorithm, **args)

    def test_jwk(self) -> None:
        """A JWK names the hash function."""
        key = self._key(b"secret")
        jwk, _ = self.isolate.run("exportKey", format="jwk", key=key)
        self.assertEqual((jwk["alg"], jwk["k"], jwk["key_ops"]), ("HS256", "c2VjcmV0", ["sign", "verify"]))
        algorithm = {"name": "HMAC", "hash": "SHA-1"}
        self.assert_refused("DataError", self.isolate.import_key, "jwk", jwk, algorithm, ["sign"])

    def test_usages(self) -> None:
        """An HMAC key encrypts nothing."""
        algorithm = {"name": "HMAC", "hash": "SHA-1"}
        self.assert_refused("SyntaxError", self.isolate.import_raw, b"k", algorithm, ["encrypt"])
        self.assert_refused("SyntaxError", self.isolate.import_raw, b"k", algorithm, [])
