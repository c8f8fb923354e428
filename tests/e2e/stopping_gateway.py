"""A gateway that echoes JSON, and takes the signal to end as HANDLES says.

`drain` waits three seconds, says 1001 to everybody and exits, on SIGINT and SIGTERM; `sigterm` does
so on SIGTERM only, `nothing` ignores both. `supervisor` starts a worker that has no handlers, and
tells it to drain.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

from aiohttp import web

ENDING = (signal.SIGINT, signal.SIGTERM)


class Gateway:
    def __init__(self) -> None:
        self.sockets: set[web.WebSocketResponse] = set()

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        async for message in socket:
            await socket.send_str(message.data)
        self.sockets.discard(socket)
        return socket

    async def drain(self) -> None:
        await asyncio.sleep(3)  # noqa: TID251 - a gateway has a clock of its own
        await asyncio.gather(*(s.close(code=1001) for s in list(self.sockets)))
        sys.stdout.flush()
        os._exit(0)

    async def listen(self, app: web.Application) -> None:
        del app
        loop = asyncio.get_running_loop()

        def leave() -> None:
            self.leaving = loop.create_task(self.drain())

        match os.environ["HANDLES"]:
            case "drain":
                for number in ENDING:
                    loop.add_signal_handler(number, leave)
            case "sigterm":
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                loop.add_signal_handler(signal.SIGTERM, leave)
            case "nothing":
                for number in ENDING:
                    signal.signal(number, signal.SIG_IGN)
            case "worker":  # its supervisor's pipe ends
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                loop.add_reader(sys.stdin.fileno(), leave)


async def healthy(request: web.Request) -> web.Response:
    del request
    return web.Response()


def serve() -> None:
    gateway = Gateway()
    app = web.Application()
    app.add_routes([web.get("/talk", gateway.talk), web.get("/healthz", healthy)])
    app.on_startup.append(gateway.listen)
    host, port = os.environ["HOST"], int(os.environ["PORT"])
    web.run_app(app, host=host, port=port, print=None, handle_signals=False)


def supervise() -> None:
    env = {**os.environ, "HANDLES": "worker"}
    worker = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, env=env)
    pipe = worker.stdin
    assert pipe is not None
    for number in ENDING:
        signal.signal(number, lambda *_: pipe.close())
    sys.exit(worker.wait())


if __name__ == "__main__":
    supervise() if os.environ["HANDLES"] == "supervisor" else serve()
