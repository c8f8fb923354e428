"""Health checks of containers.

The engine's port forwarding accepts whether a program listens inside or not, so a connection
proves nothing until it has stood for a moment.
"""

from __future__ import annotations

import asyncio
import contextlib

from sim.clock import Clock
from sim.machines.health import Result
from sim.machines.probe import probe as probe_process
from sim.topology.addresses import Endpoint
from sim.topology.model import Check

_STANDS_REAL_S = 0.05


async def probe(check: Check, endpoint: Endpoint, clock: Clock, far_s: float = 0.0) -> Result:
    """As for a process; a tcp check also wants the connection not to be closed at once.

    The end of one to another host takes `far_s` to be seen, in real seconds.
    """
    result = await probe_process(check, endpoint, clock)
    if check.type == "http" or not result.passed:
        return result
    with contextlib.suppress(TimeoutError, OSError):
        async with clock.timeout((_STANDS_REAL_S + far_s) * clock.speed):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            try:
                if not await reader.read(1):
                    return Result(passed=False, output=f"{endpoint}: nothing listens inside")
            finally:
                writer.transport.abort()
    return result
