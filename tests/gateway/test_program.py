"""`python -m sim.gateway` as a real process: how it is told to run, and how it goes away."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sim.clock import Clock
from sim.processes.child import Child, tail
from sim.processes.exit import Exit

HOST = "127.92.3.2"


class Program:
    def __init__(self, log: Path, *arguments: str, **env: str) -> None:
        with socket.socket() as sock:
            sock.bind((HOST, 0))
            self.port = sock.getsockname()[1]
        self.clock = Clock()
        self.log = log
        root = str(Path(__file__).parents[2])
        given = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "PORT": str(self.port)}
        command = [sys.executable, "-W", "error", "-m", "sim.gateway", *arguments]
        self.child = Child(command, env={**given, "HOST": HOST, **env}, output=log)

    @asynccontextmanager
    async def session(
        self, http: aiohttp.ClientSession
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        timeout = aiohttp.ClientWSTimeout(ws_receive=10.0, ws_close=10.0)
        url = f"http://{HOST}:{self.port}/session"
        async with http.ws_connect(url, params={"id": "s"}, timeout=timeout) as client:
            yield client

    async def answers(self, http: aiohttp.ClientSession, status: int) -> None:
        """Wait until the health check answers with this status."""
        async with self.clock.timeout(20.0):
            while True:
                try:
                    async with http.get(f"http://{HOST}:{self.port}/healthz") as response:
                        if response.status == status:
                            return
                except aiohttp.ClientConnectionError:
                    assert self.child.running, tail(self.log, 20)
                await self.clock.sleep(0.01)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_drains_on_either_signal(
    tmp_path: Path, http: aiohttp.ClientSession, database: str, number: int
) -> None:
    program = Program(
        tmp_path / "log",
        DATABASE_URL=database,
        FLY_REGION="fra",
        FLY_MACHINE_ID="m1",
        FLY_APP_NAME="atlas",
    )
    try:
        await program.answers(http, 200)
        async with http.get(f"http://{HOST}:{program.port}/") as about:
            assert await about.json() == {"app": "atlas", "region": "fra", "machine": "m1"}
        async with program.session(http) as client:
            assert (await client.receive_json())["machine"] == "m1"
            await client.send_json({"type": "message", "seq": 1, "body": ""})
            assert (await client.receive_json()) == {"type": "ack", "seq": 1}
            stopping = program.child.stop(program.clock, 20.0, number)
            began = program.clock.now()
            assert await stopping == Exit(0)
            assert program.clock.now() - began < 10.0
            assert await client.receive_json() == {"type": "going_away"}
            farewell = await client.receive()
            assert (farewell.type, farewell.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    finally:
        await program.child.kill()
    told = [re.sub(r"http\S+", "URL", line) for line in tail(program.log, 20)]
    assert told == [  # warnings are errors, and there was none
        "listening in fra, machine m1 on URL",
        "session s opened",
        "going away: 1 connections",
        "session s: connection ended with 1001",
    ]


async def test_sigterm_ends_it_though_the_database_never_answered(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    program = Program(tmp_path / "log", DATABASE_URL=f"postgresql://sim:x@{HOST}:1/gateway")
    try:
        await program.answers(http, 503)
        async with program.session(http) as client:
            assert await program.child.stop(program.clock, 20.0) == Exit(0)
            assert (await client.receive_json())["type"] == "going_away"
    finally:
        await program.child.kill()
    told = tail(program.log, 9)
    assert any(line.startswith("database: ConnectionRefusedError") for line in told)


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (["--ack", "never"], {}, 2, "invalid choice: 'never'"),
        ([], {"PORT": "http"}, 1, "gateway: PORT must be a number, not 'http'"),
        ([], {"HOST": "192.0.2.1"}, 1, "gateway: "),
    ],
)
async def test_what_it_cannot_use_is_said_without_a_traceback(
    tmp_path: Path, arguments: list[str], env: dict[str, str], code: int, said: str
) -> None:
    program = Program(tmp_path / "log", *arguments, **env)
    assert await program.child.exited() == Exit(code)
    words = "\n".join(tail(program.log, 20))
    assert said in words
    assert "Traceback" not in words
