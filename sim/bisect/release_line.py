"""What is bisected: a line of a gateway's releases, each of which a scenario can be run on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Laid:
    """A release to run: the scenario's file, and what `sim run` is told beside it."""

    scenario: Path
    arguments: Sequence[str] = ()


class Releases(Protocol):
    """Releases of a gateway, from one that holds to one that fails."""

    async def line(self, good: str, bad: str) -> list[str]:
        """Those from `good` to `bad`, both included, the oldest first. Raises InputError."""

    def told(self, release: str) -> str:
        """A release in a line of text."""

    def laid(self, release: str, folder: Path) -> AbstractContextManager[Laid]:
        """The release, laid out below `folder` where it needs files, while the block lasts."""
