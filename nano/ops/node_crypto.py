# -*- test-case-name: tests.ops.test_node_crypto -*-
"""
Host half of nano/runtime/node/crypto.js, which holds the contract: hashes and HMACs, which Node has synchronously.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Any

from nano.ops.registry import isolate_question

__all__ = ["HASHES", "OPEN", "node_hash"]

#: How many hashes an isolate may have open beyond their first question.
OPEN = 1024
#: Names in Node, and in hashlib.
HASHES = {
    "md5": "md5",
    "sha1": "sha1",
    "sha224": "sha224",
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512": "sha512",
    "sha512-224": "sha512_224",
    "sha512-256": "sha512_256",
    "sha3-224": "sha3_224",
    "sha3-256": "sha3_256",
    "sha3-384": "sha3_384",
    "sha3-512": "sha3_512",
    "blake2b512": "blake2b",
    "blake2s256": "blake2s",
}

_HEAD = struct.Struct("<IBB")
_U32 = struct.Struct("<I")
_DIGEST, _COPY, _HMAC, _FORGET = 1, 2, 4, 8


def _new(algorithm: str, key: bytes | None) -> Any:
    name = HASHES[algorithm]
    if key is None:
        return hashlib.new(name, usedforsecurity=False)
    return hmac.new(key, digestmod=name)


def _keep(kept: dict[str, Any], state: Any) -> bytes:
    states: dict[int, Any] = kept["node_hashes"]
    if len(states) >= OPEN:
        return b""
    handle: int = kept.get("node_hashes_last", 0) + 1
    kept["node_hashes_last"] = handle
    states[handle] = state
    return _U32.pack(handle)


@isolate_question("node_crypto.hash")
def node_hash(kept: dict[str, Any], question: bytes) -> bytes:
    """Take a step of a hash; on the isolate's thread."""
    handle, flags, name_length = _HEAD.unpack_from(question)
    name_end = _HEAD.size + name_length
    (key_length,) = _U32.unpack_from(question, name_end)
    key_start = name_end + _U32.size
    data = question[key_start + key_length :]
    states: dict[int, Any] = kept.setdefault("node_hashes", {})
    if handle == 0:
        key = question[key_start : key_start + key_length] if flags & _HMAC else None
        state = _new(question[_HEAD.size : name_end].decode(), key)
    elif flags & _FORGET:
        states.pop(handle, None)
        return b""
    else:
        state = states[handle]
    if flags & _COPY:
        return _keep(kept, state.copy())
    state.update(data)
    if flags & _DIGEST:
        states.pop(handle, None)
        digest: bytes = state.digest()
        return digest
    return _U32.pack(handle) if handle else _keep(kept, state)
