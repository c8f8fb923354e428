"""limit_age: a connection is reset once it has stood so long."""

from __future__ import annotations

from dataclasses import dataclass

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


@toxic("limit_age", summary="RST to both ends of a connection that has stood so long", stock=False)
@dataclass(frozen=True)
class LimitAge(Toxic):
    """Both sockets see ECONNRESET once their connection is `age` ms old, whatever it carries.

    As by load balancers and proxies with a longest duration. Connections that are older already are
    reset at once. Not in stock Toxiproxy.
    """

    age: int = attribute("ms", least=1)

    def stage(self, context: Context) -> Stage:
        """A stage that knows when its connection began."""
        return _Age(self, context.opened_at)


class _Age(Stage):
    def __init__(self, toxic: LimitAge, opened_at: float) -> None:
        super().__init__()
        self._opened_at = opened_at
        self._ends_at = NEVER
        self.update(toxic, opened_at)

    def update(self, toxic: LimitAge, now: float) -> None:  # noqa: ARG002 - counts from opening
        self._ends_at = self._opened_at + toxic.age / 1000

    def pop(self, now: float) -> tuple[float, Item] | None:
        if self._ends_at <= now:
            return self._ends_at, Mark.RESET_BOTH
        return super().pop(now)

    def wake_at(self) -> float:
        return min(self._ends_at, super().wake_at())
