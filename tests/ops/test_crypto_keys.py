"""
Tests for L{nano.ops.crypto_keys}.
"""

from __future__ import annotations

import gc
import weakref

from nano.interfaces import OpError
from nano.ops.crypto_keys import CAPACITY, Key, Vault, vault_of
from tests.ops.crypto_case import CryptoCase

__all__ = ["VaultTests"]


def _key(size: int = 16) -> Key:
    return Key("HMAC", "secret", True, ("sign",), bytes(size))


class VaultTests(CryptoCase):
    def test_handles(self) -> None:
        """A handle leads to its key until it is given back, and never comes again."""
        vault = Vault()
        first, second = _key(), _key()
        handles = [vault.add(first), vault.add(second)]
        self.assertIs(vault.key(handles[0]), first)
        self.assertIs(vault.remove(handles[0]), first)
        self.assertIsNone(vault.remove(handles[0]))
        self.assertRaises(OpError, vault.key, handles[0])
        self.assertIs(vault.key(handles[1]), second)
        self.assertNotIn(vault.add(first), handles)

    def test_capacity(self) -> None:
        """Keys can take so much memory; what is given back makes room."""
        vault = Vault()
        handle = vault.add(_key(CAPACITY // 2))
        self.assert_refused("OperationError", vault.add, _key(CAPACITY // 2))
        vault.remove(handle)
        vault.add(_key(CAPACITY // 2))
        self.assertEqual(len(vault), 1)

    def test_digest_is_no_key(self) -> None:
        """A handle of a digest is none of a key, and the reverse."""
        vault = Vault()
        digest, key = vault.add(object()), vault.add(_key())
        self.assertRaises(OpError, vault.key, digest)
        self.assertRaises(OpError, vault.digest, key)

    def test_end(self) -> None:
        """Keys go with what is kept for their isolate."""
        vault = vault_of(self.isolate.kept)
        self.assertIs(vault_of(self.isolate.kept), vault)
        key = _key()
        vault.add(key)
        gone = weakref.ref(key)
        del key, vault
        self.isolate.kept = {}
        gc.collect()
        self.assertIsNone(gone())

    def test_secret_is_not_shown(self) -> None:
        """The material of a key is no part of its representation."""
        self.assertNotIn("secret text", repr(Key("HMAC", "secret", True, (), b"secret text")))

    def test_threads(self) -> None:
        """Work in the pool fires with its result, or fails with what it raised."""
        vault = vault_of(self.isolate.kept)
        self.assertEqual(self.successResultOf(vault.in_thread(self.isolate, lambda: 7)), 7)
        self.failureResultOf(vault.in_thread(self.isolate, lambda: 1 // 0), ZeroDivisionError)
        self.assertEqual(self.isolate.pool.count, 2)
