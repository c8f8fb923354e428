"""reset_peer: the connection breaks off with a TCP RST."""

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


@toxic("reset_peer", summary="RST to both ends, that long after the first chunk")
@dataclass(frozen=True)
class ResetPeer(Toxic):
    """Both sockets see ECONNRESET `timeout` ms after the first chunk or FIN of this stream.

    That chunk is lost, unless the toxic is removed before. An idle connection stays open.
    Connections that are older than the toxic are reset just like new ones.
    """

    timeout: int = attribute("ms")

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that waits for the first sign of life."""
        return _Trigger(self)


class _Trigger(Stage):
    def __init__(self, toxic: ResetPeer) -> None:
        super().__init__()
        self._timeout = toxic.timeout / 1000
        self._triggered_at = NEVER

    def update(self, toxic: ResetPeer, now: float) -> None:  # noqa: ARG002 - counts from trigger
        self._timeout = toxic.timeout / 1000

    def push(self, item: Item, at: float) -> None:
        if self._triggered_at == NEVER:
            self._triggered_at = at
        super().push(item, at)

    def pop(self, now: float) -> tuple[float, Item] | None:
        due = self.wake_at()
        if due > now:
            return None
        self._triggered_at = NEVER
        return due, Mark.RESET_BOTH

    def wake_at(self) -> float:
        return self._triggered_at + max(0.0, self._timeout)
