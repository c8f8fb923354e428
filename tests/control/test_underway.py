"""What a command is told while the world does what it asked for."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest

from sim.clock import Clock
from sim.control.underway import telling
from sim.control_server.control_server import EVENTS, ControlServer
from sim.errors import InputError
from sim.observe.events import MachineChanged
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.observe.journal import Journal

TOKEN = "a-token-of-the-test"


def started(machine):
    return MachineChanged(machine, "fra", "started")


def deploy(journal):
    journal.write(DeployBegan(2, "rolling", ("a", "b", "c"), "gw:2"))
    for machine in ("a", "b", "c"):
        journal.write(DeployStep(2, "update", machine, "fra"))
        journal.write(started(machine))
        journal.write(DeployStep(2, "health", machine, "fra"))
    journal.write(DeployEnded(2, "done"))


async def test_a_deploy_says_how_many_machines_are_left():
    journal = Journal(Clock())
    said: list[str] = []
    with telling(journal, said.append):
        deploy(journal)
    journal.write(started("d"))
    texts = [line.partition(" s  ")[2] for line in said]
    assert texts[:2] == [
        "release 2 (rolling) for 3 machines",
        "machine a of fra is updated: 1 of 3",
    ]
    assert texts[2] == "machine a of fra is started"
    assert texts[3].startswith("machine b of fra is updated: 2 of 3; about ")
    assert texts[-2:] == ["machine c of fra is started", "release 2 is done"]


@asynccontextmanager
async def asking(verb):
    """Who asks a server for a verb; gives the events as they come."""
    journal = Journal(Clock())
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/{verb.__name__}"
    server = ControlServer([listener], TOKEN, lambda say: telling(journal, say))
    server.verb(verb.__name__, lambda _: verb(journal))
    await server.start()
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": EVENTS}
    try:
        async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json={}) as got:
            yield got
    finally:
        await server.stop()


async def events(got):
    return [json.loads(line.removeprefix(b"data: ")) async for line in got.content if line != b"\n"]


async def test_what_happens_is_told_before_the_answer():
    async def roll(journal):
        deploy(journal)
        return {"release": 2}

    async with asking(roll) as got:
        *told, last = await events(got)
    assert [list(event) for event in told] == [["told"]] * 8
    assert last == {"done": {"release": 2}}


async def test_what_is_refused_on_the_way_is_told_last():
    async def roll(journal):
        journal.write(started("fra/1"))
        raise InputError("no such image")

    async with asking(roll) as got:
        assert (await events(got))[-1] == {"error": "no such image"}


async def test_a_defect_ends_the_answer(caplog):
    async def roll(journal):
        raise ZeroDivisionError

    async with asking(roll) as got:
        with pytest.raises(aiohttp.ClientPayloadError):
            await events(got)
    assert "ZeroDivisionError" in caplog.text


async def test_what_is_under_way_is_ended_with_the_world():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def roll(journal):
        journal.write(started("a"))
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asking(roll):
        await begun.wait()
    assert ended.is_set()


async def test_what_was_begun_is_ended_although_nobody_listens_any_more():
    begun, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def roll(journal):
        journal.write(started("fra/1"))
        begun.set()
        await gone.wait()
        deploy(journal)
        ended.set()

    async with asking(roll) as got:
        await begun.wait()
        got.close()
        gone.set()
        async with Clock().timeout(10):
            await ended.wait()
