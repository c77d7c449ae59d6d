# -*- test-case-name: tests.test_imports -*-
"""
Who may import whom: the sources are parsed, nothing of nano is imported.

The layers, from right to left::

    the front doors -> service -> the rooms -> the foundation

Rooms never import one another; they meet in ``service``.  What two of them share moves to the
foundation.  An import inside of a function counts like any other: it is only put off.  One for
type checkers alone counts where the direction is concerned, and not where it is what runs that
matters.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent

FRONT_DOORS = frozenset({"cli", "repl", "scaffold", "script", "systemd", "tap", "worker"})
ROOMS = frozenset({"admin", "apps", "engine", "http", "ops", "supervisor"})
FOUNDATION = frozenset(
    {
        "addresses",
        "builtin_modules",
        "bundle",
        "config",
        "config_check",
        "errors",
        "exchange",
        "interfaces",
        "json_text",
        "settings",
    }
)

# Decisions without I/O: these and what they import touch neither the reactor nor V8.
PURE = frozenset(
    {f"nano.{name}" for name in FOUNDATION}
    | {
        "nano.apps.registry",
        "nano.engine.records",
        "nano.http.decoding",
        "nano.http.egress",
        "nano.http.forwarded",
        "nano.http.headers",
        "nano.supervisor.quarantine",
    }
)

# Importing Klein installs a reactor; so it counts as one.
IMPURE = ("twisted.internet.reactor", "py_mini_racer", "klein")

# Name of something outside -> the modules that may import it, with all that is below them.
CONFINED = {
    "py_mini_racer": ("nano.engine.v8",),
    "klein": ("nano.admin", "nano.http.resource"),
    "twisted.web.server": ("nano.admin", "nano.http.resource"),
    # What embedders make, AppResource and NanoService, takes the global reactor if given none.
    "twisted.internet.reactor": ("nano.cli", "nano.tap", "nano.worker", "nano.http.resource", "nano.service"),
}

# Of distributions: the packages that they stand for, where that is not one of the same name.
IMPORT_NAMES = {
    "mini_racer": {"py_mini_racer"},
    "pyopenssl": {"OpenSSL"},
    # The two are one, released as two: each pydantic wants its own version of the core.
    "pydantic": {"pydantic", "pydantic_core"},
}


@dataclass(frozen=True)
class Module:
    """
    One Python source of ours.
    """

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        """
        The source.
        """
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """
        The source, parsed.
        """
        return ast.parse(self.text, str(self.path))

    @property
    def is_package(self) -> bool:
        """
        Whether this is the ``__init__`` of a folder.
        """
        return self.path.name == "__init__.py"

    @cached_property
    def imports(self) -> frozenset[str]:
        """
        Every dotted name that is imported, wherever in the source.

        ``from a import b`` yields ``a`` and ``a.b``: what ``b`` is, the source does not say.
        """
        return frozenset(_imported(ast.walk(self.tree)))

    @cached_property
    def run_time_imports(self) -> frozenset[str]:
        """
        The same, but for what stands below ``if TYPE_CHECKING``.
        """
        return frozenset(_imported(_walk_run_time(self.tree)))


def _walk_run_time(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=otherwise):
            children: Iterable[ast.AST] = otherwise
        case _:
            children = ast.iter_child_nodes(node)
    for child in children:
        yield from _walk_run_time(child)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, "relative imports are not used here"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def modules() -> dict[str, Module]:
    """
    Every module of the package by its dotted name.
    """
    found = {}
    for path in sorted(Path(ROOT, "nano").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "node_modules" not in parts:
            name = ".".join(parts).removesuffix(".__init__")
            found[name] = Module(name, path)
    return found


def layer_of(name: str) -> str:
    """
    The part of nano that a dotted name below ``nano`` belongs to: its first folder or module.
    """
    return name.split(".")[1]


def is_below(name: str, prefix: str) -> bool:
    """
    Whether *name* is *prefix* or something in it.
    """
    return name == prefix or name.startswith(f"{prefix}.")


def own_imports(names: Iterable[str]) -> set[str]:
    """
    The modules of ours among what a module imports.
    """
    return {name for name in names if name in modules() and name != "nano"}


def allowed_layers(layer: str) -> frozenset[str]:
    """
    What a module of *layer* may import, its own layer included.
    """
    if layer in FRONT_DOORS:
        return FOUNDATION | ROOMS | FRONT_DOORS | {"service"}
    if layer == "service":
        return FOUNDATION | ROOMS | {"service"}
    if layer in ROOMS:
        return FOUNDATION | {layer}
    return FOUNDATION


def reach(name: str) -> set[str]:
    """
    *name* and all modules of ours that run with it, since it imports them, directly or not.
    """
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += own_imports(modules()[current].run_time_imports)
    return seen


class LayerTests(SynchronousTestCase):
    """
    The direction of imports.
    """

    maxDiff = None

    def test_every_module_has_a_layer(self) -> None:
        """A new top-level module has to be put into one of the layers above."""
        known = FRONT_DOORS | ROOMS | FOUNDATION | {"service"}
        found = {layer_of(name) for name in modules() if name != "nano"}
        self.assertEqual(found - known, set())

    def test_direction(self) -> None:
        """A module imports from its own layer and from those to its right, never sideways."""
        wrong = [
            f"{module.name} imports {name}"
            for module in modules().values()
            if module.name != "nano"
            for name in sorted(own_imports(module.imports))
            if layer_of(name) not in allowed_layers(layer_of(module.name))
        ]
        self.assertEqual(wrong, [])

    def test_no_cycles(self) -> None:
        """No module imports itself by way of others."""
        cycles = [
            name
            for name, module in modules().items()
            if any(name in reach(other) for other in own_imports(module.run_time_imports))
        ]
        self.assertEqual(cycles, [])

    def test_package_imports_nothing(self) -> None:
        """``import nano`` costs nothing: the package holds its docstring and its version."""
        self.assertEqual(modules()["nano"].imports, frozenset())

    def test_plugin_imports_nothing(self) -> None:
        """twistd imports the plugin at each start of any program, so it imports no part of nano."""
        plugin = Module("plugin", ROOT / "twisted" / "plugins" / "nano_plugin.py")
        self.assertLessEqual(
            plugin.imports,
            {
                "__future__",
                "__future__.annotations",
                "twisted.application.service",
                "twisted.application.service.ServiceMaker",
            },
        )


class PurityTests(SynchronousTestCase):
    """
    What may touch the world.
    """

    maxDiff = None

    def test_pure_modules(self) -> None:
        """A pure module, and all that it imports, is free of the reactor, of Klein and of V8."""
        wrong = [
            f"{name} imports {outside}, by way of {other}"
            for name in sorted(PURE & modules().keys())
            for other in sorted(reach(name))
            for outside in sorted(modules()[other].run_time_imports)
            if any(is_below(outside, impure) for impure in IMPURE)
        ]
        self.assertEqual(wrong, [])

    def test_pure_modules_import_pure_modules(self) -> None:
        """What a pure module imports of ours is on the list of pure modules itself."""
        wrong = [
            f"{name} imports {other}"
            for name in sorted(PURE & modules().keys())
            for other in sorted(own_imports(modules()[name].run_time_imports) - PURE)
        ]
        self.assertEqual(wrong, [])

    def test_confined(self) -> None:
        """V8, Klein, the server of twisted.web and the global reactor each have their place."""
        wrong = [
            f"{module.name} imports {confined}"
            for confined, places in CONFINED.items()
            for module in modules().values()
            if any(is_below(name, confined) for name in module.imports)
            and not any(is_below(module.name, place) for place in places)
        ]
        self.assertEqual(wrong, [])

    def test_bundle_has_one_reader(self) -> None:
        """``nano/runtime`` is data, and one module alone reads it."""
        wrong = [
            f"{module.name} mentions {node.value!r}"
            for module in modules().values()
            if module.name != "nano.bundle"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant) and node.value in ("runtime", "dist", "runtime/dist")
        ]
        self.assertEqual(wrong, [])

    def test_dependencies_are_declared(self) -> None:
        """Whatever is imported from elsewhere stands in setup.py; nothing comes by accident."""
        declared = {"nano"}.union(*(IMPORT_NAMES.get(name, {name}) for name in _declared()))
        found = {name.split(".")[0] for module in modules().values() for name in module.imports}
        # "compression" is in the standard library from Python 3.14 on.
        self.assertEqual(found - {*sys.stdlib_module_names, "compression"} - declared, set())


class FormTests(SynchronousTestCase):
    """
    What each module begins with.
    """

    maxDiff = None

    def test_docstring(self) -> None:
        """Each module says what it decides."""
        silent = [name for name, module in modules().items() if _has_code(module)]
        silent = [name for name in silent if not ast.get_docstring(modules()[name].tree)]
        self.assertEqual(silent, [])

    def test_all(self) -> None:
        """Each module lists its public names, and defines each of them."""
        self.assertEqual([name for name in _written() if not _exports(modules()[name])], [])
        undefined = [
            f"{name}: {export}"
            for name in _written()
            for export in _exports(modules()[name])
            if export not in _defined(modules()[name])
        ]
        self.assertEqual(undefined, [])

    def test_names_its_tests(self) -> None:
        """The first line of each module names a module of tests that is there."""
        wrong = []
        for name in _written():
            first = modules()[name].text.partition("\n")[0]
            match = re.fullmatch(r"# -\*- test-case-name: (tests(?:\.\w+)+) -\*-", first)
            if match is None or not _is_there(match[1]):
                wrong.append(f"{name}: {first}")
        self.assertEqual(wrong, [])

    def test_folders_are_packages(self) -> None:
        """A folder with modules has an ``__init__``: without it, no wheel would contain it."""
        folders = {module.path.parent for module in modules().values()}
        self.assertEqual([f for f in folders if not Path(f, "__init__.py").exists()], [])

    def test_folders_of_tests_are_packages(self) -> None:
        """A folder with tests has an ``__init__``: without it, trial would pass it over."""
        folders = {path.parent for path in Path(ROOT, "tests").rglob("test_*.py")}
        self.assertEqual([f for f in folders if not Path(f, "__init__.py").exists()], [])

    def test_length(self) -> None:
        """A module stays near 500 lines: a longer one has a seam."""
        long = [n for n, module in modules().items() if module.text.count("\n") > 600]
        self.assertEqual(long, [])


def _has_code(module: Module) -> bool:
    return bool(module.text.strip())


def _written() -> list[str]:
    """
    The modules that hold code: not the package itself, nor an empty ``__init__``.
    """
    return [name for name, module in modules().items() if name != "nano" and _has_code(module)]


def _exports(module: Module) -> list[str]:
    for node in module.tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name("__all__")], value=value)
                | ast.AnnAssign(target=ast.Name("__all__"), value=ast.expr() as value)
            ):
                names: list[str] = ast.literal_eval(value)
                return names
    return []


def _defined(module: Module) -> set[str]:
    """
    The names bound at the top level of a module, also below an ``if``.
    """
    found: set[str] = set()
    waiting: list[ast.stmt] = list(module.tree.body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.If():
                waiting += [*node.body, *node.orelse]
            case ast.Try():
                waiting += [*node.body, *node.orelse, *(s for h in node.handlers for s in h.body)]
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.Import() | ast.ImportFrom():
                found |= {alias.asname or alias.name for alias in node.names}
            case ast.Assign():
                found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            case ast.AnnAssign(target=ast.Name(name)):
                found.add(name)
    return found


def _is_there(dotted: str) -> bool:
    """
    Whether there is such a module, or such a class in a module.
    """
    path = ROOT.joinpath(*dotted.split("."))
    if path.with_suffix(".py").is_file():
        return True
    module = path.parent.with_suffix(".py")
    return module.is_file() and f"\nclass {path.name}(" in module.read_text("utf-8")


def _declared() -> set[str]:
    """
    What ``setup.py`` requires at run time, under names like those of modules.
    """
    for node in ast.parse(Path(ROOT, "setup.py").read_text("utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name("INSTALL_REQUIRES")], value=value):
                names = [re.split(r"[^\w-]", item)[0] for item in ast.literal_eval(value)]
                return {name.replace("-", "_") for name in names}
    raise LookupError("setup.py assigns nothing to INSTALL_REQUIRES")
