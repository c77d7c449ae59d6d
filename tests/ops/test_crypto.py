"""
Tests for L{nano.ops.crypto}: what holds for all algorithms, whoever calls.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from nano.interfaces import OpError
from nano.ops.crypto import ask, free
from nano.ops.crypto_wire import DONE, FAILED, SLOW, pack_answer, unpack_question
from tests.ops.crypto_case import CryptoCase, FakeIsolate

__all__ = ["HostileTests", "KeyPolicyTests", "QuestionTests"]

_HMAC = {"name": "HMAC", "hash": "SHA-256"}
_GCM = {"name": "AES-GCM", "iv": 0}
_ECDSA = {"name": "ECDSA", "namedCurve": "P-256"}

_METHODS = [
    "decrypt",
    "deriveBits",
    "deriveKey",
    "digest",
    "digestFinish",
    "digestStart",
    "digestUpdate",
    "encrypt",
    "exportKey",
    "generateKey",
    "importKey",
    "sign",
    "unwrapKey",
    "verify",
    "wrapKey",
]
_NAMES = [
    "AES-CBC",
    "AES-CTR",
    "AES-GCM",
    "AES-KW",
    "ECDH",
    "ECDSA",
    "Ed25519",
    "Ed448",
    "HKDF",
    "HMAC",
    "PBKDF2",
    "RSA-OAEP",
    "RSA-PSS",
    "RSASSA-PKCS1-v1_5",
    "X25519",
    "X448",
    "SHA-256",
]
_GARBAGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2**63,
    1.5,
    "",
    "raw",
    "\ud800",
    [],
    [1],
    {},
    {"name": 1},
    [[]],
)


def _question(value: Any, *buffers: bytes) -> bytes:
    pieces = (json.dumps(value).encode(), *buffers)
    return b"".join(struct.pack("<I", len(piece)) + piece for piece in pieces)


class KeyPolicyTests(CryptoCase):
    def test_usages(self) -> None:
        """A key does what it is for, and nothing else."""
        key = self.isolate.import_raw(bytes(16), "AES-GCM", ["encrypt"])
        args = {"algorithm": _GCM, "key": key, "data": 1}
        cipher = self.isolate.output("encrypt", bytes(12), b"text", **args)
        self.assert_refused("InvalidAccessError", self.isolate.run, "decrypt", bytes(12), cipher, **args)
        wrap = {"format": "raw", "key": key, "wrappingKey": key, "algorithm": _GCM}
        self.assert_refused("InvalidAccessError", self.isolate.run, "wrapKey", bytes(12), **wrap)

    def test_algorithms(self) -> None:
        """A key is for one algorithm."""
        key = self.isolate.import_raw(bytes(16), "AES-GCM")
        args = {"algorithm": {"name": "AES-CBC", "iv": 0}, "key": key, "data": 1}
        self.assert_refused("InvalidAccessError", self.isolate.run, "encrypt", bytes(16), b"", **args)

    def test_halves(self) -> None:
        """Only the private half signs, only the public one verifies, whatever the usages say."""
        public, private = self.isolate.generate_pair(_ECDSA, ["sign", "verify"])
        args = {"algorithm": {"name": "ECDSA", "hash": "SHA-256"}, "data": 0}
        self.assert_refused("InvalidAccessError", self.isolate.run, "sign", b"", key=public, **args)
        self.assert_refused("InvalidAccessError", self.isolate.run, "verify", b"", key=private, signature=0, **args)

    def test_not_extractable(self) -> None:
        """A key that is not extractable neither comes out nor gets wrapped."""
        key = self.isolate.import_key("raw", bytes(16), {"name": "AES-GCM"}, ["encrypt"], extractable=False)
        wrapping = self.isolate.import_raw(bytes(16), "AES-GCM")
        for format_ in ("raw", "jwk"):
            self.assert_refused("InvalidAccessError", self.isolate.run, "exportKey", format=format_, key=key)
            args = {"format": format_, "key": key, "wrappingKey": wrapping, "algorithm": _GCM}
            self.assert_refused("InvalidAccessError", self.isolate.run, "wrapKey", bytes(12), **args)

    def test_unwrapped_jwk(self) -> None:
        """A wrapped JWK says itself whether it may be extracted; what is none is refused."""
        wrapping = self.isolate.import_raw(bytes(16), "AES-GCM")
        args = {"algorithm": _GCM, "data": 1}
        unwrap = {"format": "jwk", "unwrappingKey": wrapping, "unwrapped": _HMAC, "usages": ["sign"], **args}
        jwk = {"kty": "oct", "k": "AAAA", "ext": False}
        cases: tuple[tuple[bytes, bool, str | None], ...] = (
            (json.dumps(jwk).encode(), False, None),
            (json.dumps(jwk).encode(), True, "DataError"),
            (b'{"k":"AAAA"}', False, "DataError"),
            (b'["kty"]', False, "DataError"),
            (b"\xff{}", False, "DataError"),
            (b"[" * 100000, False, "DataError"),
        )
        for text, extractable, refused in cases:
            wrapped = self.isolate.output("encrypt", bytes(12), text, key=wrapping, **args)
            if refused is None:
                self.isolate.run("unwrapKey", bytes(12), wrapped, extractable=extractable, **unwrap)
            else:
                more = {**unwrap, "extractable": extractable}
                self.assert_refused(refused, self.isolate.run, "unwrapKey", bytes(12), wrapped, **more)

    def test_useless(self) -> None:
        """A secret or private key without usages is none; a public one may be."""
        self.assert_refused("SyntaxError", self.isolate.import_raw, bytes(16), "AES-GCM", [])
        self.assert_refused("SyntaxError", self.isolate.generate_pair, _ECDSA, ["verify"])
        public, _ = self.isolate.generate_pair(_ECDSA, ["sign"])
        self.assertEqual(self.isolate.run("exportKey", format="jwk", key=public)[0]["key_ops"], [])

    def test_usage_order(self) -> None:
        """Usages come once each, in the standard's order."""
        args = {"algorithm": {"name": "AES-GCM", "length": 128}, "extractable": True}
        usages = ["unwrapKey", "decrypt", "encrypt", "decrypt"]
        value, _ = self.isolate.run("generateKey", usages=usages, **args)
        self.assertEqual(value["usages"], ("encrypt", "decrypt", "unwrapKey"))


