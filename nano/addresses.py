# -*- test-case-name: tests.test_addresses -*-
"""
The host names, networks and endpoint strings a configuration may hold; pure.

Endpoints are checked here by their grammar and not by asking Twisted to build them: that would
open key files and look for inherited sockets, which a check on another machine does not have.
What only opening can tell (a taken port, a bad key) is left to the start.
"""

from __future__ import annotations

import ipaddress
import os.path
import re
from collections.abc import Callable, Collection
from typing import NamedTuple

__all__ = [
    "Network",
    "EGRESS_WORDS",
    "Reachable",
    "canonical_hostname",
    "egress_rule",
    "endpoint_port",
    "endpoint_needs_token",
    "network",
    "reachable",
    "resolve_endpoint",
    "tcp_endpoint",
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_HAS_PORT = re.compile(r"(?:[^:]+|\[[^]]*\]):[0-9]*")


def canonical_hostname(text: str) -> str:
    """
    The one spelling of a host name under which it is looked up.

    Lower case, IDNA A-labels, no final dot; an IPv6 address in brackets and shortest form.
    `*` and a first label of `*` pass.

    Raises:
        ValueError: with a reason, if this can never be a host name.
    """
    if text == "*":
        return text
    if _HAS_PORT.fullmatch(text):
        raise ValueError(f"{text!r} has a port; host names are matched without it")
    if text.startswith("["):
        return f"[{_ipv6(text)}]"
    star, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    if "*" in name:
        raise ValueError(f'{text!r}: "*" stands alone or as the whole first label')
    name = _ascii(name).lower()
    name = name[:-1] if name.endswith(".") else name
    if len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"{text!r} is not a valid host name")
    return star + name


def _ipv6(text: str) -> str:
    try:
        if text.endswith("]"):
            return ipaddress.IPv6Address(text[1:-1]).compressed
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a valid IPv6 address")


def _ascii(name: str) -> str:
    if name.isascii() and "xn--" not in name.lower():
        return name
    import idna  # its tables take 15 ms to load, and few configurations need them

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(f"{name!r} is not a valid host name: {error}") from None


def network(text: str) -> Network:
    """
    A CIDR block or a single address.

    Raises:
        ValueError: with a reason.
    """
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; expected a network such as 10.0.0.0/8") from None


#: What stands for several networks in egress rules; nano.http.egress knows which.
EGRESS_WORDS = ("private", "loopback", "link-local")


def egress_rule(text: str) -> str:
    """
    The one spelling of an egress rule: a word, a network, or a pattern of host names.

    Raises:
        ValueError: with a reason.
    """
    if text in EGRESS_WORDS:
        return text
    plain = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "/" in plain or ":" in plain or plain.rpartition(".")[2].isdigit():
        return str(network(plain))
    return canonical_hostname(text)


def endpoint_port(endpoint: str) -> int | None:
    """
    The TCP port of an endpoint string that `resolve_endpoint` has let pass; None where it names none.
    """
    arguments = _split(endpoint)
    kind = arguments[0][1]
    if kind == "haproxy":
        return endpoint_port(endpoint.partition(":")[2])
    if kind not in _TYPES or "port" not in _TYPES[kind]:
        return None
    port = dict(_named(kind, arguments[1:], _TYPES[kind])).get("port")
    return int(port) if port is not None else None


