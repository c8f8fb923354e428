"""The HTML report in a real Chromium, opened from disk."""

from __future__ import annotations

from statistics import median

import pytest

from sim.observe.events import (
    Acked,
    Alert,
    Audited,
    Connected,
    ConnectFailed,
    Disconnected,
    EdgeConnection,
    FaultBegan,
    HealthChanged,
    LinkChanged,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    Resolved,
    RoutingChanged,
    RunStarted,
    Sent,
    SessionReady,
    Stored,
)
from sim.observe.history import History
from sim.observe.journal import Record
from sim.report import document
from sim.report.html import render
from sim.report.outcome import judge as judge_journal
from sim.scenario.evidence import Evidence
from sim.scenario.load_scenario import scenario_from_mapping
from sim.scenario.verdict import judge
from sim.topology.load_topology import topology_from_mapping

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"> & \u2028"
TOPOLOGY = {
    "app": "atlas",
    "domain": "fly.dev",
    "gateway": {"command": ["python", "-m", "sim.gateway"]},
    "regions": {"iad": {"primary": True}, "fra": {}, "nrt": {}},
    "locations": {"new-york": {}, "london": {}, "tokyo": {}},
    "services": {"database": {"kind": "postgres", "region": "iad"}},
}
HOME = {"new-york": "iad", "london": "fra", "tokyo": "nrt"}
CRASH_S = 20.0


