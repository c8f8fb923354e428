"""The wall: every broken gateway is caught for its own reason, and the sound one never accused.

Each fault is put through the storm over one of the protocols here, the sound gateway over all of
them; `python -m bench.wall` does every fault over every protocol, and the sound one fifty times.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from tests.wall.faults import FAULTS
from tests.wall.storm import DRIVERS, SOUND
from tests.wall.wall import WALL, Reason, run

SEED, SIDE_BY_SIDE = 7, 3
CHOSEN = [*zip(WALL, cycle(DRIVERS), strict=False), *((SOUND, protocol) for protocol in DRIVERS)]


@pytest.fixture(scope="module")
def bricks(request):
    """What is run, side by side; a test waits for its own."""
    asked = [
        item.callspec.params for item in request.session.items if "bricks" in item.fixturenames
    ]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {
            (params["gateway"], params["protocol"]): pool.submit(
                run, params["gateway"], params["protocol"], SEED
            )
            for params in asked
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.e2e
@pytest.mark.thorough
@pytest.mark.realtime
@pytest.mark.parametrize(("gateway", "protocol"), CHOSEN)
def test_the_verdict_on_a_gateway_is_right_and_says_why(bricks, gateway, protocol):
    brick = bricks[gateway, protocol].result()
    assert brick.right, str(brick)


def test_every_fault_has_a_reason_by_which_it_is_caught():
    assert [*WALL] == [*FAULTS]


@pytest.mark.parametrize(
    ("changed", "explained"),
    [
        ({}, True),
        ({"held": True}, False),
        ({"held": None}, False),
        ({"check": "sessions"}, False),
        ({"observed": "0 lost, 2 duplicated"}, False),
        ({"why": "for example message 3, sent at 31.0 s"}, False),
    ],
)
def test_a_reason_is_the_check_its_words_and_when_it_began(changed, explained):
    reason = Reason("messages", "N lost", (0, 15))
    row = {"check": "messages", "held": False, "observed": "10 lost", "why": "sent at 3.0 s"}
    assert reason.explains({**row, **changed}) is explained
