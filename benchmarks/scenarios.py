"""
What is measured: an app, the requests sent to it, and how many connections send them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SCENARIOS", "Scenario"]


@dataclass(frozen=True)
class Scenario:
    """
    One question.

    Attributes:
        name: as on the command line.
        title: as in the table.
        app: the file in benchmarks/apps.
        path: the request target.
        body: of each request; POST if there is one.
        hosts: how many apps are served, asked in turn by their Host.
        connections: how many keep-alive connections ask.
        names: how many host names the one app has, asked in turn.
        asked: number of the app whose answer ends the server's start.
        keys: of nano's configuration of the app, where its defaults are in the way.
    """

    name: str
    title: str
    app: str = "hello"
    path: str = "/some/path?with=query"
    body: bytes = b""
    hosts: int = 1
    connections: int = 64
    names: int = 1
    asked: int = 0
    keys: Mapping[str, Any] = field(default_factory=dict)

    def script(self, port: int) -> str:
        """The Lua script that has wrk send these requests."""
        lines = [f'wrk.headers["Host"] = "app0.test:{port}"']
        if self.body:
            lines += ['wrk.method = "POST"', f"wrk.body = [==[{self.body.decode()}]==]"]
            lines += ['wrk.headers["Content-Type"] = "application/json"']
        if self.hosts > 1 or self.names > 1:
            word, number = ("app", self.hosts) if self.hosts > 1 else ("name", self.names)
            host = f'"{word}" .. (count % {number}) .. ".test:{port}"'
            kind = '["Content-Type"] = wrk.headers["Content-Type"]'
            lines += ["local count = 0", "function request()", "  count = count + 1"]
            lines += [f'  return wrk.format(nil, nil, {{["Host"] = {host}, {kind}}})', "end"]
        return "\n".join(lines)


def _document(size: int) -> bytes:
    item = {"id": 17, "name": "a name of middling length", "tags": ["one", "two"], "price": 12.5}
    document = {"items": [item] * max(1, size // len(json.dumps(item)))}
    return json.dumps(document).encode()


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("hello", "hello: URL parsed, small text"),
        Scenario("hello1", "hello, one request at a time", connections=1),
        Scenario("json1k", "JSON, 1 kB in and out", "json", body=_document(1000)),
        Scenario("json100k", "JSON, 100 kB in and out", "json", body=_document(100_000)),
        Scenario("apps10", "JSON 1 kB, 10 apps in turn", "json", body=_document(1000), hosts=10),
        Scenario("bytes100k", "100 kB response", "bytes", "/100000"),
        Scenario("bytes10m", "10 MB response", "bytes", "/10000000", connections=8),
        Scenario("upload10m", "10 MB upload", "bytes", "/", body=b"a" * 10_000_000, connections=8),
    )
}
