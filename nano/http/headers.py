# -*- test-case-name: tests.http.test_headers -*-
"""
What a request's head means: its host, its absolute URL, and the fields an app gets to see.

Pure and shared by all front ends, so that they cannot disagree about which app a request belongs to.
"""

from __future__ import annotations

import ipaddress
import re

from nano.errors import InvalidRequestError
from nano.exchange import Header

__all__ = ["absolute_url", "host_name", "is_host", "single_host", "url_path"]

#: RFC 3986 reg-name without percent-encodings, IPv4 and bracketed IPv6, with a port.
_HOST = re.compile(rb"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=-]+)(?::(?P<port>[0-9]{0,5}))?").fullmatch
#: The last label of what the URL Standard takes for an IPv4 address, and for nothing else.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*").fullmatch
#: What may stand in a request target besides "%": the rest is an attempt at something.
_TARGET = re.compile(rb"[\x21-\x7e\x80-\xff]+").fullmatch
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_END_OF_AUTHORITY = re.compile(rb"[/?#]")


def single_host(headers: list[Header]) -> bytes:
    """
    The value of the one Host header.

    Raises:
        InvalidRequestError: when there is none, more than one, or an invalid one (RFC 9112 3.2).
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1:
        raise InvalidRequestError("no Host header" if not hosts else "more than one Host header")
    if not is_host(hosts[0]):
        raise InvalidRequestError(f"invalid Host header {hosts[0]!r}")
    return hosts[0]


def is_host(host: bytes) -> bool:
    """Whether *host* may be the value of a Host header, and the authority of a URL."""
    match = _HOST(host)
    if match is None or int(match["port"] or 0) > 65535:
        return False
    name = match["name"].decode("ascii").removesuffix(".")
    try:
        if name.startswith("["):
            ipaddress.IPv6Address(name[1:-1])
        elif _NUMBER(name.rpartition(".")[2]):
            ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return bool(name)


def host_name(host: bytes) -> str:
    """The name by which an app is found: lower case, without port and trailing dot."""
    match = _HOST(host)
    name = match["name"] if match else host
    return name.decode("ascii").lower().removesuffix(".")


def absolute_url(scheme: str, host: bytes, target: bytes) -> str:
    """
    The request's URL.

    Args:
        scheme: "http" or "https".
        host: the Host header's value, checked.
        target: in origin form ("/path?query"), absolute form, or "*" for OPTIONS.

    Raises:
        InvalidRequestError: for any other target.
    """
    if not _TARGET(target):
        raise InvalidRequestError(f"invalid request target {target!r}")
    target = _NOT_ASCII.sub(lambda match: b"%%%02X" % match[0][0], target)
    if target.startswith(b"/"):
        return f"{scheme}://{host.decode('ascii')}{target.decode('ascii')}"
    if target == b"*":
        return f"{scheme}://{host.decode('ascii')}/"
    lower = target[:8].lower()
    for prefix in (b"http://", b"https://"):
        if lower.startswith(prefix):
            authority = _END_OF_AUTHORITY.split(target[len(prefix) :], maxsplit=1)[0]
            if authority.lower() != host.lower():
                raise InvalidRequestError(f"the request target {target!r} is not for the Host {host!r}")
            rest = target[len(prefix) + len(authority) :]
            slash = b"" if rest.startswith(b"/") else b"/"
            return f"{scheme}://{host.decode('ascii')}{(slash + rest).decode('ascii')}"
    raise InvalidRequestError(f"invalid request target {target!r}")


def url_path(url: str) -> str:
    """The path of an absolute URL, without its query."""
    return "/" + url.split("://", 1)[-1].partition("/")[2].partition("?")[0]
