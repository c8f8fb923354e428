"""What a topology says, as plain immutable values. Every other package reads these.

`topology_keys.py` checks what a user wrote, and `build.py` makes these of it: nothing here
validates or does I/O. Mappings keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, get_args

from sim.errors import Problem

Subnet = IPv4Network | IPv6Network
RoutingMode = Literal["geodns", "anycast"]
WhenNoneLocal = Literal["nearest", "refuse"]
AllDown = Literal["all", "last_good", "none", "servfail"]
Spill = Literal["hard", "soft"]
SslMode = Literal["disable", "require", "verify-ca", "verify-full"]

DATABASE = "database"  # the name of the built-in service


@dataclass(frozen=True)
class Coordinates:
    """A point on the globe in degrees."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Check:
    """A health check. One result decides, as in Fly's service checks, unless it says otherwise.

    `unhealthy_after` failures in a row make a machine that passed critical, and `healthy_after`
    passes one that did not pass.
    """

    type: Literal["http", "tcp"] = "http"
    path: str = "/healthz"
    interval_s: float = 30.0
    timeout_s: float = 5.0
    grace_period_s: float = 5.0
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    unhealthy_after: int = 1
    healthy_after: int = 1

    @property
    def detects_s(self) -> float:
        """At most how long after a failure it is known."""
        return self.unhealthy_after * self.interval_s + self.timeout_s

    @property
    def settles_s(self) -> float:
        """At most how long after any change it is known."""
        return max(self.unhealthy_after, self.healthy_after) * self.interval_s + self.timeout_s


@dataclass(frozen=True)
class Build:
    """How an image is made, as compose files say it: a folder with a Dockerfile."""

    context: str
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)


Strategy = Literal["rolling", "immediate", "canary", "bluegreen"]
RestartPolicy = Literal["never", "on-failure", "always"]
KillSignal = Literal["SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"]
AutoStop = Literal["off", "stop", "suspend"]


@dataclass(frozen=True)
class Concurrency:
    """How much one machine takes, with Fly's defaults. At `hard_limit` (None: none) it is full.

    Either type counts what is open at a machine: each request has a connection of its own here.
    """

    type: Literal["connections", "requests"] = "connections"
    soft_limit: int = 20
    hard_limit: int | None = None


@dataclass(frozen=True)
class Gateway:
    """The program under test, and how it is started, reached, checked and stopped.

    `folder` is where a process runs `command`, relative to the topology's file.

    `memory_bytes` and `cpus` bound a container; a process has what the host has. A `size` is one of
    Fly's presets; it says both where nothing else does.
    """

    image: str | None = None
    build: Build | None = None
    command: tuple[str, ...] | None = None
    folder: str = "."
    port: int = 8080
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    checks: tuple[Check, ...] = (Check(),)
    kill_timeout_s: float = 5.0
    kill_signal: str = "SIGINT"
    size: str | None = None
    memory_bytes: int | None = None
    cpus: float | None = None
    restart: RestartPolicy = "never"
    max_restarts: int = 10
    concurrency: Concurrency = Concurrency()
    auto_stop: AutoStop = "off"
    auto_start: bool = True
    min_machines_running: int = 0  # of the primary region alone, as at Fly
    force_https: bool = False  # the edge redirects plain HTTP, as Fly's does
    idle_timeout_s: float = 60.0  # the edge ends a connection without a request under way


@dataclass(frozen=True)
class Deploy:
    """How a new release is brought to the machines, with flyctl's defaults.

    `max_unavailable`, of a rolling deploy: a share of the machines below 1, else how many.
    """

    strategy: Strategy = "rolling"
    max_unavailable: float = 0.33
    wait_timeout_s: float = 300.0
    release_command: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Region:
    """A place where machines run, by its Fly code."""

    code: str
    city: str
    at: Coordinates
    machines: int = 1
    primary: bool = False


@dataclass(frozen=True)
class Location:
    """A place where clients are. `subnets` are the public prefixes it is known by (may be none)."""

    name: str
    at: Coordinates
    share: float = 1.0
    subnets: tuple[Subnet, ...] = ()


@dataclass(frozen=True)
class Routing:
    """How clients are led to a region."""

    mode: RoutingMode = "geodns"
    ttl_s: float = 30.0
    min_ttl_s: float | None = None  # answers end with the next check that may change them (geodns)
    when_none_local: WhenNoneLocal = "nearest"
    all_down: AllDown = "all"  # what a name is answered with when no region may serve it
    answers: int = 1  # how many regions an answer names, the preferred one first (geodns)
    knowledge_s: float = 0.0  # how old what an edge knows of machines is (anycast)
    spill: Spill = "hard"  # which limit of all its machines makes load leave a region (anycast)


