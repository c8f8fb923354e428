"""Counts in Redis: POST /count?of=NAME adds one, and answers with the count."""

import asyncio
import os
from urllib.parse import urlsplit

from aiohttp import web

CACHE = urlsplit(os.environ["REDIS_URL"])
PATIENCE_S = 2


class Redis:
    """One connection, made anew after an error."""

    def __init__(self):
        self.streams = None
        self.turn = asyncio.Lock()

    async def ask(self, *words):
        async with self.turn:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await self.exchange(words)
            except BaseException:
                if self.streams:
                    self.streams[1].close()
                self.streams = None
                raise

    async def exchange(self, words):
        if self.streams is None:
            self.streams = await asyncio.open_connection(CACHE.hostname, CACHE.port)
        reader, writer = self.streams
        parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        writer.write(f"*{len(words)}\r\n{parts}".encode())
        line = await reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection lost")
        if line.startswith(b"-"):
            raise RuntimeError(line[1:].decode().strip())
        return line[1:].decode().strip()


async def count(request):
    try:
        reached = await request.app["redis"].ask("INCR", request.query["of"])
    except (OSError, RuntimeError) as error:
        print(f"redis: {type(error).__name__}: {error}", flush=True)
        return web.Response(status=503, text="the cache does not answer\n")
    return web.json_response({"count": int(reached), "region": os.environ["FLY_REGION"]})


async def healthy(_):
    """It boots, so it is up: whether Redis answers is the same for every machine."""
    return web.Response()


async def start(app):
    app["redis"] = Redis()


def main():
    app = web.Application()
    app.on_startup.append(start)
    app.router.add_post("/count", count)
    app.router.add_get("/healthz", healthy)
    web.run_app(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), print=None)


main()
