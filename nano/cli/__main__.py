# -*- test-case-name: tests.cli.test_main -*-
"""
`python -m nano.cli`: the same as `nano`.
"""

from __future__ import annotations

import sys

from nano.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
