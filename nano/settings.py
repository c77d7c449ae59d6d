# -*- test-case-name: tests.test_config -*-
"""
The keys of app.json: one declaration for each, from which everything else follows.

The fields of the dataclasses below feed checks, defaults, units, the JSON Schema and the
documentation.  Inside, time is float seconds and size is bytes; `_ms` and `_mb` are converted
here and nowhere else (1 MB is 1,048,576 bytes).

The dataclasses are plain: an embedding program builds them in Python's units, unchecked.  What
comes from outside is read by `nano.config`, which is where to import these names from.  Pure:
files, environment and machine are reached through the `Surroundings` that pydantic hands each
validator as its context.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationInfo
from pydantic.functional_validators import AfterValidator
from pydantic_core import core_schema

from nano.addresses import (
    Network,
    canonical_hostname,
    egress_rule,
    endpoint_needs_token,
    network,
    resolve_endpoint,
    tcp_endpoint,
)
from nano.json_text import MAX_DEPTH

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "AdminConfig",
    "AppConfig",
    "Config",
    "EgressConfig",
    "LimitsConfig",
    "LogConfig",
    "LogFormat",
    "LogLevel",
    "Origin",
    "Overrides",
    "Secret",
    "Surroundings",
    "adapter",
    "available_cores",
    "usable_token",
]

LogFormat = Literal["json", "text", "apache"]
LogLevel = Literal["debug", "info", "warn", "error", "critical"]

_DAY = 24 * 60 * 60 * 1000
_MB = 1024 * 1024
_REFERENCES = ("from_env", "from_file")


class Secret:
    """
    A text that is shown nowhere: `reveal()` is the only way to it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('[redacted]')"

    def __str__(self) -> str:
        return "[redacted]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True)
class Surroundings:
    """
    All that a configuration may depend on besides its own text.

    Attributes:
        folder: absolute; where relative paths start.
        environ: for `from_env` and the `NANO_…` variables.
        read_file: path to text; raises OSError or ValueError.
        app_problem: why an absolute path holds no app, or None if it does.
        log_format: what `log.format` is where nobody says.
        endpoint_types: names of the endpoint types that plugins add; asked only when needed.
    """

    folder: str
    environ: Mapping[str, str]
    read_file: Callable[[str], str]
    app_problem: Callable[[str], str | None] = lambda path: None
    log_format: LogFormat = "json"
    endpoint_types: Callable[[], Collection[str]] = frozenset

    def resolve(self, path: str) -> str:
        """*path* as an absolute one."""
        return os.path.normpath(os.path.join(self.folder, path))


@dataclass(frozen=True)
class Overrides:
    """
    What options say; they win over the environment, which wins over the file.
    """

    port: int | None = None
    workers: int | None = None
    log_format: LogFormat | None = None


@dataclass(frozen=True)
class Origin:
    """
    Where a configuration came from: what is needed to read it again.

    Attributes:
        file: absolute path, "" if there was none.
        folder: where relative paths started.
        overrides: the options given.
        secrets: absolute paths of the files that `from_file` and `token_file` name.
    """

    file: str = ""
    folder: str = ""
    overrides: Overrides = Overrides()
    secrets: tuple[str, ...] = ()


class _Whole:
    """
    Annotation: an integer with bounds and a unit, converted to what is used inside.
    """

    def __init__(
        self,
        at_least: int,
        at_most: int,
        inward: Callable[[int], float] = lambda number: number,
        outward: Callable[[float], float] = lambda value: value,
    ) -> None:
        self._bounds = core_schema.int_schema(strict=True, ge=at_least, le=at_most)
        self._inward, self._outward = inward, outward

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(
            self._inward,
            self._bounds,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: None if value is None else round(self._outward(value))
            ),
        )


def _milliseconds(at_least: int, at_most: int = _DAY) -> _Whole:
    return _Whole(at_least, at_most, lambda ms: ms / 1000, lambda seconds: seconds * 1000)


def _megabytes(at_least: int, at_most: int) -> _Whole:
    return _Whole(at_least, at_most, lambda mb: mb * _MB, lambda size: size / _MB)


def _key(doc: str, alias: str | None = None, **options: Any) -> Any:
    """A key of app.json: what it means, and its name there if that differs."""
    return Field(alias=alias, description=doc, **options)


