# -*- test-case-name: tests.ops.test_crypto -*-
"""
Host half of nano/runtime/crypto_subtle.js: what its methods do once their arguments are converted.

Key material is here and never in an isolate; whether a key may be used for something, or exported, is decided here.
The order of the checks is the standard's (https://w3c.github.io/webcrypto/#SubtleCrypto-interface), as it decides
which of several errors a script sees.

A method makes a job of its arguments.  The runtime asks for small ones with a question, which is answered on the
isolate's own thread in a tenth of the time that an op takes; a job that is slow is not begun then, and comes again as
an op, which has it done in the reactor's thread pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nano.interfaces import OpContext, OpError
from nano.ops import crypto_aes, crypto_ec, crypto_hmac, crypto_kdf, crypto_okp, crypto_rsa
from nano.ops.crypto_algorithm import SLOW_SIZE, Algorithm, ImportRequest, Keys
from nano.ops.crypto_hashes import DIGESTS, new_digest
from nano.ops.crypto_jwk import Jwk, jwk_from_script, jwk_from_text, jwk_text
from nano.ops.crypto_keys import Key, Vault, vault_of
from nano.ops.crypto_params import Params, invalid_access, not_supported, syntax_error
from nano.ops.crypto_wire import DONE, FAILED, SLOW, WireError, pack_answer, unpack_question
from nano.ops.registry import host_op, isolate_question

__all__ = ["ask", "call", "free"]

_ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm
    for module in (crypto_aes, crypto_ec, crypto_hmac, crypto_kdf, crypto_okp, crypto_rsa)
    for algorithm in module.ALGORITHMS
}

#: A value and buffers.
_Answer = tuple[Any, list[bytes]]


@dataclass(frozen=True)
class _Job:
    """
    What a method does.

    Attributes:
        slow: whether it would hold up the thread that asks.
        work: done on whatever thread.
        finish: makes the answer of its result.
    """

    slow: bool
    work: Callable[[], Any]
    finish: Callable[[Any], _Answer]


# The seam.


def _job(vault: Vault, args: Any, buffers: list[bytes]) -> _Job:
    params = vault.params(args, buffers)
    method = _METHODS.get(params.text("method"))
    if method is None:
        raise OpError("TypeError", "there is no such method")
    return method(vault, params)


@host_op("crypto.call")
def call(context: OpContext, args: Any, buffers: list[bytes]) -> Any:
    """
    Run the method that *args* name.  Fires with its value and buffers; fails with `OpError`.
    """
    vault = vault_of(context.kept)
    job = _job(vault, args, buffers)
    if not job.slow:
        return job.finish(job.work())
    return vault.in_thread(context, job.work).addCallback(job.finish)


@isolate_question("crypto.ask")
def ask(kept: dict[str, Any], question: bytes) -> bytes:
    """
    Run the method that the question names, unless it is slow.  On the isolate's thread.
    """
    try:
        job = _job(vault_of(kept), *unpack_question(question))
        if job.slow:
            return pack_answer(SLOW, None, [])
        return pack_answer(DONE, *job.finish(job.work()))
    except OpError as error:
        return pack_answer(FAILED, {"name": error.name, "message": str(error)}, [])
    except WireError as error:
        return pack_answer(FAILED, {"name": "TypeError", "message": str(error)}, [])


@host_op("crypto.free")
def free(context: OpContext, args: Any, buffers: list[bytes]) -> None:
    """The runtime has no CryptoKey, or digest, of the handle *args* any more."""
    vault_of(context.kept).remove(args)


# What the methods have in common.


def _algorithm(params: Params) -> Algorithm:
    algorithm = _ALGORITHMS.get(params.text("name"))
    if algorithm is None:
        raise not_supported("there is no such algorithm")
    return algorithm


def _usable(key: Key, algorithm: Algorithm, usage: str) -> None:
    """Whether a key may be used with an algorithm for something."""
    if key.name != algorithm.name:
        raise invalid_access(f"the key is for {key.name}, not for {algorithm.name}")
    if usage not in key.usages:
        raise invalid_access(f"the key cannot be used for {usage!r}")


def _bytes_answer(data: bytes) -> _Answer:
    return None, [data]


def _value_answer(value: Any) -> _Answer:
    return value, []


def _keys_answer(vault: Vault, keys: Keys) -> _Answer:
    """What the runtime makes a CryptoKey, or a pair of them, of."""
    buffers: list[bytes] = []
    if isinstance(keys, Key):
        return {**keys.describe(buffers), "handle": vault.add(keys)}, buffers
    described = [{**key.describe(buffers), "handle": vault.add(key)} for key in keys]
    return {"publicKey": described[0], "privateKey": described[1]}, buffers


def _key_job(vault: Vault, slow: bool, work: Callable[[], Keys]) -> _Job:
    return _Job(slow, work, lambda keys: _keys_answer(vault, keys))


# Digests.


def _new_digest(params: Params) -> Any:
    name = params.text("name")
    if name not in DIGESTS:
        raise not_supported("there is no such digest")
    return new_digest(name)


def _digest(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-digest"""
    function, data = _new_digest(params), params.buffer("data")

    def work() -> bytes:
        function.update(data)
        return bytes(function.digest())

    return _Job(len(data) >= SLOW_SIZE, work, _bytes_answer)


