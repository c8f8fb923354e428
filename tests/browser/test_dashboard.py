"""The live page of a real world, in a real Chromium."""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sim.control.verbs import Control
from sim.dashboard.frame import portrait
from sim.observe.gap_rule import GapRule
from sim.observe.history import History
from sim.observe.outages import find_outages
from sim.scenario.faults import FAULTS
from sim.scenario.load_scenario import scenario_from_mapping
from sim.topology.load_topology import load_topology
from sim.world import World

pytestmark = pytest.mark.e2e

OUTAGES = Path(__file__).parents[2] / "topologies" / "outages"
HOSTILE = "</script><img src=x onerror=document.title='owned'><b>bold</b> & co"
REFUSED = (
    "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
)
DRIVER = "{driver: http}"
GATEWAY = f"""
import os, socket
print({HOSTILE!r}, flush=True)
body = {HOSTILE!r}.encode()
with socket.create_server(("", int(os.environ["PORT"]))) as server:
    while True:
        client, _ = server.accept()
        with client:
            client.recv(4096)
            status = b"200 OK" if os.path.exists(os.environ["WELL"]) else b"500 <b>sick</b>"
            length = str(len(body)).encode()
            head = b"HTTP/1.1 " + status + b"\\r\\nConnection: close\\r\\nContent-Length: "
            client.sendall(head + length + b"\\r\\n\\r\\n" + body)
"""


@asynccontextmanager
async def live(page, path, speed=10.0):
    """A world that is up, and its control; the page is left before the world ends."""
    async with World(load_topology(path), seed=7, speed=speed) as world, Control(world) as control:
        yield world, control
        await page.open("about:blank")


def row(table, first):
    """The cells of a table's row, as one text."""
    return (
        f"[...document.querySelectorAll('[aria-label=\"{table}\"] tbody tr')]"
        f".find(one => one.children[0].textContent.startsWith('{first}'))?.textContent"
    )


async def choose(page, label):
    """Choose what to do something to, as a person would by its name."""
    await page.js(
        "(() => { const select = document.querySelector('#target');"
        f" select.value = [...select.options].find(one => one.label === '{label}').value;"
        " select.dispatchEvent(new Event('change')); })()"
    )


async def do(page, fault):
    await page.js(f"document.querySelector('[data-fault={fault}]').click()")


async def complaints(page, axe):
    """What axe-core finds wrong, by the rules of WCAG AA: its rule and where."""
    await page.js(f"{axe}; undefined")
    return await page.js(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        ".then(({violations}) => violations.map(({id, nodes}) =>"
        " `${id}: ${nodes.map(({target}) => target.join(' ')).join(', ')}`))"
    )


