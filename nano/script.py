# -*- test-case-name: tests.test_script -*-
"""
`nano run`: one script with the full runtime, run to its end.

The end is when the script's module has been evaluated and nothing is on its way any more: no timer, no operation.
What it logs goes to standard output (debug, log, info) and standard error (warn, error) as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.filepath import FilePath

from nano.apps.program import make_program
from nano.bundle import read_bundle
from nano.config import AppConfig
from nano.engine.compiler import ModuleCompiler
from nano.engine.host import IsolateHost
from nano.errors import DrainingError, NanoError
from nano.http.outbound import OutboundSource
from nano.service import make_loader, make_pool

__all__ = ["run_script"]

#: A script of one's own has no limits worth the name: seconds, bytes.
_FOREVER = 365 * 24 * 3600.0
_MEMORY = 1024 * 2**20
_FREEING_TIME = 1.0
_ERROR = 3


class _Script:
    """Owns the isolate of a script, and hears what it says (IsolateOwner)."""

    name = "script"

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self.uncaught = False

    def isolate_log(self, host: IsolateHost, level: int, text: str) -> None:
        stream = self._out if level < 2 else self._err
        stream.write(f"{text}\n")
        stream.flush()
        if level == _ERROR and text.startswith("Uncaught "):
            self.uncaught = True

    def isolate_retired(self, host: IsolateHost) -> None:
        """Scripts are not watched."""

    def isolate_condemned(self, host: IsolateHost, error: NanoError) -> None:
        """The Deferred of `load` or `when_quiet` tells."""


def run_script(
    reactor: Any, path: str, args: Sequence[str], out: TextIO | None = None, err: TextIO | None = None
) -> Deferred[int]:
    """
    Run the script at *path*.

    Args:
        reactor: runs it.
        path: a file, or a folder with an entry file.
        args: what it finds as `args` in the module "nano:script".
        out: where its output goes; standard output if not given.
        err: where its warnings and errors go; standard error if not given.

    Fires with the exit code: 0, or 1 after an error that nothing caught.  It fails with `CancelledError` alone, when it
    is cancelled: then the script has been ended.
    """
    return Deferred.fromCoroutine(_run(reactor, path, args, out or sys.stdout, err or sys.stderr))


async def _run(reactor: Any, path: str, args: Sequence[str], out: TextIO, err: TextIO) -> int:
    pool = make_pool(reactor, 0)
    compiler = ModuleCompiler(reactor, read_bundle("compiler.js"))
    script = _Script(out, err)
    try:
        bundle = await make_loader(reactor, compiler, None).load(FilePath(path))
        program = make_program(bundle, AppConfig("script", path, memory=_MEMORY), args)
        host = await pool.get()
        outbound = host.outbound = OutboundSource(reactor).make("script")
        try:
            await host.load(program, script, _FOREVER)
            await host.when_quiet()
        finally:
            host.condemn(DrainingError("the script has ended"))
            outbound.close()
    except DrainingError:
        # That is how a host calls it when its script is not wanted any more.
        raise CancelledError from None
    except NanoError as error:
        err.write(f"{error}\n")
        return 1
    finally:
        compiler.stop()
        await pool.stop(_FREEING_TIME)
    return 1 if script.uncaught else 0
