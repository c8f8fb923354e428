"""A part of a campaign, for one of several jobs: `3/8` is every eighth cell from the third on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sim.campaign.matrix import Cell


@dataclass(frozen=True)
class Shard:
    """The `number`-th of `of` parts, counted from 1."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def part(self, cells: Iterable[Cell]) -> Iterator[Cell]:
        """Its cells. They are dealt in turn, so every shard has some of the long ones."""
        return (cell for cell in cells if cell.index % self.of == self.number - 1)


def shard_of(text: str) -> Shard:
    """The shard that `3/8` names. Raises ValueError for anything else."""
    match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", text)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of:
        raise ValueError(f"{text} is no shard; write which of how many, such as 3/8")
    return Shard(number, of)
