"""What a topology file may say, key by key. `load.py` adds what holds between keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ConfigDict, Field

from sim.topology.addresses import MAX_LOCATIONS, MAX_REGIONS
from sim.topology.model import AlertName, Coordinates, Subnet
from sim.topology.problems import Schema, suggest
from sim.topology.shapes import DURATION, RATE, SCALAR, SHARE, SIZE, TEXT, also, either, shaped
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

MAX_MACHINES = 240  # the addresses a region has for them

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


def _between_durations(
    lowest: float, highest: float, likely: str = "s"
) -> Callable[[object], float]:
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
    seconds = _between_durations(0, 604_800)(value)
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
def _url(value: object) -> object:
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
def _size(value: object) -> object:
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


@also(TEXT)
def _only_context(value: object) -> object:
    """`build: FOLDER` is short for `build: {context: FOLDER}`, as in compose files."""
    return {"context": value} if isinstance(value, str) else value


@also({"type": "string", "pattern": "="})
def _assignment(value: object) -> object:
    """`env: NAME=value` is short for a mapping of one."""
    if isinstance(value, str) and "=" in value:
        name, _, template = value.partition("=")
        return {name: template}
    return value


@also({"type": "null"})
def _empty_mapping(value: object) -> object:
    return {} if value is None else value


Duration = Annotated[float, BeforeValidator(_between_durations(0, 86_400))]
Positive = Annotated[float, BeforeValidator(_between_durations(0.001, 86_400))]
Label = Annotated[str, BeforeValidator(label)]
Variable = Annotated[str, BeforeValidator(_variable)]
Text = Annotated[str, BeforeValidator(_text)]
HeaderValue = Annotated[str, BeforeValidator(_header_value)]
# A parsed value of another type than the file's: strict mode would reject the input, not this.
At = Annotated[Any, BeforeValidator(_coordinates)]
Prefix = Annotated[Any, BeforeValidator(_subnet)]
Usd = Annotated[float, Field(ge=0)]
RegionGroup = Literal[
    "north_america", "europe", "asia_pacific", "oceania", "south_america", "africa", "india"
]


class CheckSchema(Schema):
    """A health check."""

    type: Literal["http", "tcp"] = "http"
    path: Annotated[str, BeforeValidator(_url_path)] | None = None
    interval: Positive = 30.0
    timeout: Positive = 5.0
    grace_period: Duration = 5.0
    unhealthy_after: int = Field(1, ge=1, le=100)
    healthy_after: int = Field(1, ge=1, le=100)
    method: Annotated[str, Field(pattern=r"^[A-Z]+$")] = "GET"
    headers: dict[Annotated[str, BeforeValidator(_header_name)], HeaderValue] = Field(
        default_factory=dict
    )


class BuildSchema(Schema):
    """How the image is made."""

    context: str = Field(description="the folder that the Dockerfile takes files from")
    dockerfile: str = "Dockerfile"
    args: dict[Variable, Text] = Field(default_factory=dict)


class ConcurrencySchema(Schema):
    """How much one machine takes."""

    type: Literal["connections", "requests"] = "connections"
    soft_limit: int = Field(20, ge=1, le=1_000_000)
    hard_limit: int | None = Field(None, ge=1, le=1_000_000)


class GatewaySchema(Schema):
    """The program under test."""

    image: str | None = None
    build: Annotated[BuildSchema | None, BeforeValidator(_only_context)] = None
    command: list[Text] | None = Field(None, min_length=1)
    folder: str = "."
    port: int = Field(8080, ge=1, le=65_535)
    env: dict[Variable, Text] = Field(default_factory=dict)
    secrets: list[Variable] = Field(
        default_factory=list, description="names only; values come from the environment"
    )
    checks: list[CheckSchema] | None = Field(None, min_length=1)
    kill_signal: Literal["SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"] = "SIGINT"
    kill_timeout: Annotated[float, BeforeValidator(_between_durations(0, 300))] = 5.0
    size: Annotated[str | None, BeforeValidator(_size)] = None
    memory: Annotated[int | None, BeforeValidator(_memory)] = None
    cpus: float | None = Field(None, ge=0.01, le=1024)
    restart: Literal["never", "on-failure", "always"] = "never"
    max_restarts: int = Field(10, ge=0, le=1000)
    concurrency: ConcurrencySchema = ConcurrencySchema(soft_limit=20, hard_limit=None)
    auto_stop: Literal["off", "stop", "suspend"] = "off"
    auto_start: bool = True
    min_machines_running: int = Field(0, ge=0, le=MAX_MACHINES)
    force_https: bool = False
    idle_timeout: Positive = 60.0


class DeploySchema(Schema):
    """How a new release is brought to the machines."""

    strategy: Literal["rolling", "immediate", "canary", "bluegreen"] = "rolling"
    max_unavailable: Annotated[float, BeforeValidator(_unavailable)] = 0.33
    wait_timeout: Positive = 300.0
    release_command: list[Text] | None = Field(None, min_length=1)


class RegionSchema(Schema):
    """A region."""

    machines: int = Field(1, ge=0, le=MAX_MACHINES)
    primary: bool = False
    at: At = None


class LocationSchema(Schema):
    """A location."""

    at: At = None
    share: float = Field(1.0, gt=0, le=1e9)
    subnets: list[Prefix] = Field(default_factory=list)


class RoutingSchema(Schema):
    """How clients are led to a region."""

    mode: Literal["geodns", "anycast"] = "geodns"
    ttl: Annotated[float, BeforeValidator(_whole_seconds)] = 30.0
    when_none_local: Literal["nearest", "refuse"] = "nearest"
    all_down: Literal["all", "last_good", "none", "servfail"] = "all"
    answers: int = Field(default=1, ge=1, le=8)
    min_ttl: Annotated[float | None, BeforeValidator(_whole_seconds)] = None
    spill: Literal["hard", "soft"] = "hard"
    knowledge: Annotated[float, BeforeValidator(_between_durations(0, 60))] = 0.0


class LinkSchema(Schema):
    """The path between one pair of places."""

    between: list[str] = Field(
        min_length=2, max_length=2, description="two places, as in `between: [london, fra]`"
    )
    rtt: Annotated[float, BeforeValidator(_between_durations(0, 60, "ms"))] | None = None
    jitter: Annotated[float, BeforeValidator(_between_durations(0, 60, "ms"))] = 0.0
    bandwidth: Annotated[float, BeforeValidator(_rate)] | None = None
    shared: bool = False
    buffer: Annotated[int, BeforeValidator(_buffer)] | None = None


class DatabaseSchema(Schema):
    """The shared database."""

    kind: Literal["postgres"] = "postgres"
    region: str | None = None
    url: Annotated[str, BeforeValidator(_url)] | None = None
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] | None = None


class ProgramSchema(Schema):
    """Any other service."""

    command: list[Text] | None = Field(None, min_length=1)
    image: str | None = None
    port: int | None = Field(None, ge=1, le=65_535)
    region: str | None = None
    env: Annotated[dict[Variable, Text], BeforeValidator(_assignment)] = Field(default_factory=dict)


class ServicesSchema(Schema):
    """What the machines use: the database, and programs by any other name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, ProgramSchema]

    database: Annotated[DatabaseSchema | None, BeforeValidator(_empty_mapping)] = None

    @property
    def programs(self) -> dict[str, ProgramSchema]:
        """Those that are not built in."""
        return self.__pydantic_extra__


