"""
The tests; whatever of nano runs in them, a deprecated call made by nano itself is an error.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import nano

__all__: list[str] = []

# Trial repeats the warnings of a test when it has ended, with the file's name for the module's.
warnings.filterwarnings(
    "error",
    category=DeprecationWarning,
    module=rf"nano(\.|$)|{re.escape(str(Path(nano.__file__).parent))}/",
)