def _digest_start(vault: Vault, params: Params) -> _Job:
    """Begin a digest whose data come in pieces; its handle."""
    function = _new_digest(params)
    return _Job(False, lambda: vault.add(function), _value_answer)


def _digest_update(vault: Vault, params: Params) -> _Job:
    """The next piece; answered when it has been taken in."""
    function, data = vault.digest(params.integer("digest", 2**53)), params.buffer("data")
    return _Job(len(data) >= SLOW_SIZE, lambda: function.update(data), _value_answer)


def _digest_finish(vault: Vault, params: Params) -> _Job:
    """The digest of all pieces."""
    handle = params.integer("digest", 2**53)
    function = vault.digest(handle)
    vault.remove(handle)
    return _Job(False, function.digest, _bytes_answer)


# What keys do.


def _transform(vault: Vault, params: Params) -> _Job:
    """
    encrypt, decrypt and sign.

    @see https://w3c.github.io/webcrypto/#SubtleCrypto-method-encrypt and the sections behind it
    """
    operation = params.text("method")
    inner, key, data = params.inner("algorithm"), params.key("key"), params.buffer("data")
    algorithm = _algorithm(inner)
    _usable(key, algorithm, operation)
    method = {"encrypt": algorithm.encrypt, "decrypt": algorithm.decrypt, "sign": algorithm.sign}[operation]
    slow = algorithm.is_slow(operation, key, len(data))
    return _Job(slow, lambda: method(inner, key, data), _bytes_answer)


