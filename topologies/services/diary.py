"""A diary over WebSockets, with a database connection for each: /live?of=NAME.

That is simple, and costs a connection for each client. How many there may be, the pooler says.
"""

import asyncio
import os

import asyncpg
from aiohttp import web

CREATE = """CREATE TABLE IF NOT EXISTS diary (
    of text, n int, said text, PRIMARY KEY (of, n)
)"""
WRITE = "INSERT INTO diary VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
READ = "SELECT coalesce(array_agg(n ORDER BY n), '{}') FROM diary WHERE of = $1"
BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def connect():
    """Through a pooler that gives each transaction another connection: nothing is prepared."""
    return await asyncpg.connect(os.environ["DATABASE_URL"], timeout=3, statement_cache_size=0)


async def live(request):
    who = request.query["of"]
    socket = web.WebSocketResponse()
    try:
        database = await connect()
    except BROKEN as error:
        print(f"{who}: {type(error).__name__}: {error}", flush=True)
        return web.Response(status=503, text="the database takes nobody\n")
    try:
        await socket.prepare(request)
        await socket.send_json({"op": "ready", "of": who})
        async for message in socket:
            entry = message.json()
            await database.execute(WRITE, who, entry["n"], entry["said"], timeout=3)
            await socket.send_json({"op": "kept", "n": entry["n"]})
    except BROKEN as error:
        print(f"{who}: {type(error).__name__}: {error}", flush=True)
    finally:
        database.terminate()
    return socket


async def kept(request):
    async with request.app["turn"]:
        if request.app["database"].is_closed():
            request.app["database"] = await connect()
        entries = await request.app["database"].fetchval(READ, request.query["of"])
    return web.json_response({"kept": entries})


async def healthy(_):
    """It boots, so it is up: whether the database answers is the same for every machine."""
    return web.Response()


async def prepare(app):
    """A connection of the machine's own, from its boot on, for what no session asks."""
    app["turn"] = asyncio.Lock()
    app["database"] = database = await connect()
    async with database.transaction():
        await database.execute("SELECT pg_advisory_xact_lock(1)")  # machines boot side by side
        await database.execute(CREATE)


def main():
    app = web.Application()
    app.on_startup.append(prepare)
    app.router.add_get("/live", live)
    app.router.add_get("/kept", kept)
    app.router.add_get("/healthz", healthy)
    web.run_app(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), print=None)


main()
