"""
The files of the status page, and what goes with them.  What they do is in `tests.test_browser`.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from nano.admin.status_page import HEADERS, status_file
from tests.admin.test_api import TOKEN, Fixture

FILES = ("index.html", "status.css", "icon.svg", "status.js", "client.js", "chart.js", "log.js", "tables.js", "text.js")


class FileTests(SynchronousTestCase):
    def test_files(self) -> None:
        """Every file is there and none but those; nothing else of the folder, and nothing above it, is given away."""
        for name in FILES:
            asset = status_file(name)
            assert asset is not None, name
            self.assertTrue(asset.body)
        for name in ("tsconfig.json", "../api.py", "nothing.js", ""):
            self.assertIsNone(status_file(name), name)

    def test_contained(self) -> None:
        """The page needs nothing that its policy forbids: no inline script or style, nothing from elsewhere."""
        page = status_file("index.html")
        assert page is not None
        text = page.body.decode()
        self.assertEqual(re.findall(r"<style|<script(?![^>]* src=)|style=|\son\w+=|https?://", text), [])
        loaded = re.findall(r'(?:href|src)="(/[^"]+)"', text)
        self.assertEqual(loaded, [f"/admin/status/{name}" for name in ("icon.svg", "status.css", "status.js")])
        for name in FILES[3:]:
            script = status_file(name)
            assert script is not None
            source = script.body.decode()
            self.assertNotRegex(source, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(")
            for imported in re.findall(r'from "\./([^"]+)"', source):
                self.assertIn(imported, FILES)


class ServedTests(Fixture):
    async def test_page(self) -> None:
        """The page and its files need no token, which they could not show; they are closed in by their headers."""
        status, headers, body = await self.ask("GET", "/admin/", token=None)
        self.assertEqual((status, headers.getRawHeaders("content-type")), (200, ["text/html; charset=utf-8"]))
        self.assertIn(b"<title>nano: status</title>", body)
        for header, value in HEADERS.items():
            self.assertEqual(headers.getRawHeaders(header), [value])
        self.assertIn(b"default-src 'none'", HEADERS[b"content-security-policy"])
        for name in FILES:
            self.assertEqual((await self.ask("GET", f"/admin/status/{name}", token=None))[0], 200, name)

    async def test_redirect(self) -> None:
        """Who leaves out the slash is led to it."""
        status, headers, _ = await self.ask("GET", "/admin", token=None, allow_redirects=False)
        self.assertEqual((status, headers.getRawHeaders("location")), (308, ["/admin/"]))

    async def test_no_file(self) -> None:
        """Of what is not there strangers are not told."""
        await self.problem("unauthorized", 401, "GET", "/admin/status/tsconfig.json", token=None)
        await self.problem("not-found", 404, "GET", "/admin/status/tsconfig.json", token=TOKEN)


class CrossSiteTests(Fixture):
    token = None

    async def test_other_sites(self) -> None:
        """Where there is no token, a page of another site reads nothing that it could see, and changes nothing."""
        host = f"127.0.0.1:{self.port.getHost().port}"
        for headers, good in (
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "none"}, True),
            ({"Sec-Fetch-Site": "cross-site"}, False),
            ({"Sec-Fetch-Site": "same-site", "Origin": f"http://{host}"}, False),
            ({"Origin": f"http://{host}"}, True),
            ({"Origin": "https://other.example"}, False),
            ({"Origin": "null"}, False),
            ({}, True),
        ):
            if good:
                self.assertEqual((await self.ask("POST", "/admin/reload", headers=headers, token=None))[0], 200)
            else:
                await self.problem("cross-site", 403, "POST", "/admin/reload", headers=headers, token=None)
            status, answered, _ = await self.ask("GET", "/admin/apps", headers=headers, token=None)
            self.assertEqual((status, answered.hasHeader("access-control-allow-origin")), (200, False))
