"""The checks by the name a scenario calls them. One file each; see docs/architecture.md."""

from __future__ import annotations

from collections.abc import Mapping

from sim.scenario.checks import (
    deploy,
    disconnects,
    dns,
    errors,
    gaps,
    herd,
    latency,
    machines,
    messages,
    outage,
    residency,
    served_by,
    sessions,
)
from sim.scenario.checks.base import Finding, Judge

CHECKS: Mapping[str, Judge] = {
    "served_by": served_by.judge,
    "outage": outage.judge,
    "messages": messages.judge,
    "sessions": sessions.judge,
    "latency": latency.judge,
    "residency": residency.judge,
    "errors": errors.judge,
    "gaps": gaps.judge,
    "dns": dns.judge,
    "deploy": deploy.judge,
    "disconnects": disconnects.judge,
    "machines": machines.judge,
    "herd": herd.judge,
}

__all__ = ["CHECKS", "Finding", "Judge"]
