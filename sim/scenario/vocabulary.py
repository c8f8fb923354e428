"""The words of scenarios: which faults and checks there are, on what, with which parameters.

The reader of scenario files, its messages and the documentation follow these two tables. What a
fault does and how a check judges is elsewhere, under the same names.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from sim.clients.spec import PERSONALITIES
from sim.scenario.model import TargetKind
from sim.topology.distance import DATABASE
from sim.topology.model import Strategy, Topology
from sim.topology.problems import listed, suggest
from sim.topology.units import (
    parse_duration,
    parse_frequency,
    parse_rate,
    parse_share,
    quoted,
)

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

# Reads a value as written. Raises ValueError with what was found and what is allowed. Without a
# topology (its own file is broken) names are taken as they are.
Reader = Callable[[object, Topology | None], Any]


@dataclass(frozen=True)
class Param:
    """A parameter: its key in the file, its name in `params`, how it is read, and written again."""

    key: str
    name: str
    read: Reader
    required: bool = False
    default: Any = None
    write: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True)
class FaultSpec:
    """A fault. `one_of` names keys of which at least one must be given.

    `containers`: it can be done to machines that are containers only.
    """

    name: str
    targets: tuple[TargetKind, ...]
    params: tuple[Param, ...] = ()
    target_optional: bool = False
    one_of: tuple[str, ...] = ()
    containers: bool = False


@dataclass(frozen=True)
class CheckSpec:
    """A check; `from` and `until` are parameters of every one."""

    name: str
    params: tuple[Param, ...]
    one_of: tuple[str, ...] = ()


def read_seconds(value: object, _: Topology | None) -> float:
    """A duration in seconds, 0 included."""
    return parse_duration(value)


def _positive_seconds(value: object, _: Topology | None) -> float:
    if seconds := parse_duration(value):
        return seconds
    raise ValueError(f"found {quoted(value)}; must be more than 0s")


def _milliseconds(value: object, _: Topology | None) -> float:
    return round(parse_duration(value) * 1000, 6)


def _rate(value: object, _: Topology | None) -> float:
    if kbps := parse_rate(value):
        return kbps
    raise ValueError(f"found {quoted(value)}; must be more than 0kbps (else it is a `partition`)")


def _share(value: object, _: Topology | None) -> float:
    return parse_share(value)


def _frequency(value: object, _: Topology | None) -> float:
    return parse_frequency(value)


def _count(value: object, _: Topology | None) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"found {quoted(value)}; must be a whole number, 0 or more")


def _percentile(value: object, _: Topology | None) -> float:
    match = re.fullmatch(r"p(\d{1,3}(?:\.\d{1,6})?)", value) if isinstance(value, str) else None
    number = float(match[1]) if match else value
    if isinstance(number, int | float) and not isinstance(number, bool) and 0 < number <= 100:
        return float(number)
    raise ValueError(f"found {quoted(value)}; must be a percentile above 0 and up to 100, as `99`")


def _text(value: object, _: Topology | None) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"found {quoted(value)}; must be text")


def _command(value: object, _: Topology | None) -> tuple[str, ...]:
    """Words, or a line of them as a shell takes it."""
    words = shlex.split(value) if isinstance(value, str) else value
    if isinstance(words, list | tuple) and words and all(isinstance(w, str) for w in words):
        return tuple(words)
    raise ValueError(f"found {quoted(value)}; must be a list of words, such as `[./gateway, -v]`")


def _environment(value: object, _: Topology | None) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError("must be a mapping of names to text, such as `{LOG_LEVEL: debug}`")
    for name in value:
        if name.startswith("FLY_"):
            raise ValueError(f"`{name}`: names that begin with `FLY_` are Fly's own; rename it")
    return dict(value)


def _with_unit(unit: str) -> Callable[[float], str]:
    """A writer of a number in the unit that `params` have it in."""
    return lambda number: f"{number:.9f}".rstrip("0").rstrip(".") + unit


def _percent(share: float) -> str:
    return _with_unit("%")(share * 100)


@dataclass(frozen=True)
class Choice:
    """A reader of one word of several."""

    allowed: tuple[str, ...]

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

    def __call__(self, value: object, topology: Topology | None) -> str:
        """The name. Raises ValueError for one that the topology does not have."""
        name = str(value)
        names = list(self.names_of(topology)) if topology else [name]
        if name not in names:
            kind, hint = self.kind, suggest(name, names)
            raise ValueError(f"the topology has no {kind} {quoted(value)}{hint}")
        return name


def places(topology: Topology) -> list[str]:
    """Everything a link can begin or end at."""
    return [*topology.locations, *topology.regions, *services(topology)]


def services(topology: Topology) -> list[str]:
    """The services of a topology."""
    return [DATABASE] if topology.database else []


def _machine(value: object, topology: Topology | None) -> str:
    match = re.fullmatch(r"([a-z0-9-]+)/([1-9]\d{0,3})", value) if isinstance(value, str) else None
    if match and topology:
        read_region(match[1], topology)
    elif not match and not re.fullmatch(r"[0-9a-f]{14}", str(value)):
        raise ValueError(
            f"found {quoted(value)}; must be a region and a number, such as `fra/1`, or an id"
        )
    return str(value)


def _link(value: object, topology: Topology | None) -> tuple[str, str]:
    """The link's own order: (location, region), (region, database)."""
    match value:
        case [str() as a, str() as b]:
            pass
        case _:
            raise ValueError(f"found {quoted(value)}; must be two places, such as `[london, fra]`")
    if topology is None:
        return (a, b)
    for name in (a, b):
        if name not in places(topology):
            hint = suggest(name, places(topology))
            raise ValueError(f"the topology has no region or location `{name}`{hint}")
    if b in topology.locations or a == DATABASE:
        a, b = b, a
    if b in topology.locations or a in (b, DATABASE):
        raise ValueError(f"there is no link between `{a}` and `{b}`; one end must be a region")
    if a in topology.locations and b == DATABASE:
        raise ValueError("clients do not reach the database; name a region, as `[fra, database]`")
    if a in topology.regions and b in topology.regions and topology.routing.mode == "geodns":
        hint = f"; did you mean `[{a}, {DATABASE}]`?" if topology.database else ""
        raise ValueError(f"with geodns routing no link joins the regions `{a}` and `{b}`{hint}")
    return (a, b)


