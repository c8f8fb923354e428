"""The parameters of faults and checks: how each value is read from a file, and written again.

A reader takes a value as YAML or JSON gives it. Durations, rates and shares are text with a unit
(`30s`, `64kbps`, `5%`); what readers give is in the unit that the parameter's name has.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sim.suggestions import suggest
from sim.topology.model import Topology
from sim.topology.shapes import (
    COUNT,
    DURATION,
    FREQUENCY,
    RATE,
    SCALAR,
    SHARE,
    TEXT,
    WORDS,
    Shape,
    either,
    shaped,
)
from sim.topology.units import (
    parse_duration,
    parse_frequency,
    parse_rate,
    parse_share,
    quoted,
)

# Reads a value as written. Raises ValueError with what was found and what is allowed. Without a
# topology (its own file is broken) names are taken as they are.
Reader = Callable[[object, Topology | None], Any]


@dataclass(frozen=True)
class Param:
    """A parameter: its key in the file, its name in `params`, how it is read, and written again.

    `said` is a check's value in words, as in `at most {} s`; floats are written as `digits` says.
    """

    key: str
    name: str
    read: Reader
    required: bool = False
    default: Any = None
    write: Callable[[Any], Any] = lambda value: value
    said: str = "{}"
    digits: str = "g"

    def in_words(self, value: object) -> str:
        """A value as people read it."""
        return self.said.format(f"{value:{self.digits}}" if isinstance(value, float) else value)


@shaped(DURATION)
def read_seconds(value: object, _: Topology | None) -> float:
    """A duration in seconds, 0 included."""
    return parse_duration(value)


@shaped(DURATION)
def read_positive_seconds(value: object, _: Topology | None) -> float:
    """A duration in seconds, above 0."""
    if seconds := parse_duration(value):
        return seconds
    raise ValueError(f"found {quoted(value)}; must be more than 0s")


@shaped(DURATION)
def read_milliseconds(value: object, _: Topology | None) -> float:
    """A duration in milliseconds."""
    return round(parse_duration(value, "ms") * 1000, 6)


@shaped(RATE)
def read_rate(value: object, _: Topology | None) -> float:
    """A rate in kilobits per second, above 0."""
    if kbps := parse_rate(value):
        return kbps
    raise ValueError(f"found {quoted(value)}; must be more than 0kbps (else it is a `partition`)")


@shaped(either({"type": "boolean"}, {"enum": ["true", "false"]}))
def read_flag(value: object, _: Topology | None) -> bool:
    """True or false; as text too, from a command line or a form."""
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ValueError(f"found {quoted(value)}; must be `true` or `false`")
    return found


@shaped(SHARE)
def read_share(value: object, _: Topology | None) -> float:
    """A share from 0 to 1, written in percent."""
    return parse_share(value)


@shaped(FREQUENCY)
def read_frequency(value: object, _: Topology | None) -> float:
    """A frequency in events per second."""
    return parse_frequency(value)


@shaped(COUNT)
def read_count(value: object, _: Topology | None) -> int:
    """A whole number, 0 or more."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"found {quoted(value)}; must be a whole number, 0 or more")


@shaped({"type": "integer", "minimum": 1})
def read_number(value: object, _: Topology | None) -> int:
    """A whole number, 1 or more."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ValueError(f"found {quoted(value)}; must be a whole number, 1 or more")


@shaped({"type": "number", "minimum": 0})
def read_usd(value: object, _: Topology | None) -> float:
    """An amount in US dollars, 0 or more."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    raise ValueError(f"found {quoted(value)}; must be an amount in US dollars, such as `10.40`")


@shaped(either(COUNT, SHARE))
def read_limit(value: object, topology: Topology | None) -> int | float:
    """At most how many: a whole number, or a share of them, written in percent, as a float."""
    if isinstance(value, int):
        return read_count(value, topology)
    try:
        return read_share(value, topology)
    except ValueError:
        found = f"found {quoted(value)}"
        raise ValueError(f"{found}; must be a whole number, or a share such as `5%`") from None


def write_limit(limit: object) -> object:
    """A limit as it is written in a file."""
    return write_percent(limit) if isinstance(limit, float) else limit


