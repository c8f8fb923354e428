"""What a fault is: one specification, from which all that speaks of faults follows.

A file of this folder holds each fault's function with its specification above it::

    @fault("freeze", on=MACHINES, ended_by={"thaw", "heal"}, summary="SIGSTOP: …")
    async def freeze(world: Breakable, target: Target | None, params: Params) -> None: ...

The reader of scenario files, its messages, the forms of the live page, the documentation's table,
the metrics and the judgement of a journal follow it. Judging a journal must not load the parts of
a world, so files here import those for types alone, or where a fault is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sim.scenario.model import Target, TargetKind
from sim.scenario.params import Param

if TYPE_CHECKING:
    from sim.scenario.faults.breakable import Breakable

Params = Mapping[str, Any]

# A target of None means everything that the fault can be done to.
Do = Callable[["Breakable", Target | None, Params], Awaitable[None]]

# What a fault leaves behind: it stands until something ends it, it passes at once, or it is a
# repair. `Detail` is what the journal has of it: target, parameters, and what `facts` gave.
Effect = Literal["stands", "passes", "repairs"]
Detail = Mapping[str, Any]

MACHINES: tuple[TargetKind, ...] = ("region", "machine")
LINKS: tuple[TargetKind, ...] = ("link", "region", "location", "service")

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FaultSpec:
    """One fault: its word, what it is done to, how it is done, and what it leaves behind.

    `one_of` names parameters of which at least one must be given. `containers`: it can be done to
    machines that are containers only. `ended_by` are the repairs that end it, where they are aimed
    at the same target or at all of it; a later fault of the same word and target replaces it.
    `also` are the other repairs that this one does, by its detail. `facts` is what the journal is
    to keep of the moment before it is done. `newcomers` says whether only those can feel it, done
    like this, who ask or connect while it stands; `standing` that nobody does who comes later.
    """

    name: str
    targets: tuple[TargetKind, ...]
    summary: str
    do: Do
    params: tuple[Param, ...] = ()
    target_optional: bool = False
    one_of: tuple[str, ...] = ()
    containers: bool = False
    effect: Effect | Callable[[Detail], Effect] = "stands"
    ended_by: AbstractSet[str] = _NONE
    also: Callable[[Detail], AbstractSet[str]] = lambda _: _NONE
    facts: Callable[[Breakable, Target | None], Detail] = lambda *_: {}
    newcomers: Callable[[Detail], bool] = lambda _: False
    standing: bool = False

    def effect_of(self, detail: Detail) -> Effect:
        """What it leaves behind, done like this."""
        return self.effect(detail) if callable(self.effect) else self.effect

    @property
    def is_repair(self) -> bool:
        """Whether it only ever mends."""
        return self.effect == "repairs"

    @property
    def keys(self) -> list[str]:
        """The keys that an entry of a timeline may have."""
        return ["at", "when", "fault", *self.targets, *(param.key for param in self.params)]


def fault(
    name: str, *, on: tuple[TargetKind, ...], summary: str, **more: Any
) -> Callable[[Do], FaultSpec]:
    """Make a function the specification of a fault; `more` are FaultSpec's other fields."""
    return lambda do: FaultSpec(name, on, summary, do, **more)
