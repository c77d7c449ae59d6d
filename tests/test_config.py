# -*- test-case-name: tests.test_config -*-
"""
The configuration: every key, every rule, every message, without a file; then with real ones.
"""

from __future__ import annotations

import json
import os
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from nano.config import (
    AdminConfig,
    AppConfig,
    Config,
    LimitsConfig,
    LogConfig,
    Overrides,
    Secret,
    Surroundings,
    as_json,
    available_cores,
    check_config,
    config_schema,
    entry_file,
    load_config,
    one_app,
    parse_app,
    parse_config,
    read_override,
    reveal,
)
from nano.errors import ConfigError
from tests.test_json_text import JSON

MB = 1024 * 1024

TEN_MISTAKES = """\
{
  "port": 70000,
  "workers": "two",
  "trusted_proxies": ["10.0.0.1/8"],
  "admin": {"listen": "tcp:8081"},
  "timeout_ms": 3,
  "defaults": {"memory_mb": 0},
  "apps": [
    {"name": "a", "path": "site", "timout_ms": 50},
    {"name": "b", "path": "site", "hostname": "A"},
    {"name": "c"},
    {"name": "d", "path": "site", "env": {"KEY": {"from_env": "NOT_SET"}}}
  ]
}
"""

TEN_MESSAGES = [
    "app.json:2:11: port: must be at most 65535, is 70000",
    "app.json:3:14: workers: must be a whole number, not a string",
    ("app.json:4:23: trusted_proxies[0]: 10.0.0.1/8 has host bits set; expected a network such as 10.0.0.0/8"),
    "app.json:5:12: admin: needs token or token_file, unless it listens on a unix socket",
    "app.json:6:3: timeout_ms: unknown key here; it belongs in an app or defaults",
    "app.json:7:29: defaults.memory_mb: must be at least 8, is 0",
    'app.json:9:35: apps[0].timout_ms: unknown key; did you mean "timeout_ms"?',
    "app.json:10:47: apps[1].hostname: app 'b' claims 'a', as does app 'a' (apps[0])",
    "app.json:11:5: apps[2].path: this key is required",
    "app.json:12:50: apps[3].env.KEY: the environment variable NOT_SET is not set",
]


def surroundings(environ: dict[str, str] | None = None, files: dict[str, str] | None = None) -> Surroundings:
    """A machine of the test's own, with its files in /srv."""

    def read(path: str) -> str:
        try:
            return (files or {})[path]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", path) from None

    return Surroundings("/srv", environ or {}, read)


def config(raw: Any, **kwargs: Any) -> Config:
    """Read *raw*, to which a port is added."""
    return parse_config(json.dumps({"port": 1, **raw}), surroundings(**kwargs))


def app(raw: dict[str, Any], **kwargs: Any) -> AppConfig:
    """Read one app, to which name and path are added."""
    return parse_app({"name": "a", "path": "p", **raw}, surroundings(**kwargs))


class Base(SynchronousTestCase):
    def problems(self, raw: Any, **kwargs: Any) -> list[str]:
        """What is said of *raw*, a text or a value, as `path: reason`."""
        text = raw if isinstance(raw, str) else json.dumps(raw)
        error = self.assertRaises(ConfigError, parse_config, text, surroundings(**kwargs))
        return [f"{problem.path}: {problem.reason}" for problem in error.problems]

    def app_problems(self, raw: dict[str, Any], **kwargs: Any) -> list[str]:
        """What is said of one app."""
        error = self.assertRaises(ConfigError, app, raw, **kwargs)
        return [f"{problem.path}: {problem.reason}" for problem in error.problems]