@shaped({"type": "integer", "minimum": 1000, "maximum": 4999})
def read_code(value: object, _: Topology | None) -> int:
    """A WebSocket close code, 1000 to 4999."""
    if isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 4999:
        return value
    raise ValueError(f"found {quoted(value)}; must be a WebSocket close code, such as `1011`")


@shaped(either(COUNT, {"const": "any"}))
def read_deaths(value: object, topology: Topology | None) -> int | str:
    """How many machines may die: a number, or `any`."""
    try:
        return "any" if value == "any" else read_count(value, topology)
    except ValueError as error:
        raise ValueError(f"{error}, or `any`") from None


@shaped(either({"type": "number", "exclusiveMinimum": 0, "maximum": 100}, TEXT))
def read_percentile(value: object, _: Topology | None) -> float:
    """A percentile above 0 and up to 100."""
    match = re.fullmatch(r"p(\d{1,3}(?:\.\d{1,6})?)", value) if isinstance(value, str) else None
    number = float(match[1]) if match else value
    if isinstance(number, int | float) and not isinstance(number, bool) and 0 < number <= 100:
        return float(number)
    raise ValueError(f"found {quoted(value)}; must be a percentile above 0 and up to 100, as `99`")


@shaped({"type": "string", "minLength": 1})
def read_text(value: object, _: Topology | None) -> str:
    """A text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"found {quoted(value)}; must be text")


@shaped(either({"type": "string", "minLength": 1}, WORDS))
def read_command(value: object, _: Topology | None) -> tuple[str, ...]:
    """Words, or a line of them as a shell takes it."""
    words = shlex.split(value) if isinstance(value, str) else value
    if isinstance(words, list | tuple) and words and all(isinstance(w, str) for w in words):
        return tuple(words)
    raise ValueError(f"found {quoted(value)}; must be a list of words, such as `[./gateway, -v]`")


@shaped({"type": "object", "additionalProperties": TEXT})
def read_environment(value: object, _: Topology | None) -> Mapping[str, str]:
    """Environment variables, none of them named as Fly's own."""
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError("must be a mapping of names to text, such as `{LOG_LEVEL: debug}`")
    for name in value:
        if name.startswith("FLY_"):
            raise ValueError(f"`{name}`: names that begin with `FLY_` are Fly's own; rename it")
    return dict(value)


def with_unit(unit: str) -> Callable[[float], str]:
    """A writer of a number in the unit that `params` have it in."""
    return lambda number: f"{number:.9f}".rstrip("0").rstrip(".") + unit


def write_percent(share: float) -> str:
    """A share as it is written in a file."""
    return with_unit("%")(share * 100)


@dataclass(frozen=True)
class Choice:
    """A reader of one word of several."""

    allowed: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """One of the words."""
        return {"type": "string", "enum": [*self.allowed]}

    def __call__(self, value: object, _: Topology | None) -> str:
        """The word. Raises ValueError for another."""
        if value in self.allowed:
            return str(value)
        raise ValueError(f"found {quoted(value)}{suggest(str(value), self.allowed)}")


def choice(*allowed: str) -> Choice:
    """A reader of one of these words."""
    return Choice(allowed)


@dataclass(frozen=True)
class Known:
    """A reader of a name that the topology must have, of those that `names_of` gives."""

    kind: str
    names_of: Callable[[Topology], Iterable[str]]
    shape: ClassVar[Shape] = SCALAR  # which names there are, the topology says

    def __call__(self, value: object, topology: Topology | None) -> str:
        """The name. Raises ValueError for one that the topology does not have."""
        name = str(value)
        names = list(self.names_of(topology)) if topology else [name]
        if name not in names:
            kind, hint = self.kind, suggest(name, names)
            raise ValueError(f"the topology has no {kind} {quoted(value)}{hint}")
        return name


# How a value is written, for forms. A reader that is not here takes a text.
EXAMPLES: Mapping[Reader, object] = {
    read_seconds: "30s",
    read_positive_seconds: "10s",
    read_milliseconds: "200ms",
    read_rate: "64kbps",
    read_flag: "true",
    read_share: "10%",
    read_frequency: "20/s",
    read_count: 2,
    read_limit: "5%",
    read_code: 1011,
    read_deaths: 0,
    read_text: "gateway:v2",
    read_command: "./gateway -v",
    read_environment: {"LOG_LEVEL": "debug"},
}
