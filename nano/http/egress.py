# -*- test-case-name: tests.http.test_egress -*-
"""
Where an app may connect to.  Pure: it is asked with a name and one of the addresses that the name has just turned
out to stand for, and whoever asks connects to exactly that address.

A rule is a network, one of the words `private`, `loopback` and `link-local`, or a pattern of host names; nano.addresses
checks their spelling.  For each connection

1. an address in a network of `allow` is allowed,
2. an address in a network of `deny` is denied; so are link-local ones, where clouds keep their credentials, and ports
   of our admin listener,
3. a name that matches a pattern of `allow` is allowed,
4. a name that matches a pattern of `deny` is denied ("*" matches all),
5. everything else is allowed.

So a name never lifts a denial of addresses: whoever owns the name decides what it resolves to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable

__all__ = ["EgressPolicy"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WORDS = {
    # RFC 1918, the space that carriers share (RFC 6598), unique local addresses (RFC 4193).
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    # To most systems an unspecified address is this machine.
    "loopback": ("127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
}
#: RFC 6052: what a translator makes an IPv4 connection of.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class EgressPolicy:
    """
    The rules of one app.

    Args:
        allow: rules.
        deny: rules.
        guarded_ports: TCP ports of this machine that are denied unless their address is allowed.
        is_local: whether an address is one of this machine's; asked for guarded ports only.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        deny: Iterable[str] = (),
        guarded_ports: Collection[int] = (),
        is_local: Callable[[str], bool] = lambda address: True,
    ) -> None:
        self._allowed, self._allowed_names = _parsed(allow)
        self._denied, self._denied_names = _parsed(deny)
        self._denied += _networks(_WORDS["link-local"])
        self._guarded_ports = frozenset(guarded_ports)
        self._is_local = is_local

    def permits(self, host: str, address: str, port: int) -> bool:
        """
        Whether a connection may be opened.

        Args:
            host: as in the URL, lower case; an IPv6 address without brackets.
            address: what it has been resolved to.
            port: of the URL.
        """
        forms = _forms(address)
        if _covered(forms, self._allowed):
            return True
        if _covered(forms, self._denied) or (port in self._guarded_ports and any(map(self._is_local, map(str, forms)))):
            return False
        name = host.removesuffix(".")
        return _matches(name, self._allowed_names) or not _matches(name, self._denied_names)


def _parsed(rules: Iterable[str]) -> tuple[list[_Network], list[str]]:
    networks: list[_Network] = []
    names: list[str] = []
    for rule in rules:
        if rule in _WORDS:
            networks += _networks(_WORDS[rule])
        else:
            try:
                networks.append(ipaddress.ip_network(rule))
            except ValueError:
                names.append(rule)
    return networks, names


def _networks(texts: Iterable[str]) -> list[_Network]:
    return [ipaddress.ip_network(text) for text in texts]


def _forms(address: str) -> list[_Address]:
    """The address, and the IPv4 address that stands in it, by whatever way it does."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if not isinstance(parsed, ipaddress.IPv6Address):
        return [parsed]
    inner = [parsed.ipv4_mapped, parsed.sixtofour]
    if parsed in _NAT64 or int(parsed) >> 32 == 0:
        inner.append(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    return [parsed, *(form for form in inner if form is not None)]


def _covered(forms: Iterable[_Address], networks: Iterable[_Network]) -> bool:
    return any(form in network for form in forms for network in networks)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(
        pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:])) for pattern in patterns
    )
