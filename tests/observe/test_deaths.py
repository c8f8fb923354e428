"""Which ends of machines are deaths that somebody has to hear of."""

from __future__ import annotations

import pytest

from sim.observe.deaths import find_deaths
from sim.observe.events import Connected, Disconnected, MachineDied
from sim.observe.events.mishaps import error_line
from sim.topology.load_topology import topology_from_mapping

CLIENT = "london/0"


def topology(mode="anycast", **gateway):
    return topology_from_mapping(
        {
            "app": "atlas",
            "gateway": {"command": ["./gateway"], **gateway},
            "regions": {"fra": {"primary": True}},
            "locations": {"london": {}},
            "routing": {"mode": mode},
        }
    )


def died(t=50.0, code=0, signal=None, oom=False):
    return (t, MachineDied("m", "fra", "ended", code, signal, oom, ("late boom",)))


UP = (1.0, Connected(CLIENT, "london", "fra", "m"))
DOWN = (30.0, Disconnected(CLIENT, "london", "fra", "m", "closed with code 1000"))


def test_a_death_is_told_with_its_instant_and_last_words(history):
    (death,) = find_deaths(history(UP, died(code=3)), topology())
    assert (death.at_s, death.machine, death.by_hand) == (50.0, "m", False)
    assert str(death) == "machine m of fra ended at 50.0 s: late boom"


def test_one_that_puts_itself_to_sleep_while_nobody_is_connected_is_not_dead(history):
    assert find_deaths(history(UP, DOWN, died()), topology()) == []


@pytest.mark.parametrize(
    "awake", [topology("geodns"), topology(auto_start=False)], ids=["geodns", "no auto_start"]
)
def test_where_no_request_would_wake_it_an_exit_without_error_is_a_death(history, awake):
    assert len(find_deaths(history(UP, DOWN, died()), awake)) == 1


def test_an_exit_without_error_under_a_client_is_a_death(history):
    just_lost = (49.9, DOWN[1])
    assert len(find_deaths(history(UP, died()), topology())) == 1
    assert len(find_deaths(history(UP, just_lost, died()), topology())) == 1


def test_what_ends_after_the_load_is_not_of_the_run(history):
    assert find_deaths(history(UP, died(t=151.0, code=3)), topology()) == []


@pytest.mark.parametrize(("oom", "by_hand"), [(False, True), (True, False)])
def test_a_sigkill_that_nobody_sent_is_the_hosts_unless_its_own_memory_was_full(
    history, oom, by_hand
):
    killed = died(code=None, signal=9, oom=oom)
    (death,) = find_deaths(history(UP, killed), topology())
    assert death.by_hand is by_hand


NODE = (
    "/app/server.js:7",
    "  throw new TypeError('no room');",
    "TypeError: no room",
    "    at Timeout._onTimeout (/app/server.js:7:9)",
    "Node.js v20.20.2",
)
PYTHON = (
    "Traceback (most recent call last):",
    '  File "gw.py", line 3, in <module>',
    "KeyError: 3",
)
GO = ("panic: no room", "", "goroutine 1 [running]:", "main.main()", "exit status 2")
JAVA = ('Exception in thread "main" java.lang.NullPointerException', "\tat Gw.main(Gw.java:3)")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (NODE, "TypeError: no room"),
        (PYTHON, "KeyError: 3"),
        (GO, "panic: no room"),
        (JAVA, JAVA[0]),
        (("listening on 8080", "the disk is full"), "the disk is full"),
        ((), ""),
    ],
)
def test_what_is_told_is_the_line_that_names_the_error(lines, told):
    assert error_line(lines) == told
