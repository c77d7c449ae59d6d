# -*- test-case-name: tests.ops.test_crypto_keys -*-
"""
Where key material is: in Python, one vault for each isolate.

A script has handles, numbers that mean something in the vault of its own isolate only.  The runtime gives a handle
back when the last CryptoKey with it is garbage; a vault goes with what questions keep for its isolate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.threads import deferToThreadPool

from nano.interfaces import OpContext, OpError
from nano.ops.crypto_hashes import Hash
from nano.ops.crypto_params import Params, operation_error

__all__ = ["CAPACITY", "THREADS", "Key", "Vault", "vault_of"]

#: What the keys of one isolate may weigh together, in bytes.
CAPACITY = 128 * 2**20
#: The least that a key weighs: the objects behind it.
_WEIGHT = 2048
#: How many computations of one isolate run at once in the reactor's thread pool.
THREADS = 2


@dataclass(frozen=True, eq=False)
class Key:
    """
    What a CryptoKey stands for.

    Attributes:
        name: of its algorithm.
        type: "secret", "public" or "private".
        details: the other members of the standard's KeyAlgorithm.
        material: bytes, or a key object of `cryptography`.
    """

    name: str
    type: str
    extractable: bool
    usages: tuple[str, ...]
    material: Any = field(repr=False)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> Hash:
        """The hash function that the key is bound to."""
        function: Hash = self.details["hash"]
        return function

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return _WEIGHT + (len(self.material) if isinstance(self.material, bytes) else 0)

    def describe(self, buffers: list[bytes]) -> dict[str, Any]:
        """What the runtime may know of it; bytes go to *buffers*."""
        algorithm: dict[str, Any] = {"name": self.name}
        for name, value in self.details.items():
            if isinstance(value, bytes):
                buffers.append(value)
                value = len(buffers) - 1
            algorithm[name] = value.name if isinstance(value, Hash) else value
        return {
            "type": self.type,
            "extractable": self.extractable,
            "algorithm": algorithm,
            "usages": self.usages,
        }


class Vault:
    """
    What one isolate has in this process: keys, unfinished digests, and a share of the thread pool.

    Used on the reactor thread and on the isolate's.
    """

    def __init__(self) -> None:
        self._things: dict[int, Any] = {}
        self._handles = count(1)
        self._weight = 0
        self._lock = Lock()
        self._turn = DeferredSemaphore(THREADS)

    def __len__(self) -> int:
        return len(self._things)

    def add(self, thing: Any) -> int:
        """
        Keep a key, or an unfinished digest.

        Returns:
            its handle; a handle never comes again.

        Raises:
            OpError: when there are too many (OperationError).
        """
        weight = _weight(thing)
        with self._lock:
            if self._weight + weight > CAPACITY:
                raise operation_error("the keys of this isolate outgrew their memory")
            self._weight += weight
            handle = next(self._handles)
            self._things[handle] = thing
        return handle

    def remove(self, handle: Any) -> Any:
        """Forget what *handle* stands for, and give it back; None if there is nothing."""
        with self._lock:
            thing = self._things.pop(handle, None) if isinstance(handle, int) else None
            if thing is not None:
                self._weight -= _weight(thing)
        return thing

    def digest(self, handle: Any) -> Any:
        """
        An unfinished digest.

        Raises:
            OpError: when there is none of that handle (TypeError).
        """
        thing = self._things.get(handle) if isinstance(handle, int) else None
        if thing is None or isinstance(thing, Key):
            raise OpError("TypeError", "there is no such digest")
        return thing

    def key(self, handle: Any) -> Key:
        """
        A key.

        Raises:
            OpError: when there is none of that handle (TypeError).
        """
        thing = self._things.get(handle) if isinstance(handle, int) else None
        if not isinstance(thing, Key):
            raise OpError("TypeError", "there is no such key")
        return thing

    def params(self, args: Any, buffers: list[bytes]) -> Params:
        """The arguments of an op."""
        return Params(args, buffers, self.key)

    def in_thread(self, context: OpContext, work: Callable[[], Any]) -> Deferred[Any]:
        """
        Run *work* in the reactor's thread pool, in its turn; reactor thread only.

        Fires with its result, or fails with what it raised.  Cancelled, it takes its work back if that has not begun.
        """
        pool = context.reactor.getThreadPool()
        return self._turn.run(deferToThreadPool, context.reactor, pool, work)


def _weight(thing: Any) -> int:
    return thing.weight if isinstance(thing, Key) else _WEIGHT


def vault_of(kept: dict[str, Any]) -> Vault:
    """
    The vault of an isolate.

    Args:
        kept: what questions keep for it.
    """
    vault: Vault | None = kept.get("crypto")
    # Both threads may come here first; one of them wins.
    return vault if vault is not None else kept.setdefault("crypto", Vault())
