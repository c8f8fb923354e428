"""The checks by the name a scenario calls them. One file each; see docs/architecture.md."""

from __future__ import annotations

from collections.abc import Mapping

from sim.scenario.checks import (
    cost,
    deploy,
    disconnects,
    dns,
    errors,
    gaps,
    herd,
    in_step,
    latency,
    machines,
    messages,
    outage,
    residency,
    served_by,
    sessions,
)
from sim.scenario.checks.check_spec import CheckSpec, Finding

_FILES = (
    served_by,
    outage,
    messages,
    sessions,
    residency,
    latency,
    errors,
    gaps,
    dns,
    deploy,
    disconnects,
    machines,
    in_step,
    cost,
    herd,
)

CHECKS: Mapping[str, CheckSpec] = {
    spec.name: spec
    for file in _FILES
    for spec in vars(file).values()
    if isinstance(spec, CheckSpec)
}

__all__ = ["CHECKS", "CheckSpec", "Finding"]