class KeyTests(Base):
    """Every key: its default, its bounds, its unit."""

    def test_app_defaults(self) -> None:
        """The defaults of the contract, in the units used inside."""
        expected = AppConfig(
            name="a",
            path="/srv/p",
            hostnames=("a",),
            env={},
            timeout=5.0,
            startup_timeout=5.0,
            request_timeout=30.0,
            memory=128 * MB,
            max_body=100 * MB,
            max_buffer_size=64 * MB,
            max_concurrent_requests=1000,
            user_agent="Cloudflare-Workers",
            dev=False,
        )
        self.assertEqual(app({}), expected)
        self.assertEqual(AppConfig("a", "/srv/p"), expected)

    def test_top_level_defaults(self) -> None:
        """The same for the rest of the file."""
        self.assertEqual(
            config({"workers": 3}),
            Config(
                port=1,
                interface="",
                listen=("tcp:1",),
                workers=3,
                defaults={},
                apps=(),
                drain_timeout=30.0,
                admin=None,
                trusted_proxies=(),
                limits=LimitsConfig(32768, 10.0, 75.0, 10000),
                log=LogConfig("json", "info", True),
                state_dir="/srv/.nano",
            ),
        )

    def test_app_units_and_bounds(self) -> None:
        """Both bounds of every number are good, what lies beyond is not."""
        day = 24 * 3600 * 1000
        for key, field, low, high, unit in (
            ("timeout_ms", "timeout", 1, day, 0.001),
            ("startup_timeout_ms", "startup_timeout", 1, day, 0.001),
            ("request_timeout_ms", "request_timeout", 1, day, 0.001),
            ("memory_mb", "memory", 8, 4096, MB),
            ("max_body_mb", "max_body", 1, MB, MB),
            ("max_buffer_size_mb", "max_buffer_size", 1, 4096, MB),
            ("max_concurrent_requests", "max_concurrent_requests", 1, 1_000_000, 1),
        ):
            for value in (low, high):
                self.assertAlmostEqual(getattr(app({key: value}), field), value * unit)
            self.assertEqual(self.app_problems({key: low - 1}), [f"{key}: must be at least {low}, is {low - 1}"])
            self.assertEqual(
                self.app_problems({key: high + 1}),
                [f"{key}: must be at most {high}, is {high + 1}"],
            )

    def test_top_level_units_and_bounds(self) -> None:
        """The same for the rest of the file."""
        day = 24 * 3600 * 1000
        for section, key, field, low, high, unit in (
            (None, "port", "port", 0, 65535, 1),
            (None, "workers", "workers", 0, 256, 1),
            (None, "drain_timeout_ms", "drain_timeout", 0, day, 0.001),
            ("limits", "max_header_bytes", "max_header_bytes", 1024, MB, 1),
            ("limits", "header_timeout_ms", "header_timeout", 1, day, 0.001),
            ("limits", "idle_timeout_ms", "idle_timeout", 1, day, 0.001),
            ("limits", "max_connections", "max_connections", 1, 1_000_000, 1),
        ):
            for value in (low, high):
                read = config({section: {key: value}} if section else {key: value})
                found = getattr(getattr(read, section) if section else read, field)
                self.assertAlmostEqual(found, value * unit)
            for value, reason in (
                (low - 1, f"must be at least {low}, is {low - 1}"),
                (high + 1, f"must be at most {high}, is {high + 1}"),
            ):
                raw = {section: {key: value}} if section else {key: value}
                path = f"{section}.{key}" if section else key
                self.assertEqual(self.problems({"port": 1, **raw}), [f"{path}: {reason}"])

    def test_types(self) -> None:
        """Nothing is converted: a number in quotes, or true, is no number."""
        for key, value, reason in (
            ("timeout_ms", "50", "must be a whole number, not a string"),
            ("timeout_ms", True, "must be a whole number, not true"),
            ("timeout_ms", 1.5, "must be a whole number, not a number with a fraction"),
            ("timeout_ms", None, "must be a whole number, not null"),
            ("dev", 1, "must be true or false, not a whole number"),
            ("dev", "yes", "must be true or false, not a string"),
            ("name", 7, "must be a string, not a whole number"),
            ("path", ["x"], "must be a string, not a list"),
            ("env", [], "must be an object, not a list"),
            ("hostname", 7, "must be a list, not a whole number"),
            ("user_agent", {}, "must be a string, not an object"),
        ):
            self.assertEqual(self.app_problems({key: value}), [f"{key}: {reason}"])

    def test_texts(self) -> None:
        """Texts that end up in a header, a log or a file name."""
        for key, value in (
            *(("name", ""), ("name", "a b"), ("name", "a/b"), ("name", "a\n"), ("name", "x" * 129)),
            *(("path", ""), ("path", "a\0"), ("user_agent", "a\r\nb")),
        ):
            self.assertEqual(len(self.app_problems({key: value, "hostname": "a"})), 1)

    def test_log(self) -> None:
        """The words that a log may be given, and the level below which nothing is written."""
        read = config({"log": {"format": "text", "level": "debug", "access": False}})
        self.assertEqual(read.log, LogConfig("text", "debug", False))
        self.assertEqual(
            self.problems({"port": 1, "log": {"format": "xml"}}),
            ['log.format: must be "json", "text" or "apache"'],
        )

    def test_trusted_proxies(self) -> None:
        """Blocks of both families, and single addresses."""
        read = config({"trusted_proxies": ["10.0.0.0/8", "::1"]})
        self.assertEqual([str(n) for n in read.trusted_proxies], ["10.0.0.0/8", "::1/128"])

    def test_state_dir(self) -> None:
        """Relative to the file, as every path."""
        self.assertEqual(config({"state_dir": "../x"}).state_dir, "/x")
        self.assertEqual(config({"state_dir": "/var/x"}).state_dir, "/var/x")

    def test_frozen(self) -> None:
        """A configuration is a value."""
        with self.assertRaises(FrozenInstanceError):
            app({}).name = "b"  # type: ignore[misc]


