"""Restart policies: which machines that ended are started again, and when. Pure.

As at Fly a machine is started again so many times within five minutes; one that ends more often
stays down. How long Fly waits in between it does not say: here twice as long each time, up to 16 s,
so that a machine that cannot run has used up ten tries within two minutes.
"""

from __future__ import annotations

from sim.machines.config import MachineConfig
from sim.processes.exit import Exit

WINDOW_S = 300.0
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 1.0, 16.0


def restart_after_s(config: MachineConfig, end: Exit, tried: int) -> float | None:
    """How long to wait before a machine that died is started again; None: it stays down.

    `tried` counts its restarts in the last five minutes.
    """
    clean = end.code == 0
    if config.restart == "never" or (config.restart == "on-failure" and clean):
        return None
    backoff_s = min(_FIRST_BACKOFF_S * 2.0**tried, _LONGEST_BACKOFF_S)
    return backoff_s if tried < config.max_restarts else None
