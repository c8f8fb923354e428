"""Proxies: created, listed, changed, deleted."""

from __future__ import annotations

import pytest

from sim.topology.addresses import Endpoint
from tests.network.conformance.conftest import (
    Api,
    Ends,
    free_endpoint,
    listening,
    refused,
)

UPSTREAM = "127.90.10.2:1"


async def test_a_name_is_required(api: Api) -> None:
    answer = await api.post("proxies", {"name": "", "upstream": UPSTREAM})
    assert (answer.status, answer.error) == (400, "missing required field: name")


async def test_an_upstream_is_required(api: Api) -> None:
    answer = await api.post("proxies", {"name": "a"})
    assert (answer.status, answer.error) == (400, "missing required field: upstream")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "EOF"),
        (b'{"name": "a"', "unexpected EOF"),
        (b"{broken", ""),
        (b"[]", "json: cannot unmarshal array into Go value of type "),
        (b'"text"', "json: cannot unmarshal string into Go value of type "),
        (b'{"name": 5}', "json: cannot unmarshal number into Go struct field "),
        (b'{"name": "a", "upstream": "b:1", "enabled": "yes"}', "json: cannot unmarshal string"),
    ],
)
async def test_a_body_that_cannot_be_read_is_400(api: Api, raw: bytes, reason: str) -> None:
    answer = await api("POST", "proxies", raw=raw)
    assert answer.status == 400
    assert answer.error.startswith(f"bad request body: {reason}")


async def test_keys_in_capitals_and_nulls_and_what_follows_are_taken(api: Api) -> None:
    raw = f'{{"NAME": "a", "Upstream": "{UPSTREAM}", "enabled": null}} trailing'.encode()
    answer = await api("POST", "proxies", raw=raw)
    assert answer.status == 201
    assert answer.json["enabled"] is True


async def test_a_new_proxy_is_enabled_without_toxics_and_accepts(api: Api, ends: Ends) -> None:
    body = {"name": "a", "listen": "127.90.10.3:0", "upstream": UPSTREAM}
    answer = await api.post("proxies", body)
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["name"] == "a"
    assert answer.json["upstream"] == UPSTREAM
    assert answer.json["enabled"] is True
    assert answer.json["toxics"] == []
    assert not await refused(listening(answer.json))


async def test_localhost_and_port_0_become_what_was_bound(api: Api) -> None:
    body = {"name": "a", "listen": "localhost:0", "upstream": UPSTREAM}
    listen = (await api.post("proxies", body)).json["listen"]
    assert listen.startswith("127.0.0.1:")
    assert listen != "127.0.0.1:0"


async def test_without_listen_it_is_any_port_of_every_address(api: Api) -> None:
    listen = (await api.post("proxies", {"name": "a", "upstream": UPSTREAM})).json["listen"]
    assert listen.startswith("[::]:")
    assert listen != "[::]:0"


async def test_a_disabled_proxy_keeps_its_listen_as_written_and_refuses(api: Api) -> None:
    port = free_endpoint("127.0.0.1").port
    body = {"name": "a", "listen": f"localhost:{port}", "upstream": UPSTREAM, "enabled": False}
    answer = await api.post("proxies", body)
    assert answer.status == 201
    assert answer.json["enabled"] is False
    assert answer.json["listen"] == f"localhost:{port}"
    assert await refused(Endpoint("127.0.0.1", port))


async def test_a_name_that_is_taken_is_409_and_the_first_stays(api: Api) -> None:
    first = await api.proxy(UPSTREAM)
    body = {"name": "a", "listen": "127.90.10.3:0", "upstream": UPSTREAM}
    answer = await api.post("proxies", body)
    assert (answer.status, answer.error) == (409, "proxy already exists")
    assert not await refused(first)


async def test_a_taken_name_beats_a_taken_port(api: Api) -> None:
    first = await api.proxy(UPSTREAM)
    body = {"name": "a", "listen": str(first), "upstream": UPSTREAM}
    assert (await api.post("proxies", body)).status == 409


async def test_a_port_that_is_taken_is_500_and_the_name_stays_free(api: Api) -> None:
    first = await api.proxy(UPSTREAM)
    body = {"name": "b", "listen": str(first), "upstream": UPSTREAM}
    answer = await api.post("proxies", body)
    assert answer.status == 500
    assert answer.error == f"listen tcp {first}: bind: address already in use"
    assert list((await api.get("proxies")).json) == ["a"]
    await api("DELETE", "proxies/a")
    assert (await api.post("proxies", body)).status == 201


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("local373", "listen tcp: address local373: missing port in address"),
        ("127.90.10.3:99999", "listen tcp: address 99999: invalid port"),
    ],
)
async def test_an_address_that_is_none_is_500(api: Api, listen: str, message: str) -> None:
    answer = await api.post("proxies", {"name": "a", "listen": listen, "upstream": UPSTREAM})
    assert (answer.status, answer.error) == (500, message)