@pytest.mark.thorough
@pytest.mark.realtime
async def test_london_fails_over_and_returns_before_ones_eyes(  # noqa: PLR0915 - one long story
    page, axe, artefacts
):
    # Not faster: a page is drawn twice a second, and what is looked for lasts a few simulated ones.
    async with live(page, OUTAGES / "two-regions.yaml", speed=2.0) as (world, control):
        load = {"driver": "session", "clients": 10, "every": "1s", "timeout": "6s"}
        load["backoff"] = {"base": "250ms", "max": "2s"}
        scenario = scenario_from_mapping(
            {"name": "ten clients", "duration": "10m", "load": load}, world.topology
        )
        control.dashboard.player.play(scenario, load_only=True)
        await page.open(control.dashboard.url())
        await page.until(f"{row('Locations', 'london')}?.includes('4 → fra')")
        assert await page.js("location.search") == ""  # the key is spent, and gone
        await page.until(f"{row('Answers from DNS', 'london')}?.includes('fra, then iad')")
        await page.until("document.querySelectorAll('.map .arc').length === 2")
        await page.screenshot(artefacts / "live-1280.png")

        await choose(page, "fra")
        await do(page, "crash")
        await page.until("document.querySelector('.lasting').textContent.includes('crash fra')")
        await page.until("document.querySelector('.map .region.down')")
        await page.until("document.querySelector('.tile.alarming')")
        await page.screenshot(artefacts / "live-1280-crashed.png")
        await page.until(f"{row('Locations', 'london')}?.includes('4 → iad')")
        await page.until(f"{row('Answers from DNS', 'london')}?.includes('londoniad5 s')")
        outages = "[...document.querySelectorAll('.tile')][4].querySelector('strong').textContent"
        await page.until(f"{row('Locations', 'london')}?.includes('none')")
        gap_rule = GapRule.of(world.topology, 1.0, world.speed)
        ended = [o for o in find_outages(History(world.journal.records), gap_rule) if o.to_region]
        assert ended
        await page.until(f"{outages} === '{len(ended)}'")
        await page.until("document.querySelector('.alerts').textContent.includes('region out fra')")
        told = await page.text(".lines")
        assert "crash fra" in told
        assert "london: nobody is connected to fra any more" in told
        await page.prefer("dark")
        await page.screenshot(artefacts / "live-1280-dark.png")
        assert await complaints(page, axe) == []

        await page.js("document.querySelector('.heal').click()")
        await page.until(f"{row('Regions', 'fra')}?.includes('startedpassing')")
        await page.until(f"{row('Answers from DNS', 'london')}?.includes('fra, then iad')")
        # Nobody is moved back by force: a session stays where it is until its connection ends,
        # and goes to Ashburn again for as long as its client holds that answer.
        await page.until(f"{row('Answers from DNS', 'london')}?.includes('4 \\u00d7 iad, run out')")
        await choose(page, "london : iad")
        await do(page, "reset")
        await page.until(f"{row('Locations', 'london')}?.includes('4 → fra')")
        assert "no fault lasts" in await page.text(".lasting")

        await page.prefer("light")
        assert await complaints(page, axe) == []
        await page.resize(390, 844)
        await page.drawn()
        assert await page.js("document.documentElement.scrollWidth") == 390
        await page.screenshot(artefacts / "live-390.png")
        assert await complaints(page, axe) == []
        await page.prefer("dark")
        await page.screenshot(artefacts / "live-390-dark.png")
        assert page.requests[0].startswith(world.record.control_url)
        assert {url.split("/")[2] for url in page.requests} == {str(world.plan.control)}


@pytest.mark.thorough
async def test_everything_can_be_done_by_keyboard_and_a_mistake_is_said(page):
    async with live(page, OUTAGES / "two-regions.yaml") as (_, control):
        await page.open(control.dashboard.url())
        await page.until("document.body.dataset.ready")
        await page.js("document.querySelector('#target').focus()")
        focused = "document.activeElement.dataset.fault ?? document.activeElement.textContent"
        reached = []
        while (name := await page.js(focused)) != "slow":
            await page.press("Tab")
            reached.append(name)
            assert len(reached) < 20, reached
        breaks = [f.name for f in FAULTS.values() if "region" in f.targets and not f.is_repair]
        assert reached[1:] == breaks[: breaks.index("slow")]
        await page.press("Enter")  # opens the form, and goes to its first field
        assert await page.js("document.activeElement.name") == "latency"
        await page.call("Input.insertText", text="fast")
        await page.press("Enter")
        await page.until("document.querySelector('.act .said.bad')")
        said = await page.text(".act .said")
        assert "latency: found `fast`" in said
        assert page.errors == [REFUSED]  # Chromium's own note of an answer that is none of 200
        page.errors.clear()
        assert await page.js(focused) == "slow"
        await page.press("Enter")
        await page.call("Input.insertText", text="200ms")
        await page.press("Enter")
        links = "document.querySelector('[aria-label=\"Links that are not as usual\"]').textContent"
        await page.until(f"{links}.includes('212')")  # iad from New York: 12 ms and 200 more
        assert await page.js("document.querySelectorAll(':focus').length") == 1
        # What was done can be kept, as a scenario.
        await page.js("[...document.querySelectorAll('.play .do')].at(-1).click()")
        await page.until("document.querySelector('.saved pre').textContent.includes('fault: slow')")
        assert (await page.js("document.querySelector('.download').href")).startswith("data:")


