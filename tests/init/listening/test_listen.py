"""`sim init --listen` as a command: what it says, and which files are there afterwards."""

import asyncio
import signal
import sys

import aiohttp
import pytest
from aiohttp import web

from sim.topology.yaml_document import load_document


async def _live(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_json({"stored": message.json()["n"]})
    return socket


@pytest.fixture
async def gateway():
    app = web.Application()
    app.router.add_get("/live", _live)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def listened(gateway, folder, messages):
    """A session of so many messages through the command; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sim", "init", "--listen", "--against", gateway),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    told = (await process.stderr.readline()).decode()
    if "let your client connect to" in told:
        url = told.split(" to ")[1].split(" ")[0]
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/live") as socket:
            for n in range(1, messages + 1):
                await socket.send_json({"n": n, "text": "hello there"})
                await socket.receive()
        process.send_signal(signal.SIGINT)
    out, rest = await process.communicate()
    return process.returncode, told + rest.decode() + out.decode()


async def test_a_session_becomes_the_driver_of_the_scenario(gateway, tmp_path):
    code, said = await listened(gateway, tmp_path, 3)
    assert code == 0, said
    assert "wrote sim/topology.yaml, sim/crash.yaml, sim/driver.yaml" in said
    driver = load_document(tmp_path / "sim/driver.yaml").data
    assert driver["send"] == {"n": "{seq}", "text": "{payload}"}
    assert driver["ack"] == "$.stored"
    assert load_document(tmp_path / "sim/crash.yaml").data["load"]["driver"] == "driver.yaml"


async def test_a_session_of_nothing_is_an_error_and_writes_nothing(gateway, tmp_path):
    code, said = await listened(gateway, tmp_path, 0)
    assert code == 2
    assert "no WebSocket was heard on which client and gateway both said something" in said
    assert not (tmp_path / "sim").exists()


async def test_a_driver_of_the_users_is_left_alone_and_the_other_files_too(gateway, tmp_path):
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim/driver.yaml").write_text("http: /mine\n")
    code, said = await listened(gateway, tmp_path, 1)
    assert (code, "there already: sim/driver.yaml" in said) == (2, True)
    (tmp_path / "sim/driver.yaml").unlink()
    (tmp_path / "sim/crash.yaml").write_text("mine")
    code, said = await listened(gateway, tmp_path, 2)
    assert code == 0, said
    assert (tmp_path / "sim/crash.yaml").read_text() == "mine"
    assert (tmp_path / "sim/driver.yaml").exists()
