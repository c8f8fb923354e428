"""A gateway that pings each WebSocket and throws out whoever does not answer."""

import os

from aiohttp import web

HEARTBEAT_S = float(os.environ["HEARTBEAT_S"])


async def echo(request):
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


async def healthy(_):
    return web.Response(text="ok")


app = web.Application()
app.add_routes([web.get("/echo", echo), web.get("/healthz", healthy)])
web.run_app(app, host=os.environ.get("HOST", "0.0.0.0"), port=int(os.environ["PORT"]), print=None)
