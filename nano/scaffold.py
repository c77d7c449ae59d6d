# -*- test-case-name: tests.cli.test_commands -*-
"""
The files of a new app, for `nano init`.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

__all__ = ["new_app"]

#: Where `nano apps`, `nano logs` and `nano top` find the daemon.
_SOCKET = ".nano/admin.sock"
#: Bytes that the path of a socket may have, wherever nano runs.
_LONGEST_SOCKET = 103

_INDEX = """\
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/") {
      return new Response(`${env.GREETING}\\n`);
    }
    if (pathname === "/echo" && request.method === "POST") {
      return Response.json({ received: await request.text() });
    }
    return new Response("Not found\\n", { status: 404 });
  },
};
"""


def new_app(folder: str) -> list[str]:
    """
    Write a new app with its configuration below *folder*.

    Returns:
        The paths written.

    Raises:
        FileExistsError: one of the files is there already; then nothing is written.
        OSError: the folder cannot be written.
    """
    files = {
        os.path.join(folder, "app.json"): _configuration(folder),
        os.path.join(folder, "src", "index.js"): _INDEX,
        os.path.join(folder, ".gitignore"): ".nano/\n",
    }
    for path in files:
        if os.path.lexists(path):
            raise FileExistsError(path)
    os.makedirs(os.path.join(folder, "src"), exist_ok=True)
    for path, text in files.items():
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    return list(files)


def _configuration(folder: str) -> str:
    base = os.path.basename(os.path.abspath(folder))
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", base).strip("-.") or "app"
    app = {
        "name": name,
        "hostname": "*",
        "path": "src",
        "env": {"GREETING": f"Hello from {name}!"},
    }
    configuration: dict[str, Any] = {"port": 8080, "apps": [app]}
    if len(os.path.join(os.path.abspath(folder), _SOCKET).encode()) <= _LONGEST_SOCKET:
        configuration["admin"] = {"listen": f"unix:{_SOCKET}:mode=600"}
    return json.dumps(configuration, indent=2) + "\n"
