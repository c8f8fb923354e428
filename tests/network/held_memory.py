"""What a process holds while connections are held up, and once they have ended, in bytes.

A program of its own: what earlier tests gave back to their allocator would be used again, and
nothing be seen.
"""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

from sim.network.embedded import memory
from sim.network.embedded.pipe import BUFFER_BYTES
from tests.network.test_backpressure import LATENCY, STILL, blasting


def resident_bytes() -> int:
    """The memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def main() -> None:
    """Hold sixty connections up; end all but one, which keeps what the allocator has on top."""
    memory._WAIT_REAL_S = 0.1
    async with blasting(LATENCY, STILL) as blast:
        before = resident_bytes()
        for _ in range(60):
            await blast.connection(reads=False)
        async with blast.clock.timeout(10):
            while resident_bytes() - before < 40 * BUFFER_BYTES:
                await blast.clock.sleep(0.01)
        held = resident_bytes() - before
        for connection in list(blast.proxy.connections)[:-1]:
            connection.close()
        async with blast.clock.timeout(5):
            while resident_bytes() - before > held / 2:
                await blast.clock.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main())
