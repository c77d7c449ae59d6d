# -*- test-case-name: tests.system.test_endurance -*-
"""
A well-behaved app beside hostile ones: what it notices of an attack, and what is left of that afterwards.
"""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from tests.system.client import Client, fetch
from tests.system.daemon import Daemon, wait_until
from tests.system.load import holdings, settled
from tests.system.pressure import Visitors, percentile

__all__ = ["NEIGHBOUR", "Damage", "attack"]

#: The app that must not notice.
NEIGHBOUR = "export default { async fetch(request) { return new Response(await request.text()); } };"
#: How long an attacker may take to answer again, in seconds.
_PATIENCE = 20.0


@dataclass(frozen=True)
class Damage:
    """
    What an attack came to.

    Attributes:
        outcomes: of the attacks, by their words.
        answered: how many requests of the neighbour were answered during the attack.
        wrong: answers that are not what they should be.
        cut: how many requests got no answer.
        p99: of the neighbour's answers before and during the attack, in seconds.
        memory: resident bytes of the daemon before the attack, and when it had recovered.
        afterwards: what an attacker does then: "answers", or the word of its error.
    """

    outcomes: Counter[str]
    answered: int
    wrong: Sequence[str]
    cut: int
    p99: tuple[float, float]
    memory: tuple[int, int]
    afterwards: str


def attack(
    daemon: Daemon, attackers: Sequence[str], seconds: float = 0.0, rounds: int = 1, recovery: float = 20.0
) -> Damage:
    """
    Have *attackers* attack all at once, again and again, while the app `neighbour` is asked.

    Args:
        daemon: serves all of them.
        attackers: apps whose attack is at `/attack`, and who answer "calm" otherwise.
        seconds: how long the attack goes on, and how long the neighbour is asked before it.
        rounds: how often each attacks at least, and how many requests of the neighbour make a measure, in tens.
        recovery: how long memory may take to come back, in seconds.
    """
    with Visitors(daemon.port, _visit_neighbour) as neighbour:
        _wait(neighbour, 0.0, 10)
        memory = settled(daemon.process.pid, recovery).resident
        since = neighbour.answered
        _wait(neighbour, seconds, rounds * 10)
        undisturbed = neighbour.took(since)
        outcomes = _attack_until(daemon, attackers, time.monotonic() + seconds, rounds)
        during = neighbour.took(since + len(undisturbed))
        _wait(neighbour, 0.0, 10)
    afterwards = _afterwards(daemon, attackers[0])
    return Damage(
        outcomes,
        len(during),
        neighbour.wrong,
        len(neighbour.broken),
        (percentile(undisturbed, 0.99), percentile(during, 0.99)),
        (memory, _recovered(daemon, memory, recovery)),
        afterwards,
    )


def _visit_neighbour(client: Client) -> str | None:
    answer = client.fetch("neighbour", "/", "POST", body=b"hello")
    return None if (answer.status, answer.body) == (200, b"hello") else repr(answer)


def _wait(neighbour: Visitors, seconds: float, answers: int) -> None:
    """Wait until so much time is over, and so many answers have come."""
    until, enough = time.monotonic() + seconds, neighbour.answered + answers
    wait_until(lambda: neighbour.answered >= enough, "the neighbour's answers")
    time.sleep(max(0.0, until - time.monotonic()))


def _attack_until(daemon: Daemon, attackers: Sequence[str], end: float, rounds: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()

    def visit(host: str, client: Client) -> None:
        outcomes[_attack(client, host)] += 1

    with ExitStack() as stack:
        for host in attackers:
            stack.enter_context(Visitors(daemon.port, partial(visit, host), 1))
        wait_until(lambda: outcomes.total() >= rounds * len(attackers) and time.monotonic() >= end, "the attack")
    return outcomes


def _attack(client: Client, host: str) -> str:
    try:
        answer = client.fetch(host, "/attack")
    except (OSError, http.client.HTTPException):
        client.close()
        return "cut"
    return answer.error or "ok"


def _afterwards(daemon: Daemon, attacker: str) -> str:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            answer = fetch(daemon.port, attacker, "/calm")
        except (OSError, http.client.HTTPException):
            word = "cut"
        else:
            word = "answers" if answer.body == b"calm" else answer.error or str(answer.status)
        if word in ("answers", "quarantined") or time.monotonic() > deadline:
            return word


def _recovered(daemon: Daemon, before: int, patience: float) -> int:
    """Resident bytes when they are within a fifth of what they were, or after the time that recovery may take."""
    deadline = time.monotonic() + patience
    while True:
        resident = holdings(daemon.process.pid).resident
        if resident <= before * 1.2 or time.monotonic() > deadline:
            return resident
        time.sleep(0.1)
