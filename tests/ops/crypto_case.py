# -*- test-case-name: tests.ops.test_crypto -*-
"""
What the tests of the crypto ops have in common: an isolate that calls them, without V8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from nano.interfaces import IOutbound, OpError
from nano.ops.crypto import call

__all__ = ["CryptoCase", "FakeIsolate", "NowPool"]

_RAW_USAGES = {"AES-KW": ["wrapKey", "unwrapKey"], "HMAC": ["sign", "verify"]}
_CIPHER_USAGES = ["encrypt", "decrypt", "wrapKey", "unwrapKey"]


class NowPool:
    """
    A thread pool that does everything at once.

    Attributes:
        count: how many things it was given.
    """

    def __init__(self) -> None:
        self.count = 0

    def callInThreadWithCallback(self, on_result: Any, function: Callable[..., Any], *args: Any) -> None:
        """Run *function* now (ThreadPool)."""
        self.count += 1
        try:
            result = function(*args)
        except Exception:
            on_result(False, Failure())
        else:
            on_result(True, result)


class FakeIsolate:
    """
    Calls ops as an isolate would (OpContext).
    """

    app = "test"
    outbound: IOutbound | None = None

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.pool = NowPool()
        self.reactor: Any = self

    def channel(self, id_: object) -> Any:
        """No op here wants one (OpContext)."""
        raise NotImplementedError

    def getThreadPool(self) -> NowPool:
        """The pool (IReactorThreads)."""
        return self.pool

    def callFromThread(self, function: Callable[..., Any], *args: Any) -> None:
        """Run *function* now (IReactorFromThreads)."""
        function(*args)

    def run(self, method: str, *buffers: bytes, **args: Any) -> tuple[Any, list[bytes]]:
        """
        The value and the buffers that a method gives.

        Raises:
            OpError: what it fails with.
        """
        return self.call({"method": method, **args}, buffers)

    def call(self, args: Any, buffers: Sequence[bytes] = ()) -> tuple[Any, list[bytes]]:
        """
        The same, for any arguments.
        """
        answer = call(self, args, list(buffers))
        if isinstance(answer, Deferred):
            results: list[Any] = []
            answer.addBoth(results.append)
            answer = results[0]
        if isinstance(answer, Failure):
            answer.raiseException()
        value, given = answer
        return value, given

    def output(self, method: str, *buffers: bytes, **args: Any) -> bytes:
        """
        The bytes that a method gives.
        """
        return self.run(method, *buffers, **args)[1][0]

    def import_raw(self, data: bytes, algorithm: str | dict[str, Any], usages: list[str] | None = None) -> int:
        """
        The handle of a secret or public key; usable for everything by default, if it is secret.
        """
        inner = {"name": algorithm} if isinstance(algorithm, str) else algorithm
        usages = _RAW_USAGES.get(inner["name"], _CIPHER_USAGES) if usages is None else usages
        return self.import_key("raw", data, inner, usages)

    def import_key(
        self,
        format_: str,
        data: bytes | dict[str, Any],
        algorithm: dict[str, Any],
        usages: list[str],
        **more: Any,
    ) -> int:
        """
        The handle of an imported key, extractable unless *more* says otherwise.
        """
        args = {"extractable": algorithm["name"] not in ("HKDF", "PBKDF2"), "usages": usages, **more}
        buffers = () if isinstance(data, dict) else (data,)
        place = data if isinstance(data, dict) else 0
        value, _ = self.run("importKey", *buffers, format=format_, data=place, algorithm=algorithm, **args)
        handle: int = value["handle"]
        return handle

    def generate_pair(self, algorithm: dict[str, Any], usages: list[str], *buffers: bytes) -> tuple[int, int]:
        """
        The handles of a new public and private key.
        """
        value, _ = self.run("generateKey", *buffers, algorithm=algorithm, extractable=True, usages=usages)
        return value["publicKey"]["handle"], value["privateKey"]["handle"]


class CryptoCase(SynchronousTestCase):
    """
    Attributes:
        isolate: one that has nothing yet.
    """

    def setUp(self) -> None:
        self.isolate = FakeIsolate()

    def assert_refused(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """
        The call fails with an OpError of that name.
        """
        error = self.assertRaises(OpError, function, *args, **kwargs)
        self.assertEqual(error.name, name, str(error))
