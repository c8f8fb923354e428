"""What a run would have cost at Fly, from its journal alone. Pure.

A machine is billed by the second while it is started, by its size and its region's markup; while
it is stopped, suspended or not yet started, for its root file system only. What a machine sends to
clients is billed by the group of *its* region, whichever edge it leaves by. What machines send to
each other and to the database is not metered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.costs.prices import (
    DEDICATED_IPV4,
    GB,
    MONTH_S,
    egress_gb_usd,
    machine_month_usd,
    root_fs_month_usd,
)
from sim.observe.events import EdgeConnection, MachineChanged
from sim.observe.history import History
from sim.topology.model import Topology

_STORED = frozenset({"created", "stopped", "suspended", "failed"})  # only a root file system
_BY_REQUEST = frozenset({"stopping", "suspending"})  # the states before a stop that was asked for


@dataclass(frozen=True)
class RegionBill:
    """A region's part of a run's bill. `month_usd`: see `Bill`."""

    region: str
    started_s: float
    stored_s: float
    egress_bytes: int
    machines_usd: float
    root_fs_usd: float
    egress_usd: float
    month_usd: float

    @property
    def run_usd(self) -> float:
        """What the run itself cost here."""
        return self.machines_usd + self.root_fs_usd + self.egress_usd


@dataclass(frozen=True)
class Bill:
    """A run's bill, region by region in the topology's order.

    `month_usd` is what the machines that the run ended with cost in 30 days, without egress: one
    that somebody has stopped or suspended its root file system, every other one its full price (at
    Fly one that died is started again); and the app's addresses, `ipv4_month_usd`. `run_month_usd`
    is a month that is all like the run.
    """

    regions: Sequence[RegionBill]
    duration_s: float
    ipv4_month_usd: float = 0.0

    @property
    def month_usd(self) -> float:
        """The machines of all regions, and the addresses, for 30 days."""
        return sum(region.month_usd for region in self.regions) + self.ipv4_month_usd

    @property
    def run_usd(self) -> float:
        """What the run itself cost."""
        addresses = self.ipv4_month_usd * self.duration_s / MONTH_S
        return sum(region.run_usd for region in self.regions) + addresses

    @property
    def run_month_usd(self) -> float:
        """30 days in which everything happens as often as in the run, egress included."""
        return self.run_usd * MONTH_S / self.duration_s if self.duration_s else 0.0


def bill(history: History, topology: Topology) -> Bill:
    """The bill of a run, from the start of its load to its end."""
    lives = _lives(history)
    egress = _egress(history, lives)
    regions = [
        _region(code, history.end, lives, egress[code], topology) for code in topology.regions
    ]
    ipv4 = topology.costs.dedicated_ipv4 if topology.costs else 0
    return Bill(regions, history.end, ipv4 * DEDICATED_IPV4)


@dataclass(frozen=True)
class _Life:
    """A machine: where it is, and the states it went through, each with its time."""

    region: str
    states: list[tuple[float, str]]

    def seconds_in(self, states: frozenset[str], until_s: float) -> float:
        """How long it was in one of these states, from the load's start on."""
        ends = [t for t, _ in self.states[1:]] + [until_s]
        spans = zip(self.states, ends, strict=True)
        return sum(
            max(0.0, min(end, until_s) - max(0.0, begin))
            for (begin, state), end in spans
            if state in states
        )

    @property
    def parked(self) -> bool:
        """Whether it was left stopped or suspended because somebody asked for that, or created."""
        last = [state for _, state in self.states][-2:]
        return last[-1] == "created" or (last[-1] in _STORED and last[0] in _BY_REQUEST)

    @property
    def gone(self) -> bool:
        """Whether it was destroyed."""
        return self.states[-1][1] in ("destroying", "destroyed")


def _lives(history: History) -> Mapping[str, _Life]:
    lives: dict[str, _Life] = {}
    for t, change in history.of(MachineChanged):
        if t <= history.end:
            lives.setdefault(change.machine, _Life(change.region, [])).states.append(
                (t, change.state)
            )
    return lives


def _egress(history: History, lives: Mapping[str, _Life]) -> Counter[str]:
    """The bytes to clients, by the region of the machine that sent them, else by the edge's."""
    sent: Counter[str] = Counter()
    for _, connection in history.of(EdgeConnection):
        life = lives.get(connection.machine or "")
        sent[life.region if life else connection.region] += connection.bytes_out
    return sent


def _region(
    code: str, end_s: float, lives: Mapping[str, _Life], egress_bytes: int, topology: Topology
) -> RegionBill:
    here = [life for life in lives.values() if life.region == code]
    started_s = sum(life.seconds_in(frozenset({"started"}), end_s) for life in here)
    stored_s = sum(life.seconds_in(_STORED, end_s) for life in here)
    machine_usd, root_fs_usd = machine_month_usd(topology, code), root_fs_month_usd(topology)
    return RegionBill(
        region=code,
        started_s=started_s,
        stored_s=stored_s,
        egress_bytes=egress_bytes,
        machines_usd=started_s / MONTH_S * machine_usd,
        root_fs_usd=stored_s / MONTH_S * root_fs_usd,
        egress_usd=egress_bytes / GB * egress_gb_usd(topology, code),
        month_usd=sum(
            root_fs_usd if life.parked else machine_usd for life in here if not life.gone
        ),
    )