class ResidencySchema(Schema):
    """What these locations send may be served only there."""

    locations: list[str] = Field(min_length=1, description="whose data is meant")
    regions: list[str] = Field(min_length=1, description="where it may be served")


class PoliciesSchema(Schema):
    """What must hold whatever happens."""

    residency: dict[Label, ResidencySchema] = Field(default_factory=dict)


class CostsSchema(Schema):
    """Prices for the report, in US dollars."""

    machine_month_usd: Usd | None = None
    sizes: dict[Annotated[str, BeforeValidator(_size)], Usd] = Field(default_factory=dict)
    markup: dict[Label, Annotated[float, Field(gt=0, le=100)]] = Field(default_factory=dict)
    root_fs_gb: float = Field(1.0, ge=0, le=1000)
    egress_gb_usd: dict[RegionGroup, Usd] = Field(default_factory=dict)
    dedicated_ipv4: int = Field(0, ge=0, le=1000)


class AlertSchema(Schema):
    """Who is told of alerts."""

    webhook: Annotated[str, BeforeValidator(_webhook)] | None = None
    command: list[Text] | None = Field(None, min_length=1)
    on: list[AlertName] | None = Field(None, min_length=1)


class TopologySchema(Schema):
    """A topology file, after `fly_toml` was put in place of what it stands for."""

    app: Label = Field(description="the app's name, as in `app: my-gateway`")
    domain: Annotated[str, BeforeValidator(_domain)] = "fly.dev"
    fly_toml: str | None = None
    group: str = "app"
    gateway: GatewaySchema = Field(
        description="the program under test, as in `gateway: {command: [./my-gateway]}`"
    )
    regions: dict[Label, Annotated[RegionSchema, BeforeValidator(_empty_mapping)]] = Field(
        min_length=1,
        max_length=MAX_REGIONS,
        description="where machines run, as in `regions: {iad: {machines: 1}}`",
    )
    locations: dict[Label, Annotated[LocationSchema, BeforeValidator(_empty_mapping)]] = Field(
        min_length=1,
        max_length=MAX_LOCATIONS,
        description="where clients are, as in `locations: {new-york: {share: 60}}`",
    )
    routing: RoutingSchema = RoutingSchema()
    deploy: DeploySchema = DeploySchema(release_command=None)
    links: list[LinkSchema] = Field(default_factory=list)
    services: ServicesSchema = ServicesSchema.model_validate({})
    policies: PoliciesSchema = PoliciesSchema()
    costs: Annotated[CostsSchema | None, BeforeValidator(_empty_mapping)] = None
    alerts: list[AlertSchema] = Field(default_factory=list)
