"""What this process holds: memory, descriptors, tasks, children. A leak is what only ever grows."""

from __future__ import annotations

import asyncio
import gc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sim.clock import Clock

_PAGE_MIB = os.sysconf("SC_PAGESIZE") / 2**20
_SETTLED_WITHIN_S = 5.0


@dataclass(frozen=True)
class Household:
    """A count at one moment. Memory is resident, in MiB."""

    descriptors: int
    tasks: int
    children: int
    memory_mib: float

    @classmethod
    def count(cls) -> Self:
        """As it is now, without what the next collection frees."""
        gc.collect()
        return cls(
            descriptors=len(list(Path("/proc/self/fd").iterdir())) - 1,
            tasks=len(asyncio.all_tasks()),
            children=len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
            memory_mib=round(int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_MIB, 1),
        )

    @classmethod
    async def settled(cls, aim: Household | None = None) -> Self:
        """Once the callbacks of what was closed have run: when `aim` is met, or none wait."""
        clock = Clock()
        deadline = clock.now() + _SETTLED_WITHIN_S
        while True:
            for _ in range(10):
                await clock.sleep(0)
            now = cls.count()
            if aim is None or now.no_more_than(aim) or clock.now() > deadline:
                return now
            await clock.sleep(0.05)

    def no_more_than(self, other: Household) -> bool:
        """Whether nothing that is counted exactly has grown. Memory is judged apart."""
        return (
            self.descriptors <= other.descriptors
            and self.tasks <= other.tasks
            and self.children <= other.children
        )
