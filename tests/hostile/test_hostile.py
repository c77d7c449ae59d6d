"""
Every program of `tests.hostile.programs` in a real daemon, beside a neighbour that must not notice.
"""

from __future__ import annotations

import http.client
import importlib.util
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tests.hostile.programs import ABORTING, AT_LOAD, LIMITS, PROGRAMS, Program, app_source, limits
from tests.system.case import SystemTestCase
from tests.system.daemon import PATIENCE, Daemon

NEIGHBOUR = """let count = 0;
export default { async fetch(request, env) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return Response.json([++count, env.WHO, await request.text(), typeof evil, {}.evil ?? null]);
} };
"""
HAS_SUPERVISOR = importlib.util.find_spec("nano.supervisor.supervisor") is not None


class HostileTestCase(SystemTestCase):
    """A hostile app and its neighbour."""

    def begin(self, source: str, limits: Mapping[str, int] = LIMITS, **config: Any) -> Daemon:
        return self.serve(
            {"hostile": source, "neighbour": NEIGHBOUR},
            {"hostile": limits, "neighbour": {"env": {"WHO": "neighbour"}}},
            **config,
        )

    def ask_neighbour(self, daemon: Daemon) -> None:
        """The neighbour's answer, to the byte."""
        answer = self.fetch(daemon, "neighbour", "/", "POST", body=b"hello")
        self.assertEqual(answer.status, 200, f"{answer}\n{daemon.log[-5000:]}")
        self.neighbour_count = answer.json[0]
        self.assertEqual(answer.json[1:], ["neighbour", "hello", "undefined", None])

    def attack(self, daemon: Daemon, path: str) -> str:
        """What a request to the hostile app comes to: "ok", "cut", or the word of the error."""
        try:
            answer = self.fetch(daemon, "hostile", path)
        except (http.client.HTTPException, ConnectionError):
            return "cut"
        return answer.error or "ok"

    def beside(self, daemon: Daemon, work: Callable[[], None]) -> None:
        """Have the neighbour answer again and again while *work* runs on another thread."""
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.ask_neighbour(daemon)
        while thread.is_alive():
            self.ask_neighbour(daemon)
            thread.join(0.01)
        self.ask_neighbour(daemon)

    def answers_again(self, daemon: Daemon) -> None:
        """The hostile app serves its next request, or one soon after; the neighbour serves each of its own."""
        seen = []

        def calm() -> bool:
            self.ask_neighbour(daemon)
            answer = self.fetch(daemon, "hostile", "/calm")
            seen.append((answer.status, answer.error))
            return answer.body == b"calm"

        daemon.until(calm, "calm")
        self.assertLess(len(seen), 5, seen)


class ProgramTests(HostileTestCase):
    """
    Each program: the neighbour answers throughout, the attack comes to what it should, the app answers again.
    """

    def check(self, program: Program) -> None:
        daemon = self.begin(app_source(program), limits(program))
        outcomes: list[str] = []
        for _ in range(2):
            self.beside(daemon, lambda: outcomes.append(self.attack(daemon, "/attack")))
            self.answers_again(daemon)
        self.assertLessEqual(set(outcomes), set(program.outcomes), daemon.log[-3000:])


class LoadTests(HostileTestCase):
    """
    Global scopes that do not come to their end: the app fails to load, the neighbour serves.
    """

    def check(self, scope: str) -> None:
        daemon = self.begin(f"{scope}\nexport default {{ fetch: () => new Response('x') }};")
        for _ in range(3):
            self.assertEqual(self.attack(daemon, "/"), "load-failed")
            self.ask_neighbour(daemon)


class AbortTests(HostileTestCase):
    """
    Programs that abort V8 take their worker along: the neighbour is served by the next one.
    """

    if not HAS_SUPERVISOR:
        skip = "these abort the process that holds V8, so they need workers under a supervisor"

    def check(self, attack: str) -> None:
        daemon = self.begin(app_source(Program(attack, ())), workers=2)
        self.attack(daemon, "/attack")
        answered: list[bool] = []

        def aborted() -> bool:
            answered.append(self.survives(daemon))
            return "has ended: killed" in daemon.log

        # V8 may come to its abort long after the attack was answered; one request or two are cut then.
        daemon.until(aborted, "the abort")
        answered += [self.survives(daemon) for _ in range(50)]
        self.assertLessEqual(answered.count(False), 2)
        self.ask_neighbour(daemon)

    def survives(self, daemon: Daemon) -> bool:
        try:
            return self.fetch(daemon, "neighbour", "/", "POST", body=b"hello").status == 200
        except (http.client.HTTPException, ConnectionError):
            return False


class SeriesTests(HostileTestCase):
    """
    Many attacks at once, and one after the other.
    """

    def test_many_at_once(self) -> None:
        """Twenty loops at the same time are answered together, by one isolate's end."""
        daemon = self.begin(app_source(PROGRAMS["loop"]))
        outcomes: list[str] = []
        threads = [threading.Thread(target=lambda: outcomes.append(self.attack(daemon, "/attack"))) for _ in range(20)]

        def all_of_them() -> None:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)

        self.beside(daemon, all_of_them)
        self.assertEqual(outcomes, ["exceeded-cpu"] * 20)
        self.answers_again(daemon)

    def test_memory_comes_back(self) -> None:
        """Ten isolates that outgrew their memory leave none of it behind, and no threads."""
        daemon = self.begin(app_source(PROGRAMS["array_buffers"]))
        for number in range(10):
            self.attack(daemon, "/attack")
            self.answers_again(daemon)
            if number == 2:
                before = self.figures(daemon)
        after = self.figures(daemon)
        self.assertLess(after[0], before[0] * 1.2 + 128 * 2**20)
        daemon.until(lambda: self.figures(daemon)[1] <= before[1] + 2, "threads to end")

    def figures(self, daemon: Daemon) -> tuple[int, int]:
        """Resident bytes and threads of the daemon."""
        with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
            found = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status.read(), re.MULTILINE))
        return int(found["VmRSS"]) * 1024, int(found["Threads"])


def _add(case: type[Any], programs: dict[str, Any]) -> None:
    for name, program in programs.items():

        def test(self: Any, program: Any = program) -> None:
            self.check(program)

        test.__doc__ = f"The program {name}."
        test.__name__ = f"test_{name}"
        setattr(case, test.__name__, test)


_add(ProgramTests, PROGRAMS)
_add(LoadTests, AT_LOAD)
_add(AbortTests, ABORTING)
