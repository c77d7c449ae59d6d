"""
The tests; whatever of nano runs in them, a deprecated call made by nano itself is an error.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from hypothesis import HealthCheck, settings

import nano

__all__: list[str] = []

# Trial repeats the warnings of a test when it has ended, with the file's name for the module's.
warnings.filterwarnings(
    "error",
    category=DeprecationWarning,
    module=rf"nano(\.|$)|{re.escape(str(Path(nano.__file__).parent))}/",
)

# How long an example takes says something of the machine, and of what else it does.
settings.register_profile("nano", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nano")
