"""
Tests for L{nano.ops.crypto_jwk}.
"""

from __future__ import annotations

import os

from nano.ops.crypto_jwk import (
    base64url,
    check_jwk,
    get_bytes,
    integer_bytes,
    jwk_from_script,
    jwk_from_text,
    jwk_text,
)
from tests.ops.crypto_case import CryptoCase

__all__ = ["JwkTests"]


class JwkTests(CryptoCase):
    def test_base64url(self) -> None:
        """RFC 7515, appendix C, and the way back for every length."""
        self.assertEqual(base64url(bytes([3, 236, 255, 224, 193])), "A-z_4ME")
        for size in range(20):
            data = os.urandom(size)
            self.assertEqual(get_bytes({"k": base64url(data)}, "k"), data)

    def test_not_base64url(self) -> None:
        """Padding, other alphabets and impossible lengths are refused, and so is nothing."""
        for text in ("AA==", "+/+/", "A", "AAAAA", "A A", "é", None, 1):
            self.assert_refused("DataError", get_bytes, {"k": text}, "k")
        self.assert_refused("DataError", get_bytes, {}, "k")

    def test_integers(self) -> None:
        """Numbers take as few octets as they can, but one."""
        self.assertEqual([integer_bytes(n) for n in (0, 255, 256)], [b"\0", b"\xff", b"\1\0"])

    def test_checks(self) -> None:
        """What every algorithm looks at."""
        check_jwk({"kty": "oct", "use": "anything"}, "oct", "sig", (), True)
        check_jwk(
            {"kty": "oct", "use": "sig", "key_ops": ["sign", "x"], "ext": False},
            "oct",
            "sig",
            ("sign",),
            False,
        )
        for jwk in (
            {},
            {"kty": "OCT"},
            {"kty": "oct", "use": "enc"},
            {"kty": "oct", "key_ops": []},
            {"kty": "oct", "key_ops": ["sign", "sign"]},
            {"kty": "oct", "ext": False},
        ):
            self.assert_refused("DataError", check_jwk, jwk, "oct", "sig", ("sign",), True)

    def test_conversion(self) -> None:
        """Members become what Web IDL makes of them; unknown ones vanish."""
        given = {"kty": 1, "k": None, "ext": [], "key_ops": [True], "other": 1}
        self.assertEqual(jwk_from_script(given), {"kty": "1", "k": "null", "ext": True, "key_ops": ["true"]})
        self.assertEqual(jwk_from_script({"ext": 0}), {"ext": False})
        self.assert_refused("TypeError", jwk_from_script, {"key_ops": "sign"})

    def test_text(self) -> None:
        """The text is compact, its members sorted, and comes back."""
        jwk = {"kty": "oct", "ext": True, "k": "AA", "key_ops": ["sign"]}
        self.assertEqual(jwk_text(jwk), b'{"ext":true,"k":"AA","key_ops":["sign"],"kty":"oct"}')
        self.assertEqual(jwk_from_text(jwk_text(jwk)), jwk)
