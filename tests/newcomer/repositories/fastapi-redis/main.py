import os

import redis.asyncio as redis
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
cache = redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


@app.get("/healthz")
async def healthz():
    await cache.ping()
    return {"ok": True}


@app.websocket("/ws/{room}")
async def live(socket: WebSocket, room: str):
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            number = await cache.rpush(f"room:{room}", text)
            await socket.send_json({"number": number, "text": text})
    except WebSocketDisconnect:
        pass
