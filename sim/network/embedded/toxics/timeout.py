"""timeout: data vanishes, and after a silence the connection is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sim.network.embedded.toxics.base import (
    NEVER,
    Context,
    Item,
    Mark,
    Stage,
    Toxic,
    attribute,
    toxic,
)


@toxic(
    "timeout",
    summary="data vanishes; the connection ends after that much silence, with 0 never. Removal ends"
    " it",
)
@dataclass(frozen=True)
class Timeout(Toxic):
    """The socket sees nothing of this stream; the other stream goes on.

    With `timeout` above 0 both ends see a FIN after that many ms without a chunk. With 0 that
    never happens, but a peer's own FIN still ends the connection. Removal closes every
    connection of the proxy, because bytes of it were lost.
    """

    closes_on_removal: ClassVar[bool] = True
    timeout: int = attribute("ms")

    def stage(self, context: Context) -> Stage:
        """A stage that swallows bytes and counts silence."""
        return _Silence(self, context.joined_at)


class _Silence(Stage):
    def __init__(self, toxic: Timeout, now: float) -> None:
        super().__init__()
        self._timeout = 0.0
        self._deadline = NEVER
        self.update(toxic, now)

    def update(self, toxic: Timeout, now: float) -> None:
        self._timeout = toxic.timeout / 1000
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._deadline = now + self._timeout if self._timeout > 0 else NEVER

    def push(self, item: Item, at: float) -> None:
        if isinstance(item, bytes):
            self._restart(at)
        else:
            super().push(item, at)

    def pop(self, now: float) -> tuple[float, Item] | None:
        if self._deadline <= now:
            due, self._deadline = self._deadline, NEVER
            return due, Mark.END_BOTH
        return super().pop(now)

    def wake_at(self) -> float:
        return min(self._deadline, super().wake_at())