@dataclass(frozen=True)
class LinkOverride:
    """What the path between two places is like, in either direction; None: as distance has it.

    `bandwidth_kbps` is each connection's, or all of them have it together (`shared`).
    """

    between: tuple[str, str]
    rtt_ms: float | None = None
    jitter_ms: float = 0.0
    bandwidth_kbps: float | None = None
    shared: bool = False
    buffer_bytes: int | None = None


@dataclass(frozen=True)
class Service:
    """What machines use, in `region`; each region has a link of its own to it."""

    name: str
    region: str


@dataclass(frozen=True)
class Database(Service):
    """The built-in service, PostgreSQL: a server of the world's own, or the existing one at `url`.

    `sslmode` is libpq's; an existing one's is in its URL.
    """

    url: str | None = field(default=None, repr=False)  # it may hold a password
    sslmode: SslMode = "disable"

    @property
    def speaks_tls(self) -> bool:
        """Whether the world has to end TLS before it."""
        return self.sslmode != "disable"


@dataclass(frozen=True)
class Program(Service):
    """Any other service: a `command` (process runtime) or an `image` (docker runtime).

    A container listens on `port`; a process is told where. `env` is what machines are told of it,
    as templates (`variables.py`).
    """

    command: tuple[str, ...] | None = None
    image: str | None = None
    port: int = 0
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ResidencyPolicy:
    """What these locations send may be served only in these regions."""

    name: str
    locations: tuple[str, ...]
    regions: tuple[str, ...]


AlertName = Literal[
    "machine_down",
    "region_out",
    "outage",
    "database_unreachable",
    "service_unreachable",
    "residency_broken",
]
ALERTS: tuple[AlertName, ...] = get_args(AlertName)


@dataclass(frozen=True)
class AlertReceiver:
    """Who is told of alerts: a URL, which may hold a secret, or a command."""

    webhook: str | None = field(default=None, repr=False)
    command: tuple[str, ...] | None = None
    on: tuple[AlertName, ...] = ALERTS


@dataclass(frozen=True)
class Costs:
    """What the user says of prices, in US dollars and months of 30 days; Fly's hold otherwise.

    `machine_month_usd` is a machine's whatever its size, `sizes` are by preset. `markup` is by
    region, `egress_gb_usd` by region group. `root_fs_gb` is the image unpacked, of each machine.
    `dedicated_ipv4` is how many such addresses the app has; a shared one is free.
    """

    machine_month_usd: float | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)
    markup: Mapping[str, float] = field(default_factory=dict)
    root_fs_gb: float = 1.0
    egress_gb_usd: Mapping[str, float] = field(default_factory=dict)
    dedicated_ipv4: int = 0


@dataclass(frozen=True)
class Topology:
    """Everything a topology file says.

    `document` is the file as plain data that JSON can hold and `topology_from_mapping` reads,
    without passwords, without files that it refers to, and without who is told of alerts. `notes`
    say what of a fly.toml is not simulated. `group` is Fly's name for machines of this kind.
    `hosts` are the Docker engines of regions whose machines run on another host than this.
    """

    app: str
    domain: str
    gateway: Gateway
    regions: Mapping[str, Region]
    locations: Mapping[str, Location]
    routing: Routing = Routing()
    deploy: Deploy = Deploy()
    links: tuple[LinkOverride, ...] = ()
    services: Mapping[str, Service] = field(default_factory=dict)
    residency: tuple[ResidencyPolicy, ...] = ()
    group: str = "app"
    costs: Costs | None = None
    alerts: tuple[AlertReceiver, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    notes: tuple[Problem, ...] = field(default=(), compare=False, repr=False)

    @property
    def hostname(self) -> str:
        """The name that clients use."""
        return f"{self.app}.{self.domain}"

    @property
    def image(self) -> str:
        """The name of the gateway's image: the one given, or the one it is built as."""
        return self.gateway.image or f"{self.app}:local"

    @property
    def folder(self) -> Path:
        """Where relative paths of the file start."""
        return (self.path.parent if self.path else Path()).resolve()

    @property
    def primary(self) -> Region:
        """The region that is marked primary, else the first."""
        regions = list(self.regions.values())
        return next((region for region in regions if region.primary), regions[0])

    @property
    def database(self) -> Database | None:
        """The built-in service, where there is one."""
        found = self.services.get(DATABASE)
        return found if isinstance(found, Database) else None

    def place(self, name: str) -> Region | Location:
        """Where something of that name is: a region, a location, or the region of a service.

        Their names are disjoint. Raises KeyError.
        """
        if name in self.services:
            name = self.services[name].region
        return self.regions[name] if name in self.regions else self.locations[name]
