"""Machine configs, from Fly's JSON and to it. Pure.

What is given back as it was shown means what it meant: a clone of a machine whose memory nobody
bounded is bounded no more than its source, though Fly's JSON has to name a size.
"""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Mapping
from typing import Any

from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.bodies import ConfigGiven, ServiceGiven
from sim.machines.config import MachineConfig
from sim.topology.model import Check, Gateway, RestartPolicy

# The part of an image's name that Fly has and the user's own has not.
REGISTRY = "local"
_POLICIES: Mapping[str, RestartPolicy] = {
    "no": "never",
    "never": "never",
    "on-failure": "on-failure",
    "always": "always",
}
_SMALLEST_MB = 256
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: a token
_HTTP_PATH = re.compile(r"[!-~]*")


def config_from(given: ConfigGiven, default: MachineConfig) -> MachineConfig:
    """The config that a client wants. What it leaves out is as in `default`, the topology's.

    Env, metadata and services are the exception: none given is none, as at Fly. Raises Refusal.
    """
    entrypoint, command = _program(given, default)
    memory, cpus = _size(given, default)
    services = given.services or []
    if any(service.internal_port != services[0].internal_port for service in services):
        raise Refusal(400, "config.services: a machine has one internal_port here")
    restart = default.restart
    retries = default.max_restarts
    if given.restart and given.restart.policy:
        if given.restart.policy not in _POLICIES:
            raise Refusal(400, f"config.restart.policy: {given.restart.policy} is not simulated")
        restart = _POLICIES[given.restart.policy]
        retries = given.restart.max_retries
    stop = given.stop_config
    signal = signals.Signals(stop.signal).name if stop and stop.signal else default.kill_signal
    timeout = stop.timeout if stop and stop.timeout is not None else default.kill_timeout_s
    return MachineConfig(
        image=plain_image(given.image) if given.image else default.image,
        entrypoint=entrypoint,
        command=command,
        env=given.env or {},
        port=services[0].internal_port if services else default.port,
        checks=tuple(check for service in services for check in _checks(service)),
        memory_bytes=memory,
        cpus=cpus,
        kill_signal=signal,
        kill_timeout_s=timeout,
        restart=restart,
        max_restarts=retries,
        metadata=given.metadata or {},
        serves=bool(services),
        standbys=tuple(given.standbys or ()),
        auto_destroy=bool(given.auto_destroy),
        kept={**(given.model_extra or {}), "services": [service.raw for service in services]},
    )


def config_json(config: MachineConfig, default: MachineConfig, gateway: Gateway) -> dict[str, Any]:
    """The config in Fly's shape. `gateway` says what the topology has for all machines."""
    services = config.kept.get("services", default_services(config, gateway))
    return {
        **config.kept,
        **({"standbys": list(config.standbys)} if config.standbys else {}),
        **({"auto_destroy": True} if config.auto_destroy else {}),
        "image": full_image(config.image),
        "env": dict(config.env),
        "init": _init(config, default),
        "guest": _guest(config),
        "metadata": dict(config.metadata),
        "services": services if config.serves else [],
        "restart": {
            "policy": "no" if config.restart == "never" else config.restart,
            "max_retries": config.max_restarts,
        },
        "stop_config": {
            "signal": config.kill_signal,
            "timeout": f"{round(config.kill_timeout_s * 1000)}ms",
        },
    }


def default_services(config: MachineConfig, gateway: Gateway) -> list[dict[str, Any]]:
    """The service that the topology's gateway is at Fly."""
    load = gateway.concurrency
    service: dict[str, Any] = {
        "protocol": "tcp",
        "internal_port": config.port,
        "ports": [
            {"port": 80, "handlers": ["http"]},
            {"port": 443, "handlers": ["tls", "http"]},
        ],
        "autostop": gateway.auto_stop,
        "autostart": gateway.auto_start,
        "min_machines_running": gateway.min_machines_running,
        "concurrency": {"type": load.type, "soft_limit": load.soft_limit},
        "checks": [_check_json(check, config.port) for check in config.checks],
    }
    if load.hard_limit is not None:
        service["concurrency"]["hard_limit"] = load.hard_limit
    return [service]


