# -*- test-case-name: tests.apps.test_corpus -*-
"""
What the apps of this folder are asked, and what they have to answer by the documentation of their packages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# ruff: noqa: E501

__all__ = ["CASES", "Case"]

_NOT_GIVEN: Any = object()


@dataclass(frozen=True)
class Case:
    """
    A request and its answer.

    Attributes:
        path: with the query.
        method, headers, body: of the request.
        status: of the response.
        answers: headers that the response has to have; None for one that it must not have.
        text: the body.
        json: the body, parsed.
        holds: texts that the body must contain.
    """

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    status: int = 200
    answers: Mapping[str, str | None] = field(default_factory=dict)
    text: str | None = None
    json: Any = _NOT_GIVEN
    holds: tuple[str, ...] = ()

    def check(self, test: Any, body: bytes, where: str) -> None:
        """Hold a body against what was expected."""
        if self.text is not None:
            test.assertEqual(body.decode(), self.text, where)
        if self.json is not _NOT_GIVEN:
            test.assertEqual(json.loads(body), self.json, where)
        for piece in self.holds:
            test.assertIn(piece, body.decode(), where)


def _post(path: str, value: Any, **rest: Any) -> Case:
    """A POST of JSON, or of a text."""
    is_text = isinstance(value, str)
    kind = "text/plain" if is_text else "application/json"
    body = value if is_text else json.dumps(value)
    return Case(path, "POST", {"Content-Type": kind, **rest.pop("headers", {})}, body, **rest)


def _query(query: str, **variables: Any) -> dict[str, Any]:
    return {"query": query, "variables": variables}


_FORM = (
    '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nnotes\r\n'
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    "line\r\n--x--\r\n"
)
_ORDER = {
    "id": "6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b",
    "email": "ada@example.com",
    "count": "3",
    "tags": [" New ", "B"],
    "payment": {"type": "card", "number": "1234"},
}

CASES: dict[str, list[Case]] = {
    "hono": [
        Case("/", text="Hello Hono!", answers={"content-type": "text/plain;charset=UTF-8"}),
        Case("/json/12?q=a&q=b", status=201, json={"id": 12, "q": ["a", "b"]}),
        Case("/json/abc", status=404, text="no such page"),
        _post(
            "/api/echo",
            {"a": [1, "ü"]},
            json={"a": [1, "ü"]},
            headers={"Origin": "https://app.example"},
            answers={"access-control-allow-origin": "https://app.example"},
        ),
        Case(
            "/api/echo",
            "OPTIONS",
            {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
            status=204,
            answers={"access-control-allow-methods": "GET,POST"},
        ),
        Case("/form", "POST", {"Content-Type": "multipart/form-data; boundary=x"}, _FORM, text="notes: line"),
        Case("/admin/page", status=401, answers={"www-authenticate": 'Basic realm="Secure Area"'}),
        Case("/admin/page", headers={"Authorization": "Basic cm9vdDpzZWNyZXQ="}, text="<h1>admin</h1>"),
        Case("/safe", text="ok", answers={"x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN"}),
        Case("/etag", text="same"),
        Case("/env", text="hi Cloudflare-Workers"),
        Case("/stream", text="abc", answers={"content-length": None}),
        Case("/cookie", headers={"Cookie": "count=4"}, text="4", answers={"set-cookie": "count=5; Path=/; HttpOnly"}),
        Case("/jwt", json={"sub": "ada", "role": "admin"}),
        Case("/context?id=7", text="7"),
        Case("/teapot", status=418, text="short and stout"),
        Case("/boom", status=500, text="caught boom"),
    ],
    "itty_router": [
        Case("/todos", json=[{"id": "1", "text": "write tests"}]),
        Case("/todos/1", json={"id": "1", "text": "write tests"}),
        Case("/todos/9", status=404, json={"status": 404, "error": "no such todo"}),
        _post("/todos", {"text": "run them"}, status=201, json={"id": "2", "text": "run them"}),
        Case("/search?a=1&b=x&b=y", json={"a": "1", "b": ["x", "y"]}),
        Case(
            "/todos",
            headers={"Origin": "https://app.example"},
            answers={"access-control-allow-origin": "https://app.example"},
        ),
        Case("/boom", status=500, json={"status": 500, "error": "boom"}),
        Case("/nowhere", status=404, json={"status": 404, "error": "Not Found"}),
    ],
    "jose": [
        Case("/hs256", json={"claim": True, "alg": "HS256", "wrong": "ERR_JWT_CLAIM_VALIDATION_FAILED"}),
        Case("/es256", json={"text": "It's a trap", "type": "public", "kty": "EC"}),
        Case("/jwe", json={"parts": 5, "text": "secret text"}),
        # RFC 8037, appendixes A.3 and A.4.
        Case(
            "/eddsa",
            json={
                "jws": "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6"
                "dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
                "thumbprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            },
        ),
    ],
    "zod": [
        _post("/", _ORDER, json={**_ORDER, "count": 3, "tags": ["new", "b"]}),
        _post(
            "/",
            {**_ORDER, "tags": None, "count": 0, "payment": {"type": "card", "number": "x"}},
            status=422,
            json=["count", "tags", "payment.number"],
        ),
        _post(
            "/", {**_ORDER, "payment": {"type": "cash"}, "email": "nobody"}, status=422, json=["email", "payment.type"]
        ),
    ],
    "graphql": [
        _post("/", _query("{ hello }"), json={"data": {"hello": "Hello world!"}}),
        _post(
            "/",
            _query("query($n: String!) { person(name: $n) { name age(inMonths: true) friends { name } } }", n="ada"),
            json={"data": {"person": {"name": "Ada", "age": 432, "friends": [{"name": "Bob"}]}}},
        ),
        _post("/", _query("{ nonsense }"), holds=('Cannot query field \\"nonsense\\" on type \\"Query\\".',)),
        _post("/", _query("{ fails }"), holds=('"message":"on purpose"', '"path":["fails"]')),
    ],
    "graphql_yoga": [
        _post("/graphql", _query("{ greetings }"), json={"data": {"greetings": "Hello world"}}),
        _post(
            "/graphql",
            _query("query($n: String) { greetings(name: $n) }", n="Ada"),
            json={"data": {"greetings": "Hello Ada"}},
        ),
        Case("/graphql?query=%7Bheader(name%3A%22x-a%22)%7D", headers={"X-A": "b"}, json={"data": {"header": "b"}}),
        _post("/graphql", _query("mutation { double(value: 21) }"), json={"data": {"double": 42}}),
        _post("/graphql", _query("{ nope }"), holds=("Cannot query field",), status=200),
        Case("/elsewhere", status=404),
    ],
    "react": [
        Case("/string", text='<button class="count" data-id="id">3<!-- --> &lt;clicks&gt;</button>'),
        Case("/stream", holds=("<i>loading</i>", "<b>Ada</b>"), answers={"content-type": "text/html"}),
        Case("/whole", holds=("<b>Ada</b>",)),
    ],
    "preact": [
        Case(
            "/?item=one&item=%3Ctwo%3E",
            text='<!DOCTYPE html><ul style="color:red;"><li class="dark" title="a &quot;quote&quot;">'
            'one</li><li class="dark" title="a &quot;quote&quot;">&lt;two></li></ul>\ntrue',
        ),
    ],
    "ids": [
        Case(
            "/",
            json={
                "nanoid": [21, 10, 1000],
                "custom": True,
                "v4": [True, 4],
                "v5": "fdda765f-fc57-5604-a269-52a7df8164ec",
                "v7": 7,
                "nil": ["00000000-0000-0000-0000-000000000000", False],
                "bytes": "6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b",
            },
        ),
    ],
    "dates": [
        Case(
            "/",
            json={
                "dayjs": "2018-09-08 Saturday",
                "zone": "2024-07-01 08:00",
                "duration": "02:30:00",
                "from": "3 days ago",
                "local": "2024-01-01T00:00:00.000Z",
                "format": "Wednesday, 31st January 2024 13:05:09",
                "german": "31. Januar 2024",
                "added": "2024-02-29",
                "days": 29,
                "distance": "3 days ago",
            },
        ),
    ],
    "lodash": [
        Case(
            "/",
            json={
                "chunk": [["a", "b", "c"], ["d"]],
                "group": {"4": [4.2], "6": [6.1, 6.3]},
                "order": ["c", "a", "b"],
                "merge": {"a": [{"b": 2, "c": 3}, {"d": 4, "e": 5}]},
                "kebab": "foo-bar-baz",
                "uniq": [{"x": 1}, {"x": 2}],
                "zip": {"a": {"b": [{"c": 1}, {"d": 2}]}},
                "clone": [True, False],
                "debounced": 1,
                "throttled": "now",
                # template() makes functions of text, which no app may.
                "refused": "EvalError",
            },
        ),
    ],
    "text": [
        _post(
            "/markdown",
            "# Hi *you*\n\n- [a](http://b)\n- `c`\n",
            text='<h1>Hi <em>you</em></h1>\n<ul>\n<li><a href="http://b">a</a></li>\n<li><code>c</code></li>\n</ul>\n',
        ),
        _post(
            "/mustache",
            {"people": [{"name": "A"}, {"name": "B", "last": True}], "raw": "<&>"},
            text="* A,\n* B\n<&> &lt;&amp;&gt;",
        ),
        _post(
            "/yaml",
            "a: [1, 2.5, yes]\nb: &x {c: ~}\nd: *x\ne: |\n  two\n  lines\n",
            json={"a": [1, 2.5, "yes"], "b": {"c": None}, "d": {"c": None}, "e": "two\nlines\n"},
        ),
        _post("/dump", {"a": [1, "x"], "b": {"c": True}}, text="a:\n  - 1\n  - x\nb:\n  c: true\n"),
    ],
    "cookies": [
        Case(
            "/?a[b]=1&a[c][]=x&a[c][]=y",
            headers={"Cookie": "foo=bar; equation=E%3Dmc%5E2"},
            json={
                "cookies": {"foo": "bar", "equation": "E=mc^2"},
                "query": {"a": {"b": "1", "c": ["x", "y"]}},
                "again": "a[b]=1&a[c][]=x&a[c][]=y",
                "satisfies": True,
                "sorted": ["1.10.0", "1.2.3", "1.2.3-beta.1"],
            },
        ),
    ],
    "data": [
        Case(
            "/superjson",
            json=[
                {
                    "date": "1970-01-01T00:00:00.000Z",
                    "set": [1, 2],
                    "map": [["k", "1"]],
                    "nothing": None,
                    "pattern": "/a+/gi",
                },
                [0, True, "1", True, "gi"],
            ],
        ),
        _post(
            "/xml",
            '<a x="1"><b>text</b><b>2</b><c/></a>',
            json=[
                {"a": {"b": ["text", 2], "c": "", "@_x": "1"}},
                '<root id="1"><item>a</item><item>b</item></root>',
            ],
        ),
        _post(
            "/csv",
            'name,n\n"a, b",1\nc,2.5\n',
            json=[
                [{"name": "a, b", "n": 1}, {"name": "c", "n": 2.5}],
                0,
                'a,b\r\n1,"x,""y"""',
            ],
        ),
    ],
    "state": [
        Case("/immer", json=[True, False, ["x", "y"], True, [{"op": "replace", "path": ["n"], "value": 2}]]),
        Case("/rxjs", json=[[1, 3, 6], [[1, 2], [3, 4], [5]], [0, 1, 4], [1, 2, 3]]),
    ],
    "kysely": [
        Case(
            "/",
            json=[
                (
                    'select "first_name", "pet"."name" as "pet_name" from "person" inner join "pet" on "pet"."owner_id" = "person"."id"'
                    ' where "person"."id" = $1 and ("age" > $2 or "vip" = $3) order by "first_name" desc limit $4'
                ),
                'insert into "person" ("first_name", "age") values ($1, $2 + 1) returning "id"',
                ["Jennifer", 40],
                {"text": 'select * from "person" where "id" in ($1, $2)', "parameters": [1, 2]},
            ],
        ),
    ],
    "json_schema": [
        _post("/", {"name": "Ada", "email": "a@b.example", "tags": ["a", "b"]}, json={"valid": True, "where": []}),
        _post(
            "/",
            {"name": "A", "email": "a@b.example", "age": -1},
            status=400,
            json={"valid": False, "where": ["#", "#/age", "#/name"]},
        ),
        _post("/", {"name": "Ada"}, status=400, json={"valid": False, "where": ["#"]}),
    ],
    "passwords": [
        Case(
            "/",
            json={
                "env": ["hi", "undefined"],
                "known": True,
                "matches": True,
                "wrong": False,
                "rounds": 4,
                "sha": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
                "hmac": "3nybhbi3iqa8ino29wqQcBydtNk",
                "equal": [True, False],
            },
        ),
    ],
}
