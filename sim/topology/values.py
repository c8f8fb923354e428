"""How the single values of a topology file are read, and the bounds of each.

A reader raises ValueError with what was found and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from sim.suggestions import suggest
from sim.topology.model import Coordinates, Subnet
from sim.topology.shapes import DURATION, RATE, SCALAR, SHARE, SIZE, TEXT, either, shaped
from sim.topology.sizes import SIZES
from sim.topology.units import (
    format_duration,
    format_size,
    parse_duration,
    parse_rate,
    parse_share,
    parse_size,
    quoted,
)

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_LEAST_MEMORY = 6 * 1024**2  # Docker's own bound
_LEAST_BUFFER, _MOST_BUFFER = 4 * 1024, 64 * 1024**2  # of a link, as its server has them
_LOOPBACK = IPv4Network("127.0.0.0/8")


def label(value: object) -> object:
    """A name of the user's own. Raises ValueError."""
    if isinstance(value, str) and not _LABEL.fullmatch(value):
        raise ValueError(f"found {quoted(value)}; write lower-case letters, digits and `-`")
    return value


def _domain(value: object) -> object:
    if isinstance(value, str) and not all(_LABEL.fullmatch(part) for part in value.split(".")):
        raise ValueError(f"found {quoted(value)}; write a domain such as `fly.dev`")
    return value


def _variable(value: object) -> object:
    if isinstance(value, str):
        if not _VARIABLE.fullmatch(value):
            raise ValueError("must be a variable's name: letters, digits and `_`, no value")
        if value.startswith("FLY_"):
            raise ValueError(f"`{value}`: names that begin with `FLY_` are Fly's own; rename it")
    return value


@shaped(SCALAR)
def _text(value: object) -> object:
    """Text as the environment has it; numbers that YAML cannot have changed are let through."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float):
        return value
    raise ValueError('must be text; put the number in quotes, such as "1.10"')


def duration_between(lowest: float, highest: float, likely: str = "s") -> Callable[[object], float]:
    """A reader of durations within bounds, in seconds; a bare number is asked for in `likely`."""

    @shaped(DURATION)
    def parse(value: object) -> float:
        seconds = parse_duration(value, likely)
        if not lowest <= seconds <= highest:
            bounds = f"{format_duration(lowest)} to {format_duration(highest)}"
            raise ValueError(f"found {quoted(value)}; allowed: {bounds}")
        return seconds

    return parse


@shaped(DURATION)
def _whole_seconds(value: object) -> float:
    seconds = duration_between(0, 604_800)(value)
    if seconds != int(seconds):
        raise ValueError(f"found {quoted(value)}; DNS counts in whole seconds")
    return seconds


@shaped({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})
def _coordinates(value: object) -> Coordinates:
    match value:
        case [float() | int() as lat, float() | int() as lon] if (
            -90 <= lat <= 90 and -180 <= lon <= 180
        ):
            return Coordinates(float(lat), float(lon))
    found = ", ".join(str(part) for part in value) if isinstance(value, list) else value
    raise ValueError(
        f"found {quoted(found)}; write [latitude, longitude] in degrees, such as [51.51, -0.13]"
    )


@shaped(TEXT)
def _subnet(value: object) -> Subnet:
    try:
        network = ip_network(value, strict=False) if isinstance(value, str) else None
    except ValueError:
        network = None
    if network is None:
        raise ValueError(f"found {quoted(value)}; write a prefix such as `81.2.69.0/24`")
    if str(network) != value and str(value).partition("/")[0] != str(network.network_address):
        raise ValueError(f"found `{value}`, an address inside a prefix; write `{network}`")
    if isinstance(network, IPv4Network) and network.overlaps(_LOOPBACK):
        raise ValueError(f"found `{value}`; {_LOOPBACK} is the simulator's own, give a public one")
    return network


def _url_path(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"/[!-~]*", value):
        raise ValueError(f"found {quoted(value)}; write a path such as `/healthz`")
    return value


def _header_name(value: object) -> object:
    if isinstance(value, str) and not _TOKEN.fullmatch(value):
        raise ValueError(f"found {quoted(value)}; write a header's name, such as `X-Forwarded-For`")
    return value


@shaped(SCALAR)
def _header_value(value: object) -> object:
    text = _text(value)
    if isinstance(text, str) and re.search(r"[^\t -~\x80-\xff]", text):
        raise ValueError("must be a header's value, in one line")
    return text


@shaped(TEXT)
def _postgres_url(value: object) -> object:
    if isinstance(value, str) and not re.match(r"postgres(ql)?://[^/]", value):
        raise ValueError("must be a PostgreSQL URL, such as `postgresql://user@host:5432/name`")
    return value


@shaped(TEXT)
def _webhook(value: object) -> object:
    """Never repeated in a message: whoever knows it may post there."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        fine = bool(parts and parts.scheme in ("http", "https") and parts.hostname)
        fine = fine and (parts is None or parts.port != 0)
    except ValueError:
        fine = False
    if not fine:
        raise ValueError("must be an HTTP URL, such as `http://localhost:9000/alerts`")
    return value