async def test_what_machines_say_is_text_whatever_they_say(page, tmp_path):
    well = tmp_path / "well"
    well.touch()
    (tmp_path / "gateway.py").write_text(GATEWAY, encoding="utf-8")
    topology = tmp_path / "topology.yaml"
    topology.write_text(
        f"""
app: hostile
gateway:
  command: [{sys.executable}, gateway.py]
  env: {{WELL: {well}}}
  checks: [{{type: http, path: /, interval: 5s, timeout: 2s, grace_period: 1s}}]
regions: {{iad: {{}}, fra: {{}}}}
locations: {{london: {{}}}}
""",
        encoding="utf-8",
    )
    (tmp_path / "scenario.yaml").write_text(
        f"name: {json.dumps(HOSTILE)}\ntopology: topology.yaml\nduration: 20s\nload: {DRIVER}\n",
        encoding="utf-8",
    )
    async with live(page, topology) as (_, control):
        await page.open(control.dashboard.url())
        await page.until("document.body.dataset.ready")
        await page.js("document.querySelector('[aria-label=\"Log of fra/1\"]').click()")
        await page.until("document.querySelector('.log pre').textContent.includes('onerror')")
        assert HOSTILE in await page.text(".log pre")
        await page.until("document.querySelector('#scenario').options.length")
        assert "<b>bold</b>" in await page.text("#scenario")
        await page.until("!document.querySelector('.play .do').disabled")
        await page.js("document.querySelector('.play .do').click()")
        await page.until("document.querySelector('.playing').textContent.includes('<b>bold')")
        well.unlink()
        await page.until(f"{row('Machines', 'fra/1')}?.includes('critical')")
        assert (
            await page.js("document.querySelectorAll('img, b.bold, script:not([src])').length") == 0
        )
        assert await page.js("document.title") == "hostile: a live world"


@pytest.mark.thorough
async def test_names_are_text_also_if_a_topology_could_have_markup_in_them(page, monkeypatch):
    """It cannot: they are DNS labels. The page does not rely on it."""

    def hostile(world):
        found = portrait(world)
        for region in found["regions"]:
            region.update(code=f"{region['code']}{HOSTILE}", city=HOSTILE)
        for place in found["locations"]:
            place.update(name=HOSTILE, nameserver=HOSTILE, entry=HOSTILE)
        return {**found, "app": HOSTILE, "hostname": HOSTILE, "services": [HOSTILE]}

    monkeypatch.setattr("sim.dashboard.dashboard_site.portrait", hostile)
    async with live(page, OUTAGES / "two-regions.yaml") as (_, control):
        await page.open(control.dashboard.url())
        await page.until("document.body.dataset.ready")
        assert await page.text("h1") == HOSTILE
        for table in ("Locations", "Regions", "Answers from DNS", "Proxies by location"):
            assert HOSTILE in await page.text(f"[aria-label='{table}'] tbody")
        assert HOSTILE in await page.text(".map")
        assert HOSTILE in await page.text("#target")
        assert await page.js("document.title") == f"{HOSTILE}: a live world"
        assert await page.js("document.querySelectorAll('img, #page b > b, script').length") == 1


@pytest.mark.thorough
async def test_a_browser_that_was_not_let_in_stands_before_the_door(page, axe):
    async with live(page, OUTAGES / "two-regions.yaml") as (world, control):
        await page.open(f"{world.record.control_url}/?key=guessed")
        assert "sim page" in await page.text("main")
        assert await complaints(page, axe) == []
        spent = control.dashboard.url()
        await page.open(spent)
        await page.until("document.body.dataset.ready")
        assert await page.js("document.cookie") == ""  # no script sees what lets it in
        page.errors.clear()  # the door's 401, which is what was asked for
