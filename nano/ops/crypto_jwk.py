# -*- test-case-name: tests.ops.test_crypto_jwk -*-
"""
JSON Web Keys (RFC 7517, RFC 7518): the parts that all algorithms share.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Any

from nano.interfaces import OpError
from nano.ops.crypto_params import data_error

__all__ = [
    "Jwk",
    "base64url",
    "check_jwk",
    "get_bytes",
    "get_integer",
    "jwk_from_script",
    "jwk_from_text",
    "jwk_text",
    "integer_bytes",
]

Jwk = dict[str, Any]

_STRINGS = frozenset(["alg", "crv", "d", "dp", "dq", "e", "k", "kty", "n", "p", "q", "qi", "use", "x", "y"])
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def base64url(data: bytes) -> str:
    """*data* in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def integer_bytes(value: int) -> bytes:
    """*value* as octets, as few as possible but at least one."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def get_bytes(jwk: Jwk, name: str) -> bytes:
    """
    The octets in a member.

    Raises:
        OpError: it is missing or no base64url (DataError).
    """
    text = jwk.get(name)
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise data_error(f"the JWK's {name!r} is missing or not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise data_error(f"the JWK's {name!r} is not base64url") from None


def get_integer(jwk: Jwk, name: str) -> int:
    """
    The number in a member.

    Raises:
        OpError: it is missing or no base64url (DataError).
    """
    return int.from_bytes(get_bytes(jwk, name), "big")


def check_jwk(jwk: Jwk, kty: str, use: str, usages: Sequence[str], extractable: bool) -> None:
    """
    What every algorithm demands of a JWK.

    Args:
        kty, use: what these members should be; "use" matters when the key is wanted for anything.
        usages, extractable: what is asked for.

    Raises:
        OpError: it does not fit (DataError).
    """
    if jwk.get("kty") != kty:
        raise data_error(f"the JWK's 'kty' is not {kty!r}")
    if usages and jwk.get("use", use) != use:
        raise data_error(f"the JWK's 'use' is not {use!r}")
    operations = jwk.get("key_ops")
    if operations is not None:
        if len(set(operations)) != len(operations):
            raise data_error("the JWK's 'key_ops' has duplicates")
        if not set(usages) <= set(operations):
            raise data_error("the JWK's 'key_ops' does not allow what the key is wanted for")
    if extractable and jwk.get("ext") is False:
        raise data_error("the JWK's 'ext' forbids an extractable key")


def _text(value: Any) -> str:
    """What JavaScript's String() makes of a JSON value, as far as a JWK could mean it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def jwk_from_script(members: Jwk) -> Jwk:
    """
    The members of the dictionary JsonWebKey, which the runtime has converted; other types than its own become
    strings or booleans.

    Raises:
        OpError: "key_ops" or "oth" is no list (TypeError).
    """
    jwk: Jwk = {name: _text(value) for name, value in members.items() if name in _STRINGS}
    if "ext" in members:
        # An empty list or object is true in JavaScript.
        jwk["ext"] = bool(members["ext"]) or isinstance(members["ext"], (list, dict))
    for name in ("key_ops", "oth"):
        if name in members and not isinstance(members[name], list):
            raise OpError("TypeError", f"the JWK's {name!r} is not a sequence")
    if "key_ops" in members:
        jwk["key_ops"] = [_text(operation) for operation in members["key_ops"]]
    if "oth" in members:
        jwk["oth"] = members["oth"]
    return jwk


def jwk_from_text(data: bytes) -> Jwk:
    """
    Parse an unwrapped JWK.

    @see https://w3c.github.io/webcrypto/#concept-parse-a-jwk

    Raises:
        OpError: it is none (DataError).
    """
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise data_error("the unwrapped key is not a JWK") from None
    if not isinstance(value, dict) or "kty" not in value:
        raise data_error("the unwrapped key is not a JWK")
    return jwk_from_script(value)


def jwk_text(jwk: Jwk) -> bytes:
    """The JSON text that a JWK is wrapped as; members in the order in which Web IDL has them."""
    return json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
