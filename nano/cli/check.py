# -*- test-case-name: tests.cli.test_check -*-
"""
`nano check`: whether a configuration could be served, and its apps' modules compile.

The configuration is read as a daemon reads it.  The apps are compiled, all of them and every module that they import,
but none of their code runs.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nano.cli.problems import as_objects, print_problems
from nano.config import Config, check_config
from nano.errors import AppLoadError, ConfigError, NanoError, Problem
from nano.tap import summary

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

__all__ = ["check"]


def check(options: Namespace) -> int:
    """`nano check`; the exit code."""
    config: Config | None = None
    problems: Sequence[Problem] = ()
    try:
        config = check_config(options.file)
    except ConfigError as error:
        problems = error.problems
    if config is not None and config.apps and not options.config_only:
        problems = _app_problems(config)
    if options.json:
        print(json.dumps(_report(options.file, config, problems), indent=2))
        return 1 if problems else 0
    if config is None or problems:
        return print_problems(problems)
    print(summary(options.file, config))
    return 0


def _report(file: str, config: Config | None, problems: Sequence[Problem]) -> dict[str, Any]:
    report: dict[str, Any] = {"file": file, "ok": not problems, "problems": as_objects(problems)}
    if config is not None:
        report["apps"] = [app.name for app in config.apps]
        report["listen"] = list(config.listen)
        report["workers"] = config.workers
    return report


def _app_problems(config: Config) -> list[Problem]:
    """Why apps could not be loaded."""
    from twisted.internet import reactor

    from nano.cli.running import run_to_end

    found: list[Problem] = []

    async def compile_all() -> int:
        await _compile(reactor, config, found)
        return 0

    def start() -> Deferred[int]:
        from twisted.internet.defer import Deferred

        return Deferred.fromCoroutine(compile_all())

    if run_to_end(reactor, start):
        raise KeyboardInterrupt
    return found


async def _compile(reactor: Any, config: Config, found: list[Problem]) -> None:
    from twisted.python.filepath import FilePath

    from nano.apps.modules import GraphError
    from nano.bundle import read_bundle
    from nano.engine.compiler import ModuleCompiler
    from nano.service import make_loader

    compiler = ModuleCompiler(reactor, read_bundle("compiler.js"))
    loader = make_loader(reactor, compiler, None)
    try:
        for app in config.apps:
            try:
                bundle = await loader.load(FilePath(app.path))
            except GraphError as error:
                found += [_app_problem(app.name, app.path, each) for each in error.errors]
            except NanoError as error:
                found.append(_app_problem(app.name, app.path, error))
            else:
                for warning in bundle.warnings:
                    print(f"app {app.name}: {warning}", file=sys.stderr)
    finally:
        compiler.stop()


def _app_problem(name: str, path: str, error: NanoError) -> Problem:
    """With the file as whoever runs the command finds it."""
    place = error.place if isinstance(error, AppLoadError) else None
    if place is not None:
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        place = replace(place, file=os.path.relpath(os.path.join(folder, place.file)))
    return Problem(error.detail or error.message, f"app {name}", place)
