"""
Tests for L{nano.ops.crypto_kdf}.
"""

from __future__ import annotations

from nano.ops.crypto_kdf import PBKDF2_WORK
from tests.ops.crypto_case import CryptoCase

__all__ = ["HkdfTests", "Pbkdf2Tests"]

_USAGES = ["deriveBits", "deriveKey"]


class HkdfTests(CryptoCase):
    def _derive(self, length: int | None, function: str = "SHA-256") -> bytes:
        # RFC 5869, A.1.
        key = self.isolate.import_raw(b"\x0b" * 22, "HKDF", _USAGES)
        algorithm = {"name": "HKDF", "hash": function, "salt": 0, "info": 1}
        salt, info = bytes(range(13)), bytes(range(0xF0, 0xFA))
        return self.isolate.output("deriveBits", salt, info, algorithm=algorithm, key=key, length=length)

    def test_known_answer(self) -> None:
        """The output is that of the RFC."""
        expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        self.assertEqual(self._derive(336).hex(), expected)

    def test_lengths(self) -> None:
        """Whole octets, up to 255 digests of them; none is nothing."""
        self.assertEqual(self._derive(0), b"")
        self.assertEqual(len(self._derive(255 * 256)), 255 * 32)
        for length in (None, 7, 255 * 256 + 8):
            self.assert_refused("OperationError", self._derive, length)


class Pbkdf2Tests(CryptoCase):
    def _derive(self, iterations: int, length: int | None = 160) -> bytes:
        key = self.isolate.import_raw(b"password", "PBKDF2", _USAGES)
        algorithm = {"name": "PBKDF2", "hash": "SHA-1", "salt": 0, "iterations": iterations}
        return self.isolate.output("deriveBits", b"salt", algorithm=algorithm, key=key, length=length)

    def test_known_answers(self) -> None:
        """The output is that of RFC 6070, and comes from a thread."""
        for iterations, expected in (
            (1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (4096, "4b007901b765489abead49d926f721d065a429c1"),
        ):
            self.assertEqual(self._derive(iterations).hex(), expected)
        self.assertEqual(self.isolate.pool.count, 2)

    def test_limits(self) -> None:
        """No iterations, no length, odd bits, and too much work are refused."""
        self.assertEqual(self._derive(1, 0), b"")
        for iterations, length in ((0, 160), (1, None), (1, 9), (PBKDF2_WORK + 1, 160), (PBKDF2_WORK, 168)):
            self.assert_refused("OperationError", self._derive, iterations, length)

    def test_derive_key(self) -> None:
        """A derived key is made of the first bits."""
        key = self.isolate.import_raw(b"password", "PBKDF2", _USAGES)
        algorithm = {"name": "PBKDF2", "hash": "SHA-1", "salt": 0, "iterations": 1}
        value, _ = self.isolate.run(
            "deriveKey",
            b"salt",
            algorithm=algorithm,
            key=key,
            derived={"name": "AES-CBC"},
            sized={"name": "AES-CBC", "length": 128},
            extractable=True,
            usages=["encrypt"],
        )
        raw = self.isolate.output("exportKey", format="raw", key=value["handle"])
        self.assertEqual(raw.hex(), "0c60c80f961f0e71f3a9b524af601206")

    def test_keys(self) -> None:
        """Keys are octets for deriving, and never come out again."""
        algorithm = {"name": "PBKDF2"}
        refused = (
            ("SyntaxError", "raw", b"x", ["encrypt"], False),
            ("SyntaxError", "raw", b"x", _USAGES, True),
            ("NotSupportedError", "jwk", {"kty": "oct"}, _USAGES, False),
        )
        for name, format_, data, usages, extractable in refused:
            more = {"extractable": extractable}
            self.assert_refused(name, self.isolate.import_key, format_, data, algorithm, usages, **more)
        key = self.isolate.import_raw(b"x", "PBKDF2", _USAGES)
        self.assert_refused("NotSupportedError", self.isolate.run, "exportKey", format="raw", key=key)
