"""What is said of a machine that runs and does not pass its check."""

from __future__ import annotations

import pytest

from sim.machines.health import CheckState, Result
from sim.machines.obstacle import obstacle
from sim.processes.listening import Listener
from sim.topology.addresses import Endpoint
from sim.topology.model import Check

AT = Endpoint("127.44.1.10", 18000)
REFUSED = "127.44.1.10:18000: connection refused"


def said(listens, finding=REFUSED, check=None):
    state = CheckState(check or Check(path="/healthz"), 0.0, 1.0)
    state.observe(0.0, Result(passed=False, output=finding))
    return obstacle(state, AT, AT.port, listens)


@pytest.mark.parametrize(
    ("listens", "finding", "advice"),
    [
        ([], REFUSED, "it listens at no port yet"),
        (
            [Listener("0.0.0.0", 3000)],
            REFUSED,
            "it listens at 0.0.0.0:3000, not at port 18000: have it listen at $PORT",
        ),
        (
            [Listener("127.0.0.1", 18000)],
            REFUSED,
            "it listens at 127.0.0.1:18000 only: have it listen at 0.0.0.0 (or $HOST)",
        ),
        (
            [Listener("::", 18000)],
            "status 404",
            "it listens at [::]:18000: correct `path` of the check in the topology",
        ),
        ([Listener("127.44.1.10", 18000)], "no answer within 5 s", "it listens at 127.44.1.10:180"),
    ],
)
def test_it_says_where_the_program_listens_and_what_to_do(listens, finding, advice):
    text = said(listens, finding)
    found = finding.rpartition(": ")[2]  # the address is told once
    assert text.startswith(f"the check asked GET http://127.44.1.10:18000/healthz: {found}; ")
    assert advice in text


def test_a_check_of_a_port_asks_for_no_path():
    assert said([], check=Check(type="tcp")).startswith(
        "the check asked a connection to 127.44.1.10:18000: "
    )
