# -*- test-case-name: tests.test_config -*-
"""
Everything that is wrong with an app.json, in one go and in words; pure.

Each object is checked by the declarations in `nano.settings`: `defaults` once, then each app
merged with what is sound of them, so that one mistake is reported once.  What no single object
can tell comes last: names, host names, ports.  What pydantic finds is worded anew here, for
people who have never heard of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, ValidationError

from nano.addresses import canonical_hostname
from nano.errors import Problem
from nano.json_text import Document, JsonPath, dotted, place_at
from nano.settings import (
    AdminConfig,
    AppConfig,
    Config,
    LimitsConfig,
    LogConfig,
    Overrides,
    Surroundings,
    adapter,
)

__all__ = ["SECTIONS", "Reading", "merged_app", "read_override"]

SECTIONS: dict[str, type] = {"admin": AdminConfig, "limits": LimitsConfig, "log": LogConfig}
"""The keys of app.json that hold an object of keys, except for the apps."""

_VARIABLES = {"port": "NANO_PORT", "workers": "NANO_WORKERS", "log_format": "NANO_LOG_FORMAT"}
_EXPECTED = {
    "int_type": "a whole number",
    "string_type": "a string",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "an object",
    "mapping_type": "an object",
    "dataclass_type": "an object",
}
_T = TypeVar("_T")


class Reading:
    """
    One document on its way to a `Config`; collects the problems found.
    """

    def __init__(self, document: Document, file: str, around: Surroundings) -> None:
        self.document, self.file, self.around = document, file, around
        self.problems: list[Problem] = []

    def ordered_problems(self) -> list[Problem]:
        """As they stand in the file."""
        return sorted(self.problems, key=lambda p: (p.place.line, p.place.column) if p.place else (0, 0))

    def problem(self, path: JsonPath, reason: str, at_key: bool = False) -> None:
        place = self.document.locate(self.file, path, at_key) if self.document.text else None
        self.problems.append(Problem(reason, dotted(path), place))

    def is_a(self, kind: type, expected: str, value: object, path: JsonPath) -> bool:
        if not isinstance(value, kind):
            self.problem(path, f"must be {expected}, not {_json_type(value)}")
            return False
        return True

    def config(self, overrides: Overrides) -> Config | None:
        self.duplicates()
        raw = self.document.value
        overrides = self.with_environment(overrides)
        if not self.is_a(dict, "an object", raw, ()):
            return None
        raw = cast("dict[str, Any]", raw)
        self.listeners(raw, overrides)
        config = self.validated(Config, {key: raw[key] for key in raw if key not in ("apps", "defaults")}, ())
        defaults = self.defaults(raw.get("defaults", {}))
        apps = self.apps(raw.get("apps", []), defaults, _names(raw.get("defaults")))
        if config is None:
            return None
        if "format" not in (raw.get("log") or {}):
            config = replace(config, log=replace(config.log, format=self.around.log_format))
        return _overridden(replace(config, defaults=defaults, apps=apps), overrides)

    def duplicates(self) -> None:
        for path, offset in self.document.duplicates:
            reason = "the same key is given more than once"
            place = place_at(self.file, self.document.text, offset)
            self.problems.append(Problem(reason, dotted(path), place))

    def with_environment(self, overrides: Overrides) -> Overrides:
        """What options do not say, from the environment."""
        found: dict[str, Any] = {}
        for key, variable in _VARIABLES.items():
            text = self.around.environ.get(variable)
            if text and getattr(overrides, key) is None:
                try:
                    found[key] = read_override(key, text)
                except ValueError as error:
                    self.problems.append(Problem(f"environment variable {variable}: {error}"))
        return replace(overrides, **found)

    def listeners(self, raw: dict[str, Any], overrides: Overrides) -> None:
        port, listen = raw.get("port"), raw.get("listen")
        if port is not None and listen is not None:
            self.problem(("listen",), "port and listen exclude each other", at_key=True)
        if "interface" in raw and port is None and overrides.port is None:
            self.problem(("interface",), "goes with port only", at_key=True)
        if port is None and listen is None and overrides.port is None:
            self.problem((), 'nothing to listen on: add "port": 8080 (or "listen", or NANO_PORT)')

    def defaults(self, raw: object) -> dict[str, Any]:
        """What is sound of `defaults`."""
        if not self.is_a(dict, "an object", raw, ("defaults",)):
            return {}
        sound = dict(cast("dict[str, Any]", raw))
        for path in self.check(AppConfig, {"name": "app", "path": ".", **sound}, ("defaults",)):
            if path[:1] == ("env",) and len(path) > 1 and isinstance(sound.get("env"), dict):
                sound["env"] = {key: sound["env"][key] for key in sound["env"] if key != path[1]}
            elif path:
                sound.pop(cast(str, path[0]), None)
        return sound

    def apps(self, raw: object, defaults: dict[str, Any], defaulted: frozenset[str]) -> tuple[AppConfig, ...]:
        if not self.is_a(list, "a list", raw, ("apps",)):
            return ()
        merged: dict[int, dict[str, Any]] = {}
        found: list[AppConfig] = []
        for index, value in enumerate(cast("list[Any]", raw)):
            if self.is_a(dict, "an object", value, ("apps", index)):
                merged[index] = merged_app(defaults, value)
                app = self.app(merged[index], ("apps", index), defaulted)
                found += [app] if app else []
        self.names(merged)
        self.hostnames(merged)
        return tuple(found)

    def app(self, merged: dict[str, Any], base: JsonPath, defaulted: frozenset[str]) -> AppConfig | None:
        app = self.validated(AppConfig, merged, base, defaulted)
        reason = self.around.app_problem(app.path) if app else None
        if reason:
            self.problem((*base, "path"), reason)
        return app

    def names(self, apps: dict[int, dict[str, Any]]) -> None:
        owners: dict[str, int] = {}
        for index, app in apps.items():
            name = app.get("name")
            if isinstance(name, str) and owners.setdefault(name, index) != index:
                reason = f"the name is taken by apps[{owners[name]}]"
                self.problem(("apps", index, "name"), reason)

    def hostnames(self, apps: dict[int, dict[str, Any]]) -> None:
        owners: dict[str, int] = {}
        for index, app in apps.items():
            for path, host in _claims(app):
                owner = owners.setdefault(host, index)
                name, other = app.get("name"), apps[owner].get("name")
                if owner != index and (path != ("name",) or name != other):
                    reason = f"app {name!r} claims {host!r}, as does app {other!r} (apps[{owner}])"
                    self.problem(("apps", index, *path), reason)

    # --- one object ---

    def validated(
        self,
        kind: type[_T],
        raw: dict[str, Any],
        base: JsonPath,
        not_missing: frozenset[str] = frozenset(),
    ) -> _T | None:
        """The object, or None if it has problems, which are noted."""
        if self.check(kind, raw, base, not_missing):
            return None
        return cast(_T, adapter(cast(type, kind)).validate_python(raw, context=self.around))

    def check(
        self,
        kind: type,
        raw: dict[str, Any],
        base: JsonPath,
        not_missing: frozenset[str] = frozenset(),
    ) -> list[JsonPath]:
        """
        Note what is wrong with *raw*, and return where, relative to it.

        Args:
            not_missing: required keys that were given elsewhere and found wrong there.
        """
        errors = _errors(kind, raw, self.around)
        meant = {
            (*error["loc"][:-1], _nearest(kind, error["loc"]))
            for error in errors
            if error["type"] == "unexpected_keyword_argument"
        }
        for error in errors:
            path: JsonPath = error["loc"]
            if error["type"] == "unexpected_keyword_argument":
                self.problem((*base, *path), _unknown_key(kind, path), at_key=True)
            elif error["type"] != "missing":
                self.problem(self.shown((*base, *path)), _reason(error))
            elif path not in meant and path[0] not in not_missing:
                self.problem((*base, *path), "this key is required")
        return [error["loc"] for error in errors]

    def shown(self, path: JsonPath) -> JsonPath:
        """*path*, without steps that pydantic counts and the text does not have."""
        return self.document.existing(path) if self.document.text else path


def _errors(kind: type, raw: dict[str, Any], around: Surroundings) -> list[ErrorDetails]:
    """What pydantic finds, and the fields of ours that are no keys of app.json."""
    try:
        adapter(kind).validate_python(raw, context=around)
        errors = []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    inner = [f.name for f in fields(kind) if f.name in raw and f.name not in _keys(kind)]
    known = {error["loc"] for error in errors if error["type"] == "unexpected_keyword_argument"}
    for name in inner:
        if (name,) not in known:
            errors = [error for error in errors if error["loc"][:1] != (name,)]
            errors.append(_no_key(name))
    return errors


def _no_key(name: str) -> ErrorDetails:
    return {"type": "unexpected_keyword_argument", "loc": (name,), "msg": "", "input": None}


def _names(raw: object) -> frozenset[str]:
    return frozenset(raw) if isinstance(raw, dict) else frozenset()


def merged_app(defaults: Mapping[str, Any], app: Mapping[str, Any]) -> dict[str, Any]:
    """An app over the defaults; `env` is merged key by key."""
    merged = {**defaults, **app}
    if isinstance(app.get("env"), dict) and isinstance(defaults.get("env"), dict):
        merged["env"] = {**defaults["env"], **app["env"]}
    return merged


def _overridden(config: Config, overrides: Overrides) -> Config:
    if overrides.port is not None:
        config = replace(config, port=overrides.port, listen=())
    if overrides.workers is not None:
        config = replace(config, workers=overrides.workers)
    if overrides.log_format is not None:
        config = replace(config, log=replace(config.log, format=overrides.log_format))
    return config


def _claims(app: dict[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    """The valid host names of an app, and where it says so."""
    value = app.get("hostname", app.get("name"))
    key = "hostname" if "hostname" in app else "name"
    listed = isinstance(value, list)
    for index, item in enumerate(cast("list[object]", value) if listed else [value]):
        if isinstance(item, str):
            try:
                yield ((key, index) if listed else (key,)), canonical_hostname(item)
            except ValueError:
                continue


def read_override(key: str, text: str) -> Any:
    """
    What an option or environment variable says.

    Args:
        key: a field of `Overrides`.

    Raises:
        ValueError: with a reason.
    """
    raw: dict[str, Any]
    if key == "log_format":
        raw = {"log": {"format": text}}
    elif re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII):
        raw = {key: int(text)}
    else:
        raise ValueError(f"must be a whole number, is {text!r}")
    around = Surroundings("/", {}, str)
    try:
        config: Config = adapter(Config).validate_python(raw, context=around)
    except ValidationError as error:
        raise ValueError(_reason(error.errors(include_url=False)[0])) from None
    return config.log.format if key == "log_format" else getattr(config, key)


# --- wording ----------------------------------------------------------------------------------


def _reason(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, not {_json_type(error['input'])}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}, is {error['input']}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}, is {_shortened(error['input'])}"
    if kind == "literal_error":
        return f"must be {context['expected']}".replace("'", '"')
    if kind == "too_short":
        return "must not be empty"
    return error["msg"][:1].lower() + error["msg"][1:]


def _shortened(number: int) -> str:
    return str(number) if number < 10**20 else "far more"


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, word in (
        (int, "a whole number"),
        (float, "a number with a fraction"),
        (str, "a string"),
        (list, "a list"),
    ):
        if isinstance(value, kind):
            return word
    return "an object"


@cache
def _keys(kind: Any) -> tuple[str, ...]:
    """The keys that app.json may have where a *kind* stands."""
    hints = get_type_hints(kind, include_extras=True)
    keys = []
    for declared in fields(kind):
        infos = [a for a in get_args(hints[declared.name]) if isinstance(a, FieldInfo)]
        if get_origin(hints[declared.name]) is Annotated and not infos[-1].exclude:
            keys.append(infos[-1].alias or declared.name)
    return tuple(keys)


def _section(kind: type, path: JsonPath) -> type:
    """The class whose keys the last step of *path* should be one of."""
    return SECTIONS[str(path[0])] if len(path) > 1 else kind


def _nearest(kind: type, path: JsonPath) -> str:
    name = str(path[-1]).lower()
    keys = _keys(_section(kind, path))
    return max(keys, key=lambda key: difflib.SequenceMatcher(None, key, name).ratio())


def _unknown_key(kind: type, path: JsonPath) -> str:
    homes = {
        "an app or defaults": AppConfig,
        "the top level": Config,
        **{f'"{name}"': section for name, section in SECTIONS.items()},
    }
    for home, section in homes.items():
        if path[-1] in _keys(section):
            return f"unknown key here; it belongs in {home}"
    return f'unknown key; did you mean "{_nearest(kind, path)}"?'
