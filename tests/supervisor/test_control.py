"""
The control channel: what is said arrives as it was said, however long it is.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.protocols import amp
from twisted.trial.unittest import SynchronousTestCase

from nano.config import AdminConfig, AppConfig, Config, Secret, parse_config, real_surroundings
from nano.supervisor import control
from nano.supervisor.listeners import Bound

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class _Worker(control.ControlProtocol):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    @control.Configure.responder
    def configure(self, task: control.Task) -> dict[str, Any]:
        self.got.append(task)
        if task.worker == 0:
            raise control.BootError("no V8")
        return {}

    @control.Prepare.responder
    def prepare(self, proposal: control.Proposal) -> dict[str, Any]:
        self.got.append(proposal)
        return {"apps": {"big": "x" * 200_000}}


class ControlTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.supervisor, self.worker = control.ControlProtocol(), _Worker()
        self.ends = StringTransport(), StringTransport()
        self.supervisor.makeConnection(self.ends[0])
        self.worker.makeConnection(self.ends[1])

    def pump(self) -> None:
        """Carry what was said to the other side, one way after the other."""
        for sender, receiver in ((self.ends[0], self.worker), (self.ends[1], self.supervisor)):
            data = sender.value()
            sender.clear()
            for at in range(0, len(data), 1000):
                receiver.dataReceived(data[at : at + 1000])

    def ask(self, command: type[amp.Command], **arguments: Any) -> Any:
        """A command and its answer."""
        answered: Deferred[Any] = Deferred()
        # AMP deals with failures that nobody has asked for by the time they come.
        self.supervisor.callRemote(command, **arguments).addBoth(answered.callback)
        self.pump()
        return answered

    def test_task(self) -> None:
        """A configuration arrives whole: secrets, networks, and more than one value of AMP can hold."""
        text = """{"port": 80, "trusted_proxies": ["10.0.0.0/8"], "admin": {"listen": "tcp:1", "token": "t0ken"},
            "apps": [{"name": "a", "path": "a", "env": {"S": {"from_env": "S"}, "N": [1, null, {"x": true}]}}]}"""
        config = parse_config(text, real_surroundings("/srv", {"S": "secret" * 50_000}))
        task = control.Task(1, config, (Bound(("tcp", "80", ""), 5, 2),), {"bad": 3.0})
        self.successResultOf(self.ask(control.Configure, task=task))
        (got,) = self.worker.got
        self.assertEqual(got, task)
        self.assertIsInstance(got.config.apps[0].env["S"], Secret)
        self.assertIsInstance(got.config.admin, AdminConfig)

    def test_embedded_configuration(self) -> None:
        """A configuration that was never in a file arrives as well."""
        config = Config(port=0, apps=(AppConfig("a", "/a", env={"big": "é" * 100_000}),))
        self.successResultOf(self.ask(control.Configure, task=control.Task(2, config)))
        self.assertEqual(self.worker.got[0].config, config)

    def test_answer(self) -> None:
        """Answers may be long, too."""
        answer = self.successResultOf(self.ask(control.Prepare, proposal=control.Proposal((), frozenset({"a"}))))
        self.assertEqual(answer["apps"], {"big": "x" * 200_000})
        self.assertEqual(self.worker.got[0].keep, {"a"})

    def test_boot_error(self) -> None:
        """Why a worker cannot boot reaches the supervisor."""
        failure = self.failureResultOf(self.ask(control.Configure, task=control.Task(0, Config())), control.BootError)
        self.assertEqual(failure.getErrorMessage(), "no V8")

    @settings(max_examples=100)
    @given(JSON)
    def test_json(self, value: Any) -> None:
        """Any JSON value survives the way through a box."""
        box: dict[bytes, bytes] = {}
        objects: dict[str, Any] = {}
        argument = control.Json()
        argument.toBox(b"value", box, {"value": value}, self.supervisor)
        argument.fromBox(b"value", box, objects, self.supervisor)
        self.assertEqual(objects, {"value": value})

    def test_nothing_to_unpickle_from_a_worker(self) -> None:
        """No answer and no command of a worker is pickled: hostile code runs there."""
        commands = [each for each in vars(control).values() if isinstance(each, type) and issubclass(each, amp.Command)]
        from_worker = [each.response for each in commands if each not in (control.Booted, control.Ready)]
        from_worker += [control.Booted.arguments, control.Ready.arguments]
        kinds = {type(argument) for arguments in from_worker for _, argument in arguments}
        self.assertEqual(kinds, {control.Json})
