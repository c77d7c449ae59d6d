# -*- test-case-name: tests.apps.test_modules -*-
"""
Finds the modules of an app: its entry, all that is imported from there, what each import names.

This module decides which modules make up an app and what is wrong with them.  It leaves to
`nano.apps.app_folder` which file a relative import means, to the compiler (nano/runtime/compiler/,
which runs in an isolate and is handed in as a function) how a module becomes a script, and to the
linker inside the app's isolate (nano/runtime/modules.js) whether the imported names exist.

Three rules hold everywhere:

- A module's name is the path of its real file below the app's real folder, with slashes: two ways
  to one file are one module, and nothing outside is ever read, symbolic links included.
- Files are read and names resolved on another thread; only plain values come back.
- What the entry imports statically, directly or not, must be right, and all that is wrong with it
  is reported together.  What only `import()` reaches may be broken: such an import is rejected
  when it is tried.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.filepath import FilePath

from nano.apps.app_folder import KINDS, AppFolder, ModuleKind, UnresolvedError, open_app
from nano.apps.compile_cache import CompileCache
from nano.builtin_modules import ASYNC_CONTEXT
from nano.errors import AppLoadError, Place

__all__ = [
    "AppBundle",
    "AppModule",
    "Compile",
    "CompileCache",
    "GraphError",
    "InThread",
    "ModuleLoader",
]

_REWRITE_AWAITS = json.dumps({"asyncContext": True})
_BUILTIN_SCHEMES = ("node:", "cloudflare:", "nano:")
#: Node's own modules that programs import without the scheme, too.
_NODE_MODULE = re.compile(
    "(assert|async_hooks|buffer|child_process|cluster|console|constants|crypto|dgram|"
    "diagnostics_channel|dns|domain|events|fs|http|http2|https|inspector|module|net|os|path|"
    "perf_hooks|process|punycode|querystring|readline|repl|stream|string_decoder|sys|timers|"
    "tls|trace_events|tty|url|util|v8|vm|wasi|worker_threads|zlib)(/.*)?"
)
_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")

_MAX_APP_BYTES = 256 * 1024 * 1024

#: Compiles a source under a file name, with options in JSON if a third argument is given; fires
#: with what `compile` of nano/runtime/compiler/index.js returns.
Compile = Callable[..., "Deferred[dict[str, Any]]"]

#: Runs a blocking function elsewhere; `deferToThreadPool` with its first two arguments given.
InThread = Callable[..., "Deferred[Any]"]


@dataclass(frozen=True)
class AppModule:
    """
    One module as an isolate takes it.

    Attributes:
        name: path of the file below the app's folder.
        kind: what the file is; "error" for one that only `import()` reaches and that is broken.
        code: the script of a "module"; an expression whose value is the module's function.
        text: the text of a "json" or "text" module, or why it cannot be loaded.
        data: the bytes of a "bytes" or "wasm" module.
        record: what the linker must know of a "module" beside its script (JSON-able).
    """

    name: str
    kind: ModuleKind
    code: str = ""
    text: str = ""
    data: bytes = b""
    record: Mapping[str, Any] = field(default_factory=dict)

    def source(self) -> dict[str, Any]:
        """What `createModuleGraph` of nano/runtime/modules.js takes, its functions aside; JSON."""
        value: str | None = self.text
        if self.kind == "module":
            value = None
        elif self.kind in ("bytes", "wasm"):
            value = base64.b64encode(self.data).decode("ascii")
        return {**self.record, "name": self.name, "kind": self.kind, "value": value}


@dataclass(frozen=True)
class AppBundle:
    """
    All modules of an app.

    Attributes:
        root: the app's real folder.
        entry: name of the module that is evaluated.
        version: hash of everything in the bundle: another text, another version.
        modules: sorted by name.
        warnings: what will fail only if it is ever tried, one line each.
        builtins: names of the runtime's modules that are imported, sorted.
    """

    root: FilePath[str]
    entry: str
    version: str
    modules: tuple[AppModule, ...]
    warnings: tuple[str, ...] = ()
    builtins: tuple[str, ...] = ()


class GraphError(AppLoadError):
    """
    An app whose modules have several mistakes; as a plain `AppLoadError` it stands for the first.
    """

    def __init__(self, errors: Sequence[AppLoadError]) -> None:
        super().__init__(errors[0].detail, errors[0].place)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))

    def __reduce__(self) -> tuple[type[GraphError], tuple[tuple[AppLoadError, ...]]]:  # type: ignore[override]
        return type(self), (self.errors,)


@dataclass
class _Loaded:
    """A module on its way into the bundle."""

    name: str
    kind: ModuleKind = "error"
    content: bytes = b""
    text: str = ""
    compiled: dict[str, Any] | None = None
    key: str = ""
    targets: list[str] = field(default_factory=list)
    dynamic: dict[str, str] = field(default_factory=dict)
    errors: list[AppLoadError] = field(default_factory=list)

    def fail(self, reason: str, line: int = 0, column: int = 0) -> AppLoadError:
        """Note an error; *column* counts UTF-16 units as JavaScript does."""
        error = AppLoadError(reason, self.place(line, column))
        self.errors.append(error)
        return error

    def place(self, line: int, column: int) -> Place:
        lines = _LINE_END.split(self.text)
        if not 1 <= line <= len(lines):
            return Place(self.name, line, column)
        before = lines[line - 1].encode("utf-16-le", "surrogatepass")[: 2 * max(0, column - 1)]
        points = len(before.decode("utf-16-le", "replace"))
        return Place(self.name, line, points + 1, lines[line - 1])

    def finished(self) -> AppModule:
        if self.errors:
            return AppModule(self.name, "error", text="\n".join(map(str, self.errors)))
        if self.kind in ("bytes", "wasm"):
            return AppModule(self.name, self.kind, data=self.content)
        if self.compiled is None:
            return AppModule(self.name, self.kind, text=self.text)
        record = {key: value for key, value in self.compiled.items() if key != "code"}
        record |= {"targets": self.targets, "dynamic": self.dynamic}
        return AppModule(self.name, "module", code=self.compiled["code"], record=record)


class ModuleLoader:
    """
    Reads apps from disk and compiles them.

    Args:
        compile: turns one source into a script (see `Compile`).
        compiler_version: changes whenever *compile* may answer differently.
        in_thread: where the disk is read.
        builtins: names of the modules that the runtime provides; None leaves the check to the
            linker.
        cache: where compiled modules are kept; None compiles every time.
    """

    def __init__(
        self,
        compile: Compile,  # noqa: A002
        compiler_version: str,
        in_thread: InThread,
        builtins: Collection[str] | None = None,
        cache: CompileCache | None = None,
    ) -> None:
        self._compile = compile
        self._compiler_version = compiler_version
        self._in_thread = in_thread
        self._builtins = builtins
        self._cache = cache

    def load(self, path: FilePath[str]) -> Deferred[AppBundle]:
        """
        Load the app in a folder, or the one that begins with a file.

        Returns:
            Fires with the bundle; fails with `AppLoadError`, a `GraphError` if there is more than
            one mistake, or with whatever *compile* fails with.  Cancelling cancels the step at
            work, be it a compilation or a thread's.
        """
        return Deferred.fromCoroutine(self._load(path))

    async def _load(self, path: FilePath[str]) -> AppBundle:
        folder, entry = await self._in_thread(open_app, path)
        graph = _Graph(folder, entry, self._builtins)
        await self._add(graph, [entry])
        if graph.has_computed_imports():
            names = await self._in_thread(folder.importable)
            await self._add(graph, graph.select_computed(names))
        if ASYNC_CONTEXT in graph.builtins:
            await self._rewrite_awaits(graph)
        bundle: AppBundle = await self._in_thread(graph.bundle, self._compiler_version)
        return bundle

    async def _add(self, graph: _Graph, names: list[str]) -> None:
        """Read, compile and resolve *names* and all that they import, one generation at a time."""
        while names:
            generation = await self._in_thread(self._read, graph, names)
            fresh: dict[str, dict[str, Any]] = {}
            for module in generation:
                if module.kind == "module" and module.compiled is None and not module.errors:
                    await self._compile_module(module, fresh)
            if fresh and self._cache is not None:
                await self._in_thread(self._cache.put, fresh)
            names = await self._in_thread(graph.resolve, generation)

    async def _rewrite_awaits(self, graph: _Graph) -> None:
        """
        Compile the modules that wait once more, for asynchronous contexts.

        Whether an app uses them shows when all its imports are known, and most apps do not.
        """
        fresh: dict[str, dict[str, Any]] = {}
        for module in graph.waiting():
            module.key = self._key(module, _REWRITE_AWAITS)
            known = await self._in_thread(self._cache.get, module.key) if self._cache else None
            if known is not None:
                module.compiled = known
            else:
                await self._compile_module(module, fresh, _REWRITE_AWAITS)
        if fresh and self._cache is not None:
            await self._in_thread(self._cache.put, fresh)

    def _key(self, module: _Loaded, *options: str) -> str:
        identity = "\0".join((self._compiler_version, *options, module.name, module.text))
        return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()

    async def _compile_module(self, module: _Loaded, fresh: dict[str, dict[str, Any]], *options: str) -> None:
        try:
            result = await self._compile(module.text, module.name, *options)
        except AppLoadError as refusal:
            module.fail(refusal.detail)
            return
        if error := result.get("error"):
            module.fail(f"SyntaxError: {error['message']}", error["line"], error["column"])
        else:
            module.compiled = fresh[module.key] = result

    def _read(self, graph: _Graph, names: list[str]) -> list[_Loaded]:
        """Blocks: read *names*, and take from the cache what was compiled before."""
        generation = graph.read(names)
        for module in generation:
            if module.kind == "module" and not module.errors:
                module.key = self._key(module)
                module.compiled = self._cache.get(module.key) if self._cache else None
        return generation


class _Graph:
    """
    The modules of one app found so far.  Methods block and are called by one thread at a time.
    """

    def __init__(self, folder: AppFolder, entry: str, builtins: Collection[str] | None) -> None:
        self._folder = folder
        self._entry = entry
        self._builtins = builtins
        self._modules: dict[str, _Loaded] = {}
        self._bytes = 0
        self._warnings: list[str] = []
        #: The built-in modules that are imported.
        self.builtins: set[str] = set()

    def read(self, names: Iterable[str]) -> list[_Loaded]:
        """Read files that are not known yet."""
        generation = []
        for name in names:
            module = self._modules[name] = _Loaded(name)
            generation.append(module)
            try:
                self._fill(module)
            except AppLoadError as error:
                module.errors.append(error)
        return generation

    def _fill(self, module: _Loaded) -> None:
        suffix = os.path.splitext(module.name)[1]
        if suffix not in KINDS:
            module.fail(f"Files ending in '{suffix}' cannot be imported: bundle the app")
            return
        module.kind = KINDS[suffix]
        module.content = self._folder.read(module.name)
        self._bytes += len(module.content)
        if self._bytes > _MAX_APP_BYTES:
            msg = f"The app is larger than {_MAX_APP_BYTES // 2**20} MB"
            raise AppLoadError(msg, Place(module.name))
        if module.kind not in ("bytes", "wasm"):
            self._decode(module)

    def _decode(self, module: _Loaded) -> None:
        try:
            module.text = module.content.decode("utf-8-sig")
            if module.kind == "json":
                json.loads(module.text, parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            line = module.content.count(b"\n", 0, error.start) + 1
            module.fail("The file is not UTF-8", line)
        except json.JSONDecodeError as error:
            module.fail(f"The file is not JSON: {error.msg}", error.lineno, error.colno)
        except (ValueError, RecursionError) as error:
            module.fail(f"The file is not JSON: {error}")

    def resolve(self, generation: Sequence[_Loaded]) -> list[str]:
        """Find out what the imports of *generation* name; returns the modules not known yet."""
        wanted: dict[str, None] = {}
        for module in generation:
            if module.compiled is None:
                continue
            for request in module.compiled["requests"]:
                target = self._target(module, request)
                module.targets.append(target or "")
                if target is not None:
                    wanted[target] = None
            for call in module.compiled["dynamic"]:
                target = self._dynamic_target(module, call)
                if target is not None:
                    module.dynamic[call["specifier"]] = target
                    wanted[target] = None
        builtins = {name for name in wanted if self._is_builtin(name)}
        self.builtins |= builtins
        return [name for name in wanted if name not in self._modules and name not in builtins]

    def waiting(self) -> list[_Loaded]:
        """The compiled modules that may hold an `await`."""
        return [module for module in self._modules.values() if module.compiled is not None and module.compiled["waits"]]

    def _target(self, module: _Loaded, request: Mapping[str, Any]) -> str | None:
        try:
            target = self._resolve(module.name, request["specifier"])
            self._check_type(target, request["type"])
        except UnresolvedError as error:
            module.fail(str(error), request["line"], request["column"])
            return None
        return target

    def _dynamic_target(self, module: _Loaded, call: Mapping[str, Any]) -> str | None:
        if call["specifier"] is None:
            return None
        try:
            return self._resolve(module.name, call["specifier"])
        except UnresolvedError as error:
            place = module.place(call["line"], call["column"])
            self._warnings.append(f"{place}: import() will be rejected: {error}")
            return None

    def _resolve(self, importer: str, specifier: str) -> str:
        if specifier.startswith(("./", "../")) or specifier in (".", ".."):
            return self._folder.resolve(importer, specifier)
        if self._is_builtin(specifier):
            return specifier
        if _NODE_MODULE.fullmatch(specifier):
            return self._resolve(importer, f"node:{specifier}")
        raise UnresolvedError(self._refusal(importer, specifier))

    def _is_builtin(self, name: str) -> bool:
        if self._builtins is None:
            return name.startswith(_BUILTIN_SCHEMES)
        return name in self._builtins

    def _refusal(self, importer: str, specifier: str) -> str:
        """Why a specifier that is not relative cannot be imported."""
        if specifier.startswith(_BUILTIN_SCHEMES):
            return f"The built-in module '{specifier}' is not there"
        if specifier.startswith("/"):
            return f"'{specifier}' leaves the app's folder: imports of files are relative"
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", specifier):
            return f"'{specifier}' cannot be imported: only the app's own files can"
        try:
            self._folder.resolve(importer, f"./{specifier}")
        except UnresolvedError:
            return f"The package '{specifier}' is not there: bundle it (for example with esbuild)"
        return f"The package '{specifier}' is not there: did you mean './{specifier}'?"

    def _check_type(self, target: str, wanted: str | None) -> None:
        kind = KINDS.get(os.path.splitext(target)[1])
        if wanted is not None and kind is not None and wanted != kind:
            raise UnresolvedError(f"The file '{target}' cannot be imported with type '{wanted}'")

    def has_computed_imports(self) -> bool:
        """Whether some module imports what is known at run time only."""
        return any(
            call["specifier"] is None
            for module in self._modules.values()
            if module.compiled is not None
            for call in module.compiled["dynamic"]
        )

    def select_computed(self, names: list[str] | None) -> list[str]:
        """Of the folder's importable files, those to add for computed imports."""
        if names is None:
            self._warnings.append("computed import() finds only what is imported elsewhere: the folder is too large")
            return []
        return [name for name in names if name not in self._modules]

    def bundle(self, compiler_version: str) -> AppBundle:
        """
        The bundle of all modules.

        Raises:
            AppLoadError: when something is wrong with a module that the entry needs.
        """
        required = self._required()
        errors = [error for name in required for error in self._modules[name].errors]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise GraphError(errors)
        for name, module in self._modules.items():
            if name not in required:
                self._warnings.extend(str(error).split("\n", 1)[0] for error in module.errors)
        modules = tuple(self._modules[name].finished() for name in sorted(self._modules))
        version = self._version(compiler_version)
        builtins = tuple(sorted(self.builtins))
        return AppBundle(self._folder.root, self._entry, version, modules, tuple(self._warnings), builtins)

    def _required(self) -> list[str]:
        """What the entry imports statically, in the order of its discovery."""
        required = {self._entry: None}
        queue = [self._entry]
        for name in queue:
            for target in self._modules[name].targets:
                if target in self._modules and target not in required:
                    required[target] = None
                    queue.append(target)
        return list(required)

    def _version(self, compiler_version: str) -> str:
        digest = hashlib.sha256(f"{compiler_version}\0{self._entry}\0".encode())
        for name in sorted(self._modules):
            content = hashlib.sha256(self._modules[name].content).hexdigest()
            digest.update(f"{name}\0{content}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
