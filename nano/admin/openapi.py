# -*- test-case-name: tests.admin.test_openapi -*-
"""
The description of the admin API in OpenAPI 3.1, for those who make clients, and for the documentation.

Tests hold it to what there is: its paths and methods to those of the Klein tree, its objects to what a running server
answers, field by field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from nano import __version__
from nano.admin.journal import LEVELS
from nano.admin.tail import LARGEST_LIMIT
from nano.config import config_schema

__all__ = ["openapi"]

_Json = dict[str, Any]


# --- schemas -----------------------------------------------------------------------------------


def _value(kind: str | list[str], meaning: str, **more: Any) -> _Json:
    return {"type": kind, "description": meaning, **more}


def _list(items: _Json, meaning: str) -> _Json:
    return _value("array", meaning, items=items)


def _object(meaning: str, properties: Mapping[str, _Json], optional: Iterable[str] = (), closed: bool = True) -> _Json:
    left_out = set(optional)
    return {
        "type": "object",
        "description": meaning,
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": not closed,
    }


def _reference(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: _Json = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_NOTE = _value("string", "How long changes live that were made through this API.")

_FIGURES: Mapping[str, _Json] = {
    "requests_per_second": _value("number", "In the last ten seconds.", minimum=0),
    "p50_ms": _value(["number", "null"], "Half of the requests of the last ten seconds took no longer."),
    "p99_ms": _value(["number", "null"], "99 of 100 requests of the last ten seconds took no longer."),
    "cpu_percent": _value("number", "Of one processor, in the last ten seconds.", minimum=0),
}
_APP: Mapping[str, _Json] = {
    "name": _value("string", "Unique name."),
    "hostnames": _list(_TEXT, "Host names that it serves."),
    "path": _value("string", "Where its files are."),
    "state": _value(
        "string",
        "With several workers, the worst of what they say.",
        enum=["loading", "ready", "draining", "failed", "quarantined", "gone"],
    ),
    "version": _value("string", "Of code and configuration: another text or key, another version."),
    "origin": _value("string", "Where it comes from.", enum=["config", "api"]),
    "isolates": _value("integer", "How many isolates it has.", minimum=0),
    "in_flight": _value("integer", "Requests that are not over.", minimum=0),
    "memory_bytes": _value("integer", "What its isolates are charged with.", minimum=0),
    "cpu_seconds": _value("number", "CPU time since its workers were started.", minimum=0),
    "requests": _value("integer", "Requests that are over, since its workers were started.", minimum=0),
    "errors": _value("integer", "Those of them that were answered with 500 or above.", minimum=0),
    "error": {
        "description": "Why it is not ready, or null.",
        "oneOf": [
            {"type": "null"},
            _object("What is wrong.", {"code": _value("string", "A stable word."), "detail": _value("string", "Why.")}),
        ],
    },
    **_FIGURES,
}
_WORKER: Mapping[str, _Json] = {
    "worker": _value("integer", "Its number; 0 where everything is in one process.", minimum=0),
    "pid": _value("integer", "Its process."),
    "state": _value("string", "What it does.", enum=["booting", "loading", "ready", "draining", "gone"]),
    "uptime_seconds": _value("number", "Since when it is there.", minimum=0),
    "apps": _value("integer", "How many apps it serves.", minimum=0),
    "isolates": _value("integer", "How many isolates they have.", minimum=0),
    "in_flight": _value("integer", "Requests that are not over.", minimum=0),
    "memory_bytes": _value("integer", "Resident memory.", minimum=0),
}
_LINE: Mapping[str, _Json] = {
    "ts": {**_TIME, "description": "When."},
    "level": _value("string", "How urgent.", enum=list(LEVELS)),
    "event": _value("string", "What has happened: a word of the documentation's table."),
    "logger": _value("string", "The part of nano that says so."),
    "app": _value("string", "The app."),
    "worker": _value("string", "Which process."),
    "request_id": _value("string", "The request."),
    "msg": _value("string", "For people."),
    "traceback": _value("string", "Of an unexpected failure."),
}
_OPTIONAL_OF_LINE = _LINE.keys() - {"ts", "level", "event"}
_ERROR: Mapping[str, _Json] = {
    **_LINE,
    "ts": {**_TIME, "description": "When it came last."},
    "count": _value("integer", "How often it came.", minimum=1),
    "first": {**_TIME, "description": "When it came first."},
}


def _schemas() -> dict[str, _Json]:
    definitions = config_schema()["$defs"]
    config: _Json = {name: _rehung(definitions[name]) for name in ("AppConfig", "EgressConfig")}
    config["AppConfig"]["description"] = "One app, as an entry of `apps` in app.json."
    app = _object("The state of an app.", _APP)
    names = _list(_TEXT, "Names of apps.")
    return {
        "App": app,
        "AppList": _object(
            "All apps.",
            {
                "apps": _list(_reference("App"), "Every app."),
                "total": _object("All of them together.", _FIGURES),
                "note": _NOTE,
            },
        ),
        "AppDetails": _object(
            "One app.",
            {**_APP, "config": _value("object", "All its keys, without secrets."), "note": _NOTE},
        ),
        "AppChanged": _object(
            "What was changed.",
            {
                "result": _value("string", "What was done.", enum=["created", "replaced", "unchanged"]),
                **_APP,
                "config": _value("object", "All its keys, without secrets."),
                "note": _NOTE,
            },
        ),
        "AppRemoved": _object(
            "How the app ended.",
            {
                "name": _value("string", "The app."),
                "result": _value("string", "Whether it ended in time.", enum=["drained", "timed-out"]),
                "note": _NOTE,
            },
        ),
        "AppReleased": _object(
            "Whether it was in quarantine.",
            {
                "name": _value("string", "The app."),
                "result": _value("string", "What it was.", enum=["released", "not-quarantined"]),
            },
        ),
        "WorkerList": _object("All workers.", {"workers": _list(_object("One worker.", _WORKER), "Every worker.")}),
        "LogLine": _object("A line of the log; each event may have further fields.", _LINE, _OPTIONAL_OF_LINE, False),
        "LogTail": _object(
            "Lines of all processes, by their time.",
            {
                "lines": _list(_reference("LogLine"), "The oldest first."),
                "next": _value("string", "For `after`, to be told what comes next."),
                "more": _value("boolean", "Whether there are lines that had no room."),
                "lost": _value("integer", "How many lines went by that are no longer kept.", minimum=0),
            },
        ),
        "ErrorList": _object(
            "The latest errors.",
            {
                "errors": _list(
                    _object("An error; each event may have further fields.", _ERROR, _OPTIONAL_OF_LINE, False),
                    "Each once; the latest first.",
                )
            },
        ),
        "Reloaded": _object(
            "What the reload has changed.",
            {
                "created": names,
                "replaced": names,
                "removed": names,
                "failed": _value(
                    "object",
                    "Of each app that did not load, why; its old version is served on.",
                    additionalProperties=_TEXT,
                ),
                "restart_needed": _list(_TEXT, "Keys of app.json whose change waits for a restart."),
            },
        ),
        "Health": _object("How it is.", {"status": _value("string", "ok, or what it does instead.")}, closed=False),
        "Problem": _object(
            "What is wrong (RFC 9457).",
            {
                "type": _value("string", "`urn:nano:problem:` and a stable word.", format="uri"),
                "title": _value("string", "The status in words."),
                "status": _value("integer", "The status."),
                "detail": _value("string", "What is wrong in this case."),
                "errors": _list(
                    _object(
                        "One part.",
                        {
                            "detail": _value("string", "What is wrong."),
                            "path": _value("string", "Where."),
                            "place": _value("string", "Where in the file."),
                        },
                        ("path", "place"),
                    ),
                    "The parts, where there are several.",
                ),
            },
            ("errors",),
        ),
        **config,
    }


def _rehung(value: Any) -> Any:
    """A schema whose references lead to where OpenAPI has them."""
    if isinstance(value, dict):
        return {
            key: item.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _rehung(item)
            for key, item in value.items()
        }
    return [_rehung(item) for item in value] if isinstance(value, list) else value


# --- paths -------------------------------------------------------------------------------------


def _answer(meaning: str, schema: str, kind: str = "application/json") -> _Json:
    return {"description": meaning, "content": {kind: {"schema": _reference(schema)}}}


def _text(meaning: str, kind: str) -> _Json:
    return {"description": meaning, "content": {kind: {"schema": _TEXT}}}


def _operation(id_: str, summary: str, answers: Mapping[str, _Json], problems: str = "", **more: Any) -> _Json:
    """
    One method of one path.

    Args:
        problems: the statuses that it may have besides, apart from 401.
    """
    wrong = {status: {"$ref": "#/components/responses/Problem"} for status in ["401", *problems.split()]}
    return {"operationId": id_, "summary": summary, **more, "responses": {**answers, **wrong}}


def _open(id_: str, summary: str, answers: Mapping[str, _Json], **more: Any) -> _Json:
    """The same for what needs no token."""
    return {"operationId": id_, "summary": summary, "security": [], **more, "responses": dict(answers)}


def _query(name: str, meaning: str, schema: _Json) -> _Json:
    return {"name": name, "in": "query", "description": meaning, "schema": schema}


def _in_path(name: str, meaning: str) -> _Json:
    return {"name": name, "in": "path", "required": True, "description": meaning, "schema": _TEXT}


_OF_APP = _query("app", "Of this app alone.", _TEXT)
_LOG_PARAMETERS = [
    _OF_APP,
    _query("level", "Of this level and above.", {"type": "string", "enum": list(LEVELS), "default": LEVELS[0]}),
    _query(
        "limit",
        "How many lines; of each process, if there is `after`.",
        {"type": "integer", "minimum": 0, "maximum": LARGEST_LIMIT, "default": 100},
    ),
    _query("after", "The `next` of an earlier answer: what has come since.", _TEXT),
    _query("follow", "Do not end.", {"type": "boolean", "default": False}),
]
_BODY = {"required": True, "content": {"application/json": {"schema": _reference("AppConfig")}}}


def _paths() -> dict[str, _Json]:
    page = _text("The page.", "text/html")
    health = {"200": _answer("Good.", "Health"), "503": _answer("Not now.", "Health")}
    changed = _answer("It is served.", "AppChanged")
    tail = {
        "description": "The tail, or with `follow` one line for each line of the log, without an end.",
        "content": {
            "application/json": {"schema": _reference("LogTail")},
            "application/x-ndjson": {"schema": _reference("LogLine")},
        },
    }
    return {
        "/admin": {"get": _open("toStatusPage", "Leads to the status page.", {"308": {"description": "To /admin/."}})},
        "/admin/": {"get": _open("statusPage", "The status page, for a browser.", {"200": page})},
        "/admin/status/{file}": {
            "parameters": [_in_path("file", "Its name.")],
            "get": _open(
                "statusFile",
                "A file of the status page.",
                {"200": _text("The file.", "text/javascript"), "404": {"$ref": "#/components/responses/Problem"}},
            ),
        },
        "/admin/openapi.json": {
            "get": _operation("openapi", "This description.", {"200": {"description": "In OpenAPI 3.1."}})
        },
        "/admin/apps": {
            "get": _operation("listApps", "The state of every app.", {"200": _answer("All apps.", "AppList")}),
            "post": _operation(
                "addApp", "Serves one more app.", {"201": changed}, "400 409 413 415 422 503", requestBody=_BODY
            ),
        },
        "/admin/apps/{name}": {
            "parameters": [_in_path("name", "The app's name.")],
            "get": _operation(
                "showApp", "One app, with its configuration.", {"200": _answer("The app.", "AppDetails")}, "404"
            ),
            "put": _operation(
                "putApp",
                "Serves an app, in place of the one of its name if there is one.",
                {"200": changed, "201": changed},
                "400 409 413 415 422 503",
                requestBody=_BODY,
            ),
            "delete": _operation(
                "removeApp",
                "Drains an app and serves it no more.",
                {"200": _answer("It is gone.", "AppRemoved")},
                "404 503",
            ),
        },
        "/admin/apps/{name}/release": {
            "parameters": [_in_path("name", "The app's name.")],
            "post": _operation(
                "releaseApp",
                "Lets an app out of quarantine before its time.",
                {"200": _answer("It is not in quarantine.", "AppReleased")},
                "404 503",
            ),
        },
        "/admin/workers": {
            "get": _operation(
                "listWorkers", "The state of every worker.", {"200": _answer("All workers.", "WorkerList")}
            )
        },
        "/admin/logs": {
            "get": _operation(
                "showLogs",
                "The tail of the log, or all that comes.",
                {"200": tail},
                "400 503",
                parameters=_LOG_PARAMETERS,
            )
        },
        "/admin/errors": {
            "get": _operation(
                "showErrors",
                "The latest errors, each once.",
                {"200": _answer("The errors.", "ErrorList")},
                "400",
                parameters=[_OF_APP],
            )
        },
        "/admin/reload": {
            "post": _operation(
                "reload",
                "Reads configuration and apps again.",
                {"200": _answer("The reload is over.", "Reloaded")},
                "422 503",
            )
        },
        **{
            f"/{name}": {"get": _open(name, meaning, health)}
            for name, meaning in (
                ("livez", "Whether the process is well."),
                ("readyz", "Whether every app is loaded or has failed, and the server takes requests."),
                ("health", "Whether the server takes requests."),
                ("healthz", "The same."),
            )
        },
        "/metrics": {
            "get": _open("metrics", "Metrics in Prometheus' text format.", {"200": _text("All figures.", "text/plain")})
        },
    }


@cache
def openapi() -> _Json:
    """The document; not to be changed."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nano: admin API",
            "version": __version__,
            "summary": "Asks a running server what it does, and changes what it serves.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"token": []}, {}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "What `admin.token` says; on a Unix socket there may be none.",
                }
            },
            "responses": {"Problem": _answer("It was not done.", "Problem", "application/problem+json")},
            "schemas": _schemas(),
        },
    }
