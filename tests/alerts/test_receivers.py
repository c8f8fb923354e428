"""Who is told: webhooks and commands that work, that fail, that hang; the world goes on."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from aiohttp import web

from sim.alerts import channels, receivers
from sim.alerts.channels import CommandContext
from sim.alerts.receivers import Receivers
from sim.clock import Clock
from sim.observe.events import Alert, AlertUndelivered
from sim.observe.journal import Journal
from sim.secrets import NO_SECRETS
from sim.topology.load_topology import topology_from_mapping
from tests.alerts.conftest import TOPOLOGY

DOWN = Alert("machine_down", "aaaa", "began", "it is stopped", "fra", 20.0)
OUT = Alert("region_out", "fra", "began", "no machine passes", "fra", 30.0)


class Hook:
    """An HTTP server that takes alerts, or does not."""

    def __init__(self):
        self.bodies: asyncio.Queue[Any] = asyncio.Queue()
        self.status = 204
        self.hang = False

    async def __aenter__(self):
        application = web.Application()
        application.router.add_post("/{secret}", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/hunter2"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _take(self, request):
        self.bodies.put_nowait(await request.json())
        if self.hang:
            await asyncio.Event().wait()
        return web.Response(status=self.status)


@pytest.fixture
async def hook():
    async with Hook() as hook:
        yield hook


@pytest.fixture
def told(tmp_path):
    """Receivers of these items, told in a block that ends them; what they failed to take."""

    class Told:
        def __init__(self, *alerts):
            self._topology = topology_from_mapping({**TOPOLOGY, "alerts": [*alerts]})

        async def __aenter__(self):
            clock = Clock()
            self.log = tmp_path / "alerts.log"
            self.journal = Journal(clock)
            around = CommandContext("world-1", tmp_path, self.log, NO_SECRETS)
            self.receivers = Receivers(self._topology, around, clock, self.journal)
            return self

        async def __aexit__(self, *_):
            await self.receivers.stop()

        def __call__(self, alert, t=20.5):
            self.receivers.tell(t, alert)

        @property
        def failures(self):
            return [r.event for r in self.journal.records if isinstance(r.event, AlertUndelivered)]

    return Told


async def test_a_webhook_is_told_what_and_when(hook, told):
    async with told({"webhook": hook.url}) as tell:
        tell(DOWN)
        assert await hook.bodies.get() == {
            "alert": "machine_down",
            "state": "began",
            "subject": "aaaa",
            "region": "fra",
            "text": "machine_down began: it is stopped",
            "at_s": 20.5,
            "since_s": 20.0,
            "app": "atlas",
            "world": "world-1",
        }
    assert tell.failures == []


async def test_on_says_what_a_receiver_wants_to_know(hook, told):
    async with told({"webhook": hook.url, "on": ["region_out"]}) as tell:
        tell(DOWN)
        tell(OUT)
    assert [body["alert"] for body in (hook.bodies.get_nowait(),)] == ["region_out"]
    assert hook.bodies.empty()


async def test_a_failure_is_journaled_once_until_it_is_over_and_names_no_url(hook, told):
    hook.status = 500
    async with told({"webhook": hook.url}) as tell:
        for status in (500, 500, 204, 500):
            hook.status = status
            tell(DOWN)
            await hook.bodies.get()
            await tell.receivers._receivers[0]._waiting.join()
    failed = AlertUndelivered("alerts[0] (webhook)", "it answered with status 500")
    assert tell.failures == [failed, failed]


async def test_nobody_at_the_url_is_a_failure_without_the_url(hook, told):
    await hook.__aexit__()
    async with told({"webhook": hook.url}) as tell:
        tell(DOWN)
    (failure,) = tell.failures
    assert failure.reason == "it cannot be reached: Connection refused"
    assert "hunter2" not in repr(tell.receivers) + repr(tell._topology) + str(failure)


async def test_a_webhook_that_hangs_is_left_in_time(hook, told, monkeypatch):
    monkeypatch.setattr(channels, "_WEBHOOK_REAL_S", 0.05)
    hook.hang = True
    async with told({"webhook": hook.url}) as tell:
        tell(DOWN)
        await hook.bodies.get()
    assert [failure.reason for failure in tell.failures] == ["no answer within 0.05 s"]


async def test_the_end_waits_for_a_hanging_webhook_no_longer_than_a_moment(hook, told, monkeypatch):
    monkeypatch.setattr(receivers, "_FAREWELL_REAL_S", 0.05)
    hook.hang = True
    async with told({"webhook": hook.url}) as tell:
        tell(DOWN)
        await hook.bodies.get()
        began = Clock().real_ms()
    assert Clock().real_ms() - began < 3000  # and not the webhook's five seconds


async def test_a_slow_receiver_delays_no_other(hook, told, monkeypatch):
    monkeypatch.setattr(receivers, "_FAREWELL_REAL_S", 0.05)
    slow = [sys.executable, "-c", "import time; time.sleep(60)"]
    async with told({"command": slow}, {"webhook": hook.url}) as tell:
        tell(DOWN)
        assert (await hook.bodies.get())["subject"] == "aaaa"


async def test_too_many_waiting_are_dropped_and_that_is_said(hook, told, monkeypatch):
    monkeypatch.setattr(receivers, "_MOST_WAITING", 2)
    monkeypatch.setattr(receivers, "_FAREWELL_REAL_S", 0.01)
    hook.hang = True
    async with told({"webhook": hook.url}) as tell:
        for _ in range(5):
            tell(DOWN)
    assert [failure.reason for failure in tell.failures] == [
        "2 alerts wait already: this one was dropped"
    ]


SAVE = "import json, sys; json.dump(json.load(sys.stdin), open(sys.argv[1], 'w')); print('thanks')"


async def test_a_command_gets_the_alert_on_its_standard_input(told, tmp_path):
    command = ["python", "-c", SAVE, "got.json"]
    async with told({"command": command}) as tell:
        tell(DOWN)
    assert json.loads((tmp_path / "got.json").read_text())["text"].startswith("machine_down began")
    assert tell.log.read_text() == "thanks\n"
    assert tell.failures == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["python", "-c", "raise SystemExit(3)"], "exited with code 3; it printed nothing"),
        (["./no-such-program"], "no program './no-such-program'"),
    ],
)
async def test_a_command_that_fails_is_journaled(told, command, why):
    async with told({"command": command}) as tell:
        tell(DOWN)
    assert [why in failure.reason for failure in tell.failures] == [True]


async def test_a_command_that_does_not_end_is_ended(told, monkeypatch):
    monkeypatch.setattr(channels, "_COMMAND_REAL_S", 0.05)
    async with told({"command": ["python", "-c", "import time; time.sleep(60)"]}) as tell:
        tell(DOWN)
    assert [f.reason for f in tell.failures] == ["it ran for 0.05 s and was ended"]
    channel = tell.receivers._receivers[0]._channel
    assert not channel._child.running


async def test_a_command_that_runs_at_the_end_of_the_world_ends_with_it(told, monkeypatch):
    monkeypatch.setattr(receivers, "_FAREWELL_REAL_S", 0.3)
    async with told({"command": ["python", "-c", "import time; time.sleep(60)"]}) as tell:
        tell(DOWN)
    channel = tell.receivers._receivers[0]._channel
    assert channel._child is not None
    assert not channel._child.running
