"""Logs as `flyctl logs` polls them: lines from the machines' files, and a token for what follows.

A line has no time of its own in a file. It gets the one at which its file was last written to, so
lines that were there before somebody asked may be older than they say.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.api_refusals import Refusal
from sim.machines.machine import Machine
from sim.processes.child import tail

_FIRST_LINES = 100  # as many as Fly gives whoever comes without a token
_MOST_BYTES = 256 * 1024  # of one file, in one answer

Offsets = Mapping[str, int]


@dataclass(frozen=True)
class _Chunk:
    """Lines of one machine, how far its file was read, and when it was last written to."""

    lines: list[str]
    offset: int
    written_unix_s: float


class Logs:
    """The endpoint /api/v1/apps/{app}/logs."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def answer(self, request: web.Request) -> web.Response:
        """The last lines, or those since `next_token`: of a region, or of one machine."""
        self._context.app(request)
        token = request.query.get("next_token") or ""
        offsets = _offsets(token) if token else None
        region, wanted = request.query.get("region"), request.query.get("instance")
        chunks = [
            (machine, chunk)
            for machine in self._context.fleet.machines.values()
            if (not region or machine.region == region) and (not wanted or machine.id == wanted)
            if (chunk := _read(machine.spec.log_path, machine.id, offsets))
        ]
        lines = [line for machine, chunk in chunks for line in _shown(machine, chunk)]
        lines.sort(key=lambda line: str(line["attributes"]["timestamp"]))  # stable: in their order
        if offsets is None:
            lines = lines[-_FIRST_LINES:]
        read = {machine.id: chunk.offset for machine, chunk in chunks}
        following = _token({**(offsets or {}), **read})
        return web.json_response({"data": lines, "meta": {"next_token": following}})


def _read(path: Path, machine: str, offsets: Offsets | None) -> _Chunk | None:
    """What a machine has printed, whole lines only; None where there is no file."""
    try:
        status = path.stat()
        if offsets is None:
            return _Chunk(tail(path, _FIRST_LINES), status.st_size, status.st_mtime)
        with path.open("rb") as file:
            offset = min(offsets.get(machine, 0), status.st_size)
            file.seek(offset)
            read = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    whole = read[: read.rfind(b"\n") + 1] if len(read) < _MOST_BYTES else read
    lines = whole.decode(errors="replace").splitlines()
    return _Chunk(lines, offset + len(whole), status.st_mtime)


def _shown(machine: Machine, chunk: _Chunk) -> list[dict[str, Any]]:
    when = datetime.fromtimestamp(chunk.written_unix_s, UTC).isoformat(timespec="milliseconds")
    meta = {
        "instance": machine.id,
        "region": machine.region,
        "event": {"provider": "app"},
        "http": {"request": {"id": "", "method": "", "version": ""}, "response": {"status": 0}},
        "error": {"code": 0, "message": ""},
        "url": {"full": ""},
    }
    return [
        {
            "id": f"{machine.id}-{chunk.offset}-{number}",
            "type": "log",
            "attributes": {
                "timestamp": when.replace("+00:00", "Z"),
                "message": line,
                "level": "info",
                "instance": machine.id,
                "region": machine.region,
                "meta": meta,
            },
        }
        for number, line in enumerate(chunk.lines)
    ]


def _token(offsets: Offsets) -> str:
    return base64.urlsafe_b64encode(json.dumps(offsets).encode()).decode()


def _offsets(token: str) -> dict[str, int]:
    """How far each machine's file was read. Raises Refusal for what is no token of ours."""
    try:
        given = json.loads(base64.urlsafe_b64decode(token.encode()))
        return {str(name): max(0, int(offset)) for name, offset in given.items()}
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        raise Refusal(400, "next_token is none that was given here") from None
