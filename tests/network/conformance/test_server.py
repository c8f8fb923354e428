"""Routes, versions, methods: what every request of the API meets."""

from __future__ import annotations

import re

import pytest

from sim.clock import Clock
from sim.topology.addresses import Endpoint
from tests.network.conformance.conftest import PATIENCE_S, Answer, Api, Ends


async def test_version_is_json_with_a_request_id(api: Api) -> None:
    answer = await api.get("version")
    assert answer.status == 200
    assert isinstance(answer.json["version"], str)
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert answer.headers["X-Toxiproxy-Request-Id"]


@pytest.mark.parametrize("path", ["version", "proxies", "proxies/nope"])
async def test_browsers_are_kept_out(api: Api, path: str) -> None:
    answer = await api("GET", path, headers={"User-Agent": "Mozilla/5.0 (X11; Linux)"})
    assert answer.status == 403
    assert answer.text == "User agent not allowed\n"


async def test_other_user_agents_are_let_in(api: Api) -> None:
    assert (await api("GET", "proxies", headers={"User-Agent": "Wget/2.1"})).status == 200


async def test_a_fresh_server_has_no_proxies(api: Api) -> None:
    answer = await api.get("proxies")
    assert (answer.status, answer.json) == (200, {})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "proxies"), ("GET", "reset"), ("GET", "populate"), ("HEAD", "version")],
)
async def test_a_method_that_a_route_lacks_is_405_and_empty(
    api: Api, method: str, path: str
) -> None:
    answer = await api(method, path)
    assert (answer.status, answer.text) == (405, "")


@pytest.mark.parametrize("path", ["nope", "proxies/", "proxies/a/b", "proxies/x%2Fy"])
async def test_an_unknown_path_is_404(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status, answer.text) == (404, "404 page not found\n")


async def test_a_doubled_slash_is_redirected(api: Api) -> None:
    answer = await api.get("/proxies")
    assert (answer.status, answer.headers["Location"]) == (301, "/proxies")


async def test_metrics_count_bytes_each_way(api: Api, ends: Ends, clock: Clock) -> None:
    upstream = await ends.upstream(echo=True)
    client = await ends.dial(await api.proxy(upstream.endpoint))
    client.send(b"x" * 100)
    await client.receive(100)
    client.transport.close()
    await (await upstream.peer()).end()
    wanted = {(w, d) for w in ("received", "sent") for d in ("upstream", "downstream")}
    async with clock.timeout(PATIENCE_S):  # a stock server counts a little later
        while len(lines := counted(await api.get("metrics"), upstream.endpoint)) < len(wanted):
            await clock.sleep(0.01)
    assert set(lines) == wanted
    for line in lines.values():
        assert 'listener="' in line
        assert 'proxy="a"' in line
        assert float(line.rpartition(" ")[2]) == 100


def counted(answer: Answer, upstream: Endpoint) -> dict[tuple[str, str], str]:
    """The lines of the counters of the proxy to that server, by word and direction."""
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4; charset=utf-8")
    samples = re.finditer(
        r'^toxiproxy_proxy_(received|sent)_bytes_total\{.*direction="(\w+)".*$',
        answer.text,
        re.MULTILINE,
    )
    return {
        (sample[1], sample[2]): sample[0]
        for sample in samples
        if f'upstream="{upstream}"' in sample[0]
    }
