"""A declared driver's question after what is stored: an answer wrongly read is said to be so."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from sim.clients.driver import Question
from tests.clients.talking import echo, socket

ECHO = {"websocket": "/ws", "send": "{seq}:", "ack": "^(?P<sequence>[0-9]+):"}


@pytest.fixture
def ask(talk):
    """What the driver makes of an answer, which is where `path` says."""

    async def asked(answer, path):
        async def kept(_request):
            return web.json_response(answer)

        there = await talk(
            [socket(echo), web.get("/kept", kept)],
            {**ECHO, "stored": {"get": "/kept", "sequence": path}},
        )
        await there.live(turns=1)
        base = there.client.url("/")
        async with aiohttp.ClientSession(base) as http:
            return await there.driver.stored(Question("s", there.client.name, http, None))

    return asked


@pytest.mark.parametrize(
    ("answer", "path", "numbers"),
    [
        ({"messages": [{"n": 1}, {"greeting": "hi"}]}, "$.messages[*].n", [1]),
        ({"messages": []}, "$.messages[*].n", []),
        ({"messages": None}, "$.messages[*].n", []),
        ({"rooms": [{"messages": []}, {"messages": []}]}, "$.rooms[*].messages[*].n", []),
        ([], "$[*]", []),
    ],
)
async def test_what_is_there_and_empty_is_nothing_stored(ask, answer, path, numbers):
    assert await ask(answer, path) == numbers


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"msgs": [{"n": 1}]}, "$.messages[*].n"),
        ({"messages": [{"seq": 1}]}, "$.messages[*].n"),
        ({"messages": 7}, "$.messages[*].n"),
        ({}, "$.n"),
    ],
)
async def test_a_path_that_leads_nowhere_is_not_nothing_stored(ask, answer, path):
    with pytest.raises(ValueError, match=r"GET /kept: nothing at \$.* in [{]"):
        await ask(answer, path)
