# -*- test-case-name: tests.apps.test_registry -*-
"""
Which app a host name belongs to.  Pure: it decides by the name alone and does no I/O.

An exact name wins over a wildcard, a longer wildcard over a shorter one, and `*` takes what is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from zope.interface import implementer

from nano.interfaces import IAppLookup, IEventHandler

__all__ = ["HostTable", "HostTakenError"]

T = TypeVar("T", bound=IEventHandler)

#: How many host names without an exact entry are remembered; clients choose them, so there must be an end.
_REMEMBERED = 1024


class HostTakenError(ValueError):
    """
    Two apps claim one host name.

    Attributes:
        pattern: the name.
    """

    def __init__(self, pattern: str) -> None:
        super().__init__(f"the host name {pattern!r} is claimed twice")
        self.pattern = pattern


@implementer(IAppLookup)
class HostTable(Generic[T]):
    """
    Host names and what they lead to.

    Patterns are lower-case names, `*.` and a name for one or more labels before it, or `*`.
    """

    def __init__(self, entries: Iterable[tuple[str, T]] = ()) -> None:
        self._exact: dict[str, T] = {}
        self._suffixes: dict[str, T] = {}
        self._remembered: dict[str, T | None] = {}
        for pattern, value in entries:
            self.add(pattern, value)

    def add(self, pattern: str, value: T) -> None:
        """
        Claim *pattern* for *value*.

        Raises:
            HostTakenError: when it is claimed already; nothing has changed then.
        """
        table, key = (self._suffixes, pattern[1:]) if pattern.startswith("*") else (self._exact, pattern)
        if key in table:
            raise HostTakenError(pattern)
        table[key] = value
        self._remembered.clear()

    def remove(self, pattern: str) -> None:
        """Give *pattern* up, if it is claimed."""
        table, key = (self._suffixes, pattern[1:]) if pattern.startswith("*") else (self._exact, pattern)
        table.pop(key, None)
        self._remembered.clear()

    def find(self, host: str) -> T | None:
        """What *host* leads to: lower case, without a port.  None for nothing."""
        found = self._exact.get(host)
        if found is not None or not self._suffixes:
            return found
        try:
            return self._remembered[host]
        except KeyError:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            found = self._remembered[host] = self._by_suffix(host)
            return found

    def _by_suffix(self, host: str) -> T | None:
        at = host.find(".")
        while at >= 0:
            if at > 0 and host[at:] in self._suffixes:
                return self._suffixes[host[at:]]
            at = host.find(".", at + 1)
        return self._suffixes.get("")