class ListenTests(Base):
    def test_port(self) -> None:
        """`port` is short for an endpoint."""
        self.assertEqual(config({"port": 80}).listen, ("tcp:80",))
        self.assertEqual(config({"interface": "::1"}).listen, (r"tcp:1:interface=\:\:1",))

    def test_listen(self) -> None:
        """Endpoint strings, with their paths made absolute."""
        text = '{"listen": ["tcp:80", "unix:run/x"]}'
        self.assertEqual(parse_config(text, surroundings()).listen, ("tcp:80", "unix:/srv/run/x"))

    def test_mistakes(self) -> None:
        """Ports that contradict each other, or are not there."""
        for raw, problem in (
            ({}, ': nothing to listen on: add "port": 8080 (or "listen", or NANO_PORT)'),
            ({"port": 1, "listen": ["tcp:2"]}, "listen: port and listen exclude each other"),
            ({"listen": ["tcp:2"], "interface": "::1"}, "interface: goes with port only"),
            ({"listen": []}, "listen: must not be empty"),
            ({"listen": "tcp:80"}, "listen: must be a list, not a string"),
            (
                {"port": 1, "interface": "localhost"},
                "interface: must be an IP address of this machine",
            ),
        ):
            self.assertEqual(self.problems(raw), [problem])
        self.assertIn("unknown endpoint type 'htp'", self.problems({"listen": ["htp:1"]})[0])

    def test_precedence(self) -> None:
        """An option wins over the environment, and that over the file."""
        environ = {"NANO_PORT": "2", "NANO_WORKERS": "2", "NANO_LOG_FORMAT": "text"}
        text = '{"listen": ["tcp:1"], "workers": 1, "log": {"format": "apache"}}'
        for variables, options, expected in (
            ({}, Overrides(), (("tcp:1",), 1, "apache")),
            (environ, Overrides(), (("tcp:2",), 2, "text")),
            (environ, Overrides(3, 3, "json"), (("tcp:3",), 3, "json")),
            ({"NANO_PORT": ""}, Overrides(), (("tcp:1",), 1, "apache")),
        ):
            read = parse_config(text, surroundings(variables), options)
            self.assertEqual((read.listen, read.workers, read.log.format), expected)

    def test_port_from_outside(self) -> None:
        """A file needs no port where somebody else gives one; its interface still counts."""
        around = surroundings({"NANO_PORT": "2"})
        self.assertEqual(parse_config("{}", around).listen, ("tcp:2",))
        read = parse_config('{"interface": "127.0.0.1"}', around)
        self.assertEqual(read.listen, ("tcp:2:interface=127.0.0.1",))

    def test_wrong_environment(self) -> None:
        """Variables are checked as the file is, and named."""
        environ = {"NANO_PORT": "x", "NANO_WORKERS": "-1", "NANO_LOG_FORMAT": "xml"}
        self.assertEqual(
            self.problems({"port": 1}, environ=environ),
            [
                ": environment variable NANO_PORT: must be a whole number, is 'x'",
                ": environment variable NANO_WORKERS: must be at least 0, is -1",
                ': environment variable NANO_LOG_FORMAT: must be "json", "text" or "apache"',
            ],
        )

    def test_read_override(self) -> None:
        """What an option says, or why it cannot."""
        self.assertEqual(read_override("port", "80"), 80)
        self.assertEqual(read_override("log_format", "text"), "text")
        for key, text in (("port", "65536"), ("port", "٣"), ("workers", "1.0"), ("port", "")):
            self.assertRaises(ValueError, read_override, key, text)