class Run:
    """A journal of a crash of Frankfurt, made by rule: everybody in London moves to Ashburn."""

    def __init__(self, clients, duration_s, name="a crash", every_s=4.0):
        self.events = []
        self.clients, self.duration_s, self.every_s = clients, duration_s, every_s
        self.name = name
        self._world()
        for k in range(clients):
            self._client(k, list(HOME)[k % 3])

    def at(self, t, event):
        self.events.append((t, event))

    def _world(self):
        for location, region in HOME.items():
            self.at(-1, LinkChanged(f"{location}:{region}", "up", 15.0))
            self.at(-1, RoutingChanged(location, (region, "iad")))
        for region in HOME.values():
            self.at(-1, MachineChanged(f"m-{region}", region, "started"))
            self.at(-1, HealthChanged(f"m-{region}", region, "passing"))
        self.at(CRASH_S, FaultBegan("crash", "fra", {"kind": "region", "region": "fra"}))
        self.at(CRASH_S + 0.1, MachineChanged("m-fra", "fra", "stopped", HOSTILE))
        self.at(CRASH_S + 9, HealthChanged("m-fra", "fra", "critical", HOSTILE))
        self.at(CRASH_S + 9, RoutingChanged("london", ("iad",)))
        self.at(CRASH_S + 40, FaultBegan("start", "fra", {"kind": "region", "region": "fra"}))
        self.at(CRASH_S + 40.1, MachineChanged("m-fra", "fra", "started"))

    def _client(self, k, location):
        client, session = f"{location}/{k // 3}", f"s{k}"
        phase = (k % 40) / 10
        back = CRASH_S + 12 + (k % 70) / 5
        home = HOME[location]
        self.at(phase, Resolved(client, location, home, "127.0.0.1", phase + 30))
        if location != "london":
            self._served(client, session, home, phase + 0.2, self.duration_s)
            return
        self._served(client, session, home, phase + 0.2, CRASH_S)
        self.at(CRASH_S + 0.2, Disconnected(client, location, home, "m-fra", "reset"))
        for t in range(int(CRASH_S) + 1, int(back), 2):
            self.at(t, ConnectFailed(client, location, home, "refused"))
        self.at(back - 0.3, Resolved(client, location, "iad", "127.0.0.1", back + 30))
        self._served(client, session, "iad", back, self.duration_s, resumed=True)

    def _served(self, client, session, region, start, end, *, resumed=False):
        location, machine = client.rpartition("/")[0], f"m-{region}"
        first = int(start / self.every_s) + 1
        self.at(start, Connected(client, location, region, machine))
        ready = SessionReady(client, session, region, machine, resumed, first, first)
        self.at(start + 0.1, ready)
        for seq in range(first, int(end / self.every_s) + 1):
            t = max(start + 0.2, seq * self.every_s - 0.5)
            if t >= end:
                break
            self.at(t, Sent(client, session, seq))
            self.at(t + 0.05, Acked(client, session, seq, region, machine, 20.0 + seq % 7))
            if (session, seq) != ("s0", 5):  # one message is lost
                self.at(self.duration_s + 0.1, Stored(session, seq, region, machine))
        self.at(end, EdgeConnection(region, machine, location, "a", 900, 400, 10.0, "closed"))

    def flap(self, clients, period_s):
        """Break the connections of some clients in New York again and again."""
        t = 40.0
        while t + period_s < self.duration_s:
            for k in range(clients):
                client = f"new-york/{k}"
                down = Disconnected(client, "new-york", "iad", "m-iad", "reset")
                self.at(t + k % 7 / 10, down)
                up = Connected(client, "new-york", "iad", "m-iad")
                self.at(t + k % 7 / 10 + period_s / 3, up)
            t += period_s

    def page(self):
        scenario = {
            "name": self.name,
            "topology": "atlas.yaml",
            "load": {"driver": "session", "clients": self.clients, "every": f"{self.every_s:g}s"},
            "duration": f"{self.duration_s:g}s",
            "expect": [
                {"check": "outage", "location": "london", "max": "60s"},
                {"check": "messages", "lost": 0},
            ],
        }
        started = RunStarted(7, 10.0, "process", "embedded", "0.1.0", TOPOLOGY, scenario)
        records = [Record(-2.0, started), Record(0.0, LoadStarted(self.clients))]
        records += [Record(t, event) for t, event in self.events]
        records += [Record(self.duration_s, LoadEnded()), Record(self.duration_s + 1, Audited())]
        records.sort(key=lambda record: record.t)
        topology = topology_from_mapping(TOPOLOGY)
        evidence = Evidence(History(records), scenario_from_mapping(scenario, topology))
        verdict = judge(evidence)
        return render(evidence, verdict, document.build(evidence, verdict))


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The page of 12 clients and 100 seconds, with a name that wants to be markup."""
    path = tmp_path_factory.mktemp("small") / "report.html"
    path.write_text(Run(12, 100.0, name=HOSTILE).page(), encoding="utf-8")
    return f"file://{path}"


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """The page of 500 clients and ten minutes, a hundred of them cut off again and again."""
    run = Run(500, 600.0, every_s=6.0)
    run.flap(100, 6.0)
    path = tmp_path_factory.mktemp("large") / "report.html"
    path.write_text(run.page(), encoding="utf-8")
    return path


async def instant(page):
    return await page.js("Number(document.querySelector('#instant').value)")


async def test_it_opens_from_disk_and_asks_the_network_for_nothing(page, small):
    await page.open(small)
    assert page.requests == [small]
    assert "1 of 12" not in await page.text(".tiles")
    assert "4 of 12" in await page.text(".tiles")


async def test_names_and_messages_are_text_whatever_they_say(page, small):
    await page.open(small)
    assert await page.text("h1") == HOSTILE
    assert HOSTILE.partition("\u2028")[0].strip() in await page.text(".story")
    assert await page.js("document.querySelectorAll('img').length") == 0
    assert await page.js("document.title") == f"{HOSTILE}: failed"


async def test_a_link_leads_to_its_instant(page, small):
    await page.open(f"{small}#t=34.5")
    assert await instant(page) == 34.5
    assert await page.text(".clock") == "34.5 s"
    assert "At 34.5 s" in await page.text(".beside")
    await page.js("location.hash = '#t=10'")
    await page.drawn()
    assert await page.text(".clock") == "10.0 s"


async def test_without_a_link_it_opens_in_the_midst_of_the_costliest_outage(page, small):
    await page.open(small)
    assert CRASH_S < await instant(page) < CRASH_S + 30
    assert "cut off" in await page.text(".said")


async def test_the_slider_moves_map_tables_and_playhead_with_the_keyboard(page, small):
    await page.open(f"{small}#t=10")
    before = await page.js("document.querySelector('.playhead').offsetLeft")
    assert "crossed" not in await page.text(".map")
    assert await page.js("document.querySelectorAll('.map .region.down').length") == 0
    await page.js("document.querySelector('#instant').focus()")
    await page.press(*["PageUp"] * 3)  # Chromium moves a slider by a tenth of its range
    assert 30 < await instant(page) < 45
    assert await page.js("document.querySelector('.playhead').offsetLeft") > before
    assert await page.js("document.querySelectorAll('.map .region.down').length") == 1
    assert "stopped" in await page.text(".beside")
    spoken = await page.js("document.querySelector('#instant').getAttribute('aria-valuetext')")
    assert "crash fra" in spoken
    # The address follows, so that it can be copied.
    await page.js("new Promise(done => setTimeout(done, 300))")
    assert (await page.js("location.hash")).startswith("#t=")


async def test_the_buttons_go_from_event_to_event(page, small):
    await page.open(f"{small}#t=15")
    await page.js("document.querySelector('.round:nth-of-type(3)').click()")
    await page.drawn()
    assert await instant(page) == CRASH_S
    await page.js("document.querySelector('.round:nth-of-type(1)').click()")
    await page.drawn()
    assert await instant(page) < CRASH_S


async def test_lanes_tell_of_a_client_by_keyboard_and_by_pointer(page, small):
    await page.open(f"{small}#t=25")
    await page.js("document.querySelector('.lanes').focus()")
    await page.press(*["ArrowDown"] * 5)  # four clients of New York, then the first of London
    assert "london/0 at 25.0 s: cut off, 20.2 s" in await page.text(".readout")
    await page.press("ArrowLeft", "ArrowUp")
    assert "new-york/3 at 24.0 s: connected to iad" in await page.text(".readout")
    await page.js("document.querySelector('.lanes').scrollIntoView({block: 'center'})")
    box = await page.js(
        "(({left, top, width, height}) => [left, top, width, height])"
        "(document.querySelector('.lanes canvas').getBoundingClientRect())"
    )
    left, top, width, height = box
    await page.click(left + width - 20, top + height - 3)
    assert await instant(page) > 90
    assert "tokyo/3" in await page.text(".readout")


async def test_lanes_are_painted_in_the_colours_of_what_they_say(page, small):
    await page.open(small)
    colours = await page.js(
        """(() => {
          const drawn = document.querySelector(".lanes canvas");
          const canvas = new OffscreenCanvas(drawn.width, drawn.height);
          const brush = canvas.getContext("2d", {willReadFrequently: true});
          brush.drawImage(drawn, 0, 0);
          const at = (x, y) =>
            [...brush.getImageData(x * canvas.width, y * canvas.height, 1, 1).data];
          return [at(0.6, 0.03), at(0.985, 0.97)];
        })()"""
    )
    assert colours[0][3] == colours[1][3] == 255
    assert colours[0] != colours[1]  # iad's blue, nrt's purple


async def test_every_picture_has_its_table(page, small):
    await page.open(small)
    folds = await page.js(
        "[...document.querySelectorAll('details')].map(d => (d.open = true,"
        " d.querySelector('summary').textContent))"
    )
    await page.drawn()
    await page.drawn()
    assert folds == [
        "Bands as a table",
        "Clients as a table",
        "Outages as a table",
        "Traffic over time as a table",
    ]
    rows = await page.js(
        "[...document.querySelectorAll('details')].map(d => d.querySelectorAll('tbody tr').length)"
    )
    assert all(rows), rows
    clients = await page.text("details:nth-of-type(2)")
    assert "london/0fra → iad" in clients
    assert await page.js("document.querySelectorAll('svg[role=img]:not([aria-label])').length") == 0


async def test_the_ledger_names_the_lost_message_and_leads_to_it(page, small):
    await page.open(small)
    row = "[aria-label='Anomalies'] tbody tr"
    assert "lost" in await page.text(row)
    assert "s0" in await page.text(row)
    await page.js(f'document.querySelector("{row} a").click()')
    await page.drawn()
    assert await instant(page) == pytest.approx(19.5)


async def test_dark_narrow_and_paper_fit_and_keep_their_pictures(page, small, artefacts):
    await page.open(f"{small}#t=34.5")
    light = await page.js("getComputedStyle(document.body).backgroundColor")
    await page.screenshot(artefacts / "report-1280.png")
    await page.prefer("dark")
    dark = await page.js("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    await page.screenshot(artefacts / "report-dark.png")
    await page.resize(390, 844)
    await page.drawn()
    assert await page.js("document.documentElement.scrollWidth") == 390
    await page.screenshot(artefacts / "report-390-dark.png")
    await page.prefer("light")
    await page.screenshot(artefacts / "report-390.png")
    await page.js("dispatchEvent(new Event('beforeprint'))")
    await page.prefer("dark", "print")
    paper = await page.js("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    assert await page.js("getComputedStyle(document.querySelector('.slide')).display") == "none"


@pytest.mark.thorough
@pytest.mark.realtime
async def test_five_hundred_clients_and_ten_minutes_open_in_two_seconds(page, large, artefacts):
    assert large.stat().st_size < 1_000_000
    took = []
    for _ in range(3):
        await page.open(f"file://{large}")
        took.append(await page.js("performance.now()"))
    assert await page.js("document.querySelectorAll('.lane-head').length") == 3
    await page.screenshot(artefacts / "report-500-clients.png")
    (artefacts / "report-500-clients.txt").write_text(
        f"{large.stat().st_size} bytes, opened and drawn in {median(took):.0f} ms\n",
        encoding="utf-8",
    )
    assert 10 < median(took) < 2000


@pytest.mark.thorough
@pytest.mark.parametrize("clients", [0, 6])
async def test_a_session_without_a_scenario_has_a_page_too(page, tmp_path, artefacts, clients):
    """Nobody, or a load for a while: the map, the bands and the story are there all the same."""
    run = Run(clients, 100.0)
    started = RunStarted(7, 1.0, "process", "embedded", "0.1.0", TOPOLOGY, None)
    events = [(t, event) for t, event in run.events if t >= 0 or clients == 0]
    alert = Alert("machine_down", "m-fra", "began", HOSTILE, "fra", CRASH_S + 0.1)
    events += [(CRASH_S + 0.2, alert)]
    if clients:
        events += [(0.0, LoadStarted(clients, run.every_s)), (100.0, LoadEnded())]
    records = [Record(0.0, started)]
    records += [Record(t + 5.0, e) for t, e in sorted(events, key=lambda pair: pair[0])]
    outcome = judge_journal(records, "live.jsonl")
    path = tmp_path / "live.html"
    path.write_text(render(outcome.evidence, outcome.verdict, outcome.report), encoding="utf-8")
    await page.open(f"file://{path}#t=30")
    assert page.errors == []
    assert await page.text("h1") == "atlas"
    assert "there was nothing to judge" in await page.text("body")
    assert "no scenario was run" in await page.text("header")
    assert "from the start of the world" in await page.text("footer")
    assert "alert: machine_down began" in await page.text(".story")
    assert await page.js("document.querySelectorAll('.map .region.down').length") == 1
    await page.screenshot(artefacts / f"session-{clients}.png")
