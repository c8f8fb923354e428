"""An HTTP driver said in data: which request every turn, and which answers are service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sim.clients.declaration import Declaration, Request


@dataclass(frozen=True)
class Statuses:
    """Statuses of answers, in ranges with both ends."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, status: int) -> bool:
        return any(first <= status <= last for first, last in self.ranges)


SERVICE = Statuses(((200, 399),))


@dataclass(frozen=True)
class HttpDeclaration:
    """`request` every turn, and `expect` what its answer must be to have been served.

    `name` is for messages; `document` is what was written, as plain data.
    """

    name: str
    request: Request
    expect: Statuses = SERVICE
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return self.name


# A driver said in data, of either kind.
InData: TypeAlias = Declaration | HttpDeclaration
