"""One run of a health check: a fresh connection to the machine, and what came back."""

from __future__ import annotations

import asyncio
import os
import re

from sim.clock import Clock
from sim.machines.health import Result
from sim.observe.events import NO_ANSWER
from sim.topology.addresses import Endpoint
from sim.topology.model import Check

# RFC 9112, 4: the status line. The reason phrase may be missing, with or without its space.
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_MAX_STATUS_LINE = 1024


async def probe(check: Check, endpoint: Endpoint, clock: Clock) -> Result:
    """Run the check once, within its timeout (simulated seconds)."""
    try:
        async with clock.timeout(check.timeout_s):
            return await _connect(check, endpoint)
    except TimeoutError:
        return Result(passed=False, output=f"{NO_ANSWER} {check.timeout_s:g} s")
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        return Result(passed=False, output=f"{endpoint}: {reason}")


async def _connect(check: Check, endpoint: Endpoint) -> Result:
    reader, writer = await asyncio.open_connection(
        endpoint.host, endpoint.port, limit=_MAX_STATUS_LINE
    )
    try:
        if check.type == "tcp":
            return Result(passed=True, output="connected")
        writer.write(_request(check, endpoint))
        try:
            line = await reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return Result(passed=False, output="closed or talked nonsense before a status line")
        return _judge(line)
    finally:
        # Nothing more is wanted of this connection: what is unread goes with it.
        writer.transport.abort()


def _request(check: Check, endpoint: Endpoint) -> bytes:
    headers = {
        "host": ("Host", str(endpoint)),
        "user-agent": ("User-Agent", "sim-health-check"),
        "accept": ("Accept", "*/*"),
        **{name.lower(): (name, value) for name, value in check.headers},
        "connection": ("Connection", "close"),
    }
    lines = [f"{name}: {value}" for name, value in headers.values()]
    head = "\r\n".join((f"{check.method} {check.path} HTTP/1.1", *lines, "", ""))
    return head.encode("latin-1")


def _judge(line: bytes) -> Result:
    """2xx passes; a redirect fails, as in Fly."""
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        shown = line[:60].decode("ascii", "backslashreplace").strip()
        return Result(passed=False, output=f"not HTTP/1: {shown!r}")
    status = int(match[1])
    return Result(passed=200 <= status < 300, output=f"status {status}")
