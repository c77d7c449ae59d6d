# -*- test-case-name: tests.apps.test_program -*-
"""
From an app's files and its configuration to what an isolate is loaded with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from nano.apps.modules import AppBundle
from nano.builtin_modules import ASYNC_CONTEXT, builtin_names, node_script, with_requirements
from nano.config import AppConfig, as_json, reveal
from nano.interfaces import IsolateProgram

__all__ = ["make_program", "make_repl_program"]


def make_program(bundle: AppBundle, config: AppConfig, script_args: Sequence[str] | None = None) -> IsolateProgram:
    """
    What an isolate needs to run the app; nano/runtime/load.js says what its value holds.

    Args:
        bundle: its modules.
        config: its env, its limits.
        script_args: given for a script, which needs no handler: what `nano:script` exports as `args`.
    """
    builtins = with_requirements(bundle.builtins)
    value = {
        "script": None if script_args is None else list(script_args),
        "modules": [module.source() for module in bundle.modules],
        "builtins": builtins,
        "entry": bundle.entry,
        "env": reveal(config.env),
        "globals": script_args is None and _in_service_worker_style(bundle),
        "userAgent": config.user_agent,
        "maxBuffer": config.max_buffer_size,
    }
    node = [_script(name, node_script(name)) for name in builtins]
    own = [_script(module.name, module.code) for module in bundle.modules if module.kind == "module"]
    version = _version(bundle, config)
    return IsolateProgram((*node, *own), value, (), config.memory, version, config.max_buffer_size)


def make_repl_program(memory: int) -> IsolateProgram:
    """
    What an isolate needs for people to type into its global scope: no app, but every module that needs no file.

    Args:
        memory: its limit, in bytes.
    """
    # What is typed is compiled without a thought for asynchronous contexts: they would get lost at each await.
    builtins = with_requirements(sorted(builtin_names() - {ASYNC_CONTEXT}))
    value: dict[str, Any] = {
        "modules": [],
        "builtins": builtins,
        "entry": None,
        "env": {},
        "globals": False,
        "userAgent": AppConfig("repl", "").user_agent,
        "repl": True,
    }
    return IsolateProgram(tuple(_script(name, node_script(name)) for name in builtins), value, (), memory)


def _version(bundle: AppBundle, config: AppConfig) -> str:
    identity = json.dumps([bundle.version, as_json(config, secrets=True)], sort_keys=True)
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _script(name: str, code: str) -> str:
    # On the first line and without a line break, so that the lines stay the author's.
    return f'globalThis["nano:define"][{json.dumps(name)}]={code}'


def _in_service_worker_style(bundle: AppBundle) -> bool:
    """Whether the entry exports no handler, so that it must listen to events, and finds env in its global scope."""
    (entry,) = (module for module in bundle.modules if module.name == bundle.entry)
    names = {name for name, *_ in (*entry.record.get("exports", ()), *entry.record.get("reexports", ()))}
    return "default" not in names
