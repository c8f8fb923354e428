"""How a process ended."""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass


@dataclass(frozen=True)
class Exit:
    """How a process or a machine ended. `code` is None when a signal ended it.

    `oom`: it ran out of the memory that it has.
    """

    code: int | None
    signal: int | None = None
    oom: bool = False

    def __str__(self) -> str:
        if self.signal is not None:
            name = signals.Signals(self.signal).name
            return f"killed by {name}, out of memory" if self.oom else f"killed by {name}"
        return f"exited with code {self.code}"
