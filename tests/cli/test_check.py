# -*- test-case-name: tests.cli.test_check -*-
"""
`nano check`: what is wrong with a configuration and its apps.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from tests.cli.case import Commands
from tests.system.daemon import environment
from tests.test_config import TEN_MESSAGES, TEN_MISTAKES


class CheckTests(Commands):
    def test_good(self) -> None:
        """One line says what is configured."""
        self.write("site/index.js", "")
        app = {"name": "a", "path": "site"}
        path = self.write("app.json", json.dumps({"port": 1, "workers": 1, "apps": [app]}))
        expected = f"{path}: OK: 1 app, 1 host name, 1 worker, listening on tcp:1\n"
        self.assertEqual(self.run_nano("check", "--config-only", path), (0, expected, ""))

    def test_bad(self) -> None:
        """Every problem is printed, and the exit code is 1."""
        path = self.write("app.json", '{"port": "x", "apps": [{"name": "a", "path": "gone"}]}')
        code, out, err = self.run_nano("check", "--config-only", path)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("port: must be a whole number", err)
        self.assertIn("gone does not exist", err)

    def test_no_file(self) -> None:
        """A missing file is a configuration error."""
        code, _, err = self.run_nano("check", "--config-only", os.path.join(self.folder, "no.json"))
        self.assertEqual(code, 1)
        self.assertIn("No such file", err)

    def test_default(self) -> None:
        """Without a file it is the one of this folder."""
        code, _, err = self.run_nano("check")
        self.assertEqual(code, 1)
        self.assertIn("app.json: cannot read the configuration: No such file", err)

    def test_json(self) -> None:
        """A program gets each problem with its place."""
        path = self.write("app.json", '{"port": 1,\n "aps": []}')
        code, out, err = self.run_nano("check", "--config-only", "--json", path)
        problem = {"reason": 'unknown key; did you mean "apps"?', "path": "aps", "file": path, "line": 2, "column": 2}
        self.assertEqual((code, json.loads(out), err), (1, {"file": path, "ok": False, "problems": [problem]}, ""))

    def test_json_good(self) -> None:
        """It is told as well what is right."""
        path = self.write("app.json", '{"port": 1, "workers": 3}')
        code, out, _ = self.run_nano("check", "--json", path)
        expected = {"file": path, "ok": True, "problems": [], "apps": [], "listen": ["tcp:1"], "workers": 3}
        self.assertEqual((code, json.loads(out)), (0, expected))

    def test_json_without_place(self) -> None:
        """A file that cannot be read has no lines."""
        path = os.path.join(self.folder, "no.json")
        _, out, _ = self.run_nano("check", "--json", path)
        reason = "cannot read the configuration: No such file or directory"
        self.assertEqual(json.loads(out)["problems"], [{"reason": reason, "file": path}])


class ProcessTests(TestCase):
    """The real command, from outside."""

    async def test_ten_mistakes(self) -> None:
        """Ten mistakes in a file are ten messages, no traceback, and exit code 1."""
        folder = Path(self.mktemp()).absolute()
        (folder / "site").mkdir(parents=True)
        (folder / "site" / "index.js").touch()
        (folder / "app.json").write_text(TEN_MISTAKES)
        out, err, code = await getProcessOutputAndValue(
            sys.executable, ["-m", "nano.cli", "check", "app.json"], environment(), str(folder)
        )
        heads = [line for line in err.decode().splitlines() if not line.startswith("    ")]
        self.assertEqual((code, out, heads), (1, b"", TEN_MESSAGES))

    async def check_apps(self, sources: dict[str, str], *options: str) -> tuple[int, str, str]:
        """Exit code and output of a check of apps, each an `index.js`."""
        folder = Path(self.mktemp()).absolute()
        for name, source in sources.items():
            (folder / name).mkdir(parents=True)
            (folder / name / "index.js").write_text(source)
        apps = [{"name": name, "path": name} for name in sources]
        (folder / "app.json").write_text(json.dumps({"port": 1, "workers": 0, "apps": apps}))
        out, err, code = await getProcessOutputAndValue(
            sys.executable, ["-m", "nano.cli", "check", *options, "app.json"], environment(), str(folder)
        )
        return code, out.decode(), err.decode()

    async def test_apps(self) -> None:
        """All that does not compile is told with its place; nothing of the apps runs."""
        sources = {
            "good": "console.log('ran'); export default {};",
            "bad": "export default {};\nlet x = ;\n",
            "worse": 'import "./gone.js";\nimport "left-pad";\n',
        }
        code, out, err = await self.check_apps(sources)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("bad/index.js:2:9: app bad: SyntaxError: Unexpected token\n    let x = ;\n            ^\n", err)
        self.assertIn("worse/index.js:1:8: app worse: ", err)
        self.assertIn("worse/index.js:2:8: app worse: ", err)
        self.assertNotIn("good", err)
        self.assertNotIn("ran", err)

    async def test_good_apps(self) -> None:
        """Apps that compile are in order."""
        code, out, err = await self.check_apps({"good": "throw new Error('not run');"})
        self.assertEqual((code, err), (0, ""))
        self.assertIn("OK: 1 app", out)

    async def test_apps_not_asked_for(self) -> None:
        """A check of the configuration alone does not look into the apps."""
        code, _, err = await self.check_apps({"bad": "let x = ;"}, "--config-only")
        self.assertEqual((code, err), (0, ""))

    async def test_config_only_loads_no_reactor(self) -> None:
        """A check of a configuration is quick: neither the reactor nor the engine is loaded for it."""
        path = Path(self.mktemp()).absolute()
        path.write_text('{"port": 1}')
        script = (
            f"import sys; from nano.cli import main; main(['check', '--config-only', {str(path)!r}])\n"
            "loaded = {'twisted.internet.reactor', 'py_mini_racer', 'klein', 'nano.service'}\n"
            "sys.exit(3 if loaded & set(sys.modules) else 0)"
        )
        _, err, code = await getProcessOutputAndValue(sys.executable, ["-c", script], environment())
        self.assertEqual((code, err), (0, b""))
