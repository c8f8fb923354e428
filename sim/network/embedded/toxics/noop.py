"""noop: everything passes at once."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Stage, Toxic, toxic


@toxic("noop", summary="nothing")
@dataclass(frozen=True)
class Noop(Toxic):
    """The socket sees no difference."""

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that holds nothing back."""
        return Stage()
