"""
Tests for L{nano.ops.crypto_hashes} and the digests of L{nano.ops.crypto}.
"""

from __future__ import annotations

from nano.ops.crypto_algorithm import SLOW_SIZE
from tests.ops.crypto_case import CryptoCase

__all__ = ["DigestTests"]

# FIPS 180-2, appendices A to D, and RFC 1321, of "abc".
_ABC = {
    "MD5": "900150983cd24fb0d6963f7d28e17f72",
    "SHA-1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "SHA-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "SHA-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
}


class DigestTests(CryptoCase):
    def test_known_answers(self) -> None:
        """Each function gives what its standard says."""
        for name, expected in _ABC.items():
            self.assertEqual(self.isolate.output("digest", b"abc", name=name, data=0).hex(), expected)

    def test_pieces(self) -> None:
        """A digest in pieces is that of the whole, and over when it is finished."""
        handle, _ = self.isolate.run("digestStart", name="SHA-256")
        for piece in (b"a", b"", b"bc"):
            self.isolate.run("digestUpdate", piece, digest=handle, data=0)
        self.assertEqual(self.isolate.output("digestFinish", digest=handle).hex(), _ABC["SHA-256"])
        self.assert_refused("TypeError", self.isolate.run, "digestFinish", digest=handle)

    def test_unknown(self) -> None:
        """A function that is none of these is not supported."""
        self.assert_refused("NotSupportedError", self.isolate.run, "digest", b"", name="sha256", data=0)
        self.assert_refused("NotSupportedError", self.isolate.run, "digestStart", name="SHA-224")

    def test_much(self) -> None:
        """Much data is hashed in a thread."""
        self.isolate.output("digest", bytes(SLOW_SIZE - 1), name="SHA-1", data=0)
        self.assertEqual(self.isolate.pool.count, 0)
        self.isolate.output("digest", bytes(SLOW_SIZE), name="SHA-1", data=0)
        self.assertEqual(self.isolate.pool.count, 1)