class AppsTests(Base):
    def test_defaults(self) -> None:
        """An app's own values win; `env` is merged by key."""
        read = config(
            {
                "defaults": {"timeout_ms": 7, "dev": True, "env": {"A": 1, "B": 1}},
                "apps": [
                    {"name": "a", "path": "a"},
                    {"name": "b", "path": "b", "timeout_ms": 8, "env": {"B": 2}},
                ],
            }
        )
        a, b = read.apps
        self.assertEqual((a.timeout, a.dev, a.env), (0.007, True, {"A": 1, "B": 1}))
        self.assertEqual((b.timeout, b.dev, b.env), (0.008, True, {"A": 1, "B": 2}))

    def test_defaults_for_later_apps(self) -> None:
        """An app added later gets them as well."""
        read = config({"defaults": {"timeout_ms": 7}})
        added = parse_app({"name": "a", "path": "p"}, surroundings(), read.defaults)
        self.assertEqual(added.timeout, 0.007)

    def test_mistake_in_defaults(self) -> None:
        """It is reported once, at its place, whatever the number of apps."""
        apps = [{"name": name, "path": name} for name in "abc"]
        raw = {"port": 1, "defaults": {"dev": 1, "pth": "x", "path": 1}, "apps": apps}
        self.assertEqual(
            self.problems(raw),
            [
                "defaults.dev: must be true or false, not a whole number",
                'defaults.pth: unknown key; did you mean "path"?',
                "defaults.path: must be a string, not a whole number",
            ],
        )

    def test_required_key_wrong_in_defaults(self) -> None:
        """A key that is wrong in `defaults` is not missing in the apps."""
        raw = {"port": 1, "defaults": {"path": 1}, "apps": [{"name": "a"}]}
        self.assertEqual(self.problems(raw), ["defaults.path: must be a string, not a whole number"])

    def test_hostnames(self) -> None:
        """One or many, in one spelling; the name if there are none."""
        self.assertEqual(app({"hostname": "A.example"}).hostnames, ("a.example",))
        self.assertEqual(app({"hostname": ["A", "a", "*"]}).hostnames, ("a", "*"))
        self.assertEqual(app({"name": "A.B"}).hostnames, ("a.b",))

    def test_egress(self) -> None:
        """Words, networks and patterns, in one spelling."""
        rules = {"allow": ["10.1.2.3", "[::1]", "*.B.example"], "deny": ["private", "fe80::/10"]}
        egress = app({"egress": rules}).egress
        self.assertEqual(egress.allow, ("10.1.2.3/32", "::1/128", "*.b.example"))
        self.assertEqual(egress.deny, ("private", "fe80::/10"))
        self.assertEqual(app({}).egress.deny, ())

    def test_wrong_egress(self) -> None:
        """At the place of the one that is wrong."""
        for rule in ("10.0.0.1/8", "10.0.0", "a b", "a.*.b", "host:80", "", "::g"):
            with self.assertRaises(ConfigError) as caught:
                app({"egress": {"deny": ["private", rule]}})
            self.assertIn("egress.deny[1]", str(caught.exception), rule)

    def test_wrong_hostnames(self) -> None:
        """At the place of the one that is wrong."""
        wrong: list[tuple[Any, str]] = [
            ([], "hostname: must not be empty"),
            ("a:80", "hostname[0]: 'a:80' has a port; host names are matched without it"),
            (["a", "-"], "hostname[1]: '-' is not a valid host name"),
            (["a", 1], "hostname[1]: must be a string, not a whole number"),
        ]
        for raw, problem in wrong:
            self.assertEqual(self.app_problems({"hostname": raw}), [problem])
        one = {"port": 1, "apps": [{"name": "a", "path": "p", "hostname": "a:80"}]}
        self.assertTrue(self.problems(one)[0].startswith("apps[0].hostname: 'a:80' has a port"))

    def test_name_is_no_hostname(self) -> None:
        """A name that cannot be a host name needs one beside it."""
        self.assertEqual(
            self.app_problems({"name": "a:b"}),
            [": 'a:b' is not a valid host name; give \"hostname\", which defaults to the name"],
        )
        self.assertEqual(app({"name": "a:b", "hostname": "a"}).name, "a:b")

    def test_two_apps_one_hostname(self) -> None:
        """An error that names both, whatever else is wrong with them."""
        apps = [
            {"name": "a", "path": "p", "hostname": ["x.com", "Y.com."]},
            {"name": "b", "path": "p", "hostname": ["z.com", "y.COM"], "dev": 1},
            {"name": "x.com", "path": "p"},
        ]
        self.assertEqual(
            self.problems({"port": 1, "apps": apps}),
            [
                "apps[1].hostname[1]: app 'b' claims 'y.com', as does app 'a' (apps[0])",
                "apps[1].dev: must be true or false, not a whole number",
                "apps[2].name: app 'x.com' claims 'x.com', as does app 'a' (apps[0])",
            ],
        )

    def test_two_apps_one_name(self) -> None:
        """One mistake, not two, though the host names are the same as well."""
        apps = [{"name": "a", "path": "p"}, {"name": "a", "path": "q"}]
        self.assertEqual(self.problems({"port": 1, "apps": apps}), ["apps[1].name: the name is taken by apps[0]"])

    def test_not_objects(self) -> None:
        """Each level says what it should be."""
        for raw, problem in (
            ([], ": must be an object, not a list"),
            ({"port": 1, "apps": {}}, "apps: must be a list, not an object"),
            ({"port": 1, "apps": [1]}, "apps[0]: must be an object, not a whole number"),
            ({"port": 1, "defaults": 1}, "defaults: must be an object, not a whole number"),
            ({"port": 1, "limits": []}, "limits: must be an object, not a list"),
            ({"port": 1, "log": 1}, "log: must be an object, not a whole number"),
            ({"port": 1, "admin": "x"}, "admin: must be an object, not a string"),
        ):
            self.assertEqual(self.problems(raw), [problem])
        error = self.assertRaises(ConfigError, parse_app, 7, surroundings())
        self.assertIn("must be an object", str(error))