# --- validators: each gets a value of the right JSON type and the Surroundings ---------------


def _around(info: ValidationInfo) -> Surroundings:
    assert isinstance(info.context, Surroundings)
    return info.context


def _name(text: str) -> str:
    if not 1 <= len(text) <= 128 or not text.isprintable() or set(text) & set(" /"):
        raise ValueError("must be 1 to 128 printable characters without space and slash")
    return text


def _path(text: str, info: ValidationInfo) -> str:
    if not text or "\0" in text:
        raise ValueError("must be the path of a file or folder")
    return _around(info).resolve(text)


def _header_text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


def _endpoint(text: str, info: ValidationInfo) -> str:
    around = _around(info)
    return resolve_endpoint(text, around.folder, around.endpoint_types)


def _interface(text: str) -> str:
    if text and not set(text) <= set("0123456789abcdefABCDEF.:"):
        raise ValueError("must be an IP address of this machine")
    if text:
        network(text)
    return text


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    """At least one, and none twice."""
    if not names:
        raise ValueError("must not be empty")
    return tuple(dict.fromkeys(names))


def _hostname_of(name: str) -> str:
    try:
        return canonical_hostname(name)
    except ValueError as error:
        raise ValueError(f'{error}; give "hostname", which defaults to the name') from None


def _reference(value: dict[str, object], around: Surroundings) -> Secret:
    """The secret that `{"from_env": …}` or `{"from_file": …}` names."""
    kind, name = next(iter(value.items()))
    if len(value) != 1 or not isinstance(name, str) or not name:
        raise ValueError('a secret is {"from_env": "NAME"} or {"from_file": "path"}, nothing else')
    if kind == "from_env":
        if name not in around.environ:
            raise ValueError(f"the environment variable {name} is not set")
        return Secret(around.environ[name])
    return Secret(_file_text(name, around))


