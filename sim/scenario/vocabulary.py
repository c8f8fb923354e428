"""The checks that a scenario may ask for, with their parameters.

How a check judges is in `checks/`, under the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.clients.spec import PERSONALITIES
from sim.observe.disconnects import ENDED_BY
from sim.scenario.params import (
    Known,
    Param,
    choice,
    read_code,
    read_count,
    read_deaths,
    read_frequency,
    read_limit,
    read_milliseconds,
    read_percentile,
    read_positive_seconds,
    read_seconds,
    read_share,
    write_limit,
)
from sim.scenario.targets import read_location, read_region


@dataclass(frozen=True)
class CheckSpec:
    """A check; `from` and `until` are parameters of every one."""

    name: str
    params: tuple[Param, ...]
    one_of: tuple[str, ...] = ()

    @property
    def keys(self) -> list[str]:
        """The keys that an expectation of this check may have."""
        return ["check", *(param.key for param in (*self.params, *WINDOW))]


_policy = Known("residency policy", lambda topology: (p.name for p in topology.residency))

WINDOW = (Param("from", "from_s", read_seconds), Param("until", "until_s", read_seconds))

_LOCATION = Param("location", "location", read_location, required=True)
_REGION = Param("region", "region", read_region, required=True)

CHECKS: Mapping[str, CheckSpec] = {
    spec.name: spec
    for spec in (
        CheckSpec("served_by", (_LOCATION, _REGION)),
        CheckSpec(
            "outage",
            (
                _LOCATION,
                Param("max", "max_s", read_seconds),
                Param("min", "min_s", read_seconds),
                Param("longer_than", "longer_than_s", read_seconds),
                Param("resolver", "resolver", choice(*PERSONALITIES)),
            ),
            one_of=("max", "min"),
        ),
        CheckSpec(
            "messages",
            tuple(Param(word, word, read_count) for word in ("lost", "duplicated", "reordered")),
            one_of=("lost", "duplicated", "reordered"),
        ),
        CheckSpec("sessions", (Param("resumed", "resumed", choice("all"), required=True),)),
        CheckSpec("residency", (Param("policy", "policy", _policy, required=True),)),
        CheckSpec(
            "latency",
            (
                _LOCATION,
                Param("region", "region", read_region),
                Param("percentile", "percentile", read_percentile),
                Param("max", "max_ms", read_milliseconds, required=True),
            ),
        ),
        CheckSpec(
            "errors",
            (
                Param("location", "location", read_location),
                Param("max", "max_share", read_share, required=True),
            ),
        ),
        CheckSpec(
            "gaps",
            (
                _LOCATION,
                Param("max", "max_s", read_positive_seconds, required=True),
                Param("percentile", "percentile", read_percentile),
            ),
        ),
        CheckSpec("dns", (_LOCATION, _REGION, Param("within", "within_s", read_seconds))),
        CheckSpec(
            "deploy",
            (
                Param("outcome", "outcome", choice("done", "failed")),
                Param("max", "max_dropped", read_count),
                Param("min", "min_dropped", read_count),
            ),
            one_of=("outcome", "max", "min"),
        ),
        CheckSpec(
            "disconnects",
            (
                Param("location", "location", read_location),
                Param("region", "region", read_region),
                Param("code", "code", read_code),
                Param("by", "by", choice(*ENDED_BY)),
                Param("max", "max_ended", read_limit, required=True, write=write_limit),
            ),
        ),
        CheckSpec("machines", (Param("deaths", "deaths", read_deaths, required=True),)),
        CheckSpec("herd", (_REGION, Param("max", "max_rate", read_frequency, required=True))),
    )
}
