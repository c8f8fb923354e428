"""The grain of all toxics: attributes are plain data, a stage is a toxic at work.

    socket ──▶ stage ──▶ stage ──▶ socket          one direction of one connection

A stage is pure: it holds items and says when they may leave, and never waits or does I/O itself.
`push` takes an item and the instant it arrived, `pop` hands out the next one that may leave now,
together with the instant at which it was due, and `wake_at` says when to ask again. Instants are
seconds of the server's clock. Because the due instant, and not the moment of the late wake-up,
is what the next stage counts from, delays of a chain add up without drift.

A toxic is a frozen dataclass whose fields are the wire schema (whole numbers, all default 0),
registered under its Toxiproxy type, with a line for docs/links.md and the stage it makes:

    @toxic("slow_close", summary="the FIN comes that much later")
    @dataclass(frozen=True)
    class SlowClose(Toxic):
        delay: int = attribute("ms")

        def stage(self, context: Context) -> Stage:
            return _Delay(self)

One law: what a stage holds when its toxic is removed goes on, in order, unless its docstring says
that the connection is closed instead.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from sim.rng import Rng

NEVER = math.inf
ITEM_COST = 256  # memory of an item besides its bytes


class Mark(enum.Enum):
    """What can travel through a stage besides bytes."""

    END = "end"  # the sender's FIN
    END_BOTH = "end both"  # a toxic's verdict: the connection is over
    RESET = "reset"  # the sender's RST: the receiver is reset
    RESET_BOTH = "reset both"  # a toxic's verdict: both ends are reset at once


Item = bytes | Mark


def cost(item: Item) -> int:
    """The memory that it takes."""
    return ITEM_COST + len(item) if isinstance(item, bytes) else ITEM_COST


@dataclass(frozen=True)
class Context:
    """What a stage may know about its connection."""

    opened_at: float
    joined_at: float
    rng: Callable[[], Rng]  # its own stream, made only when it is needed
    common: dict[type, Any] = field(default_factory=dict)  # of all stages of one toxic


class Stage:
    """Holds items in order; each may leave at its `due` instant, at once unless overridden."""

    deafens = False  # the sender's segments are to reach nobody, so that none is acknowledged
    in_flight = False  # what it holds is on its way, and waits in no buffer
    rate = math.inf  # bytes a second that it lets through, while that is known
    delay_s = 0.0  # how long what passes it is on its way

    def __init__(self) -> None:
        self.held: deque[tuple[float, Item]] = deque()
        self.size = 0  # memory of what is held: how much that may be is the pipe's to say

    def push(self, item: Item, at: float) -> None:
        """Take an item that arrived at `at`."""
        self.held.append((at, item))
        self.size += cost(item)

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - for stages that look at it
        """When the first held item may leave."""
        return at

    def pop(self, now: float) -> tuple[float, Item] | None:
        """The next item that may leave by `now`, with the instant it was due."""
        if not self.held:
            return None
        at, item = self.held[0]
        due = self.due(at, item)
        if due > now:
            return None
        self.held.popleft()
        self.size -= cost(item)
        return due, item

    def wake_at(self) -> float:
        """When `pop` will next have something, as things stand."""
        return self.due(*self.held[0]) if self.held else NEVER

    def drain(self) -> list[Item]:
        """Everything held, in order; the stage is empty afterwards."""
        items = [item for _, item in self.held]
        self.held.clear()
        self.size = 0
        return items

    def update(self, toxic: Any, now: float) -> None:
        """Go on under new attributes."""


@dataclass(frozen=True)
class Toxic:
    """The attributes of one type of toxic."""

    kind: ClassVar[str]
    summary: ClassVar[str]
    stock: ClassVar[bool]
    closes_on_removal: ClassVar[bool] = False
    cuts: ClassVar[bool] = False  # no new connection can come about under it

    @property
    def standing(self) -> int | None:
        """How many of the connections that stand it works on, and on no later one; None: on all."""
        return None

    def stage(self, context: Context) -> Stage:
        """A new stage for one direction of one connection."""
        raise NotImplementedError

    def merged(self, attributes: dict[str, int]) -> Toxic:
        """These attributes with some replaced."""
        return dataclasses.replace(self, **attributes)

    @classmethod
    def units(cls) -> dict[str, str]:
        """The attributes in order, and the unit of each."""
        return {each.name: each.metadata["unit"] for each in dataclasses.fields(cls)}

    @classmethod
    def problem(cls, attributes: Mapping[str, int]) -> str | None:
        """Why attributes with these values cannot be, or None.

        Some end the process of a stock server on the first data, so they are refused everywhere.
        """
        for each in dataclasses.fields(cls):
            value, bounds = attributes.get(each.name, 0), each.metadata
            least, most, unit = bounds["least"], bounds["most"], bounds["unit"]
            what = f"{cls.kind}: {each.name} must be"
            if least is not None and most is not None and not least <= value <= most:
                return f"{what} {least} to {most} {unit}, not {value}"
            if least is not None and value < least:
                return f"{what} at least {least} {unit}, not {value}"
            if most is not None and value > most:
                return f"{what} at most {most} {unit}, not {value}"
        return None


TOXICS: dict[str, type[Toxic]] = {}
T = TypeVar("T", bound=type[Toxic])


def attribute(unit: str, *, least: int | None = None, most: int | None = None) -> int:
    """A field of a toxic, in this unit and within these bounds."""
    bounds = {"unit": unit, "least": least, "most": most}
    made: int = dataclasses.field(default=0, metadata=bounds)
    return made


def toxic(kind: str, *, summary: str, stock: bool = True) -> Callable[[T], T]:
    """Register a toxic under the type by which requests name it; `stock`: Toxiproxy has it too."""

    def register(cls: T) -> T:
        cls.kind, cls.summary, cls.stock = kind, summary, stock
        TOXICS[kind] = cls
        return cls

    return register


def attributes_problem(kind: str, attributes: Mapping[str, int]) -> str | None:
    """Why these values of a toxic's attributes must not reach a link server, or None."""
    for name, value in attributes.items():
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{kind}: {name} must be a whole number, not {value!r}"
    known = TOXICS.get(kind)
    return known.problem(attributes) if known else None
