"""A machine as a row, for all that lists machines: commands, the world's status, the live page.

Fly's own API shows one as Fly does.
"""

from __future__ import annotations

from typing import Any

from sim.machines.checker import HealthChecker
from sim.machines.health import Status
from sim.machines.machine import Machine


def now(machine: Machine, health: HealthChecker) -> dict[str, Any]:
    """What it really is, and what the health checker believes of it."""
    return {
        "id": machine.id,
        "name": machine.name,
        "state": machine.condition,
        "check": str(health.status(machine.id)),
    }


def listed(machine: Machine, health: HealthChecker) -> dict[str, Any]:
    """What commands and the world's status list of it. Times are simulated seconds."""
    checks = health.checks(machine.id)
    return {
        "id": machine.id,
        "region": machine.region,
        "role": "standby" if machine.config.standbys else None,
        "checks": f"{sum(c.status is Status.PASSING for c in checks)}/{len(checks)}",
        "version": machine.config.release,
        "last_updated_s": round(machine.updated_s, 1),
    }
