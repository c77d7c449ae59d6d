# -*- test-case-name: tests.test_builtin_modules -*-
"""
The modules that apps import by name: the runtime's own, and Node's, of which each is a script of the package build.

An isolate gets the scripts of those that its app imports, and of what these need; see nano/runtime/builtin_modules.js.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from nano.bundle import read_bundle

__all__ = ["ASYNC_CONTEXT", "builtin_names", "node_script", "with_requirements"]

#: The module whose importers need their `await` rewritten.
ASYNC_CONTEXT = "node:async_hooks"
#: What every isolate has.
_OWN = ("cloudflare:workers", "nano:script")


@cache
def _modules() -> dict[str, dict[str, Any]]:
    modules: dict[str, dict[str, Any]] = json.loads(read_bundle("builtins.json"))
    return modules


def builtin_names() -> frozenset[str]:
    """All names that are no files of the app's."""
    return frozenset([*_OWN, *_modules()])


def with_requirements(names: Iterable[str]) -> list[str]:
    """Those of *names* that are modules of Node, and all that they need, each behind what it needs."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        if name in _modules() and name not in found:
            for required in _modules()[name]["requires"]:
                add(required)
            found[name] = None

    for name in names:
        add(name)
    return list(found)


def node_script(name: str) -> str:
    """The script of a module of Node; its value is a function."""
    script: str = _modules()[name]["script"]
    return script
