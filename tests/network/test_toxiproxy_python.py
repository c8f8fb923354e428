"""Every method of toxiproxy-python, the ecosystem's client, works against the embedded server.

It is synchronous and has no timeouts, so it talks from a thread.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.network.python_client import bound_to

UP = "127.90.0.2:1"


@pytest.fixture
async def toxiproxy(server: EmbeddedLinkServer) -> AsyncIterator[Toxiproxy]:
    """Its client, bound to the embedded server."""
    with bound_to(server.url) as client:
        yield client


async def call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call it in a thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def test_running_and_version(toxiproxy: Toxiproxy) -> None:
    assert await call(toxiproxy.running) is True
    assert json.loads(await call(toxiproxy.version))["version"] == "2.12.0+embedded"


async def test_create_get_and_list(toxiproxy: Toxiproxy) -> None:
    proxy = await call(toxiproxy.create, upstream=UP, name="a")
    assert (proxy.name, proxy.upstream, proxy.enabled) == ("a", UP, True)
    assert proxy.listen.startswith("127.0.0.1:")
    off = await call(toxiproxy.create, upstream=UP, name="b", listen="127.90.0.3:1", enabled=False)
    assert (off.enabled, off.listen) == (False, "127.90.0.3:1")
    assert sorted(await call(toxiproxy.proxies)) == ["a", "b"]
    assert (await call(toxiproxy.get_proxy, "a")).listen == proxy.listen
    assert await call(toxiproxy.get_proxy, "nope") is None


async def test_create_of_a_taken_name(toxiproxy: Toxiproxy) -> None:
    await call(toxiproxy.create, upstream=UP, name="a")
    with pytest.raises(ProxyExists):
        await call(toxiproxy.create, upstream=UP, name="a")


async def test_populate_creates_keeps_and_replaces(toxiproxy: Toxiproxy) -> None:
    first = {"name": "a", "upstream": UP, "listen": "127.90.0.3:9301"}
    created = await call(
        toxiproxy.populate, [first, {**first, "name": "b", "listen": "127.90.0.3:9302"}]
    )
    assert [proxy.name for proxy in created] == ["a", "b"]
    assert await call(toxiproxy.populate, [first]) == []
    moved = await call(toxiproxy.populate, [{**first, "upstream": "127.90.0.2:2"}])
    assert [proxy.upstream for proxy in moved] == ["127.90.0.2:2"]


async def test_destroy_one_and_all(toxiproxy: Toxiproxy) -> None:
    proxy = await call(toxiproxy.create, upstream=UP, name="a")
    assert await call(toxiproxy.destroy, proxy) is True
    assert await call(toxiproxy.destroy, "a") is False
    with pytest.raises(NotFound):
        await call(proxy.destroy)
    for name in "bcd":
        await call(toxiproxy.create, upstream=UP, name=name)
    await call(toxiproxy.destroy_all)
    assert await call(toxiproxy.proxies) == {}


async def test_reset(toxiproxy: Toxiproxy) -> None:
    proxy = await call(toxiproxy.create, upstream=UP, name="a")
    await call(proxy.add_toxic, type="latency")
    await call(proxy.disable)
    assert await call(toxiproxy.reset) is True
    assert await call(proxy.toxics) == {}
    assert (await call(toxiproxy.get_proxy, "a")).enabled is True


async def test_toxics_of_a_proxy(toxiproxy: Toxiproxy) -> None:
    proxy = await call(toxiproxy.create, upstream=UP, name="a")
    await call(proxy.add_toxic, type="latency", attributes={"latency": 100, "jitter": 5})
    await call(proxy.add_toxic, name="t", type="bandwidth", stream="upstream", toxicity=0.5)
    toxics = await call(proxy.toxics)
    assert sorted(toxics) == ["latency_downstream", "t"]
    assert toxics["latency_downstream"].attributes == {"latency": 100, "jitter": 5}
    found = await call(proxy.get_toxic, "t")
    assert (found.type, found.stream, found.toxicity) == ("bandwidth", "upstream", 0.5)
    assert await call(proxy.get_toxic, "nope") is None
    assert await call(proxy.destroy_toxic, "t") is True
    assert sorted(await call(proxy.toxics)) == ["latency_downstream"]


async def test_toxics_that_cannot_be(toxiproxy: Toxiproxy) -> None:
    proxy = await call(toxiproxy.create, upstream=UP, name="a")
    with pytest.raises(InvalidToxic):
        await call(proxy.add_toxic, type="nope")
    await call(proxy.add_toxic, type="latency")
    with pytest.raises(ProxyExists):
        await call(proxy.add_toxic, type="latency")
    with pytest.raises(NotFound):
        await call(proxy.destroy_toxic, "nope")


async def test_disable_enable_and_down(toxiproxy: Toxiproxy) -> None:
    proxy = await call(toxiproxy.create, upstream=UP, name="a")
    await call(proxy.disable)
    assert (await call(toxiproxy.get_proxy, "a")).enabled is False
    await call(proxy.enable)
    assert (await call(toxiproxy.get_proxy, "a")).enabled is True

    def down() -> bool:
        with proxy.down():
            return bool(toxiproxy.get_proxy("a").enabled)

    assert await call(down) is False
    assert (await call(toxiproxy.get_proxy, "a")).enabled is True


async def test_update_api_consumer_leads_to_another_server(
    toxiproxy: Toxiproxy, server: EmbeddedLinkServer
) -> None:
    toxiproxy.update_api_consumer("127.90.0.1", 1)
    assert await call(toxiproxy.running) is False
    assert await call(toxiproxy.version) is None
    toxiproxy.update_api_consumer(server.endpoint.host, server.endpoint.port)
    assert await call(toxiproxy.running) is True


async def test_the_binding_ends_with_its_block(server: EmbeddedLinkServer) -> None:
    from toxiproxy.api import APIConsumer  # noqa: PLC0415 - what the binding changes

    before = (APIConsumer.host, APIConsumer.port)
    with bound_to(server.url):
        assert (APIConsumer.host, APIConsumer.port) == (server.endpoint.host, server.endpoint.port)
    assert (APIConsumer.host, APIConsumer.port) == before
