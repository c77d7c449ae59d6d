# -*- test-case-name: tests.test_bundle -*-
"""
The JavaScript that the package build made: the runtime, its chunks, the module compiler.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from nano.errors import EngineError

__all__ = ["read_bundle"]


@cache
def read_bundle(name: str) -> str:
    """
    The text of a file below nano/runtime/dist, for example "runtime.js".

    Raises:
        EngineError: when the package was not built.
    """
    try:
        return (resources.files("nano") / "runtime" / "dist" / name).read_text("utf-8")
    except FileNotFoundError as error:
        msg = f"nano/runtime/dist/{name} is missing: the package was not built; run `pip install .`"
        raise EngineError(msg) from error
