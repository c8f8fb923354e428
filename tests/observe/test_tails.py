"""Who stayed on a region after DNS had left it."""

from __future__ import annotations

import pytest

from sim.observe.events import ClientMade, ConnectFailed, RoutingChanged
from sim.observe.tails import find_tails

CLIENT = "london/0"


def led(t, *regions):
    return (t, RoutingChanged("london", regions))


def in_vain(t):
    return (t, ConnectFailed(CLIENT, "london", "fra", "refused"))


MADE = (0.0, ClientMade(CLIENT, "london", "strict"))


@pytest.mark.parametrize(
    ("after", "stays"),
    [
        ([led(10.0, "iad"), in_vain(15.0), led(40.0, "fra")], [(10.0, 40.0)]),
        ([led(10.0, "iad"), led(40.0, "fra")], []),
        # While no region is named there is nowhere to go.
        ([led(10.0), in_vain(15.0), led(40.0, "fra")], []),
        ([led(10.0), in_vain(15.0), led(20.0, "iad"), in_vain(25.0)], [(20.0, 150.0)]),
    ],
)
def test_who_tries_in_vain_what_dns_has_left_for_another_stays(history, after, stays):
    found = history(MADE, led(0.0, "fra"), *after)
    assert [(tail.from_s, tail.to_s) for tail in find_tails(found)] == stays