# How a value is written, for forms. A reader that is not here takes a text.
EXAMPLES: Mapping[Reader, object] = {
    read_seconds: "30s",
    _positive_seconds: "10s",
    _milliseconds: "200ms",
    _rate: "64kbps",
    _share: "10%",
    _frequency: "20/s",
    _count: 2,
    _text: "gateway:v2",
    _command: "./gateway -v",
    _environment: {"LOG_LEVEL": "debug"},
}

read_region = Known("region", lambda topology: topology.regions)
read_location = Known("location", lambda topology: topology.locations)
_policy = Known("residency policy", lambda topology: (p.name for p in topology.residency))

TARGETS: Mapping[TargetKind, Reader] = {
    "region": read_region,
    "machine": _machine,
    "link": _link,
    "location": read_location,
    "service": Known("service", services),
}

_ON_MACHINES: tuple[TargetKind, ...] = ("region", "machine")
_ON_LINKS: tuple[TargetKind, ...] = ("link", "region", "location", "service")
_MODE = Param("mode", "mode", choice("silent", "refusing"), default="silent")

FAULTS: Mapping[str, FaultSpec] = {
    spec.name: spec
    for spec in (
        *(
            FaultSpec(name, _ON_MACHINES)
            for name in ("crash", "stop", "start", "freeze", "thaw", "sicken", "cure")
        ),
        FaultSpec("disconnect", _ON_MACHINES, containers=True),
        FaultSpec("reconnect", _ON_MACHINES, containers=True),
        FaultSpec("blind", ("region",)),
        FaultSpec("unblind", ("region",)),
        FaultSpec(
            "deploy",
            _ON_MACHINES,
            (
                Param("strategy", "strategy", choice(*STRATEGIES)),
                Param("image", "image", _text),
                Param("command", "command", _command, write=list),
                Param("env", "env", _environment, write=dict),
            ),
            target_optional=True,
        ),
        FaultSpec(
            "slow",
            _ON_LINKS,
            (
                Param("latency", "latency_ms", _milliseconds, write=_with_unit("ms")),
                Param("jitter", "jitter_ms", _milliseconds, write=_with_unit("ms")),
                Param("bandwidth", "bandwidth_kbps", _rate, write=_with_unit("kbps")),
            ),
            one_of=("latency", "jitter", "bandwidth"),
        ),
        FaultSpec(
            "partition",
            _ON_LINKS,
            (_MODE, Param("towards", "towards", Known("region or location", places))),
        ),
        FaultSpec("reset", _ON_LINKS),
        FaultSpec(
            "flap",
            _ON_LINKS,
            (Param("period", "period_s", _positive_seconds, required=True, write=_with_unit("s")),),
        ),
        FaultSpec(
            "loss", _ON_LINKS, (Param("percent", "share", _share, required=True, write=_percent),)
        ),
        FaultSpec("dns_outage", ("location",), target_optional=True),
        FaultSpec("stale_dns", ("location",), target_optional=True),
        FaultSpec("service_outage", ("service",)),
        FaultSpec("scale", ("region",), (Param("count", "count", _count, required=True),)),
        # Ends whatever was done to the target, or with no target every fault there is.
        FaultSpec("heal", (*_ON_LINKS, "machine"), target_optional=True),
    )
}