class UnknownKeyTests(Base):
    def test_nearest(self) -> None:
        """The nearest known key of that object is named."""
        for raw, problem in (
            ({"prot": 1}, 'prot: unknown key; did you mean "port"?'),
            ({"limits": {"max_header": 1}}, "limits.max_header: unknown key; did you mean"),
            ({"log": {"Level": "info"}}, 'log.Level: unknown key; did you mean "level"?'),
            ({"zzz": 1}, "zzz: unknown key; did you mean"),
        ):
            (found,) = self.problems({"port": 1, **raw})
            self.assertTrue(found.startswith(problem), found)

    def test_elsewhere(self) -> None:
        """A key that stands in the wrong object is told its home."""
        for raw, home in (
            ({"timeout_ms": 1}, "an app or defaults"),
            ({"format": "text"}, '"log"'),
            ({"log": {"port": 1}}, "the top level"),
        ):
            (found,) = self.problems({"port": 1, **raw})
            self.assertTrue(found.endswith(f"unknown key here; it belongs in {home}"), found)

    def test_inner_names(self) -> None:
        """What is a field inside and no key of the file is unknown."""
        self.assertEqual(self.problems({"port": 1, "origin": {}})[0][:20], "origin: unknown key;")
        self.assertEqual(self.app_problems({"timeout": 1}), ['timeout: unknown key; did you mean "timeout_ms"?'])

    def test_misspelt_is_not_missing(self) -> None:
        """A required key that is misspelt is one mistake."""
        raw = {"port": 1, "apps": [{"name": "a", "pth": "x"}]}
        self.assertEqual(self.problems(raw), ['apps[0].pth: unknown key; did you mean "path"?'])


class SecretTests(Base):
    def test_from_env_and_file(self) -> None:
        """Secrets are read when the configuration is, at any depth."""
        env = {
            "A": {"from_env": "KEY"},
            "B": {"deep": [{"from_file": "s.txt"}]},
            "C": [None, 1.5, "x", {"y": True}],
        }
        read = app({"env": env}, environ={"KEY": "s3cret"}, files={"/srv/s.txt": "line\nlast\r\n"})
        self.assertEqual(
            reveal(read.env),
            {"A": "s3cret", "B": {"deep": ["line\nlast"]}, "C": [None, 1.5, "x", {"y": True}]},
        )

    def test_never_shown(self) -> None:
        """Neither text nor JSON of a configuration holds a secret, unless asked for."""
        read = config(
            {
                "admin": {"listen": "tcp:2", "token": "s3cret"},
                "apps": [{"name": "a", "path": "p", "env": {"A": {"from_env": "KEY"}}}],
            },
            environ={"KEY": "s3cret"},
        )
        shown = as_json(read.apps[0])
        self.assertEqual(shown["env"], {"A": "[redacted]"})
        secret = read.apps[0].env["A"]
        for text in (repr(read), str(read), f"{secret}", f"{secret!r}", json.dumps(shown)):
            self.assertNotIn("s3cret", text)
        self.assertRaises(TypeError, json.dumps, read.apps[0].env)
        self.assertEqual(as_json(read.apps[0], secrets=True)["env"], {"A": "s3cret"})

    def test_equality(self) -> None:
        """Whether a secret changed can be told: an app with another one is another version."""
        self.assertEqual(Secret("a"), Secret("a"))
        self.assertNotEqual(Secret("a"), Secret("b"))
        self.assertEqual(len({Secret("a"), Secret("a")}), 1)

    def test_missing(self) -> None:
        """What is not there is an error at its path."""
        env = {"A": {"from_env": "KEY"}, "B": {"from_file": "s.txt"}}
        self.assertEqual(
            self.app_problems({"env": env}),
            [
                "env.A: the environment variable KEY is not set",
                "env.B: cannot read /srv/s.txt: No such file or directory",
            ],
        )

    def test_malformed(self) -> None:
        """Something that looks like a secret and is none never reaches the app."""
        for value in (
            *({"from_env": 1}, {"from_env": ""}, {"from_file": None}),
            *({"from_env": "A", "x": 1}, {"x": 1, "from_file": "A"}),
        ):
            (problem,) = self.app_problems({"env": {"K": value}}, environ={"A": "x"})
            self.assertIn("env.K: a secret is", problem)

    def test_in_defaults(self) -> None:
        """One that is missing in `defaults` leaves the rest of `env` to be checked."""
        raw = {
            "port": 1,
            "defaults": {"env": {"A": {"from_env": "A"}, "B": 1}},
            "apps": [{"name": "a", "path": "p", "env": {"C": {"from_env": "C"}}}],
        }
        self.assertEqual(
            self.problems(raw),
            [
                "defaults.env.A: the environment variable A is not set",
                "apps[0].env.C: the environment variable C is not set",
            ],
        )

    def test_depth(self) -> None:
        """An object that is nested without end is an error, not Python's."""
        value: Any = 1
        for _ in range(5000):
            value = [value]
        self.assertEqual(self.app_problems({"env": {"A": value}}), ["env.A: nested deeper than 100 levels"])


