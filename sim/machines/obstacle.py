"""Why a machine that runs does not pass its check: what was asked, and where it does listen. Pure.

A program at another port than it was given, or at 127.0.0.1 alone, refuses every connection, and
its log says that all is well. flyctl says where it listens; so do we.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.machines.health import CheckState
from sim.processes.listening import Listener
from sim.topology.addresses import Endpoint

_EVERYWHERE = ("0.0.0.0", "::")


def obstacle(state: CheckState, endpoint: Endpoint, port: int, listens: Sequence[Listener]) -> str:
    """What a check asked and found, and what to do where that can be told.

    `endpoint` is where the machine is reached from here; `port` is what its PORT says, and
    `listens` where it listens, both as the machine sees it.
    """
    check = state.check
    asked = (
        f"{check.method} http://{endpoint}{check.path}"
        if check.type == "http"
        else f"a connection to {endpoint}"
    )
    finding = state.output.removeprefix(f"{endpoint}: ")
    return f"the check asked {asked}: {finding}; {_advice(state, endpoint, port, listens)}"


def _advice(state: CheckState, endpoint: Endpoint, port: int, listens: Sequence[Listener]) -> str:
    there = " and ".join(map(str, listens))
    if not listens:
        return "it listens at no port yet"
    at_port = [where for where in listens if where.port == port]
    if not at_port:
        return f"it listens at {there}, not at port {port}: have it listen at $PORT"
    if not any(where.host in (*_EVERYWHERE, endpoint.host) for where in at_port):
        return f"it listens at {there} only: have it listen at 0.0.0.0 (or $HOST)"
    if state.output.startswith("status "):
        return f"it listens at {there}: correct `path` of the check in the topology"
    return f"it listens at {there}"
