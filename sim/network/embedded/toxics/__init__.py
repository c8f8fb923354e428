"""Every toxic of the embedded server, one file each."""

from sim.network.embedded.toxics import (
    bandwidth,
    blackhole,
    handshake,
    latency,
    limit_data,
    loss,
    noop,
    reset_peer,
    slicer,
    slow_close,
    timeout,
)
from sim.network.embedded.toxics.base import (
    TOXICS,
    Context,
    Item,
    Mark,
    Stage,
    Toxic,
    attributes_problem,
    toxic,
)

__all__ = [
    "TOXICS",
    "Context",
    "Item",
    "Mark",
    "Stage",
    "Toxic",
    "attributes_problem",
    "bandwidth",
    "blackhole",
    "handshake",
    "latency",
    "limit_data",
    "loss",
    "noop",
    "reset_peer",
    "slicer",
    "slow_close",
    "timeout",
    "toxic",
]
