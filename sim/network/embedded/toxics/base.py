"""The grain of all toxics: attributes are plain data, a stage is a toxic at work.

    socket ──▶ stage ──▶ stage ──▶ socket          one direction of one connection

A stage is pure: it holds items and says when they may leave, and never waits or does I/O itself.
`push` takes an item and the instant it arrived, `pop` hands out the next one that may leave now,
together with the instant at which it was due, and `wake_at` says when to ask again. Instants are
seconds of the server's clock. Because the due instant, and not the moment of the late wake-up,
is what the next stage counts from, delays of a chain add up without drift.

A toxic is a frozen dataclass whose fields are the wire schema (whole numbers, all default 0),
registered under its Toxiproxy type, with the stage it makes:

    @toxic("noop")
    @dataclass(frozen=True)
    class Noop(Toxic):
        def stage(self, context: Context) -> Stage:
            return Stage()

One law: what a stage holds when its toxic is removed goes on, in order, unless its docstring says
that the connection is closed instead.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from sim.rng import Rng

NEVER = math.inf
SMALL_WINDOW = 64 * 1024


class Mark(enum.Enum):
    """What can travel through a stage besides bytes."""

    END = "end"  # the sender's FIN: the receiver is closed
    RESET = "reset"  # the sender's RST: the receiver is reset
    RESET_BOTH = "reset both"  # a toxic's verdict: both ends are reset at once


Item = bytes | Mark


@dataclass(frozen=True)
class Context:
    """What a stage may know about its connection."""

    opened_at: float
    joined_at: float
    rng: Callable[[], Rng]  # its own stream, made only when it is needed


class Stage:
    """Holds items in order; each may leave at its `due` instant, at once unless overridden."""

    window = SMALL_WINDOW  # bytes held before the sender has to wait
    swallows_attempts = False  # a connection that ends before anything got through never was

    def __init__(self) -> None:
        self.held: deque[tuple[float, Item]] = deque()
        self.size = 0

    @property
    def full(self) -> bool:
        """Whether the sender should wait. A push is accepted all the same."""
        return self.size >= self.window

    def push(self, item: Item, at: float) -> None:
        """Take an item that arrived at `at`."""
        self.held.append((at, item))
        if isinstance(item, bytes):
            self.size += len(item)

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
        if isinstance(item, bytes):
            self.size -= len(item)
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
    closes_on_removal: ClassVar[bool] = False

    def stage(self, context: Context) -> Stage:
        """A new stage for one direction of one connection."""
        raise NotImplementedError

    def merged(self, attributes: dict[str, int]) -> Toxic:
        """These attributes with some replaced."""
        return dataclasses.replace(self, **attributes)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the attributes, in order."""
        return tuple(field.name for field in dataclasses.fields(cls))


TOXICS: dict[str, type[Toxic]] = {}
T = TypeVar("T", bound=type[Toxic])


def toxic(kind: str) -> Callable[[T], T]:
    """Register a toxic under the type by which requests name it."""

    def register(cls: T) -> T:
        cls.kind = kind
        TOXICS[kind] = cls
        return cls

    return register
