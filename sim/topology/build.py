"""From a checked file to the model that every other package reads."""

from __future__ import annotations

from pathlib import Path

from sim.topology.geography import REGIONS, place_named
from sim.topology.model import (
    ALERTS,
    DATABASE,
    AlertReceiver,
    Build,
    Check,
    Concurrency,
    Coordinates,
    Costs,
    Database,
    Deploy,
    Gateway,
    LinkOverride,
    Location,
    Program,
    Region,
    ResidencyPolicy,
    Routing,
    Service,
    Topology,
)
from sim.topology.sizes import SIZES
from sim.topology.topology_keys import DeploySchema, GatewaySchema, ServicesSchema, TopologySchema


def build(schema: TopologySchema, path: Path | None) -> Topology:
    """The topology that a checked file says."""
    primary = next((c for c, r in schema.regions.items() if r.primary), next(iter(schema.regions)))
    return Topology(
        app=schema.app,
        domain=schema.domain,
        gateway=_gateway(schema.gateway),
        regions={
            code: Region(
                code=code,
                city=REGIONS[code].city if code in REGIONS else code,
                at=region.at or REGIONS[code].at,
                machines=region.machines,
                primary=code == primary,
            )
            for code, region in schema.regions.items()
        },
        locations={
            name: Location(
                name, location.at or _known(name), location.share, tuple(location.subnets)
            )
            for name, location in schema.locations.items()
        },
        routing=Routing(
            mode=schema.routing.mode,
            ttl_s=schema.routing.ttl,
            when_none_local=schema.routing.when_none_local,
            all_down=schema.routing.all_down,
            answers=schema.routing.answers,
            min_ttl_s=schema.routing.min_ttl,
            spill=schema.routing.spill,
            knowledge_s=schema.routing.knowledge,
        ),
        deploy=_deploy(schema.deploy),
        links=tuple(
            LinkOverride(
                (link.between[0], link.between[1]),
                None if link.rtt is None else link.rtt * 1000,
                link.jitter * 1000,
                link.bandwidth,
                link.shared,
                link.buffer,
            )
            for link in schema.links
        ),
        services=_services(schema.services, primary),
        residency=tuple(
            ResidencyPolicy(name, tuple(policy.locations), tuple(policy.regions))
            for name, policy in schema.policies.residency.items()
        ),
        group=schema.group,
        costs=Costs(**dict(schema.costs)) if schema.costs else None,
        alerts=tuple(
            AlertReceiver(
                receiver.webhook,
                tuple(receiver.command) if receiver.command else None,
                tuple(receiver.on) if receiver.on else ALERTS,
            )
            for receiver in schema.alerts
        ),
        hosts=schema.hosts,
        path=path,
    )


def _services(schema: ServicesSchema, primary: str) -> dict[str, Service]:
    services: list[Service] = []
    if database := schema.database:
        sslmode = database.sslmode or Database.sslmode
        services.append(Database(DATABASE, database.region or primary, database.url, sslmode))
    for name, program in schema.programs.items():
        command = tuple(program.command) if program.command else None
        region, port = program.region or primary, program.port or 0
        services.append(Program(name, region, command, program.image, port, program.env))
    return {service.name: service for service in services}


def _gateway(schema: GatewaySchema) -> Gateway:
    size = SIZES[schema.size] if schema.size else None
    checks = tuple(
        Check(
            check.type,
            check.path or Check.path,
            check.interval,
            check.timeout,
            check.grace_period,
            check.method,
            tuple(check.headers.items()),
            check.unhealthy_after,
            check.healthy_after,
        )
        for check in schema.checks or ()
    )
    return Gateway(
        image=schema.image,
        build=Build(made.context, made.dockerfile, made.args) if (made := schema.build) else None,
        command=tuple(schema.command) if schema.command else None,
        folder=schema.folder,
        port=schema.port,
        env=schema.env,
        secrets=tuple(schema.secrets),
        checks=checks or Gateway.checks,
        kill_timeout_s=schema.kill_timeout,
        kill_signal=schema.kill_signal,
        size=schema.size,
        memory_bytes=schema.memory or (size.memory_mb * 1024**2 if size else None),
        cpus=schema.cpus or (size.cpus if size else None),
        restart=schema.restart,
        max_restarts=schema.max_restarts,
        concurrency=Concurrency(
            schema.concurrency.type, schema.concurrency.soft_limit, schema.concurrency.hard_limit
        ),
        auto_stop=schema.auto_stop,
        auto_start=schema.auto_start,
        min_machines_running=schema.min_machines_running,
        force_https=schema.force_https,
        idle_timeout_s=schema.idle_timeout,
    )


def _deploy(schema: DeploySchema) -> Deploy:
    release = schema.release_command
    return Deploy(
        schema.strategy,
        schema.max_unavailable,
        schema.wait_timeout,
        tuple(release) if release else None,
    )


def _known(name: str) -> Coordinates:
    """The coordinates of a place whose name was checked before."""
    at = place_named(name)
    if at is None:
        raise KeyError(name)
    return at
