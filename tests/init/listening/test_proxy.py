"""What stands between client and gateway: nobody notices it, and it keeps all that is said."""

import aiohttp
import pytest
from aiohttp import web

from sim.clock import Clock
from sim.init.listening.recording_proxy import Listener
from sim.init.listening.transcript import Exchange, Message


async def _ticket(request: web.Request) -> web.Response:
    return web.json_response({"ticket": f"for {await request.text()}"}, status=201)


async def _live(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=["v2"])
    await socket.prepare(request)
    async for message in socket:
        if message.data == "end":
            await socket.close(code=4001)
        elif isinstance(message.data, str):
            await socket.send_str(f"{message.data} {request.headers['X-User']}")
        else:
            await socket.send_bytes(message.data)
    return socket


@pytest.fixture
async def gateway():
    app = web.Application()
    app.router.add_post("/ticket", _ticket)
    app.router.add_get("/live", _live)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_session_passes_through_and_is_kept(gateway):
    listener = Listener(gateway, Clock(100))
    async with listener.listening(0) as url, aiohttp.ClientSession() as http:
        async with http.post(f"{url}/ticket", data="ann") as answer:
            assert (answer.status, await answer.json()) == (201, {"ticket": "for ann"})
        async with http.ws_connect(
            f"{url}/live?a=b", protocols=["v1", "v2"], headers={"X-User": "ann"}
        ) as socket:
            assert socket.protocol == "v2"
            await socket.send_str("hi")
            assert await socket.receive_str() == "hi ann"
            await socket.send_bytes(b"\x00")
            assert await socket.receive_bytes() == b"\x00"
            await socket.send_str("end")
            await socket.receive()
            assert socket.close_code == 4001
        await listener.over.wait()
    assert listener.heard.exchanges == [
        Exchange("POST", "/ticket", "ann", 201, '{"ticket": "for ann"}')
    ]
    (connection,) = listener.heard.connections
    assert (connection.path, connection.subprotocol) == ("/live?a=b", "v2")
    assert connection.messages == [
        Message("client", "hi"),
        Message("gateway", "hi ann"),
        Message("client", b"\x00"),
        Message("gateway", b"\x00"),
        Message("client", "end"),
    ]


async def test_a_refused_handshake_is_refused_to_the_client_too(gateway):
    listener = Listener(gateway, Clock())
    async with listener.listening(0) as url, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{url}/nowhere")
    assert refused.value.status == 404
    assert listener.heard.connections == []


async def test_a_gateway_that_is_not_there_is_said(gateway):
    listener = Listener("http://127.0.0.1:1", Clock())
    async with (
        listener.listening(0) as url,
        aiohttp.ClientSession() as http,
        http.get(url) as answer,
    ):
        assert answer.status == 502
        assert "http://127.0.0.1:1 does not answer" in await answer.text()
