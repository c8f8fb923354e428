"""What `sim top` shows of a frame: in 80 columns, the urgent first, and nothing but text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sim.report.screen import MOST_ALERTS, MOST_LINKS, MOST_MACHINES, Screen


def machine(name, state="started", check="passing"):
    return {"id": "0" * 14, "name": name, "state": state, "check": check, "output": ""}


def region(*machines, connections=0, rate=0.0, errors=None, ms=(None, None, None)):
    now = {"machines": [*machines], "connections": connections, "rate": rate, "errors": errors}
    return {**now, "ms": [*ms]}


def location(dns, **said):
    quiet = {"served": {}, "standing": {}, "cut": 0, "unanswered": 0, "rate": 0.0}
    quiet |= {"errors": None, "ms": [None, None, None], "outages": 0, "worst_s": 0.0}
    return {**quiet, "dns": dns, **said}


PORTRAIT = {
    "hostname": "atlas-voice-v2.fly.dev",
    "speed": 10.0,
    "regions": [{"code": "iad"}, {"code": "fra"}],
    "locations": [{"name": "new-york"}, {"name": "london"}],
}


def frame(**said):
    quiet = {
        "t": 123.4,
        "load": {"runs": True, "clients": 50, "since_s": 1.0},
        "regions": [
            region(machine("iad/1"), connections=50, rate=25.0, errors=0.0, ms=(12.1, 20, 88.4)),
            region(machine("fra/1", "stopped", "passing")),
        ],
        "locations": [
            location(["iad", "fra"], served={"iad": 30}, rate=15.0, errors=0.0, ms=(12, 20, 80)),
            location(["fra", "iad"], cut=18, unanswered=2, errors=0.25, outages=3, worst_s=51.62),
        ],
        "links": [],
        "alerts": [],
        "news": {"lines": [[1, 20.0, "crash fra"], [2, 20.1, "machine 0 of fra is stopped"]]},
    }
    return {**quiet, **said}


@pytest.fixture
def shown():
    """The lines that a frame is shown as, in so many columns and lines."""

    def show(frame, width=80, height=24):
        screen = Screen(PORTRAIT)
        screen.take(frame)
        out = io.StringIO()
        console = Console(file=out, width=width, markup=False, highlight=False)
        console.print(screen.draw(frame, height))
        return out.getvalue().splitlines()

    return show


def test_truth_and_belief_of_machines_stand_side_by_side(shown):
    (line,) = [line for line in shown(frame()) if "fra/1" in line]
    assert line.split()[:4] == ["fra", "fra/1", "stopped", "passing"]


def test_a_location_has_where_it_is_led_to_who_serves_it_and_who_is_cut_off(shown):
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in shown(frame())}
    assert lines["new-york"] == "iad, fra iad 30 - 15.0 0% 12 80 - -"
    assert lines["london"] == "fra, iad - 20 - 25% - - 3 51.6"


def test_the_head_says_which_world_and_how_long(shown):
    assert shown(frame())[0].startswith(
        "atlas-voice-v2.fly.dev  up 123 s, 10 times as fast, 50 clients"
    )


def test_alerts_come_first_with_how_long_they_stand(shown):
    alert = {"alert": "outage", "subject": "london", "since_s": 100.0, "reason": "not served"}
    assert shown(frame(alerts=[alert]))[1] == "! outage for 23 s: not served"


def test_links_are_told_only_where_they_are_not_as_usual(shown):
    assert not any("→" in line for line in shown(frame()))
    link = {"from": "london", "to": "fra", "state": "silent", "rtt_ms": 15.0, "cut": "silent"}
    (line,) = [line for line in shown(frame(links=[link])) if "→" in line]
    assert line.split() == ["london", "→", "fra", "silent", "15", "cut", "silent"]


def test_what_happened_last_fills_what_is_left(shown):
    many = [[n, float(n), f"event {n}"] for n in range(1, 60)]
    lines = shown(frame(news={"lines": many}), height=24)
    assert len(lines) <= 24
    assert lines[-1].endswith("59.0 s  event 59")
    low = shown(frame(news={"lines": many}), height=5)
    assert next(line for line in low if "event" in line).endswith("event 57")


def test_everything_fits_into_eighty_columns_and_is_bounded(shown):
    long = "x" * 300
    alert = {"alert": "machine_down", "subject": "a", "since_s": 1.0, "reason": long}
    link = {"from": "a" * 60, "to": "b" * 60, "state": "silent", "rtt_ms": 1e6, "cut": long}
    crowded = frame(
        alerts=[alert] * 50,
        links=[link] * 50,
        regions=[region(*(machine(f"iad/{n}" + "y" * 60) for n in range(100))), region()],
        locations=[
            location(["iad"] * 30, served={f"r{n}": 10**6 for n in range(30)}, rate=1e6),
            location([], cut=10**6),
        ],
        news={"lines": [[1, 1.0, long]]},
    )
    lines = shown(crowded)
    assert max(map(len, lines)) <= 80
    assert len(lines) < 1 + MOST_ALERTS + MOST_LINKS + MOST_MACHINES + 16
    assert f"! and {50 - MOST_ALERTS} more" in lines
    assert any(f"and {50 - MOST_LINKS} more" in line for line in lines)


def test_names_and_words_of_others_are_text_and_nothing_else(shown):
    """No markup, and nothing that a terminal would obey."""
    hostile = "[bold red]boo[/] \x1b[2J\x1b]0;owned\x07\r\u202e"
    alert = {"alert": "machine_down", "subject": "a", "since_s": 1.0, "reason": hostile}
    said = frame(
        alerts=[alert],
        regions=[region(machine("[blink]fra[/]")), region()],
        news={"lines": [[1, 1.0, hostile]]},
    )
    text = "\n".join(shown(said, width=200))
    assert text.count("[bold red]boo[/] ·[2J·]0;owned···") == 2
    assert "[blink]fra[/]" in text
    assert not {*"\x1b\x07\r\u202e"} & {*text}
