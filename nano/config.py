# -*- test-case-name: tests.test_config -*-
"""
From the text of app.json to the values that the rest of nano works with.

`load_config` and `check_config` read a file; `parse_config` and `parse_app` are pure and do the
same for a text and for the object of one app.  What the keys are stands in `nano.settings`, how
problems are found and worded in `nano.config_check`; this module is the one to import from.
Nothing here raises anything but `ConfigError`, whatever the text.

An app whose folder is missing is no error: it fails to load, and the others are served.
`check_config` reports it all the same.
"""

from __future__ import annotations

import os
import os.path
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from nano.config_check import SECTIONS, Reading, merged_app, read_override
from nano.errors import ConfigError, Place, Problem
from nano.json_text import Document, JsonSyntaxError, parse, place_at
from nano.settings import (
    AdminConfig,
    AppConfig,
    Config,
    LimitsConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    Origin,
    Overrides,
    Secret,
    Surroundings,
    adapter,
    available_cores,
    usable_token,
)

__all__ = [
    "ENTRY_FILES",
    "AdminConfig",
    "AppConfig",
    "Config",
    "LimitsConfig",
    "LogConfig",
    "LogFormat",
    "LogLevel",
    "NO_OVERRIDES",
    "Origin",
    "Overrides",
    "Secret",
    "Surroundings",
    "as_json",
    "available_cores",
    "check_config",
    "config_schema",
    "entry_file",
    "load_admin_config",
    "load_config",
    "one_app",
    "parse_app",
    "parse_config",
    "read_override",
    "real_surroundings",
    "restart_keys",
    "reveal",
    "usable_token",
]

ENTRY_FILES = ("index.js", "index.mjs", "index.ts", "_worker.js")
"""What makes a folder an app, in the order of preference."""

NO_OVERRIDES = Overrides()


# --- reading ----------------------------------------------------------------------------------


def parse_config(
    text: str, around: Surroundings, overrides: Overrides = NO_OVERRIDES, file: str = "app.json"
) -> Config:
    """
    Read the text of an app.json.

    Args:
        file: how messages call it.

    Raises:
        ConfigError: with everything that is wrong.
    """
    reading = Reading(_document(text, file), file, around)
    config = reading.config(overrides)
    if config is None or reading.problems:
        raise ConfigError(reading.ordered_problems())
    return config


def restart_keys(old: Config, new: Config, keys: Iterable[str]) -> list[str]:
    """
    Those of *keys*, which wait for a restart, that have changed.  Of `admin` it is only where it listens.
    """

    def fixed(config: Config, key: str) -> object:
        value = getattr(config, key)
        return value.listen if isinstance(value, AdminConfig) else value

    return [key for key in keys if fixed(old, key) != fixed(new, key)]


def parse_app(value: object, around: Surroundings, defaults: Mapping[str, Any] | None = None) -> AppConfig:
    """
    Read the object of one app, as the admin API gets it.

    Args:
        value: parsed JSON.
        defaults: the `defaults` of the configuration that the app joins.

    Raises:
        ConfigError: with everything that is wrong; paths start at the object.
    """
    reading = Reading(Document("", value), "", around)
    app = None
    if reading.is_a(dict, "an object", value, ()):
        app = reading.app(merged_app(defaults or {}, cast("dict[str, Any]", value)), (), frozenset())
    if app is None or reading.problems:
        raise ConfigError(reading.ordered_problems())
    return app


def load_config(
    path: str,
    environ: Mapping[str, str] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    log_format: LogFormat = "json",
) -> Config:
    """
    Read a configuration file.

    Args:
        environ: default: this process's.
        log_format: for a file that gives none.

    Raises:
        ConfigError: with everything that is wrong, a file that cannot be read included.
    """
    around = real_surroundings(os.path.dirname(os.path.abspath(path)), environ, log_format)
    secrets: dict[str, None] = {}

    def read_secret(path: str) -> str:
        secrets[path] = None
        return around.read_file(path)

    config = parse_config(_read(path), replace(around, read_file=read_secret), overrides, path)
    return replace(config, origin=Origin(os.path.abspath(path), around.folder, overrides, tuple(secrets)))


def check_config(path: str, environ: Mapping[str, str] | None = None, overrides: Overrides = NO_OVERRIDES) -> Config:
    """
    As `load_config`, but an app whose folder or entry file is missing is a problem too.
    """
    around = real_surroundings(os.path.dirname(os.path.abspath(path)), environ)
    around = replace(around, app_problem=_app_problem)
    return parse_config(_read(path), around, overrides, path)


def load_admin_config(
    path: str, environ: Mapping[str, str] | None = None, token: str | None = None
) -> AdminConfig | None:
    """
    The `admin` section of a configuration file, for a client of the daemon; None if there is none.

    Nothing else in the file has to be right, and no other secret of the daemon has to be there.

    Args:
        token: in place of the file's, which need not be readable then.

    Raises:
        ConfigError: with everything that is wrong.
    """
    around = real_surroundings(os.path.dirname(os.path.abspath(path)), environ)
    reading = Reading(_document(_read(path), path), path, around)
    value = reading.document.value
    if not isinstance(value, dict) or "admin" not in value:
        return None
    admin = value["admin"]
    if token is not None and isinstance(admin, dict):
        admin = {"token": token, **{key: admin[key] for key in admin if key not in ("token", "token_file")}}
    config = reading.validated(AdminConfig, admin, ("admin",))
    if config is None:
        raise ConfigError(reading.ordered_problems())
    return config


