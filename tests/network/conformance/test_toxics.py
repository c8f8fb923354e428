"""Toxics as the API keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.network.conformance.conftest import Api

TOXICS = "proxies/a/toxics"


@pytest.fixture(autouse=True)
async def proxy(api: Api) -> None:
    """Every test has a proxy `a`."""
    await api.proxy("127.90.10.2:1")


async def test_without_toxics_the_list_is_empty(api: Api) -> None:
    answer = await api.get(TOXICS)
    assert (answer.status, answer.json) == (200, [])


async def test_a_type_alone_is_enough(api: Api) -> None:
    answer = await api.post(TOXICS, {"type": "latency"})
    assert answer.status == 200
    assert answer.json == {
        "attributes": {"latency": 0, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1,
    }


async def test_what_was_given_is_echoed_and_kept(api: Api) -> None:
    body = {
        "name": "slow",
        "type": "latency",
        "stream": "upstream",
        "toxicity": 0.2,
        "attributes": {"latency": 100, "jitter": 10},
    }
    assert (await api.post(TOXICS, body)).json == body
    assert (await api.get(TOXICS)).json == [body]
    assert (await api.get(f"{TOXICS}/slow")).json == body


@pytest.mark.parametrize("other", [{}, {"stream": "upstream"}, {"type": "bandwidth"}])
async def test_a_name_is_unique_across_streams_and_types(api: Api, other: dict[str, Any]) -> None:
    first = {"name": "t", "type": "latency", "attributes": {"latency": 5}}
    await api.post(TOXICS, first)
    answer = await api.post(TOXICS, first | {"attributes": {}} | other)
    assert (answer.status, answer.error) == (409, "toxic already exists")
    assert (await api.get(f"{TOXICS}/t")).json["attributes"]["latency"] == 5


async def test_both_streams_have_default_names_of_their_own(api: Api) -> None:
    await api.toxic("latency", "upstream")
    await api.toxic("latency", "downstream")
    names = [toxic["name"] for toxic in (await api.get(TOXICS)).json]
    assert names == ["latency_upstream", "latency_downstream"]


@pytest.mark.parametrize("stream", ["walrustream", ""])
async def test_a_stream_that_is_none_is_400(api: Api, stream: str) -> None:
    answer = await api.post(TOXICS, {"type": "latency", "stream": stream})
    message = "stream was invalid, can be either upstream or downstream"
    assert (answer.status, answer.error) == (400, message)


async def test_the_stream_may_be_in_capitals_and_is_echoed(api: Api) -> None:
    toxic = await api.toxic("latency", "DOWNSTREAM")
    assert (toxic["stream"], toxic["name"]) == ("DOWNSTREAM", "latency_DOWNSTREAM")


@pytest.mark.parametrize("body", [{"type": "nope"}, {}, {"type": "LATENCY"}, {"type": "down"}])
async def test_a_type_that_is_none_is_400(api: Api, body: dict[str, Any]) -> None:
    answer = await api.post(TOXICS, body)
    assert (answer.status, answer.error) == (400, "invalid toxic type")


async def test_a_bad_stream_beats_a_bad_type(api: Api) -> None:
    answer = await api.post(TOXICS, {"type": "nope", "stream": "nope"})
    assert answer.error.startswith("stream was invalid")


async def test_noop_has_no_attributes(api: Api) -> None:
    assert (await api.toxic("noop", latency=5))["attributes"] == {}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("latency", ["latency", "jitter"]),
        ("slow_close", ["delay"]),
        ("timeout", ["timeout"]),
        ("reset_peer", ["timeout"]),
        ("limit_data", ["bytes"]),
        ("bandwidth", ["rate"]),
    ],
)
async def test_attributes_are_named_as_users_know_them(
    api: Api, kind: str, names: list[str]
) -> None:
    assert (await api.toxic(kind))["attributes"] == dict.fromkeys(names, 0)


async def test_the_attributes_of_a_slicer(api: Api) -> None:
    toxic = await api.toxic("slicer", average_size=10, size_variation=2, delay=5)
    assert toxic["attributes"] == {"average_size": 10, "size_variation": 2, "delay": 5}


@pytest.mark.parametrize(
    "wrong",
    [
        {"attributes": {"latency": "5"}},
        {"attributes": {"latency": 1.5}},
        {"attributes": []},
        {"toxicity": "1"},
        {"name": 1},
    ],
)
async def test_a_value_of_the_wrong_type_is_400(api: Api, wrong: dict[str, Any]) -> None:
    answer = await api.post(TOXICS, {"type": "latency"} | wrong)
    assert answer.status == 400
    assert answer.error.startswith("bad request body: json: cannot unmarshal ")
    assert (await api.get(TOXICS)).json == []


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_an_update_keeps_what_it_does_not_name(api: Api, method: str) -> None:
    await api.toxic("latency", latency=100, jitter=10)
    path = f"{TOXICS}/latency_downstream"
    body = {"toxicity": 0.5, "attributes": {"latency": 1000}}
    answer = await api(method, path, body)
    assert (answer.status, answer.json["toxicity"]) == (200, 0.5)
    assert answer.json["attributes"] == {"latency": 1000, "jitter": 10}
    answer = await api(method, path, {"attributes": {"latency": 5}})
    assert answer.json["toxicity"] == 0.5
    assert (await api.get(path)).json["attributes"] == {"latency": 5, "jitter": 10}


async def test_name_type_and_stream_in_an_update_are_ignored(api: Api) -> None:
    before = await api.toxic("latency", latency=100)
    body = {"name": "b", "type": "noop", "stream": "upstream"}
    answer = await api.post(f"{TOXICS}/latency_downstream", body)
    assert (answer.status, answer.json) == (200, before)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_an_unknown_toxic_is_404(api: Api, method: str) -> None:
    answer = await api(method, f"{TOXICS}/nope", {})
    assert (answer.status, answer.error) == (404, "toxic not found")


async def test_a_deleted_toxic_is_gone(api: Api) -> None:
    await api.toxic("latency")
    answer = await api("DELETE", f"{TOXICS}/latency_downstream")
    assert (answer.status, answer.text) == (204, "")
    assert (await api.get(TOXICS)).json == []


async def test_deleting_toxics_as_a_whole_is_405(api: Api) -> None:
    assert (await api("DELETE", TOXICS)).status == 405
