"""Notebooks in PostgreSQL: a note is acknowledged when the database has committed it.

client: {"open": "<notebook>"}       server: {"notes": <the last one's number>}
client: {"n": 1, "text": "..."}      server: {"ack": 1}
GET /notebooks/<notebook>: {"notes": [1, 2, ...]}
"""

import json
import os

import asyncpg

TABLE = """CREATE TABLE IF NOT EXISTS notes
    (id bigserial, notebook text, n int, body text, UNIQUE (notebook, n))"""


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        pool = scope["state"]["pool"] = await asyncpg.create_pool(
            os.environ["DATABASE_URL"], min_size=1
        )
        async with pool.acquire() as connection, connection.transaction():
            # Two machines that make the table at the same moment: the second one waits.
            await connection.execute("SELECT pg_advisory_xact_lock(1)")
            await connection.execute(TABLE)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        # A health check asks for this machine alone, not for the database behind all of them.
        path, pool = scope["path"], scope["state"]["pool"]
        await answer("ok" if path == "/" else await kept(pool, path), send)
    else:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        await converse(scope["state"]["pool"], receive, send)


async def kept(pool, path):
    rows = await pool.fetch(
        "SELECT n FROM notes WHERE notebook = $1 ORDER BY id", path.removeprefix("/notebooks/")
    )
    return {"notes": [row["n"] for row in rows]}


async def answer(data, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(data).encode()})


async def converse(pool, receive, send):
    notebook = None
    while (event := await receive())["type"] == "websocket.receive":
        said = json.loads(event["text"])
        if "open" in said:
            notebook = said["open"]
            asked = "SELECT coalesce(max(n), 0) FROM notes WHERE notebook = $1"
            reply = {"notes": await pool.fetchval(asked, notebook)}
        else:
            # A note that comes again, because its acknowledgement was lost, is not kept twice.
            keep = (
                "INSERT INTO notes (notebook, n, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            )
            await pool.execute(keep, notebook, said["n"], said["text"])
            reply = {"ack": said["n"]}
        await send({"type": "websocket.send", "text": json.dumps(reply)})
