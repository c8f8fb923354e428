"""How machines took their signal, from journals made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.observe.deploys import find_deploys
from sim.observe.events import Connected, Disconnected, MachineStopped
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.observe.stops import find_stops, in_words

BROKE = "the connection ended without a close frame"
DRAINED = MachineStopped(
    *("m1", "fra", "stopped", "SIGINT", 5.0, 3.0, False, "exited with code 0"),
    caught=("SIGINT", "SIGTERM"),
    ignored=(),
)
KILLED = replace(DRAINED, took_s=5.0, killed=True, end="killed by SIGKILL", end_signal="SIGKILL")
UNDRAINED = replace(DRAINED, took_s=0.012, end="killed by SIGINT", end_signal="SIGINT")


def up(client, t=1.0, machine="m1"):
    return (t, Connected(client, "london", "fra", machine))


def down(client, t, reason=BROKE, machine="m1"):
    return (t, Disconnected(client, "london", "fra", machine, reason))


def test_a_close_frame_is_told_by_its_code(history):
    def ended(client, **how):
        return (21.0, Disconnected(client, "london", "fra", "m1", "gone", **how))

    made = history(
        *(up(f"london/{n}") for n in range(4)),
        ended("london/0", how="broken", code=1006),
        ended("london/1", how="closed", code=1001),
        ended("london/2", how="goodbye"),
        ended("london/3", how="broken"),  # a request without a WebSocket
        (20.0 + DRAINED.took_s, DRAINED),
    )
    assert [stop.open for stop in stops(made)] == [1]


def stops(made):
    return find_stops(made, find_deploys(made))


@pytest.mark.parametrize(
    ("event", "reason", "at", "outcome", "still_open"),
    [
        (KILLED, BROKE, 25.1, "killed", 1),
        (KILLED, "closed with code 1001", 24.0, "killed", 0),
        (DRAINED, "closed with code 1012 (restart)", 23.1, "drained", 0),
        (DRAINED, BROKE, 19.0, "drained", 0),  # before it was asked to end
        (DRAINED, BROKE, 21.0, "undrained", 1),  # it dropped that one, and ended
        (UNDRAINED, BROKE, 20.1, "undrained", 1),
        (UNDRAINED, "closed with code 1001", 20.01, "drained", 0),  # it ends on its signal at last
        (replace(UNDRAINED, caught=("SIGTERM",)), "no answer in time", 26.0, "undrained", 0),
    ],
)
def test_a_machine_drained_if_it_left_no_connection_open(
    history, event, reason, at, outcome, still_open
):
    made = history(up("london/0"), down("london/0", at, reason), (20.0 + event.took_s, event))
    (found,) = stops(made)
    assert (found.outcome, found.open) == (outcome, still_open)
    assert found.at_s == pytest.approx(20.0)


def test_connections_of_others_and_of_later_runs_are_none_of_its(history):
    made = history(
        (20.0 + KILLED.took_s, KILLED),
        *(up("london/0", machine="m2"), down("london/0", 22.0, machine="m2")),
        *(up("london/1"), down("london/1", 24.9), up("london/1", 40.0), down("london/1", 60.0)),
    )
    (found,) = stops(made)
    assert found.open == 1


def test_a_stop_is_its_deploys(history):
    made = history(
        (8.0, DRAINED),
        (10.0, DeployBegan(2, "rolling", ("m1",), "")),
        (10.0, DeployStep(2, "update", "m1", "fra")),
        (13.0, DRAINED),
        (20.0, DeployEnded(2, "done")),
        (30.0, DRAINED),
        (149.0, replace(DRAINED, why="the world ended")),
    )
    assert [stop.release for stop in stops(made)] == [None, 2, None]


SLOWER = " (0.5 s of real time at speed 10)"
SET = "set `kill_signal: SIGTERM`"
LANGUAGE = "its handler for SIGINT may be its language's own, and it has one for SIGTERM: "


@pytest.mark.parametrize(
    ("event", "still_open", "speed", "said"),
    [
        (KILLED, 4, 1, "killed 5 s after SIGINT with 4 connections open"),
        (KILLED, 1, 10, f"killed 5 s after SIGINT{SLOWER} with 1 connection open"),
        (KILLED, None, 1, "killed 5 s after SIGINT"),
        (replace(KILLED, ignored=("SIGINT",)), None, 1, "…; it ignores SIGINT"),
        (replace(DRAINED, took_s=0.012), 2, 1, "ended within 12 ms of SIGINT, with 2 connections…"),
        (DRAINED, 0, 1, "ended 3 s after SIGINT, with 0 connections open (exited with code 0)"),
        (DRAINED, None, 1, "ended 3 s after SIGINT (exited with code 0)"),
        (UNDRAINED, 2, 1, "ended by SIGINT without draining, with 2 connections open; …"),
    ],
)
def test_what_became_of_its_drain_in_words(event, still_open, speed, said):
    begins, _, ends = said.partition("…")
    words = in_words(event, speed, still_open)
    assert words.startswith(begins)
    assert words.endswith(ends)


@pytest.mark.parametrize(
    ("caught", "said"),
    [
        (
            ("SIGTERM",),
            "it has a handler for SIGTERM only: set `kill_signal: SIGTERM`, or handle both",
        ),
        (("SIGHUP",), "it has no handler for SIGINT or SIGTERM"),
        (("SIGINT",), "it has no handler for SIGTERM"),
        (("SIGINT", "SIGTERM"), f"{LANGUAGE}if that one drains, {SET}"),
        (None, f"if it drains on SIGTERM, {SET}"),
    ],
)
def test_a_machine_that_its_signal_ended_is_told_what_it_has_handlers_for(caught, said):
    """Not all are its program's: Python, Node.js, Go and shells bring handlers of their own."""
    begins, _, ends = in_words(replace(UNDRAINED, caught=caught), 1.0, 3).partition("; ")
    assert begins == "ended by SIGINT without draining, with 3 connections open"
    assert ends == said
