"""
Tests for L{nano.ops.crypto_aes}.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from nano.ops.crypto_aes import LARGEST_WRAPPED
from tests.ops.crypto_case import CryptoCase

__all__ = ["AesCtrTests", "AesKeyTests", "AesTests", "AesWrapTests"]

# NIST SP 800-38A, F.2.1 and F.5.1.
_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
_CBC_VECTOR = bytes(range(16))
_CBC = "7649abac8119b246cee98e9b12e9197d"
_CTR_COUNTER = bytes(range(0xF0, 0x100))
_CTR = "874d6191b620e3261bef6864990db6ce"
# Test case 4 of the GCM specification.
_GCM_KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308")
_GCM_VECTOR = bytes.fromhex("cafebabefacedbaddecaf888")
_GCM_MORE = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_GCM_PLAIN = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
_GCM = (
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
    "5bc94fbc3221a5db94fae95ae7121a47"
)


class AesTests(CryptoCase):
    def _both(self, key: bytes, algorithm: dict[str, object], plain: bytes, *buffers: bytes) -> bytes:
        handle = self.isolate.import_raw(key, str(algorithm["name"]))
        place = len(buffers)
        cipher = self.isolate.output("encrypt", *buffers, plain, algorithm=algorithm, key=handle, data=place)
        back = self.isolate.output("decrypt", *buffers, cipher, algorithm=algorithm, key=handle, data=place)
        self.assertEqual(back, plain)
        return cipher

    def test_cbc(self) -> None:
        """CBC gives the standard's answer, and a block of padding."""
        cipher = self._both(_KEY, {"name": "AES-CBC", "iv": 0}, _PLAIN, _CBC_VECTOR)
        self.assertEqual(cipher[:16].hex(), _CBC)
        self.assertEqual(len(cipher), 32)

    def test_ctr(self) -> None:
        """CTR gives the standard's answer."""
        algorithm = {"name": "AES-CTR", "counter": 0, "length": 128}
        self.assertEqual(self._both(_KEY, algorithm, _PLAIN, _CTR_COUNTER).hex(), _CTR)

    def test_gcm(self) -> None:
        """GCM gives the specification's answer."""
        algorithm = {"name": "AES-GCM", "iv": 0, "additionalData": 1}
        self.assertEqual(self._both(_GCM_KEY, algorithm, _GCM_PLAIN, _GCM_VECTOR, _GCM_MORE).hex(), _GCM)

    def test_gcm_tags(self) -> None:
        """A shorter tag is the beginning of the full one; other lengths are refused."""
        handle = self.isolate.import_raw(_GCM_KEY, "AES-GCM")
        for bits in (32, 64, 96, 104, 112, 120, 128):
            algorithm = {"name": "AES-GCM", "iv": 0, "additionalData": 1, "tagLength": bits}
            cipher = self._both(_GCM_KEY, algorithm, _GCM_PLAIN, _GCM_VECTOR, _GCM_MORE)
            self.assertEqual(cipher.hex(), _GCM[: len(_GCM) - (128 - bits) // 4])
        for bits in (0, 8, 31, 129, 255):
            algorithm = {"name": "AES-GCM", "iv": 0, "tagLength": bits}
            args = {"algorithm": algorithm, "key": handle, "data": 1}
            self.assert_refused("OperationError", self.isolate.run, "encrypt", _GCM_VECTOR, b"", **args)

    def test_forged(self) -> None:
        """What was not encrypted with the key does not decrypt."""
        handle = self.isolate.import_raw(_KEY, "AES-GCM")
        args = {"algorithm": {"name": "AES-GCM", "iv": 0}, "key": handle, "data": 1}
        good = self.isolate.output("encrypt", bytes(12), b"text", **args)
        for bad in (
            b"",
            good[:15],
            good[:-1],
            good[:-1] + bytes([good[-1] ^ 1]),
            bytes([good[0] ^ 1]) + good[1:],
        ):
            self.assert_refused("OperationError", self.isolate.run, "decrypt", bytes(12), bad, **args)

    def test_cbc_lengths(self) -> None:
        """CBC wants a vector of one block, and a ciphertext of whole ones."""
        handle = self.isolate.import_raw(_KEY, "AES-CBC")
        args = {"algorithm": {"name": "AES-CBC", "iv": 0}, "key": handle, "data": 1}
        for vector, data in (
            (bytes(15), bytes(16)),
            (bytes(17), bytes(16)),
            (bytes(16), b""),
            (bytes(16), bytes(15)),
        ):
            self.assert_refused("OperationError", self.isolate.run, "decrypt", vector, data, **args)
        self.assert_refused("OperationError", self.isolate.run, "encrypt", b"", b"", **args)

    def test_round_trips(self) -> None:
        """Whatever is encrypted comes back, for every size of key and data."""
        for size in (16, 24, 32):
            for length in (0, 1, 15, 16, 17, 1000):
                key, plain = os.urandom(size), os.urandom(length)
                self._both(key, {"name": "AES-CBC", "iv": 0}, plain, os.urandom(16))
                self._both(key, {"name": "AES-CTR", "counter": 0, "length": 64}, plain, os.urandom(16))
                self._both(key, {"name": "AES-GCM", "iv": 0}, plain, os.urandom(12))


class AesCtrTests(CryptoCase):
    def _slowly(self, key: bytes, counter: bytes, bits: int, data: bytes) -> bytes:
        """CTR as its definition has it, block by block."""
        block, modulus, result = Cipher(AES(key), modes.ECB()), 1 << bits, b""
        start = int.from_bytes(counter, "big")
        for number, at in enumerate(range(0, len(data), 16)):
            value = start - start % modulus + (start + number) % modulus
            stream = block.encryptor().update(value.to_bytes(16, "big"))
            result += bytes(a ^ b for a, b in zip(data[at : at + 16], stream, strict=False))
        return result

    def test_wrap_around(self) -> None:
        """The counter wraps around within its bits and leaves the others alone."""
        data = os.urandom(90)
        for bits in (3, 4, 8, 13, 64, 128):
            counter = os.urandom(8) + b"\xff" * 7 + b"\xfe"
            handle = self.isolate.import_raw(_KEY, "AES-CTR")
            algorithm = {"name": "AES-CTR", "counter": 0, "length": bits}
            cipher = self.isolate.output("encrypt", counter, data, algorithm=algorithm, key=handle, data=1)
            self.assertEqual(cipher, self._slowly(_KEY, counter, bits, data), bits)

    def test_repeats(self) -> None:
        """Data for which the counter would repeat are refused, as are counters without bits."""
        handle = self.isolate.import_raw(_KEY, "AES-CTR")
        for bits, size, fits in ((1, 32, True), (1, 33, False), (0, 1, False), (129, 1, False)):
            algorithm = {"name": "AES-CTR", "counter": 0, "length": bits}
            args = {"algorithm": algorithm, "key": handle, "data": 1}
            if fits:
                self.isolate.run("encrypt", bytes(16), bytes(size), **args)
            else:
                self.assert_refused("OperationError", self.isolate.run, "encrypt", bytes(16), bytes(size), **args)


class AesWrapTests(CryptoCase):
    def test_known_answer(self) -> None:
        """AES-KW gives the answer of RFC 3394, 4.1."""
        wrapping = self.isolate.import_raw(bytes(range(16)), "AES-KW")
        key = self.isolate.import_raw(bytes.fromhex("00112233445566778899aabbccddeeff"), "AES-CBC")
        args = {"format": "raw", "algorithm": {"name": "AES-KW"}}
        wrapped = self.isolate.output("wrapKey", key=key, wrappingKey=wrapping, **args)
        self.assertEqual(wrapped.hex(), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")
        back, _ = self.isolate.run(
            "unwrapKey",
            wrapped,
            unwrappingKey=wrapping,
            data=0,
            unwrapped={"name": "AES-CBC"},
            extractable=False,
            usages=["encrypt"],
            **args,
        )
        self.assertEqual(back["algorithm"], {"name": "AES-CBC", "length": 128})
        self.assertEqual((back["extractable"], list(back["usages"])), (False, ["encrypt"]))

    def test_not_wrapped(self) -> None:
        """What no key was wrapped to is refused, and so is what is too long for a key."""
        wrapping = self.isolate.import_raw(bytes(16), "AES-KW")
        args = {
            "format": "raw",
            "algorithm": {"name": "AES-KW"},
            "unwrappingKey": wrapping,
            "data": 0,
            "unwrapped": {"name": "AES-CBC"},
            "extractable": True,
            "usages": ["encrypt"],
        }
        for data in (b"", bytes(8), bytes(24), bytes(25), bytes(LARGEST_WRAPPED + 8)):
            self.assert_refused("OperationError", self.isolate.run, "unwrapKey", data, **args)


class AesKeyTests(CryptoCase):
    def test_sizes(self) -> None:
        """Keys have one of three sizes."""
        for size in (0, 8, 15, 17, 33):
            self.assert_refused("DataError", self.isolate.import_raw, bytes(size), "AES-GCM")
        for bits in (0, 64, 127, 257):
            args = {
                "algorithm": {"name": "AES-GCM", "length": bits},
                "extractable": True,
                "usages": ["encrypt"],
            }
            self.assert_refused("OperationError", self.isolate.run, "generateKey", **args)

    def test_jwk(self) -> None:
        """A JWK names size and mode, and another name is refused."""
        handle = self.isolate.import_raw(_KEY, "AES-GCM", ["encrypt"])
        jwk, _ = self.isolate.run("exportKey", format="jwk", key=handle)
        expected = {
            "alg": "A128GCM",
            "ext": True,
            "k": "K34VFiiu0qar9xWICc9PPA",
            "key_ops": ["encrypt"],
            "kty": "oct",
        }
        self.assertEqual(jwk, expected)
        self.isolate.import_key("jwk", jwk, {"name": "AES-GCM"}, ["encrypt"])
        for change in (
            {"alg": "A256GCM"},
            {"kty": "RSA"},
            {"k": "K34"},
            {"k": "+/"},
            {"key_ops": ["sign"]},
            {"ext": False},
        ):
            bad = {**jwk, **change}
            self.assert_refused("DataError", self.isolate.import_key, "jwk", bad, {"name": "AES-GCM"}, ["encrypt"])
