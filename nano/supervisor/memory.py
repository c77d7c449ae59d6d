# -*- test-case-name: tests.supervisor.test_memory -*-
"""
How much memory a worker has, and how much it may have before it is replaced.

A worker that grows with no isolate to blame leaks, or its heap is in shreds.  All JavaScript of a process has to fit
into one 4 GB range of addresses, and the workers have to fit into the machine together.
"""

from __future__ import annotations

import os

__all__ = ["available_memory", "memory_budget", "resident_memory"]

#: What the heaps of one process share, in bytes.
_CAGE = 4 * 2**30
#: So much of what there is may be used.
_SHARE = 0.75
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def available_memory(limits: tuple[str, ...] = _LIMITS) -> int:
    """What this machine, or our control group, has for us in bytes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in limits:
        try:
            with open(path, encoding="ascii") as file:
                memory = min(memory, int(file.read()))
        except (OSError, ValueError):  # no such control group, or "max": no limit
            continue
    return memory


def memory_budget(workers: int, available: int) -> int:
    """How many bytes each of *workers* may have."""
    return int(_SHARE * min(_CAGE, available // max(1, workers)))


def resident_memory(pid: int) -> int:
    """Resident memory of a process in bytes; 0 if it is not there, or the system does not say."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
