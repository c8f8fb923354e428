"""What a driver may ask for, and what it is told of anything else."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from sim.clients.urls import checked_path, only_to
from sim.errors import InputError


@pytest.mark.parametrize(
    "path", ["/", "/live?ticket=7", "/None-such", "/rooms/Nonesuch?who=None7", "/a?u=http://b/"]
)
def test_a_path_is_taken_as_it_stands(path: str) -> None:
    assert checked_path(path) == path


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("ticket", "begins with a slash: `/ticket`"),
        ("wss://elsewhere.example/live", 'client.websocket("/live")'),
        ("/live?ticket=None", "is None"),
        ("/rooms/None/live", "is None"),
        ("/rooms/None", "is None"),
        ("/live?ticket=None&x=1", "is None"),
        (None, "found None"),
        (b"/live", "write text"),
    ],
)
def test_anything_else_is_told_with_the_right_way(path: object, said: str) -> None:
    with pytest.raises(InputError) as told:
        checked_path(path)
    assert said in str(told.value)


async def begin(url: str, method: str = "POST") -> None:
    watch = only_to("atlas.fly.dev")
    watch.freeze()
    headers: CIMultiDict[str] = CIMultiDict()
    asked = aiohttp.TraceRequestStartParams(method, URL(url), headers)
    await watch.on_request_start.send(None, SimpleNamespace(), asked)  # type: ignore[arg-type]


async def test_a_request_to_the_gateway_goes_through() -> None:
    await begin("http://atlas.fly.dev/ticket?user=7")


@pytest.mark.parametrize("url", ["/ticket", "http://elsewhere.example/ticket"])
async def test_a_request_to_nowhere_or_elsewhere_is_told_how_to_be_written(url: str) -> None:
    with pytest.raises(InputError) as told:
        await begin(url)
    assert url in str(told.value)
    assert 'client.http.post(client.url("/ticket"))' in str(told.value)


async def test_a_whole_url_with_a_none_in_it_is_told_as_a_path_is() -> None:
    with pytest.raises(InputError, match="is None"):
        await begin("http://atlas.fly.dev/live?ticket=None")