def full_image(image: str | None) -> str:
    """An image's name with registry and tag, as Fly has them."""
    ref = image_ref(image)
    return f"{ref['registry']}/{ref['repository']}:{ref['tag']}"


def image_ref(image: str | None) -> dict[str, Any]:
    """An image's name in its parts. There is no digest: nothing was pulled from a registry."""
    name, _, digest = (image or "none").partition("@")
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = REGISTRY, name
    repository, colon, tag = rest.rpartition(":")
    if not colon:
        repository, tag = rest, "latest"
    return {
        "registry": first,
        "repository": repository,
        "tag": tag,
        "digest": digest,
        "labels": {},
    }


def with_metadata(config: MachineConfig, key: str, value: str | None) -> dict[str, str]:
    """The metadata with a key set, or removed."""
    rest = {name: kept for name, kept in config.metadata.items() if name != key}
    return rest if value is None else {**rest, key: value}


def plain_image(image: str) -> str:
    """The image's own name, as the engine knows it."""
    return image.removeprefix(f"{REGISTRY}/")


def _program(
    given: ConfigGiven, default: MachineConfig
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Entrypoint and command; neither given is the image's own, that is the topology's."""
    init = given.init
    if init is None or not (init.exec or init.entrypoint or init.cmd):
        return default.entrypoint, default.command
    if init.exec:
        return tuple(init.exec), ()
    entrypoint = tuple(init.entrypoint) if init.entrypoint else default.entrypoint
    return entrypoint, tuple(init.cmd) if init.cmd else ()


def _init(config: MachineConfig, default: MachineConfig) -> dict[str, Any]:
    if (config.entrypoint, config.command) == (default.entrypoint, default.command):
        return {}
    init = {"entrypoint": config.entrypoint, "cmd": config.command}
    return {key: list(value) for key, value in init.items() if value}


def _size(given: ConfigGiven, default: MachineConfig) -> tuple[int | None, float | None]:
    guest = given.guest
    if guest is None or guest.model_dump() == _guest(default):
        return default.memory_bytes, default.cpus
    return guest.memory_mb << 20, float(guest.cpus)


def _guest(config: MachineConfig) -> dict[str, Any]:
    memory_mb = config.memory_bytes >> 20 if config.memory_bytes else _SMALLEST_MB
    return {"cpu_kind": "shared", "cpus": max(1, round(config.cpus or 1)), "memory_mb": memory_mb}


def _checks(service: ServiceGiven) -> list[Check]:
    for check in service.checks or []:
        if not check.path.startswith("/") or not _HTTP_PATH.fullmatch(check.path):
            raise Refusal(400, f"config.services.checks.path: {check.path!r} is no path")
        if not _METHOD.fullmatch(check.method):
            raise Refusal(400, f"config.services.checks.method: {check.method!r} is no method")
        for header in check.headers or []:
            if not (_METHOD.fullmatch(header.name) and header.values[0].isprintable()):
                raise Refusal(400, f"config.services.checks.headers: {header.name!r} is no header")
    return [
        Check(
            type=check.type,
            path=check.path,
            interval_s=check.interval,
            timeout_s=check.timeout,
            grace_period_s=check.grace_period,
            method=check.method.upper(),
            headers=tuple((header.name, header.values[0]) for header in check.headers or []),
        )
        for check in service.checks or []
    ]


def _check_json(check: Check, port: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": check.type,
        "port": port,
        "interval": f"{round(check.interval_s * 1000)}ms",
        "timeout": f"{round(check.timeout_s * 1000)}ms",
        "grace_period": f"{round(check.grace_period_s * 1000)}ms",
    }
    if check.type == "tcp":
        return shown
    headers = [{"name": name, "values": [value]} for name, value in check.headers]
    shown |= {"method": check.method, "path": check.path}
    return {**shown, "headers": headers} if headers else shown
