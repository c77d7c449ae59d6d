"""
What stands in `deploy/` is right: every file is checked by what will read it, where that is at hand, and the times in
them fit those of nano.  And nano does its part: it tells systemd how it is, and takes its sockets.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from nano.config import Config, Surroundings, parse_config
from nano.systemd import Daemon as SystemdDaemon
from nano.systemd import notifier
from tests.system.case import SystemTestCase
from tests.system.client import fetch
from tests.system.daemon import PATIENCE, TWISTD, environment, write_apps

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
HELLO = "export default { fetch: () => new Response('hello') };"

#: Becomes a program as systemd starts it: the socket is descriptor 3, and the variables name the process.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="nano.socket")
os.execv(sys.argv[2], sys.argv[2:])
"""

#: Beyond drain_timeout: what the supervisor gives a worker, and what freeing the isolates may take, in seconds.
MARGIN = 15


def tool(name: str) -> str:
    """
    The path of a program.

    Raises:
        SkipTest: it is not installed.
    """
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if path is None:
        raise SkipTest(f"{name} is not installed; .ci/run installs it where it can")
    return path


class ToolTestCase(SynchronousTestCase):
    """
    Tests that ask the programs which the files are for.
    """

    def folder(self) -> Path:
        """A new folder of the test's own."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        return folder

    def run_tool(self, *command: str) -> str:
        """Run a program, which must find nothing wrong; all that it writes."""
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout + result.stderr


class ProxyTests(ToolTestCase):
    """
    Configurations of proxies.
    """

    def test_nginx(self) -> None:
        """nginx takes it, in an http block."""
        nginx, folder = tool("nginx"), self.folder()
        # It opens what it would listen on, which only root may do below 1024.
        text = (DEPLOY / "nginx" / "nano.conf").read_text().replace("listen 80 ", "listen 127.0.0.1:0 ")
        text = text.replace("listen [::]:80 default_server;", "")
        (folder / "nano.conf").write_text(text.replace("127.0.0.1:0 ", f"unix:{folder}/socket "))
        paths = "".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = folder / "nginx.conf"
        main.write_text(
            f"pid {folder}/pid; error_log stderr; events {{}}"
            f"http {{ access_log off; {paths} include {folder}/nano.conf; }}"
        )
        self.run_tool(nginx, "-t", "-c", str(main), "-e", "stderr")

    def test_haproxy(self) -> None:
        """HAProxy takes it."""
        self.run_tool(tool("haproxy"), "-c", "-f", str(DEPLOY / "haproxy" / "haproxy.cfg"))

    def test_caddy(self) -> None:
        """Caddy takes it."""
        self.run_tool(
            tool("caddy"), "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "caddy" / "Caddyfile")
        )

    def test_health_checks(self) -> None:
        """Those that can check actively ask what turns 503 when the drain begins, for a host that no app claims."""
        for file in (DEPLOY / "haproxy" / "haproxy.cfg", DEPLOY / "caddy" / "Caddyfile"):
            text = file.read_text()
            self.assertIn("/readyz", text)
            self.assertRegex(text, r"Host health\.invalid")

    def test_idle_connections(self) -> None:
        """It is the proxy that closes idle connections, before nano would."""
        idle = Config().limits.idle_timeout
        for file, pattern in (
            ("nginx/nano.conf", r"keepalive_timeout (\d+)s"),
            ("haproxy/haproxy.cfg", r"timeout server (\d+)s"),
            ("caddy/Caddyfile", r"keepalive (\d+)s"),
        ):
            found = re.search(pattern, (DEPLOY / file).read_text())
            assert found is not None, file
            self.assertLess(int(found[1]), idle, file)


class UnitTests(ToolTestCase):
    """
    The units of systemd.
    """

    def unit(self, name: str) -> configparser.ConfigParser:
        """A unit; of a key that is there more than once, the last value."""
        parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters="=", comment_prefixes="#")
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read(DEPLOY / "systemd" / name)
        return parser

    def test_verify(self) -> None:
        """systemd knows every key and value."""
        analyze, folder = tool("systemd-analyze"), self.folder()
        for name in ("nano.service", "nano.socket"):
            text = (DEPLOY / "systemd" / name).read_text()
            # The programs are not there, and man need not be.
            text = re.sub(r"/opt/nano/bin/\w+", sys.executable, text)
            (folder / name).write_text(text.replace("Documentation=man:twistd(1)\n", ""))
        said = self.run_tool(analyze, "verify", "--man=no", str(folder / "nano.service"), str(folder / "nano.socket"))
        self.assertNotIn("nano.s", said)

    def test_times(self) -> None:
        """systemd gives it the time to drain."""
        service = self.unit("nano.service")["Service"]
        self.assertGreater(int(service["TimeoutStopSec"]), Config().drain_timeout + MARGIN)
        self.assertEqual((service["Type"], service["KillSignal"], service["KillMode"]), ("notify", "SIGTERM", "mixed"))
        self.assertIn("-HUP", service["ExecReload"])

    def test_hardened(self) -> None:
        """It has no rights, and can still compile machine code."""
        service = self.unit("nano.service")["Service"]
        for key, value in {
            "CapabilityBoundingSet": "",
            "DynamicUser": "yes",
            "NoNewPrivileges": "yes",
            "PrivateDevices": "yes",
            "PrivateTmp": "yes",
            "ProtectHome": "yes",
            "ProtectSystem": "strict",
            "RestrictNamespaces": "yes",
            "RestrictSUIDSGID": "yes",
        }.items():
            self.assertEqual(service[key], value, key)
        self.assertNotIn("MemoryDenyWriteExecute", service)

    def test_command(self) -> None:
        """The command line is one that twistd understands."""
        command = shlex.split(self.unit("nano.service")["Service"]["ExecStart"])
        self.assertEqual(command[0], "/opt/nano/bin/twistd")
        folder = self.folder()
        write_apps(folder, {"a": HELLO})
        (folder / "app.json").write_text(json.dumps({"port": 1, "apps": [{"name": "a", "path": "a"}]}))
        arguments = [str(folder / "app.json") if each == "/etc/nano/app.json" else each for each in command[1:]]
        result = subprocess.run(
            [*TWISTD, *arguments, "--check"], env=environment(), capture_output=True, timeout=PATIENCE
        )
        self.assertEqual(result.returncode, 0, result.stderr)


class ContainerTests(SynchronousTestCase):
    """
    The Containerfile.
    """

    def setUp(self) -> None:
        text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        self.lines = [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]

    def last(self, word: str) -> str:
        """The last instruction of a kind."""
        return [rest for each, rest in self.lines if each == word][-1]

    def test_stages(self) -> None:
        """Of the stage that builds, the last one has the virtual environment alone, and so no Node."""
        starts = [number for number, (word, _) in enumerate(self.lines) if word == "FROM"]
        self.assertEqual(len(starts), 2)
        final = self.lines[starts[1] :]
        self.assertEqual([rest for word, rest in final if word == "COPY"], ["--from=build /opt/nano /opt/nano"])
        self.assertNotIn("node", " ".join(rest for _, rest in self.lines).lower())

    def test_user(self) -> None:
        """It runs as a number that is not root's, so that Kubernetes can tell."""
        user = self.last("USER").partition(":")[0]
        self.assertTrue(user.isdecimal() and int(user) > 0)

    def test_command(self) -> None:
        """It is the first process, and gets the signal itself: no shell is between."""
        self.assertEqual(json.loads(self.last("ENTRYPOINT"))[0], "twistd")
        self.assertEqual(json.loads(self.last("CMD")), ["--config", "/etc/nano/app.json"])
        self.assertEqual(self.last("STOPSIGNAL"), "SIGTERM")