def one_app(
    path: str,
    environ: Mapping[str, str] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    log_format: LogFormat = "json",
) -> Config:
    """
    The configuration of a single app that answers for every host name.

    Raises:
        ConfigError: for a path that holds no app, and for no port.
    """
    around = real_surroundings(os.getcwd(), environ, log_format)
    path = around.resolve(path)
    problem = _app_problem(path)
    if problem:
        raise ConfigError([Problem(problem)])
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", os.path.basename(path)) or "app"
    app = {"name": name, "hostname": "*", "path": path}
    reading = Reading(Document("", {"apps": [app]}), "", around)
    config = reading.config(overrides)
    if config is None or reading.problems:
        raise ConfigError(reading.ordered_problems())
    return replace(config, origin=Origin("", around.folder, overrides))


def real_surroundings(
    folder: str, environ: Mapping[str, str] | None = None, log_format: LogFormat = "json"
) -> Surroundings:
    """
    The machine we run on; *folder* is where relative paths start.
    """
    return Surroundings(
        folder,
        os.environ if environ is None else environ,
        _read_text,
        log_format=log_format,
        endpoint_types=_plugin_endpoints,
    )


def entry_file(path: str) -> str | None:
    """
    The file that an app's *path* stands for: itself, or the first entry file in the folder.
    """
    candidates = [path, *(os.path.join(path, name) for name in ENTRY_FILES)]
    return next(filter(os.path.isfile, candidates), None)


def _app_problem(path: str) -> str | None:
    if entry_file(path):
        return None
    if os.path.isdir(path):
        return f"no app in {path}: it has none of {', '.join(ENTRY_FILES)}"
    return f"{path} does not exist"


def _read_text(path: str) -> str:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return file.read()


def _read(path: str) -> str:
    try:
        return _read_text(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "it is no UTF-8 text"
    raise ConfigError([Problem(f"cannot read the configuration: {reason}", place=Place(path))])


def _plugin_endpoints() -> Collection[str]:
    from twisted.internet.interfaces import IStreamServerEndpointStringParser
    from twisted.plugin import getPlugins

    return {parser.prefix.lower() for parser in getPlugins(IStreamServerEndpointStringParser)}


def _document(text: str, file: str) -> Document:
    try:
        document = parse(text)
    except JsonSyntaxError as error:
        raise ConfigError([Problem(error.reason, place=place_at(file, text, error.position))]) from None
    document.hide(("admin", "token"))
    return document


# --- the other direction ----------------------------------------------------------------------


def reveal(value: Any) -> Any:
    """
    The JSON value of an `env`, with its secrets: for the app's eyes alone.
    """
    return _plain(value, Secret.reveal)


def as_json(app: AppConfig, secrets: bool = False) -> dict[str, Any]:
    """
    The object that *app* was read from, all defaults filled in.

    Args:
        secrets: whether they are shown; for handing an app to a worker, never for people.
    """
    written: dict[str, Any] = adapter(AppConfig).dump_python(app, mode="json", by_alias=True, exclude={"env"})
    written["env"] = _plain(app.env, Secret.reveal if secrets else str)
    return written


def _plain(value: Any, show: Callable[[Secret], str]) -> Any:
    if isinstance(value, Secret):
        return show(value)
    if isinstance(value, Mapping):
        return {key: _plain(item, show) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, show) for item in value]
    return value


def config_schema() -> dict[str, Any]:
    """
    The JSON Schema (2020-12) of app.json.
    """
    schema: dict[str, Any] = adapter(Config).json_schema(by_alias=True)
    definitions = schema["$defs"]
    del schema["properties"]["origin"], definitions["Origin"], definitions["Overrides"]
    app = definitions["AppConfig"]
    defaults = as_json(AppConfig("app", ""))
    sections = {name: definitions[kind.__name__] for name, kind in SECTIONS.items()}
    top = adapter(Config).dump_python(Config(), mode="json", by_alias=True)
    written = [(app, defaults), (schema, top)]
    written += [(sections[name], top[name]) for name in ("limits", "log")]
    for described, values in written:
        _true_defaults(described["properties"], values)
    del app["properties"]["hostname"]["default"]  # it is the name, whatever that is
    definitions["AppDefaults"] = {k: v for k, v in app.items() if k != "required"}
    definitions["AppDefaults"]["description"] = "Values for any per-app key."
    schema["properties"]["defaults"] = {
        "$ref": "#/$defs/AppDefaults",
        "description": schema["properties"]["defaults"]["description"],
    }
    # What `defaults` give, an app need not.
    app["required"] = ["name"]
    schema["if"] = {"required": ["defaults"], "properties": {"defaults": {"required": ["path"]}}}
    schema["else"] = {"properties": {"apps": {"items": {"required": ["path"]}}}}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "nano configuration"
    schema["description"] = "app.json: what one nano daemon serves, and how."
    return schema


def _true_defaults(properties: dict[str, Any], written: dict[str, Any]) -> None:
    """Defaults in the units of app.json, and none where the key must not be given like that."""
    for key, described in properties.items():
        described.pop("title", None)
        if "default" in described and written[key] in (None, [], ""):
            del described["default"]
        elif "default" in described:
            described["default"] = written[key]
