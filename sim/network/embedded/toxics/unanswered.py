"""unanswered: nobody new gets in, and what stands goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sim.network.embedded.toxics.base import Context, Stage, Toxic, toxic


@toxic(
    "unanswered",
    summary="`connect` is not answered and times out; connections that stand go on",
    stock=False,
)
@dataclass(frozen=True)
class Unanswered(Toxic):
    """Whoever connects is not answered; connections that stand notice nothing.

    As behind a firewall that drops SYNs, or a host whose queue of connections is full. After the
    removal the connecting kernel's next SYN is answered. Not in stock Toxiproxy.
    """

    cuts: ClassVar[bool] = True

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that lets everything through."""
        return Stage()