class AdminTests(Base):
    def admin(self, raw: dict[str, Any], **kwargs: Any) -> AdminConfig | None:
        return config({"admin": raw}, **kwargs).admin

    def test_token(self) -> None:
        """A token may stand in the file, in a file of its own or in the environment."""
        files, environ = {"/srv/t": " s3cret\n"}, {"T": "s3cret"}
        for raw in (
            {"token": "s3cret"},
            {"token": {"from_env": "T"}},
            {"token": {"from_file": "t"}},
            {"token_file": "t"},
        ):
            admin = self.admin({"listen": "tcp:2", **raw}, environ=environ, files=files)
            assert admin is not None
            self.assertEqual(admin.secret, Secret("s3cret"))

    def test_unix_socket(self) -> None:
        """Only a unix socket may go without."""
        admin = self.admin({"listen": "unix:x.sock"})
        self.assertEqual(admin, AdminConfig("unix:/srv/x.sock"))
        for listen in ("tcp:2", "tcp:2:interface=127.0.0.1", "ssl:2", "systemd:INET:0"):
            (problem,) = self.problems({"port": 1, "admin": {"listen": listen}})
            self.assertIn("admin: needs token or token_file", problem)
        self.assertRaises(ValueError, AdminConfig, "tcp:2")

    def test_mistakes(self) -> None:
        """What else can be wrong; the token itself is never shown."""
        for raw, problem in (
            ({}, "admin.listen: this key is required"),
            ({"listen": "tcp:2", "token": "a", "token_file": "t"}, "admin: token and token_file"),
            ({"listen": "tcp:2", "token": "hunt er"}, "admin.token: a token is"),
            ({"listen": "tcp:2", "token": ""}, "admin.token: a token is"),
            ({"listen": "tcp:2", "token": 1}, "admin.token: must be a string"),
            ({"listen": "tcp:2", "token_file": "no"}, "admin.token_file: cannot read /srv/no"),
            ({"listen": "tcp:2", "tokn": "hunt er"}, "admin.tokn: unknown key"),
        ):
            (found,) = self.problems({"port": 1, "admin": raw}, files={"/srv/t": "x"})
            self.assertTrue(found.startswith(problem), found)

    def test_hidden_in_frames(self) -> None:
        """The line shown below a message hides a token that stands in it."""
        text = '{"port": 1, "admin": {"listen": "x", "token": "s3cret"}}'
        error = self.assertRaises(ConfigError, parse_config, text, surroundings())
        self.assertIn('"token": "******"', str(error))


class MessageTests(Base):
    def test_ten_mistakes(self) -> None:
        """Ten mistakes are ten messages, in the order of the file, each with its place."""
        error = self.assertRaises(ConfigError, parse_config, TEN_MISTAKES, surroundings())
        heads = [str(problem).split("\n")[0] for problem in error.problems]
        self.assertEqual(heads, TEN_MESSAGES)

    def test_frame(self) -> None:
        """Below a message the line, and a caret below what is meant."""
        error = self.assertRaises(ConfigError, parse_config, TEN_MISTAKES, surroundings())
        lines = str(error.problems[6]).split("\n")
        self.assertEqual(lines[1][lines[2].index("^") :][:12], '"timout_ms":')

    def test_syntax_error(self) -> None:
        """JSON that is none is one message with its place."""
        error = self.assertRaises(ConfigError, parse_config, '{\n  "port": 1,\n}', surroundings())
        self.assertEqual(
            str(error),
            'app.json:2:12: a comma before "}" is not allowed in JSON\n      "port": 1,\n               ^',
        )

    def test_duplicate_key(self) -> None:
        """A key given twice would silently lose one value."""
        text = '{"port": 1, "apps": [], "port": 2}'
        self.assertEqual(self.problems(text), ["port: the same key is given more than once"])

    @given(JSON)
    def test_any_json(self, value: Any) -> None:
        """Whatever the file holds, it is a configuration or a `ConfigError`."""
        try:
            parse_config(json.dumps(value), surroundings())
        except ConfigError as error:
            self.assertTrue(error.problems)
            str(error).encode()

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                key: JSON | st.lists(st.dictionaries(st.sampled_from(("name", "env", "x")), JSON))
                for key in ("port", "listen", "defaults", "apps", "admin", "log", "limits")
            },
        )
    )
    def test_any_values(self, value: Any) -> None:
        """The same behind keys that exist."""
        self.test_any_json.hypothesis.inner_test(self, value)  # type: ignore[attr-defined]

    @given(
        st.dictionaries(
            st.sampled_from(("name", "path", "hostname", "env", "timeout_ms", "memory_mb", "dev", "user_agent")),
            JSON,
        )
    )
    def test_any_app(self, value: Any) -> None:
        """The same for the object of one app."""
        try:
            parse_app(value, surroundings())
        except ConfigError as error:
            str(error).encode()

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """The same for a text that need not be JSON."""
        try:
            parse_config(text, surroundings())
        except ConfigError as error:
            str(error).encode()


