"""half_open: a few of the connections that stand are silent, and nobody else notices anything."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Stage, Toxic, attribute, toxic
from sim.network.embedded.toxics.blackhole import Hole


@toxic(
    "half_open",
    summary="so many of the connections that stand fall silent, as by `blackhole`; all others, and"
    " later ones, go on",
    stock=False,
)
@dataclass(frozen=True)
class HalfOpen(Toxic):
    """The sockets of `connections` connections see silence, whoever else uses the path nothing.

    As when a NAT or a load balancer has forgotten a connection. Which ones is drawn from the seed,
    alike for both streams. After the removal everything arrives. Not in stock Toxiproxy.
    """

    connections: int = attribute("connections", least=0)

    @property
    def standing(self) -> int | None:
        """So many of those that stand."""
        return self.connections

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that lets nothing go."""
        return Hole()
