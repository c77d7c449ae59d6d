# -*- test-case-name: tests.admin.test_endpoint -*-
"""
Where the admin API listens.  The folder of a unix socket, `.nano` as a rule, is made if nothing has made it yet.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.application.service import MultiService
from twisted.application.strports import service as endpoint_service
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory

from nano.addresses import reachable
from nano.errors import ConfigError, Problem

__all__ = ["AdminEndpoint"]


class AdminEndpoint(MultiService):
    """
    The listener, as a service that opens with its parent.

    Args:
        listen: an endpoint string.
        site: answers.
        reactor: opens it.
    """

    def __init__(self, listen: str, site: IProtocolFactory, reactor: Any) -> None:
        super().__init__()
        self._listen = listen
        endpoint_service(listen, site, reactor).setServiceParent(self)

    def privilegedStartService(self) -> None:
        """
        Open it.

        Raises:
            CannotListenError: the address is taken.
            ConfigError: it cannot be opened for another reason.
        """
        try:
            way = reachable(self._listen)
            if way is not None and way.scheme == "unix":
                # What the API tells is for one user alone, unless somebody has decided otherwise.
                os.makedirs(os.path.dirname(os.path.abspath(way.host)), mode=0o700, exist_ok=True)
            super().privilegedStartService()
        except CannotListenError:
            raise
        except OSError as error:
            reason = f"cannot listen on {self._listen}: {error.strerror or error}"
            raise ConfigError([Problem(reason, "admin.listen")]) from error
