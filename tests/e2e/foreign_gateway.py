"""A small gateway with a protocol of its own, as somebody else might have written it.

WebSocket at /live?ticket=T: the client says {"op": "join"} or {"op": "rejoin", "room": R}, is told
{"op": "joined", "room": R, "seen": N} (or {"op": "gone"} for a room that is not known), and then
says {"op": "say", "n": n, "text": "…"}, each answered with {"op": "said", "n": n}. It is pinged
with {"op": "ping"} and has to answer {"op": "pong"}. GET /rooms/R lists what was said there.

Rooms are rows in PostgreSQL, so any machine can serve any. The defects are asked for by FLAWS, a
list of `lost` (acknowledges message 3 of a room and does not store it), `doubled` (stores message 4
twice) and `forgotten` (says "gone" to the first who rejoins each room, and clears it).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets

import asyncpg
from aiohttp import web

FLAWS = frozenset(os.environ.get("FLAWS", "").split(",")) - {""}

CREATE = "CREATE TABLE IF NOT EXISTS said (at bigserial, room text, n int, text text)"
SAY = """
INSERT INTO said (room, n, text) SELECT $1, $2, $3 FROM generate_series(1, $4)
WHERE NOT EXISTS (SELECT FROM said WHERE room = $1 AND n = $2)
"""
SEEN = "SELECT coalesce(max(n), 0) FROM said WHERE room = $1"
ROOM = "SELECT n FROM said WHERE room = $1 ORDER BY at"


class Gateway:
    """The rooms, by way of one connection pool."""

    def __init__(self) -> None:
        self.pool: asyncpg.Pool | None = None
        self.gone: set[str] = set()

    async def open(self, _app: web.Application) -> None:
        self.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=4, max_size=4)
        # Another machine was quicker: which of the two errors depends on by how much.
        with contextlib.suppress(asyncpg.UniqueViolationError, asyncpg.DuplicateTableError):
            await self.pool.execute(CREATE)

    async def health(self, _request: web.Request) -> web.Response:
        return web.Response(text="fine")

    async def room(self, request: web.Request) -> web.Response:
        assert self.pool is not None
        rows = await self.pool.fetch(ROOM, request.match_info["room"])
        return web.json_response({"messages": [{"n": row["n"]} for row in rows]})

    async def live(self, request: web.Request) -> web.StreamResponse:
        assert self.pool is not None
        if not request.query.get("ticket"):
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hello = json.loads((await socket.receive()).data)
        room = hello.get("room") or secrets.token_hex(6)
        if hello["op"] == "rejoin" and "forgotten" in FLAWS and room not in self.gone:
            self.gone.add(room)
            await self.pool.execute("DELETE FROM said WHERE room = $1", room)
            await socket.send_json({"op": "gone"})
            return socket
        seen = await self.pool.fetchval(SEEN, room)
        await socket.send_json({"op": "joined", "room": room, "seen": seen})
        await socket.send_json({"op": "ping"})
        async for message in socket:
            said = json.loads(message.data)
            if said["op"] == "say":
                await self.say(room, said["n"], said["text"])
                await socket.send_json({"op": "said", "n": said["n"]})
        return socket

    async def say(self, room: str, n: int, text: str) -> None:
        assert self.pool is not None
        if "lost" in FLAWS and n == 3:
            return
        times = 2 if "doubled" in FLAWS and n == 4 else 1
        await self.pool.execute(SAY, room, n, text, times)


def main() -> None:
    """Serve on HOST and PORT."""
    gateway = Gateway()
    app = web.Application()
    app.on_startup.append(gateway.open)
    app.router.add_get("/healthz", gateway.health)
    app.router.add_get("/rooms/{room}", gateway.room)
    app.router.add_get("/live", gateway.live)
    web.run_app(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), print=None)


if __name__ == "__main__":
    main()
