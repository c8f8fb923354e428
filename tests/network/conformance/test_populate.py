"""POST /populate: many proxies in one request."""

from __future__ import annotations

from typing import Any

from tests.network.conformance.conftest import Api, Ends, listening, refused

UPSTREAM = "127.90.10.2:1"


def entry(name: str, **more: Any) -> dict[str, Any]:
    """A proxy at any port."""
    return {"name": name, "listen": "127.90.10.3:0", "upstream": UPSTREAM, **more}


async def test_new_proxies_come_back_in_order_and_accept(api: Api) -> None:
    answer = await api.post("populate", [entry("b"), entry("a")])
    assert answer.status == 201
    assert [proxy["name"] for proxy in answer.json["proxies"]] == ["b", "a"]
    for proxy in answer.json["proxies"]:
        assert not await refused(listening(proxy))


async def test_an_empty_list_is_a_null(api: Api) -> None:
    answer = await api.post("populate", [])
    assert (answer.status, answer.json) == (201, {"proxies": None})


async def test_enabled_is_optional_and_false_is_kept(api: Api) -> None:
    port = 20_001
    off = entry("b", listen=f"127.90.10.9:{port}", enabled=False)
    proxies = (await api.post("populate", [entry("a"), off])).json["proxies"]
    assert [proxy["enabled"] for proxy in proxies] == [True, False]
    assert await refused(listening(proxies[1]))


async def test_an_identical_proxy_is_left_alone(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    endpoint = await api.proxy(upstream.endpoint, listen="127.0.0.1:0")
    await api.toxic("noop")
    client = await ends.dial(endpoint)
    again = entry("a", listen=f"localhost:{endpoint.port}", upstream=str(upstream.endpoint))
    proxy = (await api.post("populate", [again])).json["proxies"][0]
    assert proxy["listen"] == str(endpoint)
    assert [toxic["name"] for toxic in proxy["toxics"]] == ["noop_downstream"]
    client.send(b"still here")
    assert await client.receive(10) == b"still here"


async def test_a_differing_proxy_is_replaced_and_others_stay(api: Api) -> None:
    old = await api.proxy(UPSTREAM)
    other = await api.proxy(UPSTREAM, "b")
    await api.toxic("noop")
    proxy = (await api.post("populate", [entry("a")])).json["proxies"][0]
    assert proxy["toxics"] == []
    assert await refused(old)
    assert not await refused(listening(proxy))
    assert not await refused(other)


async def test_a_nameless_entry_is_named_by_its_number_and_nothing_is_created(api: Api) -> None:
    answer = await api.post("populate", [entry("a"), {"upstream": UPSTREAM}])
    assert (answer.status, answer.error) == (400, "missing required field: name at proxy 2")
    assert answer.json["proxies"] is None
    assert (await api.get("proxies")).json == {}


async def test_an_entry_without_upstream_is_named_by_its_number(api: Api) -> None:
    answer = await api.post("populate", [{"name": "a"}])
    assert (answer.status, answer.error) == (400, "missing required field: upstream at proxy 1")


async def test_the_first_failure_ends_it_and_what_was_done_stays(api: Api) -> None:
    entries = [entry("a"), entry("b", listen="local373"), entry("c")]
    answer = await api.post("populate", entries)
    assert answer.status == 500
    assert "missing port in address" in answer.error
    assert answer.headers["Content-Type"] == "application/json"
    assert [proxy["name"] for proxy in answer.json["proxies"]] == ["a"]
    assert list((await api.get("proxies")).json) == ["a"]


async def test_enabled_alone_does_not_change_an_existing_proxy(api: Api) -> None:
    endpoint = await api.proxy(UPSTREAM)
    again = entry("a", listen=str(endpoint), enabled=False)
    assert (await api.post("populate", [again])).json["proxies"][0]["enabled"] is True
    assert not await refused(endpoint)


async def test_a_body_that_is_no_list_is_400(api: Api) -> None:
    answer = await api.post("populate", {"name": "a"})
    assert answer.status == 400
    assert answer.error.startswith("bad request body: json: cannot unmarshal")