def _file_text(path: str, around: Surroundings) -> str:
    """A file's text without the newline that editors add."""
    try:
        text = around.read_file(around.resolve(path))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(f"cannot read {around.resolve(path)}: {reason}") from None
    except ValueError:
        raise ValueError(f"cannot read {around.resolve(path)}: it is no UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _env_value(value: object, info: ValidationInfo) -> object:
    return _with_secrets(value, _around(info), MAX_DEPTH)


def _with_secrets(value: object, around: Surroundings, levels: int) -> object:
    """Any JSON value, with the secrets that it names at any depth."""
    if not levels:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        if any(kind in value for kind in _REFERENCES):
            return _reference(value, around)
        return {key: _with_secrets(item, around, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_secrets(item, around, levels - 1) for item in value]
    return value


def _token(value: object, info: ValidationInfo) -> Secret | None:
    if isinstance(value, dict) and any(kind in value for kind in _REFERENCES):
        return usable_token(_reference(value, _around(info)).reveal())
    if not isinstance(value, str):
        raise ValueError('must be a string, {"from_env": "NAME"} or {"from_file": "path"}')
    return usable_token(value)


def _token_file(value: object, info: ValidationInfo) -> Secret | None:
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a file")
    return usable_token(_file_text(value, _around(info)))


def usable_token(text: str) -> Secret:
    """
    A token, without the blanks around it.

    Raises:
        ValueError: it cannot be sent in a header; the message does not have it.
    """
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a token is a non-empty string of visible ASCII characters")
    return Secret(text)


_HIDDEN = PlainSerializer(lambda secret: secret and str(secret))
_Hostname = Annotated[str, AfterValidator(canonical_hostname)]
_OneOrMany = str | Annotated[list[str], Field(min_length=1)]
_Endpoint = Annotated[str, AfterValidator(_endpoint)]
_EgressRule = Annotated[str, AfterValidator(egress_rule)]
_EnvValue = Annotated[Any, AfterValidator(_env_value)]
_Flag = Annotated[bool, Field(strict=True)]


# --- the keys ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class EgressConfig:
    """
    Where an app may connect to: CIDR blocks, host names and patterns, and the words `private`, `loopback` and
    `link-local`.

    Blocks and words are held against the address that is connected to, and `allow` wins; then patterns against the
    name, and `allow` wins again.  Link-local addresses and the admin listener are denied unless a block or word
    allows them; everything else is allowed unless denied.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    allow: Annotated[tuple[_EgressRule, ...], _key("Exceptions from what is denied.")] = ()
    deny: Annotated[tuple[_EgressRule, ...], _key('What is denied; "*" is everything.')] = ()


@dataclass(frozen=True)
class AppConfig:
    """
    One app: a folder and what it may use.

    `name` and `path` are all that an embedding program has to give.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid", "arbitrary_types_allowed": True}

    name: Annotated[str, AfterValidator(_name), _key("Unique name, as in logs, metrics and the admin API.")]
    path: Annotated[
        str,
        AfterValidator(_path),
        _key("The app: a file, or a folder with index.js, index.mjs, index.ts or _worker.js."),
    ]
    hostnames: Annotated[
        tuple[_Hostname, ...],
        BeforeValidator(_one_or_many, json_schema_input_type=_OneOrMany),
        AfterValidator(_some),
        _key(
            'Host name or names served; "*.example.com" matches one or more labels, "*" all that'
            " no other app claims. Default: the name.",
            "hostname",
        ),
    ] = ()
    env: Annotated[
        Mapping[str, _EnvValue],
        _key(
            "Second argument of every handler: values of any JSON type;"
            ' {"from_env": "NAME"} and {"from_file": "path"} read a secret.'
        ),
    ] = field(default_factory=dict)
    timeout: Annotated[float, _milliseconds(1), _key("CPU time per event, in milliseconds.", "timeout_ms")] = 5.0
    startup_timeout: Annotated[
        float,
        _milliseconds(1),
        _key(
            "CPU time and waiting of the app's global scope, in milliseconds.",
            "startup_timeout_ms",
        ),
    ] = 5.0
    request_timeout: Annotated[
        float,
        _milliseconds(1),
        _key("Wall clock until the response head, in milliseconds.", "request_timeout_ms"),
    ] = 30.0
    memory: Annotated[
        int,
        _megabytes(8, 4096),
        _key("JavaScript heap plus array buffers, in megabytes.", "memory_mb"),
    ] = 128 * _MB
    max_body: Annotated[int, _megabytes(1, 1 << 20), _key("Largest request body, in megabytes.", "max_body_mb")] = (
        100 * _MB
    )
    max_buffer_size: Annotated[
        int,
        _megabytes(1, 4096),
        _key(
            "What may be held of one body that is read at once, or cloned, in megabytes.",
            "max_buffer_size_mb",
        ),
    ] = 64 * _MB
    max_concurrent_requests: Annotated[
        int, _Whole(1, 1_000_000), _key("Requests in flight; more are answered with 503.")
    ] = 1000
    user_agent: Annotated[str, AfterValidator(_header_text), _key("What navigator.userAgent says.")] = (
        "Cloudflare-Workers"
    )
    egress: Annotated[EgressConfig, _key("Where the app may connect to.")] = EgressConfig()
    dev: Annotated[_Flag, _key("Stack traces in answers, and failures are not cached.")] = False

    def __post_init__(self) -> None:
        if not self.hostnames:
            object.__setattr__(self, "hostnames", (_hostname_of(self.name),))


@dataclass(frozen=True)
class AdminConfig:
    """
    The admin API; `secret` is what a client has to show.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid", "arbitrary_types_allowed": True}

    listen: Annotated[_Endpoint, _key("Endpoint string of the admin listener.")]
    token: Annotated[
        Secret | None,
        BeforeValidator(_token, json_schema_input_type=str | dict[str, str]),
        _HIDDEN,
        _key("Bearer token; without one only a unix socket is allowed."),
    ] = None
    token_file: Annotated[
        Secret | None,
        BeforeValidator(_token_file, json_schema_input_type=str),
        _HIDDEN,
        _key("File with the bearer token."),
    ] = None

    def __post_init__(self) -> None:
        if self.token and self.token_file:
            raise ValueError("token and token_file exclude each other")
        if self.secret is None and endpoint_needs_token(self.listen):
            raise ValueError("needs token or token_file, unless it listens on a unix socket")

    @property
    def secret(self) -> Secret | None:
        """The bearer token, wherever it came from."""
        return self.token or self.token_file


@dataclass(frozen=True)
class LimitsConfig:
    """
    What one client connection may take, and how much there may be of what a process holds.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    max_header_bytes: Annotated[
        int, _Whole(1024, 1 << 20), _key("Request line and header block together, in bytes.")
    ] = 32768
    header_timeout: Annotated[
        float,
        _milliseconds(1),
        _key("Until the header block is complete, in milliseconds.", "header_timeout_ms"),
    ] = 10.0
    idle_timeout: Annotated[
        float,
        _milliseconds(1),
        _key("Silence on a connection before it is closed, in milliseconds.", "idle_timeout_ms"),
    ] = 75.0
    max_connections: Annotated[int, _Whole(1, 1_000_000), _key("Client connections at one time.")] = 10000
    max_isolates: Annotated[
        int,
        _Whole(1, 4000),
        _key("Isolates with an app in one worker; more, and those are given back whose apps have rested for longest."),
    ] = 2000


@dataclass(frozen=True)
class LogConfig:
    """
    What is written to standard output, and how.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    format: Annotated[LogFormat, _key("Of every line; apache: the access log only.")] = "json"
    level: Annotated[LogLevel, _key("The least level that is written.")] = "info"
    access: Annotated[_Flag, _key("A line per request.")] = True


@dataclass(frozen=True)
class Config:
    """
    The whole of app.json, with `defaults` already merged into the apps.

    `listen` holds what `port` is short for as well: it is all that a server has to look at.
    `defaults` is kept as it was written, for apps that are added later (`nano.config.parse_app`).
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid", "arbitrary_types_allowed": True}

    port: Annotated[
        Annotated[int, _Whole(0, 65535)] | None,
        _key('TCP port to listen on: short for "listen": ["tcp:PORT"]; 0 takes any free one.'),
    ] = None
    interface: Annotated[str, AfterValidator(_interface), _key("Address that goes with port; default: all.")] = ""
    listen: Annotated[
        tuple[_Endpoint, ...],
        AfterValidator(_some),
        _key(
            "Twisted endpoint strings to listen on, such as tcp:8080 or unix:…",
            json_schema_extra={"minItems": 1},
        ),
    ] = ()
    workers: Annotated[
        int,
        _Whole(0, 256),
        _key("Worker processes; 0: everything in the one process. Default: the number of cores."),
    ] = field(default_factory=lambda: available_cores())
    defaults: Annotated[Mapping[str, Any], _key("Values for any per-app key that an app does not give itself.")] = (
        field(default_factory=dict)
    )
    apps: Annotated[tuple[AppConfig, ...], _key("The apps.")] = ()
    drain_timeout: Annotated[
        float,
        _milliseconds(0),
        _key(
            "How long a stop, a removal or a reload waits for requests in flight, in milliseconds.",
            "drain_timeout_ms",
        ),
    ] = 30.0
    admin: Annotated[AdminConfig | None, _key("The admin API; absent: there is none.")] = None
    trusted_proxies: Annotated[
        tuple[Annotated[Network, BeforeValidator(network, json_schema_input_type=str)], ...],
        _key("CIDR blocks whose X-Forwarded-For, -Proto and -Host are believed."),
    ] = ()
    limits: Annotated[LimitsConfig, _key("What one connection may take, and what a worker may hold.")] = LimitsConfig()
    log: Annotated[LogConfig, _key("Logging to standard output.")] = LogConfig()
    state_dir: Annotated[
        str,
        AfterValidator(_path),
        _key("Cache of compiled apps, the code that is served, admin socket.", validate_default=True),
    ] = ".nano"
    origin: Annotated[Origin, Field(init=False, exclude=True)] = Origin()

    def __post_init__(self) -> None:
        if self.port is not None and not self.listen:
            endpoint = tcp_endpoint(self.port, self.interface)
            object.__setattr__(self, "listen", (endpoint,))


# --- around them ------------------------------------------------------------------------------


@cache
def adapter(kind: type) -> TypeAdapter[Any]:
    """
    What reads and writes one of the dataclasses above; built when first needed, as it takes a
    few milliseconds.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def available_cores(cgroup: str = "/sys/fs/cgroup/cpu.max") -> int:
    """
    How many processes of this one can compute at a time: its CPU affinity, and in a container
    the quota of its control group, rounded up.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        with open(cgroup, encoding="ascii") as file:
            quota, period = file.read().split()
        return max(1, min(cores, -(-int(quota) // int(period))))
    except (OSError, ValueError):  # no control group, or "max": no quota
        return cores