class RoundTripTests(Base):
    def test_app(self) -> None:
        """What is written of an app reads as the same app."""
        raw = {
            "name": "a",
            "path": "/p",
            "hostname": ["a", "*.b"],
            "env": {"A": [1, None, {"x": "y"}]},
            "timeout_ms": 1001,
            "startup_timeout_ms": 33,
            "request_timeout_ms": 7,
            "memory_mb": 64,
            "max_body_mb": 3,
            "max_buffer_size_mb": 5,
            "max_concurrent_requests": 9,
            "user_agent": "x",
            "egress": {"allow": ["10.0.0.0/8", "link-local"], "deny": ["*", "::1/128"]},
            "dev": True,
        }
        self.assertEqual(as_json(app(raw)), raw)

    @given(st.integers(1, 86_400_000))
    def test_milliseconds(self, value: int) -> None:
        """No millisecond is lost on the way in and out."""
        self.assertEqual(as_json(app({"timeout_ms": value}))["timeout_ms"], value)


class SchemaTests(Base):
    def setUp(self) -> None:
        self.schema = config_schema()
        self.validator = Draft202012Validator(self.schema)

    def test_is_a_schema(self) -> None:
        """It says that it is of 2020-12, and is."""
        self.assertEqual(self.schema["$schema"], Draft202012Validator.META_SCHEMA["$id"])
        Draft202012Validator.check_schema(self.schema)

    def test_every_key_is_described(self) -> None:
        """Each key says what it means, and its unit where it has one."""
        described = [self.schema, *self.schema["$defs"].values()]
        for definition in described:
            for key, value in definition["properties"].items():
                self.assertTrue(value.get("description"), key)
                for suffix, unit in (("_ms", "milliseconds"), ("_mb", "megabytes")):
                    if key.endswith(suffix):
                        self.assertIn(unit, value["description"])

    def test_defaults(self) -> None:
        """Defaults are in the units of the file, and are what the reader takes."""
        for key, value in self.schema["$defs"]["AppConfig"]["properties"].items():
            if "default" in value:
                self.assertEqual(app({key: value["default"]}), app({}), key)
        for key, value in self.schema["properties"].items():
            if "default" in value:
                self.assertEqual(config({key: value["default"]}), config({}), key)

    def test_inner_fields_are_not_in_it(self) -> None:
        """What the file cannot say is not described."""
        self.assertNotIn("Origin", json.dumps(self.schema))
        self.assertNotIn("origin", self.schema["properties"])

    def test_agrees_with_the_reader(self) -> None:
        """What passes here passes there; what mistakes it can see, it sees."""
        good: list[dict[str, Any]] = [
            {"port": 1, "apps": [{"name": "a", "path": "p", "hostname": "x"}]},
            {"port": 1, "defaults": {"timeout_ms": 1}, "limits": {"max_connections": 5}},
            {"listen": ["tcp:1"], "admin": {"listen": "tcp:2", "token": {"from_env": "T"}}},
        ]
        for raw in good:
            self.assertEqual([e.message for e in self.validator.iter_errors(raw)], [])
            parse_config(json.dumps(raw), surroundings({"T": "x"}))
        bad: list[dict[str, Any]] = [
            {"port": "1"},
            {"port": 1, "prot": 1},
            {"port": 1, "apps": [{"name": "a"}]},
            {"port": 1, "defaults": {"timeout_ms": 0}},
            {"listen": []},
            {"port": 1, "log": {"format": "xml"}},
            {"port": 1, "apps": [{"name": "a", "path": "p", "hostname": []}]},
        ]
        for raw in bad:
            self.assertTrue(list(self.validator.iter_errors(raw)), raw)
            self.problems(raw)

    def test_examples(self) -> None:
        """Every configuration among the examples is valid."""
        examples = Path(__file__).resolve().parent.parent / "examples"
        for path in examples.glob("*/app.json"):
            self.assertEqual(list(self.validator.iter_errors(json.loads(path.read_text()))), [])
            check_config(str(path))

    def test_every_field_is_a_key(self) -> None:
        """Nothing that the reader knows is missing from the schema."""
        inner = {"origin"}
        names = {field.name for field in fields(Config)} - inner
        aliases = {"drain_timeout": "drain_timeout_ms"}
        self.assertEqual({aliases.get(name, name) for name in names}, set(self.schema["properties"]))