def _verify(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-verify"""
    inner, key = params.inner("algorithm"), params.key("key")
    data, signature = params.buffer("data"), params.buffer("signature")
    algorithm = _algorithm(inner)
    _usable(key, algorithm, "verify")
    slow = algorithm.is_slow("verify", key, len(data))
    return _Job(slow, lambda: algorithm.verify(inner, key, data, signature), _value_answer)


def _derive_bits(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-deriveBits"""
    inner, key, length = params.inner("algorithm"), params.key("key"), params.length("length")
    algorithm = _algorithm(inner)
    _usable(key, algorithm, "deriveBits")
    slow = algorithm.is_slow("deriveBits", key, key.weight)
    return _Job(slow, lambda: algorithm.derive_bits(inner, key, length), _bytes_answer)


# How keys come and go.


def _check_purpose(key: Key) -> Key:
    if key.type != "public" and not key.usages:
        raise syntax_error(f"the {key.type} key could not be used for anything")
    return key


def _import(request: ImportRequest) -> Key:
    return _check_purpose(_algorithm(request.params).import_key(request))


def _export(key: Key, format_: str) -> bytes | Jwk:
    algorithm = _ALGORITHMS[key.name]
    if not algorithm.exports:
        raise not_supported(f"{key.name} keys cannot be exported")
    if not key.extractable:
        raise invalid_access("the key is not extractable")
    exported = algorithm.export_key(key, format_)
    if isinstance(exported, dict):
        exported.update(key_ops=list(key.usages), ext=key.extractable)
        # The order that a dictionary's members have as an object.
        return dict(sorted(exported.items()))
    return exported


def _generate_key(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-generateKey"""
    inner, extractable, usages = params.inner("algorithm"), params.flag("extractable"), params.usages()
    algorithm = _algorithm(inner)

    def work() -> Keys:
        keys = algorithm.generate_key(inner, extractable, usages)
        _check_purpose(keys if isinstance(keys, Key) else keys[1])
        return keys

    return _key_job(vault, algorithm.is_slow("generateKey", None, 0), work)


def _import_key(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-importKey"""
    format_, inner = params.text("format"), params.inner("algorithm")
    data = jwk_from_script(params.object("data")) if format_ == "jwk" else params.buffer("data")
    request = ImportRequest(format_, data, inner, params.flag("extractable"), params.usages())
    slow = _algorithm(inner).is_slow("importKey", None, 0)
    return _key_job(vault, slow, lambda: _import(request))


def _export_key(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-exportKey"""
    key, format_ = params.key("key"), params.text("format")
    is_jwk = format_ == "jwk"
    return _Job(False, lambda: _export(key, format_), _value_answer if is_jwk else _bytes_answer)


def _wrap_key(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-wrapKey"""
    inner, wrapping, key = params.inner("algorithm"), params.key("wrappingKey"), params.key("key")
    algorithm = _algorithm(inner)
    _usable(wrapping, algorithm, "wrapKey")
    exported = _export(key, params.text("format"))
    data = jwk_text(exported) if isinstance(exported, dict) else exported
    slow = algorithm.is_slow("wrapKey", wrapping, len(data))
    return _Job(slow, lambda: algorithm.wrap_key(inner, wrapping, data), _bytes_answer)


def _unwrap_key(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-unwrapKey"""
    inner, wrapping, data = params.inner("algorithm"), params.key("unwrappingKey"), params.buffer("data")
    algorithm, format_, unwrapped = _algorithm(inner), params.text("format"), params.inner("unwrapped")
    extractable, usages = params.flag("extractable"), params.usages()
    _usable(wrapping, algorithm, "unwrapKey")

    def work() -> Key:
        octets = algorithm.unwrap_key(inner, wrapping, data)
        key_data = jwk_from_text(octets) if format_ == "jwk" else octets
        return _import(ImportRequest(format_, key_data, unwrapped, extractable, usages))

    slow = algorithm.is_slow("unwrapKey", wrapping, len(data))
    return _key_job(vault, slow or _algorithm(unwrapped).is_slow("importKey", None, 0), work)


def _derive_key(vault: Vault, params: Params) -> _Job:
    """@see https://w3c.github.io/webcrypto/#SubtleCrypto-method-deriveKey"""
    inner, key, derived = params.inner("algorithm"), params.key("key"), params.inner("derived")
    sized, extractable, usages = params.inner("sized"), params.flag("extractable"), params.usages()
    algorithm = _algorithm(inner)
    _usable(key, algorithm, "deriveKey")
    length = _algorithm(sized).key_length(sized)

    def work() -> Key:
        secret = algorithm.derive_bits(inner, key, length)
        return _import(ImportRequest("raw", secret, derived, extractable, usages))

    return _key_job(vault, algorithm.is_slow("deriveBits", key, key.weight), work)


_METHODS: dict[str, Callable[[Vault, Params], _Job]] = {
    "decrypt": _transform,
    "deriveBits": _derive_bits,
    "deriveKey": _derive_key,
    "digest": _digest,
    "digestFinish": _digest_finish,
    "digestStart": _digest_start,
    "digestUpdate": _digest_update,
    "encrypt": _transform,
    "exportKey": _export_key,
    "generateKey": _generate_key,
    "importKey": _import_key,
    "sign": _transform,
    "unwrapKey": _unwrap_key,
    "verify": _verify,
    "wrapKey": _wrap_key,
}