WINDOW = (Param("from", "from_s", read_seconds), Param("until", "until_s", read_seconds))

_LOCATION = Param("location", "location", read_location, required=True)
_REGION = Param("region", "region", read_region, required=True)

CHECKS: Mapping[str, CheckSpec] = {
    spec.name: spec
    for spec in (
        CheckSpec("served_by", (_LOCATION, _REGION)),
        CheckSpec(
            "outage",
            (
                _LOCATION,
                Param("max", "max_s", read_seconds),
                Param("min", "min_s", read_seconds),
                Param("resolver", "resolver", choice(*PERSONALITIES)),
            ),
            one_of=("max", "min"),
        ),
        CheckSpec(
            "messages",
            tuple(Param(word, word, _count) for word in ("lost", "duplicated", "reordered")),
            one_of=("lost", "duplicated", "reordered"),
        ),
        CheckSpec("sessions", (Param("resumed", "resumed", choice("all"), required=True),)),
        CheckSpec("residency", (Param("policy", "policy", _policy, required=True),)),
        CheckSpec(
            "latency",
            (
                _LOCATION,
                Param("region", "region", read_region),
                Param("percentile", "percentile", _percentile),
                Param("max", "max_ms", _milliseconds, required=True),
            ),
        ),
        CheckSpec(
            "errors",
            (
                Param("location", "location", read_location),
                Param("max", "max_share", _share, required=True),
            ),
        ),
        CheckSpec("dns", (_LOCATION, _REGION, Param("within", "within_s", read_seconds))),
        CheckSpec(
            "deploy",
            (
                Param("outcome", "outcome", choice("done", "failed")),
                Param("max", "max_dropped", _count),
                Param("min", "min_dropped", _count),
            ),
            one_of=("outcome", "max", "min"),
        ),
        CheckSpec("herd", (_REGION, Param("max", "max_rate", _frequency, required=True))),
    )
}


def allowed_keys(spec: FaultSpec | CheckSpec) -> list[str]:
    """The keys that an entry of this fault or check may have."""
    keys = [param.key for param in spec.params]
    if isinstance(spec, FaultSpec):
        return ["at", "fault", *spec.targets, *keys]
    return ["check", *keys, *(param.key for param in WINDOW)]


def target_wanted(spec: FaultSpec) -> str:
    """What a fault's target may be, for messages."""
    examples = {
        "region": "fra",
        "machine": "fra/1",
        "link": "[london, fra]",
        "location": "london",
        "service": DATABASE,
    }
    return listed((f"{kind}: {examples[kind]}" for kind in spec.targets), "or")