class FileTests(Base):
    def setUp(self) -> None:
        self.folder = os.path.abspath(self.mktemp())
        os.makedirs(os.path.join(self.folder, "site"))
        self.write("site/index.js", "")

    def write(self, name: str, text: str | bytes) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def test_load(self) -> None:
        """Paths start at the file, which is remembered with the options."""
        path = self.write("app.json", '{"port": 1, "apps": [{"name": "a", "path": "site"}]}')
        read = load_config(os.path.relpath(path), {}, Overrides(port=2))
        self.assertEqual(read.apps[0].path, os.path.join(self.folder, "site"))
        self.assertEqual((read.listen, read.origin.file), (("tcp:2",), path))
        self.assertEqual(read.origin.overrides, Overrides(port=2))
        self.assertEqual(replace(read, workers=0).origin, read.origin)

    def test_byte_order_mark(self) -> None:
        """Some editors begin a file with one."""
        path = self.write("app.json", b'\xef\xbb\xbf{"port": 1}')
        self.assertEqual(load_config(path, {}).port, 1)

    def test_default_log_format(self) -> None:
        """A terminal may want text, unless somebody says what."""
        plain = self.write("plain.json", '{"port": 1, "log": {"level": "warn"}}')
        said = self.write("said.json", '{"port": 1, "log": {"format": "json"}}')
        self.assertEqual(load_config(plain, {}, log_format="text").log, LogConfig("text", "warn"))
        self.assertEqual(load_config(said, {}, log_format="text").log.format, "json")
        read = load_config(plain, {"NANO_LOG_FORMAT": "apache"}, log_format="text")
        self.assertEqual(read.log.format, "apache")

    def test_unreadable(self) -> None:
        """A file that is not there, is a folder or no text is a `ConfigError` too."""
        latin = self.write("latin.json", b'{"a": "\xe4"}')
        for path, reason in (
            (os.path.join(self.folder, "no.json"), "No such file"),
            (self.folder, "Is a directory"),
            (latin, "no UTF-8 text"),
        ):
            self.assertIn(reason, str(self.assertRaises(ConfigError, load_config, path, {})))

    def test_missing_app(self) -> None:
        """It leaves the others serving, but a check reports it."""
        os.makedirs(os.path.join(self.folder, "empty"))
        apps = [{"name": name, "path": name} for name in ("site", "gone", "empty")]
        path = self.write("app.json", json.dumps({"port": 1, "apps": apps}))
        self.assertEqual([app.name for app in load_config(path, {}).apps], ["site", "gone", "empty"])
        error = self.assertRaises(ConfigError, check_config, path, {})
        self.assertEqual([p.path for p in error.problems], ["apps[1].path", "apps[2].path"])
        self.assertIn("gone does not exist", error.problems[0].reason)
        self.assertIn("it has none of index.js, index.mjs", error.problems[1].reason)

    def test_entry_file(self) -> None:
        """A file is its own; of a folder it is the first in the contract's order."""
        folder = os.path.join(self.folder, "app")
        os.makedirs(folder)
        self.assertIsNone(entry_file(folder))
        for name in ("_worker.js", "index.ts", "index.mjs", "index.js"):
            path = self.write(f"app/{name}", "")
            self.assertEqual(entry_file(folder), path)
            self.assertEqual(entry_file(path), path)

    def test_one_app(self) -> None:
        """A single app answers for every host name."""
        read = one_app(os.path.join(self.folder, "site"), {}, Overrides(port=5))
        (served,) = read.apps
        self.assertEqual((served.name, served.hostnames), ("site", ("*",)))
        self.assertEqual(read.listen, ("tcp:5",))

    def test_one_app_mistakes(self) -> None:
        """A path without an app, and nothing to listen on."""
        gone = os.path.join(self.folder, "gone")
        self.assertRaises(ConfigError, one_app, gone, {}, Overrides(port=5))
        error = self.assertRaises(ConfigError, one_app, os.path.join(self.folder, "site"), {})
        self.assertIn("nothing to listen on", str(error))

    def test_plugin_endpoints(self) -> None:
        """Types that Twisted's plugins add are known without a list of ours."""
        path = self.write("app.json", '{"listen": ["stdio:"]}')
        self.assertEqual(load_config(path, {}).listen, ("stdio:",))

    def test_cores(self) -> None:
        """The quota of a container counts, rounded up; without one the affinity."""
        cores = available_cores(os.path.join(self.folder, "no"))
        self.assertEqual(available_cores(self.write("max", "max 100000\n")), cores)
        self.assertEqual(available_cores(self.write("half", "50000 100000\n")), 1)
        self.assertEqual(available_cores(self.write("many", "99900000 100000\n")), cores)
        self.assertEqual(available_cores(self.write("odd", "nonsense\n")), cores)
