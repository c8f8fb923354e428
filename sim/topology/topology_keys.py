"""What a topology file may say, key by key. `load_topology.py` adds what holds between keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from sim.topology.addresses import MAX_LOCATIONS, MAX_REGIONS
from sim.topology.model import AlertName, KillSignal
from sim.topology.problems import Schema
from sim.topology.shapes import TEXT, also
from sim.topology.values import (
    At,
    Buffer,
    DockerHost,
    Domain,
    Duration,
    HeaderName,
    HeaderValue,
    Label,
    MachineSize,
    Memory,
    Positive,
    PostgresUrl,
    Prefix,
    Rate,
    Text,
    Unavailable,
    UrlPath,
    Variable,
    Webhook,
    WholeSeconds,
    duration_between,
)

MAX_MACHINES = 240  # the addresses a region has for them

Usd = Annotated[float, Field(ge=0)]
RegionGroup = Literal[
    "north_america", "europe", "asia_pacific", "oceania", "south_america", "africa", "india"
]


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


class CheckSchema(Schema):
    """A health check."""

    type: Literal["http", "tcp"] = "http"
    path: UrlPath | None = None
    interval: Positive = 30.0
    timeout: Positive = 5.0
    grace_period: Duration = 5.0
    unhealthy_after: int = Field(1, ge=1, le=100)
    healthy_after: int = Field(1, ge=1, le=100)
    method: Annotated[str, Field(pattern=r"^[A-Z]+$")] = "GET"
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)


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
    kill_signal: KillSignal = "SIGINT"
    kill_timeout: Annotated[float, BeforeValidator(duration_between(0, 300))] = 5.0
    size: MachineSize | None = None
    memory: Memory | None = None
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
    max_unavailable: Unavailable = 0.33
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
    ttl: WholeSeconds = 30.0
    when_none_local: Literal["nearest", "refuse"] = "nearest"
    all_down: Literal["all", "last_good", "none", "servfail"] = "all"
    answers: int = Field(default=1, ge=1, le=8)
    min_ttl: WholeSeconds | None = None
    spill: Literal["hard", "soft"] = "hard"
    knowledge: Annotated[float, BeforeValidator(duration_between(0, 60))] = 0.0


class LinkSchema(Schema):
    """The path between one pair of places."""

    between: list[str] = Field(
        min_length=2, max_length=2, description="two places, as in `between: [london, fra]`"
    )
    rtt: Annotated[float, BeforeValidator(duration_between(0, 60, "ms"))] | None = None
    jitter: Annotated[float, BeforeValidator(duration_between(0, 60, "ms"))] = 0.0
    bandwidth: Rate | None = None
    shared: bool = False
    buffer: Buffer | None = None


class DatabaseSchema(Schema):
    """The shared database."""

    kind: Literal["postgres"] = "postgres"
    region: str | None = None
    url: PostgresUrl | None = None
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
        """The services that are not built in."""
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
    sizes: dict[MachineSize, Usd] = Field(default_factory=dict)
    markup: dict[Label, Annotated[float, Field(gt=0, le=100)]] = Field(default_factory=dict)
    root_fs_gb: float = Field(1.0, ge=0, le=1000)
    egress_gb_usd: dict[RegionGroup, Usd] = Field(default_factory=dict)
    dedicated_ipv4: int = Field(0, ge=0, le=1000)


class AlertSchema(Schema):
    """Who is told of alerts."""

    webhook: Webhook | None = None
    command: list[Text] | None = Field(None, min_length=1)
    on: list[AlertName] | None = Field(None, min_length=1)


class TopologySchema(Schema):
    """A topology file, after `fly_toml` was put in place of what it stands for."""

    app: Label = Field(description="the app's name, as in `app: my-gateway`")
    domain: Domain = "fly.dev"
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
    hosts: dict[Label, DockerHost] = Field(
        default_factory=dict,
        description="whose Docker engine runs a region, as in `hosts: {fra: ssh://me@10.1.2.3}`",
    )
    costs: Annotated[CostsSchema | None, BeforeValidator(_empty_mapping)] = None
    alerts: list[AlertSchema] = Field(default_factory=list)
