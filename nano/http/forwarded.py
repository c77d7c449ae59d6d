# -*- test-case-name: tests.http.test_forwarded -*-
"""
What proxies say of the requests they pass on, and whom to believe; pure.

From a trusted proxy `X-Forwarded-Proto` is the scheme of the request's URL, `X-Forwarded-Host` its host, by which the
app is found as well, and `X-Forwarded-For` names the client; `X-Request-Id` names the request.  From anybody else these
fields, and `Forwarded`, are dropped.  Either way the app finds all of them but `Forwarded` on its request, with values
that it may believe.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence

from nano.addresses import Network
from nano.errors import InvalidRequestError
from nano.exchange import Header
from nano.http.headers import is_host

__all__ = ["Origin", "Visitor"]

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}").fullmatch
_SCHEMES = {b"http": "http", b"https": "https"}


class Origin:
    """
    Where one request comes from.

    Attributes:
        client: the client's address, "" when it has none.
        scheme: "http" or "https".
        host: the Host that the client asked for, checked.
        request_id: names the request.
    """

    __slots__ = ("client", "host", "request_id", "scheme")

    def __init__(self, client: str, scheme: str, host: bytes, request_id: str) -> None:
        self.client = client
        self.scheme = scheme
        self.host = host
        self.request_id = request_id


class Visitor:
    """
    The peer of one connection.

    Args:
        address: its IP address; "" for a Unix socket, which counts as the loopback address.
        secure: whether it speaks TLS with us.
        trusted: the networks of trusted proxies.
        new_id: makes request ids.

    Attributes:
        address: its IP address, "" if it has none.
        trusted: whether it is believed.
    """

    __slots__ = ("_checked", "_fields", "_networks", "_new_id", "_scheme", "address", "trusted")

    def __init__(self, address: str, secure: bool, trusted: Sequence[Network], new_id: Callable[[], str]) -> None:
        self._networks = trusted
        self._new_id = new_id
        self._scheme = "https" if secure else "http"
        self.trusted = bool(trusted) and self._trusts(address or "127.0.0.1")
        self.address = _plain(address)
        #: The last host seen: few clients ask for two on one connection.
        self._checked: bytes | None = None
        self._fields: list[Header] = [(b"x-forwarded-proto", self._scheme.encode("ascii"))]
        if address:
            self._fields.append((b"x-forwarded-for", self.address.encode("ascii")))

    def _trusts(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(_plain(address))
        except ValueError:
            return False
        return any(ip in network for network in self._networks)

    def origin(self, special: dict[bytes, bytes], headers: list[Header]) -> Origin:
        """
        Where a request of this peer comes from; *headers* get the fields that say so to the app.

        Args:
            special: the request's fields by name, lower case; `host` is among them.
            headers: the request's other fields.

        Raises:
            InvalidRequestError: when its host is not valid.
        """
        host = special[b"host"]
        if self.trusted:
            return self._believed(special, headers)
        if host != self._checked:
            if not is_host(host):
                raise InvalidRequestError(f"invalid Host header {host!r}")
            self._checked = host
        request_id = self._new_id()
        headers += self._fields
        headers.append((b"x-forwarded-host", host))
        headers.append((b"x-request-id", request_id.encode("ascii")))
        headers.append((b"host", host))
        return Origin(self.address, self._scheme, host, request_id)

    def _believed(self, special: dict[bytes, bytes], headers: list[Header]) -> Origin:
        host = _last(special.get(b"x-forwarded-host", b"")) or special[b"host"]
        if not is_host(host) or not is_host(special[b"host"]):
            raise InvalidRequestError(f"invalid Host header {host!r}")
        scheme = _SCHEMES.get(_last(special.get(b"x-forwarded-proto", b"")).lower(), self._scheme)
        given = special.get(b"x-request-id", b"")
        request_id = given.decode("ascii") if _REQUEST_ID(given) else self._new_id()
        chain = special.get(b"x-forwarded-for", b"")
        client, chain = self._client(chain), chain or self.address.encode("ascii")
        headers += (
            (b"host", host),
            (b"x-forwarded-host", host),
            (b"x-forwarded-proto", scheme.encode("ascii")),
            (b"x-request-id", request_id.encode("ascii")),
        )
        if chain:
            headers.append((b"x-forwarded-for", chain))
        if b"forwarded" in special:
            headers.append((b"forwarded", special[b"forwarded"]))
        return Origin(client, scheme, host, request_id)

    def _client(self, chain: bytes) -> str:
        """The nearest address of the chain that is none of our proxies, as those further away may be forged."""
        client = self.address
        for entry in reversed(chain.split(b",")):
            address = entry.strip().decode("latin-1")
            if address.startswith("["):
                address = address[1:].partition("]")[0]
            elif address.count(":") == 1:
                address = address.partition(":")[0]
            try:
                client = _plain(str(ipaddress.ip_address(address)))
            except ValueError:
                break
            if not self._trusts(client):
                break
        return client


def _last(value: bytes) -> bytes:
    """What the nearest proxy said."""
    return value.rpartition(b",")[2].strip()


def _plain(address: str) -> str:
    """Without the mapping into IPv6 that a socket for both families shows, and without a zone."""
    address = address.partition("%")[0]
    return address[7:] if address.startswith("::ffff:") and "." in address else address
