"""
Tests of nano.ops.node_crypto.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from nano.ops.node_crypto import HASHES, OPEN, node_hash

__all__ = ["NodeHashTests"]

DIGEST, COPY, HMAC, FORGET = 1, 2, 4, 8


def ask(
    kept: dict[str, Any], data: bytes = b"", handle: int = 0, flags: int = 0, name: str = "", key: bytes | None = None
) -> bytes:
    """Take a step of a hash."""
    head = struct.pack("<IBB", handle, flags | (HMAC if key is not None else 0), len(name)) + name.encode()
    return node_hash(kept, head + struct.pack("<I", len(key or b"")) + (key or b"") + data)


def opened(answer: bytes) -> int:
    """The handle in an answer."""
    (handle,) = struct.unpack("<I", answer)
    return int(handle)


class NodeHashTests(SynchronousTestCase):
    """The host half of createHash and createHmac."""

    def test_at_once(self) -> None:
        """A small hash is one question, and leaves nothing behind."""
        kept: dict[str, Any] = {}
        for name in HASHES:
            if HASHES[name] in hashlib.algorithms_available:
                expected = hashlib.new(HASHES[name], b"abc").digest()
                self.assertEqual(ask(kept, b"abc", flags=DIGEST, name=name), expected)
        self.assertEqual(kept["node_hashes"], {})

    def test_in_pieces(self) -> None:
        """A long one is kept under a handle until its digest is taken."""
        kept: dict[str, Any] = {}
        handle = opened(ask(kept, b"a", name="sha256"))
        self.assertEqual(opened(ask(kept, b"b", handle)), handle)
        copy = opened(ask(kept, b"", handle, COPY))
        self.assertEqual(ask(kept, b"c", handle, DIGEST), hashlib.sha256(b"abc").digest())
        self.assertEqual(ask(kept, b"x", copy, DIGEST), hashlib.sha256(b"abx").digest())
        self.assertEqual(kept["node_hashes"], {})

    def test_hmac(self) -> None:
        """Keys, empty ones too, make an HMAC."""
        for key in (b"", b"key", bytes(500)):
            kept: dict[str, Any] = {}
            handle = opened(ask(kept, b"a", name="sha1", key=key))
            self.assertEqual(ask(kept, b"b", handle, DIGEST), hmac.new(key, b"ab", "sha1").digest())

    def test_forgotten(self) -> None:
        """What nobody can reach any more is dropped."""
        kept: dict[str, Any] = {}
        handle = opened(ask(kept, b"a", name="md5"))
        ask(kept, b"", handle, FORGET)
        ask(kept, b"", handle, FORGET)
        self.assertEqual(kept["node_hashes"], {})

    def test_too_many(self) -> None:
        """There is a limit to how many are open."""
        kept: dict[str, Any] = {}
        for _ in range(OPEN):
            ask(kept, b"a", name="md5")
        self.assertEqual(ask(kept, b"a", name="md5"), b"")
        self.assertEqual(len(kept["node_hashes"]), OPEN)

    def test_unknown(self) -> None:
        """There are no algorithms but those of the table, and no handles but the isolate's own."""
        self.assertRaises(KeyError, ask, {}, b"", name="whirlpool")
        self.assertRaises(KeyError, ask, {}, b"", 5, DIGEST)
