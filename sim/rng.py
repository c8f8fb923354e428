"""The one source of chance: named streams forked from the run's seed.

A stream's draws depend on the seed and on the stream's name alone, so adding a fault, a client
or a link shifts no draw of any other.
"""

from __future__ import annotations

import hashlib
import random


class Rng(random.Random):
    """A seeded stream of random numbers, with further streams forked by name."""

    def __init__(self, seed: int, path: str = "") -> None:
        self.root_seed = seed
        self.path = path
        digest = hashlib.sha256(f"{seed}/{path}".encode()).digest()
        super().__init__(int.from_bytes(digest[:16], "big"))

    def __reduce__(self) -> tuple[type[Rng], tuple[int, str]]:
        return (Rng, (self.root_seed, self.path))

    def __repr__(self) -> str:
        return f"<Rng seed {self.root_seed} stream {self.path or '/'}>"

    def fork(self, name: str) -> Rng:
        """The stream of that name below this one; the same name gives the same draws."""
        return Rng(self.root_seed, f"{self.path}/{name}")

    def hex_id(self, digits: int = 14) -> str:
        """A random identifier of that many hexadecimal digits (Fly's machine ids have 14)."""
        return f"{self.getrandbits(digits * 4):0{digits}x}"


def fresh_seed() -> int:
    """A seed for a run that was given none: small enough to type again."""
    return random.SystemRandom().randrange(1, 1_000_000)
