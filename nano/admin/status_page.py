# -*- test-case-name: tests.admin.test_status_page -*-
"""
The status page: the files of `nano/admin/status/`, which a browser loads and runs.

They are the same for everybody, carry no data and need no token.  What the page shows, it asks of the admin API with
the token that its user has entered and that it keeps in the tab's `sessionStorage`: other than a cookie, no browser
sends that by itself, so no other site can act in its user's name.  Its content security policy lets it load from
and talk to its own listener alone, run no script that stands in the page, and be framed by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["HEADERS", "Asset", "status_file"]

_FOLDER = Path(__file__).with_name("status")
_KINDS = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": _POLICY.encode("ascii"),
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""What goes with each file."""


class Asset(NamedTuple):
    """A file of the page: its media type and its bytes."""

    kind: bytes
    body: bytes


@cache
def _files() -> Mapping[str, Asset]:
    return {
        path.name: Asset(_KINDS[path.suffix], path.read_bytes()) for path in _FOLDER.iterdir() if path.suffix in _KINDS
    }


def status_file(name: str) -> Asset | None:
    """The file of that name; None if there is none.  Files are read once."""
    return _files().get(name)
