"""
nano mounted in somebody's twisted.web site: `python klein_site.py CONFIG PORT`.

The Klein tree dispatches every request, and twisted.web parses it, where the daemon has a front of its own.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor as installed
from twisted.web.server import Site

from nano.config import load_config
from nano.service import NanoService


def main(config: str, port: str) -> None:
    """Serve until told to stop."""
    reactor: Any = installed
    service = NanoService(load_config(config), reactor)
    service.privilegedStartService()
    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.listenTCP(int(port), Site(service.resource(), reactor=reactor), interface="127.0.0.1")
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