class Reachable(NamedTuple):
    """
    How somebody on the same machine gets to an endpoint.

    Attributes:
        scheme: "http" or "https", or "unix" for a socket in the file system.
        host: a name or address; the path of a unix socket.
        port: 0 for a unix socket.
    """

    scheme: str
    host: str
    port: int = 0

    def url(self, host: str = "") -> str:
        """The address of the root, by the name of *host* if it is given."""
        if self.scheme == "unix":
            return f"unix:{self.host}"
        host = host or (f"[{self.host}]" if ":" in self.host else self.host)
        usual = self.port == {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{host}/" if usual else f"{self.scheme}://{host}:{self.port}/"


def reachable(endpoint: str) -> Reachable | None:
    """
    How to get to an endpoint string that `resolve_endpoint` has let pass; None where it does not say that.
    """
    arguments = _split(endpoint)
    kind = arguments[0][1]
    if kind not in ("tcp", "tcp6", "ssl", "tls", "unix"):
        return None
    given = dict(_named(kind, arguments[1:], _TYPES[kind]))
    if kind == "unix":
        return Reachable("unix", given["address"])
    port, interface = int(given.get("port", 443)), given.get("interface", "")
    if not port:
        return None  # Any free one, which only the server knows.
    host = "localhost" if interface in ("", "0.0.0.0", "::", "127.0.0.1", "::1") else interface
    return Reachable("https" if kind in ("ssl", "tls") else "http", host, port)


def tcp_endpoint(port: int, interface: str = "") -> str:
    """
    The endpoint string that `port` and `interface` are short for.
    """
    return f"tcp:{port}:interface={_quote(interface)}" if interface else f"tcp:{port}"


def endpoint_needs_token(endpoint: str) -> bool:
    """
    Whether others than the users of this machine could reach *endpoint*.
    """
    return not endpoint.startswith("unix:")


def resolve_endpoint(text: str, base: str, other_types: Callable[[], Collection[str]] = frozenset) -> str:
    """
    Check a server endpoint string, and make the relative paths in it start at *base*.

    Args:
        text: as `twisted.internet.endpoints.serverFromString` takes it.
        base: an absolute folder.
        other_types: asked for the names of types that plugins add, if the type is not ours.

    Raises:
        ValueError: with a reason.
    """
    arguments = _split(text)
    kind = arguments[0][1]
    if arguments[0][0] is not None or kind not in _TYPES:
        if arguments[0][0] is None and kind.lower() in other_types():
            return text
        raise ValueError(f"unknown endpoint type {kind!r}; known are {', '.join(sorted(_TYPES))}")
    if kind == "haproxy":
        return "haproxy:" + resolve_endpoint(text.partition(":")[2], base, other_types)
    allowed = _TYPES[kind]
    for index, (key, value) in enumerate(_named(kind, arguments[1:], allowed), 1):
        check = allowed[key]
        try:
            check(value)
        except ValueError as error:
            raise ValueError(f"endpoint {text!r}: {key} {error}") from None
        if check is _path:
            arguments[index] = (arguments[index][0], os.path.join(base, value))
    return ":".join(_quote(value) if key is None else f"{key}={_quote(value)}" for key, value in arguments)


_Argument = tuple[str | None, str]


def _split(text: str) -> list[_Argument]:
    """
    The colon-separated arguments as (key or None, value), backslashes undone.
    """
    if re.search(r"(?<!\\)(?:\\\\)*\\$", text):
        raise ValueError(f"endpoint {text!r} ends within an escape")
    arguments: list[_Argument] = []
    for part in re.findall(r"(?:\A|:)((?:\\.|[^:\\])*)", text, re.DOTALL):
        key = re.match(r"((?:\\.|[^=\\])*)=", part, re.DOTALL)
        if key:
            arguments.append((_unquote(key[1]), _unquote(part[key.end() :])))
        else:
            arguments.append((None, _unquote(part)))
    return arguments


def _named(kind: str, arguments: list[_Argument], allowed: dict[str, Callable[[str], None]]) -> list[tuple[str, str]]:
    """
    Every argument under its name; the first name of *allowed* is the required one.
    """
    names = list(allowed)
    result: list[tuple[str, str]] = []
    for index, (key, value) in enumerate(arguments):
        if key is None and index >= len(names):
            raise ValueError(f"endpoint type {kind} takes at most {len(names)} arguments")
        result.append((names[index] if key is None else key, value))
    given = [key for key, _ in result]
    for key in given:
        if key not in allowed:
            raise ValueError(f"endpoint type {kind} has no argument {key!r}: {', '.join(names)}")
        if given.count(key) > 1:
            raise ValueError(f"endpoint type {kind} is given {key} twice")
    if names[0] not in given:
        raise ValueError(f"endpoint type {kind} needs {names[0]}")
    return result


def _quote(text: str) -> str:
    return re.sub(r"([:=\\])", r"\\\1", text)


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _text(value: str) -> None:
    if not value:
        raise ValueError("must not be empty")


def _path(value: str) -> None:
    _text(value)
    if "\0" in value:
        raise ValueError("must not hold a NUL character")


def _any(value: str) -> None:
    """Whatever it is, Twisted takes it."""


def _port(value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,5}", value) or int(value) > 65535:
        raise ValueError(f"must be a number from 0 to 65535, is {value!r}")


def _count(value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError(f"must be a number, is {value!r}")


def _mode(value: str) -> None:
    if not re.fullmatch(r"[0-7]{1,4}", value):
        raise ValueError(f"must be an octal number such as 660, is {value!r}")


# The parameters of Twisted's parsers, in their order.
_TYPES: dict[str, dict[str, Callable[[str], None]]] = {
    "tcp": {"port": _port, "interface": _any, "backlog": _count},
    "tcp6": {"port": _port, "backlog": _count, "interface": _any},
    "unix": {"address": _path, "mode": _mode, "backlog": _count, "lockfile": _any},
    "ssl": {
        "port": _port,
        "privateKey": _path,
        "certKey": _path,
        "sslmethod": _any,
        "interface": _any,
        "backlog": _count,
        "extraCertChain": _path,
        "dhParameters": _path,
    },
    "tls": {"path": _path, "port": _port, "backlog": _count, "interface": _any},
    "systemd": {"domain": _text, "index": _count, "name": _text},
    "haproxy": {},
}
