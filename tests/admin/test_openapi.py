"""
The description of the admin API, held to what there is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from nano.admin.api import AdminApi
from nano.admin.openapi import openapi
from nano.admin.tail import _PARAMETERS
from tests.admin.test_api import Fixture
from tests.admin.test_wiring import Fixture as Server


def references(value: Any) -> Iterator[str]:
    """All that a document refers to."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of everything that can be asked."""
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method.upper(), operation


def check(schema: dict[str, Any], value: Any) -> None:
    """
    Hold a value to a schema of the document.

    Raises:
        ValidationError: when it does not fit.
    """
    Draft202012Validator({**schema, "components": openapi()["components"]}).validate(value)


class DocumentTests(SynchronousTestCase):
    def test_routes(self) -> None:
        """Every path and method of the Klein tree is described, and no others are."""
        real = {
            (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method)
            for rule in AdminApi.klein.url_map.iter_rules()
            for method in rule.methods or ()
            if method != "HEAD"
        }
        self.assertEqual({(path, method) for path, method, _ in operations()}, real)

    def test_parameters(self) -> None:
        """What is in a path is declared, and of the log's tail every parameter that it takes."""
        for path, item in openapi()["paths"].items():
            declared = [parameter["name"] for parameter in item.get("parameters", ())]
            self.assertEqual(declared, re.findall(r"{(\w+)}", path))
        logs = openapi()["paths"]["/admin/logs"]["get"]["parameters"]
        self.assertEqual({parameter["name"] for parameter in logs}, _PARAMETERS)

    def test_sound(self) -> None:
        """References lead somewhere, names are used once, and schemas are schemas."""
        document = json.loads(json.dumps(openapi()))
        for reference in references(document):
            place: Any = document
            for part in reference.removeprefix("#/").split("/"):
                place = place[part]
        ids = [operation["operationId"] for _, _, operation in operations()]
        self.assertEqual(len(ids), len(set(ids)))
        used = {reference.rpartition("/")[2] for reference in references(document)}
        self.assertEqual(document["components"]["schemas"].keys() - used, set())
        for schema in document["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)

    def test_token(self) -> None:
        """What needs no token is what the API lets pass without."""
        open_ = {path for path, _, operation in operations() if operation.get("security") == []}
        health = {"/livez", "/readyz", "/health", "/healthz", "/metrics"}
        self.assertEqual(open_, {"/admin", "/admin/", "/admin/status/{file}", *health})


class AnswersTests(Server):
    """What a server answers is what is described: no field is missing, and none is undescribed."""

    async def answered(self, path: str, method: str = "GET", asked: str = "", **options: Any) -> Any:
        """The JSON of an answer, after it was held to its description."""
        status, body = await self.ask(1, method, asked or path, **options)
        operation = openapi()["paths"][path][method.lower()]
        described = operation["responses"][str(status)]
        if "$ref" in described:
            described = openapi()["components"]["responses"][described["$ref"].rpartition("/")[2]]
        (kind,) = set(described["content"]) - {"application/x-ndjson"}
        value = json.loads(body)
        check(described["content"][kind]["schema"], value)
        return value

    async def test_asking(self) -> None:
        """Everything that is told."""
        await self.ask(0, "POST", "/", data=b"four")
        await self.ask(0, "POST", "/", data=b"throw")
        apps = await self.answered("/admin/apps")
        self.assertEqual([app["name"] for app in apps["apps"]], ["shop"])
        await self.answered("/admin/apps/{name}", asked="/admin/apps/shop")
        await self.answered("/admin/apps/{name}", asked="/admin/apps/nobody")
        await self.answered("/admin/workers")
        tail = await self.answered("/admin/logs")
        self.assertLessEqual({"access", "console"}, {line["event"] for line in tail["lines"]})
        await self.answered("/admin/logs", asked="/admin/logs?limit=x")
        self.assertEqual(len((await self.answered("/admin/errors"))["errors"]), 1)
        for path in ("/livez", "/readyz", "/health", "/healthz"):
            await self.answered(path)

    async def test_changing(self) -> None:
        """Everything that is changed."""
        headers = {"Content-Type": "application/json"}
        value = json.dumps({"path": self.service.config.apps[0].path, "hostname": "other.test"}).encode()
        check(openapi()["components"]["schemas"]["AppConfig"], {"name": "other", **json.loads(value)})
        put = await self.answered("/admin/apps/{name}", "PUT", "/admin/apps/other", data=value, headers=headers)
        self.assertEqual(put["result"], "created")
        await self.answered("/admin/apps/{name}", "PUT", "/admin/apps/bad", data=b"{}", headers=headers)
        await self.answered("/admin/apps/{name}", "DELETE", "/admin/apps/other")
        await self.answered("/admin/apps/{name}/release", "POST", "/admin/apps/shop/release")
        await self.answered("/admin/reload", "POST")


class ServedTests(Fixture):
    async def test_served(self) -> None:
        """It is at its place, behind the token."""
        status, _, body = await self.ask("GET", "/admin/openapi.json")
        self.assertEqual((status, body), (200, openapi()))
        await self.problem("unauthorized", 401, "GET", "/admin/openapi.json", token=None)
        Logger("nano.test", observer=self.control.journal).error("no", app="shop")
        check(openapi()["components"]["schemas"]["ErrorList"], (await self.ask("GET", "/admin/errors"))[2])