class HostileTests(CryptoCase):
    """Whatever a script sends, it gets an OpError, or an answer."""

    def setUp(self) -> None:
        super().setUp()
        secret = self.isolate.import_raw(bytes(16), "AES-GCM")
        public, private = self.isolate.generate_pair(_ECDSA, ["sign", "verify"])
        self.handles = (secret, public, private)

    def _survive(self, args: Any, buffers: tuple[bytes, ...]) -> None:
        try:
            value, given = self.isolate.call(args, buffers)
        except OpError as error:
            self.assertIsInstance(str(error), str)
        else:
            json.dumps(value)
            self.assertTrue(all(isinstance(buffer, bytes) for buffer in given))

    def test_arguments(self) -> None:
        """Arguments that are no object, and methods that are none."""
        for garbage in _GARBAGE:
            self.assertRaises(OpError, self.isolate.call, garbage)
            self.assertRaises(OpError, self.isolate.call, {"method": garbage})

    def test_each_argument(self) -> None:
        """Each argument of each method in turn is something else."""
        for method in _METHODS:
            good = {
                "algorithm": {"name": "AES-GCM", "iv": 0, "length": 128},
                "data": 0,
                "derived": _HMAC,
                "digest": 0,
                "extractable": True,
                "format": "raw",
                "key": self.handles[0],
                "length": 8,
                "name": "SHA-1",
                "signature": 0,
                "sized": _HMAC,
                "unwrapped": _HMAC,
                "unwrappingKey": self.handles[0],
                "usages": ["encrypt"],
                "wrappingKey": self.handles[0],
            }
            for name in good:
                for garbage in _GARBAGE:
                    self._survive({**good, "method": method, name: garbage}, (bytes(16),))

    def test_each_parameter(self) -> None:
        """Each parameter of each algorithm in turn is something else."""
        parameters = [
            "additionalData",
            "counter",
            "hash",
            "info",
            "iterations",
            "iv",
            "label",
            "length",
            "modulusLength",
            "namedCurve",
        ]
        parameters += ["public", "publicExponent", "salt", "saltLength", "tagLength", "context"]
        for name in _NAMES:
            for method in ("importKey", "generateKey", "encrypt", "sign", "deriveBits"):
                for parameter in parameters:
                    for garbage in _GARBAGE:
                        algorithm = {
                            "name": name,
                            "hash": "SHA-1",
                            "iv": 0,
                            "length": 128,
                            parameter: garbage,
                        }
                        args = {
                            "key": self.handles[0],
                            "data": 0,
                            "format": "raw",
                            "usages": [],
                            "extractable": True,
                        }
                        self._survive({"method": method, "algorithm": algorithm, **args}, (bytes(16),))

    def test_each_key(self) -> None:
        """Keys of the wrong kind, for every algorithm and method."""
        for name in _NAMES:
            for method in ("encrypt", "decrypt", "sign", "verify", "deriveBits", "wrapKey", "unwrapKey"):
                for handle in (*self.handles, 0, -1, 10**9):
                    algorithm = {"name": name, "hash": "SHA-1", "iv": 0, "public": handle}
                    keys = {"key": handle, "wrappingKey": handle, "unwrappingKey": handle}
                    args = {"data": 0, "signature": 0, "format": "jwk", **keys}
                    self._survive({"method": method, "algorithm": algorithm, **args}, (bytes(16),))

    def test_jwk(self) -> None:
        """Each member of a JWK in turn is something else."""
        for kty in ("oct", "RSA", "EC", "OKP"):
            for name in ("ECDSA", "Ed25519", "HMAC", "RSA-PSS", "AES-GCM"):
                for member in [
                    "alg",
                    "crv",
                    "d",
                    "dp",
                    "e",
                    "ext",
                    "k",
                    "key_ops",
                    "kty",
                    "n",
                    "oth",
                    "p",
                    "q",
                    "use",
                    "x",
                    "y",
                ]:
                    for garbage in _GARBAGE:
                        jwk = {
                            "kty": kty,
                            "crv": "P-256",
                            "n": "AQAB",
                            "e": "AQAB",
                            "d": "AQ",
                            member: garbage,
                        }
                        algorithm = {"name": name, "hash": "SHA-1", "namedCurve": "P-256"}
                        args = {"format": "jwk", "data": jwk, "extractable": True, "usages": ["sign"]}
                        self._survive({"method": "importKey", "algorithm": algorithm, **args}, ())

    def test_other_isolate(self) -> None:
        """A handle means nothing to another isolate."""
        other = FakeIsolate()
        self.assert_refused("TypeError", other.run, "exportKey", format="raw", key=self.handles[0])

    def test_free(self) -> None:
        """A handle that was given back means nothing; giving back what is none does nothing."""
        for garbage in _GARBAGE[5:]:
            free(self.isolate, garbage, [])
        self.isolate.run("exportKey", format="raw", key=self.handles[0])
        free(self.isolate, self.handles[0], [])
        free(self.isolate, self.handles[0], [])
        self.assert_refused("TypeError", self.isolate.run, "exportKey", format="raw", key=self.handles[0])


