"""The board: which alerts stand, so that each is told once when it begins and once when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from sim.observe.events import Alert


class Condition(NamedTuple):
    """What a watch finds of a subject: something is wrong, or no longer. It may repeat itself.

    `since` is when it began, where that was before it was found.
    """

    alert: str
    subject: str
    wrong: bool
    reason: str
    region: str | None = None
    since: float | None = None


@dataclass(frozen=True)
class FiringAlert:
    """An alert that has begun and not ended; `since` in the journal's seconds."""

    alert: str
    subject: str
    region: str | None
    since: float
    reason: str


class Board:
    """Turns findings, which may repeat, into alerts, which do not."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], FiringAlert] = {}

    def __repr__(self) -> str:
        return f"<Board {', '.join(f'{a} {s}' for a, s in self._standing) or 'clear'}>"

    @property
    def standing(self) -> Mapping[tuple[str, str], FiringAlert]:
        """The alerts that stand, by name and subject, the oldest first."""
        return MappingProxyType(self._standing)

    def note(self, t: float, finding: Condition) -> Alert | None:
        """What a finding at an instant changes, or None."""
        alert, subject, wrong, reason, region, since = finding
        key = (alert, subject)
        stands = self._standing.get(key)
        if wrong == (stands is not None):
            return None
        if stands is None:
            began = t if since is None else since
            self._standing[key] = FiringAlert(alert, subject, region, began, reason)
            return Alert(alert, subject, "began", reason, region, began)
        del self._standing[key]
        return Alert(alert, subject, "ended", reason, stands.region, stands.since)