async def test_toxics_and_unknown_keys_in_the_body_are_ignored(api: Api) -> None:
    body = {
        "name": "a",
        "listen": "127.90.10.3:0",
        "upstream": UPSTREAM,
        "colour": "red",
        "toxics": [{"type": "latency"}],
    }
    answer = await api.post("proxies", body)
    assert (answer.status, answer.json["toxics"]) == (201, [])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "proxies/nope"),
        ("POST", "proxies/nope"),
        ("PATCH", "proxies/nope"),
        ("DELETE", "proxies/nope"),
        ("GET", "proxies/nope/toxics"),
        ("POST", "proxies/nope/toxics"),
        ("GET", "proxies/nope/toxics/t"),
        ("POST", "proxies/nope/toxics/t"),
        ("DELETE", "proxies/nope/toxics/t"),
    ],
)
async def test_an_unknown_proxy_is_404_whatever_the_body(api: Api, method: str, path: str) -> None:
    answer = await api(method, path, raw=b"{broken")
    assert (answer.status, answer.error) == (404, "proxy not found")


async def test_the_listing_is_an_object_by_name_with_toxics(api: Api) -> None:
    await api.proxy(UPSTREAM)
    await api.proxy(UPSTREAM, "b")
    await api.toxic("latency", "downstream")
    await api.toxic("noop", "upstream")
    listing = (await api.get("proxies")).json
    assert sorted(listing) == ["a", "b"]
    assert [toxic["name"] for toxic in listing["a"]["toxics"]] == [
        "noop_upstream",
        "latency_downstream",
    ]
    assert listing["b"]["toxics"] == []


async def test_deleting_a_proxy_frees_its_port_once(api: Api) -> None:
    endpoint = await api.proxy(UPSTREAM)
    answer = await api("DELETE", "proxies/a")
    assert (answer.status, answer.text) == (204, "")
    assert await refused(endpoint)
    assert (await api("DELETE", "proxies/a")).status == 404


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_an_empty_update_changes_nothing(api: Api, ends: Ends, method: str) -> None:
    upstream = await ends.upstream(echo=True)
    client = await ends.dial(await api.proxy(upstream.endpoint))
    before = (await api.get("proxies/a")).json
    answer = await api(method, "proxies/a", {})
    assert (answer.status, answer.json) == (200, before)
    client.send(b"still here")
    assert await client.receive(10) == b"still here"


async def test_disabling_refuses_and_enabling_accepts_at_the_same_port(api: Api) -> None:
    endpoint = await api.proxy(UPSTREAM)
    await api.toxic("latency")
    assert (await api.post("proxies/a", {"enabled": False})).json["enabled"] is False
    assert await refused(endpoint)
    answer = await api.post("proxies/a", {"enabled": True})
    assert answer.json["enabled"] is True
    assert listening(answer.json) == endpoint
    assert [toxic["name"] for toxic in answer.json["toxics"]] == ["latency_downstream"]
    assert not await refused(endpoint)


async def test_another_listen_moves_the_proxy(api: Api) -> None:
    old = await api.proxy(UPSTREAM)
    answer = await api("PATCH", "proxies/a", {"listen": "127.90.10.3:0"})
    new = listening(answer.json)
    assert answer.status == 200
    assert new != old
    assert await refused(old)
    assert not await refused(new)


async def test_the_same_listen_by_another_name_keeps_connections(api: Api, ends: Ends) -> None:
    upstream = await ends.upstream(echo=True)
    endpoint = await api.proxy(upstream.endpoint, listen="127.0.0.1:0")
    client = await ends.dial(endpoint)
    answer = await api("PATCH", "proxies/a", {"listen": f"localhost:{endpoint.port}"})
    assert (answer.status, answer.json["listen"]) == (200, str(endpoint))
    client.send(b"still here")
    assert await client.receive(10) == b"still here"


async def test_another_upstream_ends_connections_and_leads_new_ones_there(
    api: Api, ends: Ends
) -> None:
    first, second = await ends.upstream(echo=True), await ends.upstream()
    endpoint = await api.proxy(first.endpoint)
    await api.toxic("noop")
    old = await ends.dial(endpoint)
    await first.peer()
    answer = await api.post("proxies/a", {"upstream": str(second.endpoint)})
    assert answer.json["upstream"] == str(second.endpoint)
    assert len(answer.json["toxics"]) == 1
    await old.end()
    (await ends.dial(listening(answer.json))).send(b"hello")
    assert await (await second.peer()).receive(5) == b"hello"


async def test_the_name_in_an_update_is_ignored(api: Api) -> None:
    await api.proxy(UPSTREAM)
    assert (await api("PATCH", "proxies/a", {"name": "b"})).json["name"] == "a"
    assert (await api.get("proxies/b")).status == 404


async def test_a_listen_that_is_taken_is_500_on_update_too(api: Api) -> None:
    await api.proxy(UPSTREAM)
    other = await api.proxy(UPSTREAM, "b")
    answer = await api.post("proxies/a", {"listen": str(other)})
    assert answer.status == 500
    assert "address already in use" in answer.error


async def test_a_bad_listen_in_an_update_changes_nothing(api: Api) -> None:
    endpoint = await api.proxy(UPSTREAM)
    answer = await api.post("proxies/a", {"listen": "local373"})
    assert (answer.status, answer.error) == (500, "address local373: missing port in address")
    assert not await refused(endpoint)


async def test_reset_enables_and_cleans_every_proxy(api: Api) -> None:
    endpoint = await api.proxy(UPSTREAM)
    await api.toxic("latency", latency=100)
    await api.post("proxies/a", {"enabled": False})
    answer = await api("POST", "reset", raw=b"garbage")
    assert (answer.status, answer.text) == (204, "")
    proxy = (await api.get("proxies/a")).json
    assert (proxy["enabled"], proxy["toxics"]) == (True, [])
    assert not await refused(endpoint)