class KubernetesTests(SynchronousTestCase):
    """
    The manifests.
    """

    def setUp(self) -> None:
        import yaml

        files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        self.manifests: list[dict[str, Any]] = [
            document for file in files for document in yaml.safe_load_all(file.read_text()) if document
        ]

    def one(self, kind: str, name: str = "nano") -> dict[str, Any]:
        """The manifest of an object."""
        return next(each for each in self.manifests if (each["kind"], each["metadata"]["name"]) == (kind, name))

    @property
    def pod(self) -> dict[str, Any]:
        """The specification of the pods."""
        pod: dict[str, Any] = self.one("Deployment")["spec"]["template"]["spec"]
        return pod

    @property
    def container(self) -> dict[str, Any]:
        """That of the container."""
        container: dict[str, Any] = self.pod["containers"][0]
        return container

    @property
    def config(self) -> Config:
        """The configuration in the ConfigMap."""
        around = Surroundings("/etc/nano", {}, lambda path: "t0ken" if path == "/etc/nano-admin/token" else "")
        return parse_config(self.one("ConfigMap")["data"]["app.json"], around)

    def test_schema(self) -> None:
        """Kubernetes knows every key and value."""
        import kubernetes_validate  # type: ignore[import-untyped]

        for manifest in self.manifests:
            kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
        kinds = {manifest["kind"] for manifest in self.manifests}
        self.assertGreaterEqual(kinds, {"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Service"})

    def test_schema_finds_mistakes(self) -> None:
        """A wrong key is not simply passed over."""
        import kubernetes_validate

        self.pod["terminationGracePeriod"] = 1
        version = kubernetes_validate.latest_version()
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(self.one("Deployment"), version, strict=True)

    def test_labels(self) -> None:
        """Whatever selects pods selects these."""
        labels = self.one("Deployment")["spec"]["template"]["metadata"]["labels"]
        for selector in (
            self.one("Deployment")["spec"]["selector"]["matchLabels"],
            self.one("Service")["spec"]["selector"],
            self.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        ):
            self.assertLessEqual(selector.items(), labels.items())
        target = self.one("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
        self.assertEqual((target["kind"], target["name"]), ("Deployment", "nano"))
        self.assertIn("cpu", self.container["resources"]["requests"])

    def test_ports(self) -> None:
        """Ports are those of the configuration, and probes ask the admin listener."""
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        self.assertEqual(self.config.listen, (f"tcp:{ports['http']}",))
        assert self.config.admin is not None
        self.assertEqual(self.config.admin.listen, f"tcp:{ports['admin']}")
        probes = {name: self.container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
        self.assertEqual({probe["port"] for probe in probes.values()}, {"admin"})
        self.assertEqual(probes["readinessProbe"]["path"], "/readyz")
        # While it drains it must not be restarted.
        self.assertEqual(probes["livenessProbe"]["path"], "/livez")
        self.assertEqual(self.one("Service")["spec"]["ports"][0]["targetPort"], "http")

    def test_times(self) -> None:
        """The grace period holds the wait for the proxies, the drain, and a margin."""
        pause = int(self.container["lifecycle"]["preStop"]["exec"]["command"][1])
        readiness = self.container["readinessProbe"]
        self.assertGreaterEqual(pause, readiness["periodSeconds"] * readiness["failureThreshold"])
        grace = self.pod["terminationGracePeriodSeconds"]
        self.assertGreater(grace, pause + self.config.drain_timeout + MARGIN)

    def test_volumes(self) -> None:
        """Every volume that is mounted is there, and what the configuration names lies in one."""
        volumes = {volume["name"] for volume in self.pod["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in self.container["volumeMounts"]}
        self.assertEqual(set(mounts.values()), volumes)
        self.assertIn(self.config.state_dir, mounts)
        for app in self.config.apps:
            self.assertIn(app.path, mounts)
        names = {each["metadata"]["name"] for each in self.manifests if each["kind"] == "ConfigMap"}
        wanted = {volume["configMap"]["name"] for volume in self.pod["volumes"] if "configMap" in volume}
        self.assertEqual(wanted, names)

    def test_restricted(self) -> None:
        """The pods pass the strictest of the Pod Security Standards."""
        self.assertIs(self.pod["securityContext"]["runAsNonRoot"], True)
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        context = self.container["securityContext"]
        self.assertIs(context["allowPrivilegeEscalation"], False)
        self.assertIs(context["readOnlyRootFilesystem"], True)
        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})


class FakeServer(Service):
    """
    A server that is ready, and stops, when the test says so.
    """

    ready = False
    gave_up = "no V8"

    def __init__(self) -> None:
        self.stopping: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:
        """Begin to stop (IService)."""
        super().stopService()
        return self.stopping


class NotifyTests(SynchronousTestCase):
    """
    The words of sd_notify(3), in their order.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = FakeServer()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        # An abstract name: the paths of tests may be too long.
        self.socket.bind(f"\0nano-test-{os.urandom(8).hex()}")
        self.socket.setblocking(False)
        name = "@" + self.socket.getsockname()[1:].decode()
        self.environ = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}

    def daemon(self, **environ: str) -> SystemdDaemon:
        """The daemon, started."""
        made = SystemdDaemon(self.server, self.server, self.clock, {**self.environ, **environ})
        made.startService()
        return made

    def told(self) -> list[str]:
        """What systemd has been told since the last time, but for times."""

        def messages() -> Iterator[str]:
            while True:
                try:
                    yield re.sub(r"=\d{3,}", "=TIME", self.socket.recv(1000).decode())
                except BlockingIOError:
                    return

        return list(messages())

    def test_ready(self) -> None:
        """It is ready when its apps are."""
        self.daemon()
        self.clock.advance(1)
        self.assertEqual(self.told(), ["WATCHDOG=1"])
        self.server.ready = True
        self.clock.advance(1)
        self.assertEqual(self.told(), ["READY=1"])
        self.clock.advance(1)
        self.assertEqual(self.told(), [])

    def test_watchdog(self) -> None:
        """It tells twice in the time that it is alive, until the drain is over."""
        daemon = self.daemon()
        self.told()
        self.clock.advance(10)
        self.assertEqual(self.told(), ["WATCHDOG=1"])
        stopping = daemon.stopService()
        self.assertEqual(self.told(), ["STOPPING=1"])
        self.clock.advance(10)
        self.assertEqual(self.told(), ["WATCHDOG=1"])
        self.assertNoResult(stopping)
        self.server.stopping.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_watchdog_of_another(self) -> None:
        """What is meant for another process, or nonsense, is not heeded."""
        for environ in ({"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}):
            self.daemon(**environ)
            self.clock.advance(100)
            self.assertEqual(self.told(), [])

    def test_reload(self) -> None:
        """A reload is one from its beginning to its end, whatever that is."""
        self.server.ready = True
        daemon = self.daemon()
        self.told()
        reloading: Deferred[str] = Deferred()
        result = daemon.reloading(lambda: reloading)
        self.assertEqual(self.told(), ["RELOADING=1\nMONOTONIC_USEC=TIME"])
        reloading.callback("done")
        self.assertEqual((self.successResultOf(result), self.told()), ("done", ["READY=1"]))
        self.failureResultOf(daemon.reloading(lambda: 1 / 0), ZeroDivisionError)
        self.assertEqual(self.told()[1:], ["READY=1"])

    def test_reload_that_outlives_the_service(self) -> None:
        """A service that stops is not ready any more."""
        self.server.ready = True
        daemon = self.daemon()
        reloading: Deferred[None] = Deferred()
        daemon.reloading(lambda: reloading)
        daemon.stopService()
        self.told()
        reloading.callback(None)
        self.assertEqual(self.told(), [])

    def test_nobody_asks(self) -> None:
        """Without systemd nothing is sent, and no clock is looked at."""
        self.assertIsNone(notifier({}))
        daemon = self.daemon(NOTIFY_SOCKET="")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.server.stopping.callback(None)
        self.successResultOf(daemon.stopService())
        self.assertEqual((self.told(), daemon.gave_up), ([], "no V8"))

    def test_nobody_listens(self) -> None:
        """A socket that has gone is no reason to stop."""
        notify = notifier({"NOTIFY_SOCKET": "/nonexistent/notify"})
        assert notify is not None
        notify("READY=1")


class SystemdTests(SystemTestCase):
    """
    The real daemon, with a systemd that is played by the test.
    """

    def listen(self) -> tuple[str, Callable[[], str]]:
        """The name of a notification socket, and what waits for the next message on it."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notify.close)
        notify.settimeout(PATIENCE)
        notify.bind(f"\0nano-test-{os.urandom(8).hex()}")

        def told() -> str:
            while (message := notify.recv(1000).decode()) == "WATCHDOG=1":
                pass
            return message.split("\n")[0]

        return "@" + notify.getsockname()[1:].decode(), told

    def test_notify(self) -> None:
        """READY when apps answer, RELOADING and READY around a reload, STOPPING before the drain."""
        for workers in (0, 1):
            folder = self.folder()
            write_apps(folder, {"a": HELLO})
            name, told = self.listen()
            apps = [{"name": "a", "path": "a"}]
            daemon = self.start(folder, {"apps": apps, "workers": workers}, {"NOTIFY_SOCKET": name})
            self.assertEqual(told(), "READY=1")
            self.assertEqual(fetch(daemon.port, "a").text, "hello")
            daemon.signal(signal.SIGHUP)
            self.assertEqual([told(), told()], ["RELOADING=1", "READY=1"])
            daemon.signal(signal.SIGTERM)
            self.assertEqual(told(), "STOPPING=1")
            self.ended(daemon)

    def test_socket_activation(self) -> None:
        """It serves on a socket that was there before it, and that survives it."""
        listener = socket.socket(socket.AF_INET)
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        port = listener.getsockname()[1]
        for workers in (0, 1):
            folder = self.folder()
            write_apps(folder, {"a": HELLO})
            config = {
                "listen": ["systemd:domain=INET:index=0"],
                "workers": workers,
                "apps": [{"name": "a", "path": "a"}],
            }
            (folder / "app.json").write_text(json.dumps(config))
            process = self.activated(folder, listener)
            # It waits in the queue until the daemon accepts.
            self.assertEqual(fetch(port, "a").text, "hello")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(PATIENCE), 0, (folder / "log").read_text())

    def activated(self, folder: Path, listener: socket.socket) -> subprocess.Popen[bytes]:
        """The daemon, started as systemd does it."""
        command = [
            sys.executable,
            "-c",
            ACTIVATE,
            str(listener.fileno()),
            *TWISTD,
            "-n",
            "nano",
            "--config",
            "app.json",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(),
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process
