"""Restart policies: which machines that ended are started again, and when. Pure."""

from __future__ import annotations

from sim.machines.config import MachineConfig
from sim.processes.exit import Exit

# The wait before a restart doubles from the first one on, in simulated seconds.
_FIRST_BACKOFF_S = 1.0


def restart_after_s(config: MachineConfig, end: Exit, tried: int) -> float | None:
    """How long to wait before a machine that died is started again; None: it stays down.

    `tried` counts its restarts so far.
    """
    clean = end.code == 0
    if config.restart == "never" or (config.restart == "on-failure" and clean):
        return None
    return _FIRST_BACKOFF_S * 2.0**tried if tried < config.max_restarts else None
