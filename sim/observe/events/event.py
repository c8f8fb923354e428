"""What every event is: a frozen dataclass with a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """The base of all events; `kind` is its name in the journal's file."""

    kind: ClassVar[str]
