"""
The figures that are kept: results.json.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

__all__ = ["keep"]

RESULTS = Path(__file__).parent / "results.json"


def keep(section: str, measured: dict[str, Any]) -> None:
    """Put what was measured in the place of what stands in *section* under the same names."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept.update(machine=platform.machine(), system=platform.system(), python=platform.python_version())
    kept[section] = {**kept.get(section, {}), **measured}
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")
