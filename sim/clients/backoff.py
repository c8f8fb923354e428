"""How long a client waits before it connects again."""

from __future__ import annotations

from sim.rng import Rng


class Backoff:
    """Exponential backoff with full jitter: attempt n waits uniform(0, min(max, base * 2^n)).

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015). Seconds are simulated.
    """

    def __init__(self, base_s: float, max_s: float, rng: Rng) -> None:
        self._base_s = base_s
        self._max_s = max_s
        self._rng = rng
        self._attempt = 0

    def next_s(self) -> float:
        """The wait before the next attempt; each call is a further failure."""
        # Beyond 2^32 the ceiling has long been reached; the float must not overflow.
        ceiling = min(self._max_s, self._base_s * 2.0 ** min(self._attempt, 32))
        self._attempt += 1
        return self._rng.uniform(0.0, ceiling)

    def reset(self) -> None:
        """The last connection was served: start again from the base."""
        self._attempt = 0
