"""Fly's machine sizes: what a preset's name stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CpuKind = Literal["shared", "performance"]


@dataclass(frozen=True)
class Size:
    """A preset. `memory_mb` is what it has at least, and what it has unless memory is given."""

    name: str
    kind: CpuKind
    cpus: int
    memory_mb: int


DEFAULT_SIZE = "shared-cpu-1x"

SIZES: dict[str, Size] = {
    size.name: size
    for size in (
        *(Size(f"shared-cpu-{n}x", "shared", n, n * 256) for n in (1, 2, 4, 6, 8)),
        *(
            Size(f"performance-{n}x", "performance", n, n * 2048)
            for n in (1, 2, 4, 6, 8, 10, 12, 14, 16)
        ),
    )
}
