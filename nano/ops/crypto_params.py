# -*- test-case-name: tests.ops.test_crypto -*-
"""
What scripts pass to the crypto ops, read with mistrust.

The runtime (nano/runtime/crypto_algorithms.js) has converted and normalized everything already; whoever gets around
it meets the checks again here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from nano.interfaces import OpError
from nano.ops.crypto_hashes import HASHES, Hash

if TYPE_CHECKING:
    from nano.ops.crypto_keys import Key

__all__ = [
    "USAGES",
    "Params",
    "data_error",
    "invalid_access",
    "not_supported",
    "operation_error",
    "syntax_error",
]

#: All usages, in the order in which `CryptoKey.usages` has them.
USAGES = (
    "encrypt",
    "decrypt",
    "sign",
    "verify",
    "deriveKey",
    "deriveBits",
    "wrapKey",
    "unwrapKey",
)

_Error = Callable[[str], OpError]


def _error(name: str) -> _Error:
    return lambda message: OpError(name, message)


data_error: _Error = _error("DataError")
invalid_access: _Error = _error("InvalidAccessError")
not_supported: _Error = _error("NotSupportedError")
operation_error: _Error = _error("OperationError")
syntax_error: _Error = _error("SyntaxError")
_type_error: _Error = _error("TypeError")

_T = TypeVar("_T")


class Params:
    """
    The members of one JSON object that came out of an isolate.

    Every method raises `OpError` (TypeError) when a member is not what it should be.

    Args:
        values: what should be a dict.
        buffers: the op's buffers; a member that is bytes is a place in this list.
        get_key: gives the key of a handle.
    """

    def __init__(self, values: Any, buffers: list[bytes], get_key: Callable[[Any], Key]) -> None:
        if not isinstance(values, dict):
            raise _type_error("the arguments are not an object")
        self._values: dict[str, Any] = values
        self._buffers = buffers
        self._get_key = get_key
        # Looked up now, on the reactor thread: the script may have forgotten the key when a thread gets to it.
        self._peer = get_key(values["public"]) if "public" in values else None

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def _member(self, name: str, type_: type[_T]) -> _T:
        value = self._values.get(name)
        if not isinstance(value, type_) or (isinstance(value, bool) and type_ is not bool):
            raise _type_error(f"{name!r} is missing or of the wrong type")
        return value

    def text(self, name: str) -> str:
        """A string."""
        return self._member(name, str)

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._member(name, bool)

    def integer(self, name: str, largest: int = 2**32 - 1) -> int:
        """A number from 0 to *largest*."""
        value = self._member(name, int)
        if not 0 <= value <= largest:
            raise _type_error(f"{name!r} is out of range")
        return value

    def length(self, name: str) -> int | None:
        """A number, or None if there is none."""
        return self.integer(name) if name in self else None

    def buffer(self, name: str, default: bytes | None = None) -> bytes:
        """Bytes."""
        if default is not None and name not in self:
            return default
        place = self._member(name, int)
        if not 0 <= place < len(self._buffers):
            raise _type_error(f"{name!r} is no buffer")
        return self._buffers[place]

    def hash(self) -> Hash:
        """The hash function that the member "hash" names."""
        name = self.text("hash")
        if name not in HASHES:
            raise not_supported(f"there is no hash function {name!r}")
        return HASHES[name]

    def usages(self) -> tuple[str, ...]:
        """The usages in their canonical order, each once."""
        given = self._member("usages", list)
        if not all(isinstance(usage, str) and usage in USAGES for usage in given):
            raise _type_error("unknown key usage")
        return tuple(usage for usage in USAGES if usage in given)

    def inner(self, name: str) -> Params:
        """A member that is an object."""
        return Params(self._values.get(name), self._buffers, self._get_key)

    def object(self, name: str) -> dict[str, Any]:
        """A member that is an object, as it is."""
        return self._member(name, dict)

    def key(self, name: str) -> Key:
        """The key that a handle stands for."""
        return self._get_key(self._values.get(name))

    def peer(self) -> Key:
        """The key that the member "public" stands for."""
        if self._peer is None:
            raise _type_error("'public' is missing")
        return self._peer
