"""How long a client waits before it connects again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from sim.rng import Rng

Jitter = Literal["full", "equal", "none"]
JITTERS: tuple[Jitter, ...] = get_args(Jitter)


@dataclass(frozen=True)
class BackoffSpec:
    """Bounds that double from `base_s` up to `max_s`, and how a wait is drawn below one.

    A fixed timer is a base that is also the maximum, without jitter. Seconds are simulated.
    """

    base_s: float = 0.25
    max_s: float = 5.0
    jitter: Jitter = "full"


# Source of the names: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
_DRAW: Mapping[Jitter, Callable[[float, Rng], float]] = {
    "full": lambda bound, rng: rng.uniform(0.0, bound),
    "equal": lambda bound, rng: rng.uniform(bound / 2, bound),
    "none": lambda bound, _rng: bound,
}


class Backoff:
    """One client's waits: failure n is followed by one drawn below min(max, base * 2^n)."""

    def __init__(self, spec: BackoffSpec, rng: Rng) -> None:
        self._spec = spec
        self._rng = rng
        self._attempt = 0

    def next_s(self) -> float:
        """The wait before the next attempt; each call is a further failure."""
        # Beyond 2^32 the bound has long been reached; the float must not overflow.
        bound = min(self._spec.max_s, self._spec.base_s * 2.0 ** min(self._attempt, 32))
        self._attempt += 1
        return _DRAW[self._spec.jitter](bound, self._rng)

    def reset(self) -> None:
        """The last connection was served: start again from the base."""
        self._attempt = 0
