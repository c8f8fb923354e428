"""The client of a link server: what it sends, what it refuses to send, how it fails."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiohttp import web

from sim.network.link_spec import ProxySpec, ToxicSpec
from sim.network.toxiproxy_api import LinkServerClient, LinkServerError
from sim.topology.addresses import Endpoint
from tests.network.conftest import HOST, serving

SPEC = ProxySpec("london:fra", f"{HOST}:0", f"{HOST}:1")


async def test_upsert_creates_then_updates(client: LinkServerClient) -> None:
    first = await client.upsert(SPEC)
    again = await client.upsert(ProxySpec(SPEC.name, first["listen"], f"{HOST}:2", enabled=False))
    assert again["upstream"] == f"{HOST}:2"
    assert again["enabled"] is False
    assert list(await client.proxies()) == [SPEC.name]


async def test_upsert_of_the_same_is_idempotent(client: LinkServerClient) -> None:
    first = await client.upsert(SPEC)
    same = ProxySpec(SPEC.name, first["listen"], SPEC.upstream)
    assert await client.upsert(same) == await client.upsert(same) == first


async def test_names_are_quoted(client: LinkServerClient) -> None:
    name = "a:b c?d#e%f\u00e9"
    await client.upsert(ProxySpec(name, f"{HOST}:0", f"{HOST}:1"))
    await client.put_toxic(name, ToxicSpec("noop", name="x y?"))
    assert list(await client.toxics(name)) == ["x y?"]
    await client.remove_toxic(name, "x y?")
    await client.delete(name)
    assert await client.proxies() == {}


async def test_put_toxic_creates_then_updates(client: LinkServerClient) -> None:
    await client.upsert(SPEC)
    await client.put_toxic(SPEC.name, ToxicSpec("latency", "upstream", {"latency": 5}))
    changed = ToxicSpec("latency", "upstream", {"latency": 9}, toxicity=0.5)
    assert (await client.put_toxic(SPEC.name, changed))["attributes"]["latency"] == 9
    assert (await client.toxics(SPEC.name))["latency_upstream"]["toxicity"] == 0.5


async def test_put_toxic_replaces_one_of_another_type_or_stream(client: LinkServerClient) -> None:
    await client.upsert(SPEC)
    await client.put_toxic(SPEC.name, ToxicSpec("latency", name="t"))
    await client.put_toxic(SPEC.name, ToxicSpec("noop", "upstream", name="t"))
    toxic = (await client.toxics(SPEC.name))["t"]
    assert (toxic["type"], toxic["stream"]) == ("noop", "upstream")


async def test_what_is_not_there_is_none_and_can_be_deleted(client: LinkServerClient) -> None:
    assert await client.proxy("nope") is None
    await client.delete("nope")
    await client.remove_toxic("nope", "t")


async def test_reset_cleans_and_enables(client: LinkServerClient) -> None:
    await client.upsert(SPEC)
    await client.put_toxic(SPEC.name, ToxicSpec("noop"))
    await client.set_enabled(SPEC.name, on=False)
    await client.reset()
    proxy = await client.proxy(SPEC.name)
    assert proxy
    assert (proxy["enabled"], proxy["toxics"]) == (True, [])


async def test_an_error_carries_status_and_message(client: LinkServerClient) -> None:
    with pytest.raises(LinkServerError) as caught:
        await client.set_enabled("nope", on=True)
    assert (caught.value.status, caught.value.message) == (404, "proxy not found")
    assert str(caught.value) == "link server: proxy not found (404)"


@pytest.mark.parametrize(
    "spec",
    [
        ToxicSpec("bandwidth", attributes={"rate": -1}),
        ToxicSpec("bandwidth", attributes={"rate": 2**60}),
        ToxicSpec("slicer"),
        ToxicSpec("slicer", attributes={"average_size": 1, "size_variation": 5}),
        ToxicSpec("latency", attributes={"jitter": 2**62}),
        ToxicSpec("latency", attributes={"latency": 1.5}),  # type: ignore[dict-item] # the mistake
        ToxicSpec("latency", name="a/b"),
    ],
)
async def test_what_would_end_a_stock_server_is_never_sent(spec: ToxicSpec) -> None:
    client = LinkServerClient(f"http://{HOST}:1")  # nobody is there: a request would be status 0
    with pytest.raises(LinkServerError) as caught:
        await client.put_toxic("a", spec)
    assert caught.value.status == 400
    await client.close()


@pytest.mark.parametrize("spec", [ProxySpec("a/b", "", "x:1"), ProxySpec("", "", "x:1")])
async def test_a_proxy_that_could_not_be_addressed_is_never_sent(spec: ProxySpec) -> None:
    client = LinkServerClient(f"http://{HOST}:1")
    with pytest.raises(LinkServerError) as caught:
        await client.upsert(spec)
    assert caught.value.status == 400
    await client.close()


async def test_nobody_there_is_status_0() -> None:
    client = LinkServerClient(f"http://{HOST}:1")
    with pytest.raises(LinkServerError, match="no answer to GET") as caught:
        await client.about()
    assert caught.value.status == 0
    await client.close()


async def test_a_server_that_hangs_is_given_up_on() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(hang) as endpoint:
        client = LinkServerClient(f"http://{endpoint}", timeout_s=0.1)
        with pytest.raises(LinkServerError) as caught:
            await client.proxies()
        assert caught.value.status == 0
        await client.close()


@contextlib.asynccontextmanager
async def answering(text: str, status: int = 200):  # type: ignore[no-untyped-def] # a web server
    """An HTTP server with one answer for everything."""

    async def handler(_: web.BaseRequest) -> web.Response:
        return web.Response(text=text, status=status)

    server = web.Server(handler)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    client = LinkServerClient(f"http://{Endpoint(host, port)}")
    yield client
    await client.close()
    await runner.cleanup()


async def test_an_answer_that_is_no_json_is_an_error() -> None:
    async with answering("<html>") as client:
        with pytest.raises(LinkServerError, match="not JSON: <html>"):
            await client.about()


async def test_an_html_error_is_told_as_it_is() -> None:
    async with answering("<title>Timeout</title>", status=503) as client:
        with pytest.raises(LinkServerError, match="<title>Timeout</title>") as caught:
            await client.remove_toxic("a", "t")
        assert caught.value.status == 503


async def test_json_as_text_is_read_and_unknown_keys_are_left() -> None:
    async with answering('{"version": "2.12.0", "Logger": {}}') as client:
        assert (await client.about()).version == "2.12.0"
