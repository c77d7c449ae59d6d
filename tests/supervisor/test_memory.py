"""
How much memory a worker may have.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from nano.supervisor.memory import available_memory, memory_budget, resident_memory

GB = 2**30


class MemoryTests(SynchronousTestCase):
    def test_cage(self) -> None:
        """On a large machine the heap's address range is the limit."""
        self.assertEqual(memory_budget(2, 64 * GB), 3 * GB)

    def test_machine(self) -> None:
        """On a small one the workers share what there is."""
        self.assertEqual(memory_budget(4, 4 * GB), int(0.75 * GB))

    def test_control_group(self) -> None:
        """A control group's limit counts, unless there is none."""
        path = self.mktemp()
        for text, expected in (("1048576\n", 1048576), ("max\n", available_memory(()))):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            self.assertEqual(available_memory((path, path + "-that-is-not-there")), expected)

    def test_resident(self) -> None:
        """This process has some memory; one that is not there has none."""
        self.assertGreater(resident_memory(os.getpid()), 1_000_000)
        self.assertEqual(resident_memory(2**22 + 1), 0)