class QuestionTests(CryptoCase):
    def test_done(self) -> None:
        """What is quick is answered, with the keys that ops have as well."""
        key = self.isolate.import_raw(b"key", _HMAC)
        args = {"method": "sign", "algorithm": {"name": "HMAC"}, "key": key, "data": 0}
        answer = ask(self.isolate.kept, _question(args, b"text"))
        self.assertEqual(answer[0], DONE)
        self.assertEqual(unpack_question(answer[1:]), self.isolate.call(args, [b"text"]))

    def test_failed(self) -> None:
        """What fails says how."""
        answer = ask(self.isolate.kept, _question({"method": "exportKey", "format": "raw", "key": 1}))
        self.assertEqual(answer[0], FAILED)
        self.assertEqual(unpack_question(answer[1:])[0]["name"], "TypeError")

    def test_slow(self) -> None:
        """What takes long is not begun."""
        key = self.isolate.import_raw(b"password", "PBKDF2", ["deriveBits"])
        algorithm = {"name": "PBKDF2", "hash": "SHA-1", "salt": 0, "iterations": 10**9}
        args = {"method": "deriveBits", "algorithm": algorithm, "key": key, "length": 8}
        self.assertEqual(ask(self.isolate.kept, _question(args, b""))[0], SLOW)

    def test_garbage(self) -> None:
        """What is no question is answered all the same."""
        good = _question({"method": "digest", "name": "SHA-1", "data": 0}, b"text")
        for question in (b"", b"\0", b"\xff" * 9, *(good[:length] for length in range(len(good)))):
            self.assertEqual(ask({}, question)[0], FAILED)

    def test_answer(self) -> None:
        """An answer is a status, and value and buffers as questions have them."""
        answer = pack_answer(DONE, {"a": [1]}, [b"", b"bytes"])
        self.assertEqual((answer[0], unpack_question(answer[1:])), (DONE, ({"a": [1]}, [b"", b"bytes"])))
