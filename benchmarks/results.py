"""
The figures that are kept: results.json.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

__all__ = ["keep", "kept"]

RESULTS = Path(__file__).parent / "results.json"


def kept() -> dict[str, Any]:
    """All that is kept, by section."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def keep(section: str, measured: dict[str, Any]) -> None:
    """Put what was measured in the place of what stands in *section* under the same names."""
    results = kept()
    results.update(machine=platform.machine(), system=platform.system(), python=platform.python_version())
    results[section] = {**results.get(section, {}), **measured}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
