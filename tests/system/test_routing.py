# -*- test-case-name: tests.system.test_routing -*-
"""
Which app answers, and what it finds in its env.
"""

from __future__ import annotations

from tests.system.case import SystemTestCase

NAMED = "export default { fetch: (request, env) => new Response(env.NAME) };"
ENV = "export default { fetch: (request, env) => Response.json(env) };"


class HostTests(SystemTestCase):
    """Virtual hosts."""

    def test_exact_wildcard_and_catch_all(self) -> None:
        """The most specific claim wins; case, port and a trailing dot do not matter."""
        claims = {
            "exact": ["example.com", "www.example.com"],
            "wild": "*.example.com",
            "deep": "*.eu.example.com",
            "rest": "*",
        }
        daemon = self.serve(
            dict.fromkeys(claims, NAMED),
            {name: {"hostname": claim, "env": {"NAME": name}} for name, claim in claims.items()},
        )
        for host, name in {
            "example.com": "exact",
            "www.example.com": "exact",
            "WWW.Example.COM:8080": "exact",
            "example.com.": "exact",
            "a.example.com": "wild",
            "a.b.example.com": "wild",
            "eu.example.com": "wild",
            "x.eu.example.com": "deep",
            "x.y.eu.example.com": "deep",
            "notexample.com": "rest",
            "example.org": "rest",
            "127.0.0.1": "rest",
            "[::1]:80": "rest",
        }.items():
            self.assertEqual((host, self.get(daemon, host)), (host, name))

    def test_name_is_the_default(self) -> None:
        """Without a host name an app answers to its own name, and to no other."""
        daemon = self.serve({"shop": NAMED}, {"shop": {"env": {"NAME": "shop"}}})
        self.assertEqual(self.get(daemon, "shop"), "shop")
        self.assert_error(self.fetch(daemon, "shop.example.com"), 404, "no-app")

    def test_no_app(self) -> None:
        """A host that no app claims is a 404 in JSON which names it."""
        daemon = self.serve({"a": NAMED})
        answer = self.fetch(daemon, "nobody.example", "/some/path")
        self.assert_error(answer, 404, "no-app")
        self.assertEqual(answer.header("content-type"), "application/json")
        self.assertEqual(list(answer.json), ["error"])
        self.assertTrue(answer.json["error"].startswith("no app for host"), answer)
        self.assertIn("nobody.example", answer.json["error"])

    def test_health(self) -> None:
        """Health checks are answered on the main port for hosts that no app claims."""
        daemon = self.serve({"a": NAMED})
        for path in ("/livez", "/readyz", "/health", "/healthz"):
            answer = self.fetch(daemon, "127.0.0.1", path)
            self.assertEqual((answer.status, answer.json["status"]), (200, "ok"), path)
        self.assert_error(self.fetch(daemon, "127.0.0.1", "/metrics"), 404, "no-app")
        self.assert_error(self.fetch(daemon, "127.0.0.1", "/healthz/x"), 404, "no-app")

    def test_health_shadows_nothing(self) -> None:
        """The paths of an app are its own."""
        daemon = self.serve({"a": "export default { fetch: (r) => new Response(new URL(r.url).pathname) };"})
        for path in ("/livez", "/readyz", "/health", "/healthz", "/metrics", "/admin/apps"):
            self.assertEqual(self.get(daemon, "a", path), path)


class EnvTests(SystemTestCase):
    """The second argument of handlers."""

    def test_every_json_type(self) -> None:
        """Values arrive as they were written."""
        env = {
            "text": 'ä\n"€😀',
            "number": 1.5,
            "yes": True,
            "nothing": None,
            "list": [1, [2]],
            "object": {"a": {"b": 3}},
        }
        daemon = self.serve({"a": ENV, "b": ENV}, {"a": {"env": env}})
        self.assertEqual(self.fetch(daemon, "a").json, env)
        self.assertEqual(self.fetch(daemon, "b").json, {})

    def test_isolation(self) -> None:
        """What an app does to its env and to its globals, no other app can see."""
        vandal = """
            export default { fetch(request, env) {
              env.SHARED = "changed"; env.LIST.push("changed"); globalThis.leak = "leaked";
              Array.prototype.push = () => { throw new Error("patched") };
              Object.prototype.polluted = "polluted";
              return Response.json([env.SHARED, env.LIST]);
            } };"""
        witness = """
            export default { fetch: (request, env) =>
              Response.json([env.SHARED, env.LIST, typeof leak, [].polluted === undefined, [1].push(2)]) };"""
        env = {"SHARED": "mine", "LIST": ["first"]}
        daemon = self.serve({"vandal": vandal, "witness": witness}, {}, defaults={"env": env})
        self.assertEqual(self.fetch(daemon, "vandal").status, 200)
        self.assertEqual(self.fetch(daemon, "witness").json, ["mine", ["first"], "undefined", True, 2])

    def test_secrets(self) -> None:
        """Secrets come from the environment and from files, and stand in no log."""
        app = """
            console.log("at load");
            export default { fetch(request, env) {
              console.log("the secret is", env.FROM_ENV, "and", env.FROM_FILE);
              if (request.url.endsWith("/throw")) throw new Error(env.FROM_ENV);
              return Response.json(env);
            } };"""
        env = {"FROM_ENV": {"from_env": "THE_SECRET"}, "FROM_FILE": {"from_file": "a/secret.txt"}}
        daemon = self.serve(
            {"a": {"index.js": app, "secret.txt": "file-s3cret-value\n"}},
            {"a": {"env": env}},
            environ={"THE_SECRET": "env-s3cret-value"},
        )
        self.assertEqual(
            self.fetch(daemon, "a").json, {"FROM_ENV": "env-s3cret-value", "FROM_FILE": "file-s3cret-value"}
        )
        self.assert_error(self.fetch(daemon, "a", "/throw"), 500, "exception")
        daemon.wait_for("the secret is [redacted] and [redacted]")
        self.assertNotIn("s3cret", daemon.log)

    def test_service_worker_style(self) -> None:
        """Apps that listen to events find env in their global scope."""
        app = """
            addEventListener("fetch", (event) => {
              event.respondWith((async () => new Response(`${GREETING} ${event.request.method}`))());
            });"""
        daemon = self.serve({"a": app}, {"a": {"env": {"GREETING": "hello"}}})
        self.assertEqual(self.get(daemon, "a"), "hello GET")
