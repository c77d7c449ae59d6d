# -*- test-case-name: tests.ops.test_fetch -*-
"""
Host half of nano/runtime/fetch.js, which holds the contract, and of integrity.js: one request, one response.

Redirects, aborts and everything else that the standard has to say is the script's business.  The way to other servers
is `OpContext.outbound`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from nano.interfaces import IChannel, OpContext, OpError, OutboundError, OutboundRequest, OutboundResponse
from nano.ops.registry import host_op

__all__ = ["digest", "send"]

_HASHES = ("sha256", "sha384", "sha512")
_MOST_HEADERS = 1000


@host_op("fetch.send")
async def send(context: OpContext, args: Any, buffers: list[bytes]) -> Any:
    """
    Send a request and answer with the head of its response, and with its body if that has come along.

    Args and answer: see `#send` in fetch.js.
    """
    channel = context.channel(args.get("channel") if isinstance(args, dict) else None)
    try:
        request = _request(args, buffers, channel)
        if context.outbound is None:
            raise OutboundError("ERR_NO_NETWORK", "there is no network here")
        asking: Deferred[OutboundResponse] = context.outbound.request(request)
        channel.when_cancelled = asking.cancel
        response = await asking
        return await _answer(context, channel, response)
    except OutboundError as error:
        channel.close()
        return {"code": error.code, "message": str(error)}
    except CancelledError:
        channel.close()
        return {"code": "ERR_CANCELLED", "message": "the request was cancelled"}
    except BaseException:
        channel.close()
        raise


def _request(args: Any, buffers: list[bytes], channel: IChannel) -> OutboundRequest:
    method, url, headers = args.get("method"), args.get("url"), args.get("headers")
    texts = [method, url, *headers] if isinstance(headers, list) else [None]
    if not all(isinstance(text, str) for text in texts) or len(headers) % 2 or len(headers) > 2 * _MOST_HEADERS:
        raise OutboundError("ERR_INVALID_REQUEST", "the request is malformed, or has too many headers")
    try:
        pairs = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in zip(headers[::2], headers[1::2], strict=True)
        ]
    except UnicodeEncodeError:
        raise OutboundError("ERR_INVALID_REQUEST", "a header has a character that no header can have") from None
    kind, length = args.get("body"), args.get("length")
    if kind == "whole" and buffers:
        return OutboundRequest(method, url, pairs, buffers[0])
    if kind == "stream":
        known = isinstance(length, int) and length >= 0
        return OutboundRequest(method, url, pairs, channel.upload, length if known else None)
    return OutboundRequest(method, url, pairs)


async def _answer(context: OpContext, channel: IChannel, response: OutboundResponse) -> Any:
    lines: list[bytes] = [text for header in response.headers for text in header]
    value = {
        "status": response.status,
        "statusText": response.reason.decode("latin-1"),
        "headers": b"\n".join(lines).decode("latin-1"),
        "length": response.length,
    }
    if response.body is None:
        channel.close()
        return {**value, "body": "none"}
    channel.attach(response.body)
    # What has come with the head is given in this turn.
    await deferLater(context.reactor, 0)
    whole = channel.take_whole()
    if whole is None:
        return {**value, "body": "stream"}
    return {**value, "body": "whole"}, [whole]


@host_op("fetch.digest")
def digest(context: OpContext, args: Any, buffers: list[bytes]) -> str:
    """The hash of a body in base64, for subresource integrity; args: {"algorithm": "sha256" and so on}."""
    algorithm = args.get("algorithm") if isinstance(args, dict) else None
    if algorithm not in _HASHES or not buffers:
        raise OpError("TypeError", "there is no such digest")
    return base64.b64encode(hashlib.new(algorithm, buffers[0]).digest()).decode("ascii")