@shaped(TEXT)
def _docker_host(value: object) -> object:
    """A Docker engine of another host. Passwords are for ssh's own files: they are not taken."""
    form = "write `ssh://USER@HOST` or `tcp://HOST:2375`"
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts and parts.scheme in ("unix", "npipe"):
        raise ValueError(
            f"found {quoted(value)}, this host's own engine; leave the region out, or {form}"
        )
    try:
        fine = bool(parts and parts.scheme in ("ssh", "tcp") and parts.hostname)
        if parts and (parts.scheme, parts.port) != ("ssh", None):
            fine = fine and bool(parts.port)  # an engine's port depends on whether it speaks TLS
    except ValueError:
        fine = False
    if not fine or (parts and (parts.path.strip("/") or parts.query or parts.fragment)):
        raise ValueError(f"must be a Docker engine's address: {form}")
    if parts and parts.password is not None:
        raise ValueError("must hold no password: use a key of ssh, or its agent")
    return value


@shaped(SIZE)
def _memory(value: object) -> int:
    size = parse_size(value)
    if size < _LEAST_MEMORY:
        least = format_size(_LEAST_MEMORY)
        raise ValueError(f"found {quoted(value)}; a container needs {least} at least")
    return size


@shaped(RATE)
def _rate(value: object) -> float:
    if kbps := parse_rate(value):
        return kbps
    raise ValueError(f"found {quoted(value)}; must be more than 0kbps")


@shaped(SIZE)
def _buffer(value: object) -> int:
    size = parse_size(value)
    if not _LEAST_BUFFER <= size <= _MOST_BUFFER:
        bounds = f"{format_size(_LEAST_BUFFER)} to {format_size(_MOST_BUFFER)}"
        raise ValueError(f"found {quoted(value)}; allowed: {bounds}")
    return size


@shaped({"type": "string", "enum": [*SIZES]})
def _machine_size(value: object) -> object:
    if isinstance(value, str) and value not in SIZES:
        raise ValueError(f"Fly has no machine size {quoted(value)}{suggest(value, SIZES)}")
    return value


@shaped(either({"type": "integer", "minimum": 1}, SHARE))
def _unavailable(value: object) -> float:
    """How many machines may be down at once: a number, or a share such as `33%`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return float(value)
    if isinstance(value, str) and value.endswith("%") and 0 < (share := parse_share(value)) < 1:
        return share
    raise ValueError(f"found {quoted(value)}; write a number of machines, or a share such as `33%`")


Duration = Annotated[float, BeforeValidator(duration_between(0, 86_400))]
Positive = Annotated[float, BeforeValidator(duration_between(0.001, 86_400))]
WholeSeconds = Annotated[float, BeforeValidator(_whole_seconds)]
Label = Annotated[str, BeforeValidator(label)]
Domain = Annotated[str, BeforeValidator(_domain)]
Variable = Annotated[str, BeforeValidator(_variable)]
Text = Annotated[str, BeforeValidator(_text)]
UrlPath = Annotated[str, BeforeValidator(_url_path)]
HeaderName = Annotated[str, BeforeValidator(_header_name)]
HeaderValue = Annotated[str, BeforeValidator(_header_value)]
PostgresUrl = Annotated[str, BeforeValidator(_postgres_url)]
Webhook = Annotated[str, BeforeValidator(_webhook)]
DockerHost = Annotated[str, BeforeValidator(_docker_host)]
Memory = Annotated[int, BeforeValidator(_memory)]
Rate = Annotated[float, BeforeValidator(_rate)]
Buffer = Annotated[int, BeforeValidator(_buffer)]
MachineSize = Annotated[str, BeforeValidator(_machine_size)]
Unavailable = Annotated[float, BeforeValidator(_unavailable)]
# A parsed value of another type than the file's: strict mode would reject the input, not this.
At = Annotated[Any, BeforeValidator(_coordinates)]
Prefix = Annotated[Any, BeforeValidator(_subnet)]
