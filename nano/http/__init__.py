# -*- test-case-name: tests.http.test_resource -*-
"""
HTTP, from both sides: what clients of ours ask, and what apps ask of others.

`AppResource` is here for those who mount an app in a site of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nano.http.resource import AppResource

__all__ = ["AppResource"]


def __getattr__(name: str) -> Any:
    # Klein installs a reactor when it is imported, so only whoever wants a resource imports it.
    if name == "AppResource":
        from nano.http.resource import AppResource

        return AppResource
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
