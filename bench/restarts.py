"""A world brought up, used and ended again and again, at the same addresses and ports each time."""

from __future__ import annotations

import asyncio
import sys
from unittest.mock import patch

from bench.common import ATLAS, run, table, world_of
from bench.household import Household
from sim.clock import Clock

TIMES = 100
_SCENARIO = {"load": {"driver": "session", "clients": 6, "every": "200ms"}, "duration": "1s"}


async def restarts(times: int, slot: int) -> list[float]:
    """Real milliseconds from one start to the next. Raises where a port is still taken.

    Clients talk to each world, so its ports have connections to forget.
    """
    clock = Clock()
    taken: list[float] = []
    before: Household | None = None
    with patch("sim.slots.SLOTS", range(slot, slot + 1)):
        for number in range(times):
            began = clock.real_ms()
            async with world_of(ATLAS, seed=number) as world:
                evidence = await run(world, _SCENARIO)
                assert world.plan.slot == slot
                assert evidence.ledger.acked >= 6, "every client is served"
            taken.append(clock.real_ms() - began)
            # What a first world loads once for all does not count.
            before = before or await Household.settled()
            after = await Household.settled(before)
            assert after.no_more_than(before), f"restart {number}: {before} became {after}"
    return taken


def main() -> None:
    """Restart a world many times, and say how long it took."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    taken = sorted(asyncio.run(restarts(times, slot=107)))
    row = [times, *(f"{taken[int(len(taken) * p)] / 1000:.2f}" for p in (0, 0.5, 0.99))]
    table("Restarts in a row at the same ports", ["times", "least s", "median s", "p99 s"], [row])


if __name__ == "__main__":
    main()
