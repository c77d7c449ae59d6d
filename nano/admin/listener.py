# -*- test-case-name: tests.admin.test_listener -*-
"""
The admin listener beside a server: open before it starts, and until its end, so that it can tell how it drains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from nano.admin.api import make_site
from nano.admin.endpoint import AdminEndpoint
from nano.admin.journal import Journal
from nano.interfaces import IControl
from nano.settings import AdminConfig, Secret

__all__ = ["Administered"]


class Administered(MultiService):
    """
    A server and its admin listener as one service.

    Args:
        server: stops first.
        control: what the listener's API talks to.
        config: where it listens; None for no listener.
        reactor: opens it.
        token: tells what clients have to show now; by default always what *config* says.
        journal: listens to the log meanwhile, if there is a listener that shows it.
    """

    _log = Logger()

    def __init__(
        self,
        server: IService,
        control: IControl,
        config: AdminConfig | None,
        reactor: Any,
        token: Callable[[], Secret | None] | None = None,
        journal: Journal | None = None,
    ) -> None:
        super().__init__()
        self._server = server
        self._journal = None
        if config is not None:
            self._journal = journal
            site = make_site(reactor, control, token if token is not None else lambda: config.secret)
            AdminEndpoint(config.listen, site, reactor).setServiceParent(self)
        server.setServiceParent(self)

    @property
    def gave_up(self) -> str:
        """Why the server can never serve; "" as long as it might."""
        return str(getattr(self._server, "gave_up", ""))

    def privilegedStartService(self) -> None:
        """Open the listener, and the journal."""
        if self._journal is not None:
            self._journal.open()
        super().privilegedStartService()

    def stopService(self) -> Deferred[None]:
        """
        Stop the server, and then the listener.  Fires with None; it does not fail.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        with self._log.failuresHandled("stopping the server"):
            await maybeDeferred(self._server.stopService)
        self.running = 0
        for child in self:
            if child is not self._server:
                with self._log.failuresHandled("stopping the admin listener"):
                    await maybeDeferred(child.stopService)
        if self._journal is not None:
            self._journal.close()
