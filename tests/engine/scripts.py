# -*- test-case-name: tests.engine -*-
"""
Scripts for isolates in tests: single modules of nano/runtime, and apps, compiled by the product's own compiler.
"""

from __future__ import annotations

import atexit
import json
import posixpath
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from twisted.internet.defer import execute, succeed
from twisted.python.filepath import FilePath

from nano.apps.modules import ModuleLoader
from nano.apps.program import make_program
from nano.bundle import read_bundle
from nano.config import AppConfig, Surroundings, parse_app
from nano.engine.v8 import V8Function
from nano.interfaces import IsolateProgram

__all__ = ["app_config", "app_program", "compile_module", "link", "runtime_modules", "runtime_source"]

#: A wheel holds the bundle alone; the modules lie in the checkout that has these tests.
_RUNTIME = Path(__file__).parents[2] / "nano" / "runtime"

_LINKED = """
(() => {
  const run = (generator, imports) => {
    let exported;
    const environment = { __proto__: null, 0: (getters) => { exported = getters } };
    for (const [local, from, name] of imports) Object.defineProperty(environment, local, { get: () => from[name]() });
    const body = generator.call(undefined, environment);
    body.next(), body.next();
    return exported;
  };
  const modules = {};
  %s
  return (%s)((module, name) => modules[module][name]());
})()
"""


@cache
def _compiler() -> V8Function:
    compiler = V8Function(read_bundle("compiler.js"), 2**30)
    atexit.register(compiler.free)
    return compiler


@cache
def compile_module(source: str, filename: str, options: str = "") -> dict[str, Any]:
    """What the module compiler says of a source; blocks."""
    result: dict[str, Any] = json.loads(_compiler()(source, filename, options))
    return result


def link(names: tuple[str, ...], entry: str) -> str:
    """
    A script of some modules of the runtime and of what they import.

    Args:
        names: "records.js" and so on.
        entry: a JavaScript function that is called with `get(module, name)`; what it returns is the script's value.
    """
    return _LINKED % ("\n".join(map(_linked_module, _in_order(names, []))), entry)


def _in_order(names: Iterable[str], ordered: list[str]) -> list[str]:
    for name in names:
        if name not in ordered:
            _in_order(_targets(name), ordered)
            ordered.append(name)
    return ordered


def _targets(name: str) -> list[str]:
    requests = compile_module(runtime_source(name), name)["requests"]
    return [posixpath.normpath(posixpath.join(posixpath.dirname(name), request["specifier"])) for request in requests]


def runtime_modules() -> list[str]:
    """The names of the runtime's modules, those in folders aside."""
    return sorted(path.name for path in _RUNTIME.glob("*.js"))


def runtime_source(name: str) -> str:
    """The text of a module of the runtime."""
    return (_RUNTIME / name).read_text("utf-8")


@cache
def _linked_module(name: str) -> str:
    compiled = compile_module(runtime_source(name), name)
    targets = _targets(name)
    imports = ", ".join(
        f"[{json.dumps(local)}, modules[{json.dumps(targets[at])}], {json.dumps(imported)}]"
        for local, at, imported, *_ in compiled["imports"]
    )
    code = compiled["code"].partition("\n//# sourceURL")[0]
    return f"modules[{json.dumps(name)}] = run({code}, [{imports}]);"


def app_config(**keys: Any) -> AppConfig:
    """An app's configuration, named "app" unless said otherwise."""
    return parse_app({"name": "app", "path": "/nowhere", **keys}, Surroundings("/", {}, _no_file))


def _no_file(path: str) -> str:
    raise FileNotFoundError(path)


def app_program(files: str | Mapping[str, str], folder: str, **keys: Any) -> IsolateProgram:
    """
    What an isolate is loaded with to run an app.

    Args:
        files: its index.js, or all its files.
        folder: a path that does not exist yet.
        keys: for `app_config`.
    """
    root = FilePath(folder)
    for name, text in ({"index.js": files} if isinstance(files, str) else files).items():
        path = root.preauthChild(name)
        path.parent().makedirs(ignoreExistingDirectory=True)
        path.setContent(text.encode())
    loader = ModuleLoader(lambda *given: succeed(compile_module(*given)), "1", execute)
    programs: list[IsolateProgram] = []
    config = app_config(**keys)
    loading = loader.load(root).addCallback(lambda bundle: programs.append(make_program(bundle, config)))
    failures: list[Any] = []
    loading.addErrback(failures.append)
    if failures:
        failures[0].raiseException()
    return programs[0]
