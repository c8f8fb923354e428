"""What a compose file says: which service is the gateway, which the database, which the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from sim.init.command_lines import command_of_line, listening
from sim.init.dockerfile import path_asked
from sim.init.facts import Build, Facts, Part
from sim.init.sources import label

_DATABASE = re.compile(
    r"(?:.*/)?(?:postgres|postgis|timescaledb|pgvector|supabase)[\w.-]*(?::.*)?$"
)
# The port that a well-known image listens on, where the file publishes none.
_PORTS = {
    "redis": 6379,
    "valkey": 6379,
    "memcached": 11211,
    "nats": 4222,
    "rabbitmq": 5672,
    "mongo": 27017,
    "mysql": 3306,
    "mariadb": 3306,
    "kafka": 9092,
    "elasticsearch": 9200,
}
_IN_A_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")
_REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)(?::?[-?+]([^}]*))?\}?")


def read_compose(text: str) -> Facts:
    """The gateway is the service that is built, else the first one that nobody knows by name."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        return Facts(notes=("the compose file is not YAML, and was passed over",))
    services = data.get("services") if isinstance(data, dict) else None
    services = services if isinstance(services, dict) else {}
    services = {name: one for name, one in services.items() if isinstance(one, dict)}
    name = _gateway(services)
    if name is None:
        return Facts()
    own = services[name]
    databases = [other for other, one in services.items() if _is_database(one)]
    env, needs = _environment(own.get("environment"))
    parts, left = _parts(services, {name, *databases}, env)
    told, database = _without_database(env, databases)
    leading = {key for part in parts.values() for key in part.env}
    return Facts(
        app=label(str(name)),
        command=_command(own),
        image=str(own["image"]) if "image" in own and "build" not in own else None,
        build=_build(own.get("build")),
        port=_port(own),
        check=_check(own.get("healthcheck")),
        env={key: value for key, value in told.items() if key not in {"PORT", "HOST", *leading}},
        needs=needs,
        database=databases[0] if databases else None,
        parts=parts,
        notes=(*database, *left),
    )


def _gateway(services: Mapping[str, Any]) -> str | None:
    built = [name for name, one in services.items() if "build" in one]
    unknown = [n for n, one in services.items() if not _is_database(one) and not _known(one)]
    candidates = built or unknown
    published = [name for name in candidates if services[name].get("ports")]
    return next(iter([*published, *candidates]), None)


def _is_database(service: Mapping[str, Any]) -> bool:
    return _DATABASE.match(str(service.get("image", ""))) is not None


def _known(service: Mapping[str, Any]) -> int | None:
    """The port of a well-known image."""
    name = str(service.get("image", "")).rpartition("/")[2].partition(":")[0]
    return _PORTS.get(name)


def _command(service: Mapping[str, Any]) -> tuple[str, ...]:
    entrypoint, command = (_words(service.get(key)) for key in ("entrypoint", "command"))
    return listening((*entrypoint, *command)) if entrypoint else command


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return listening(tuple(str(word) for word in value))
    return command_of_line(value) if isinstance(value, str) else ()


def _build(value: object) -> Build | None:
    """A folder, or a mapping; arguments that are the environment's have their defaults."""
    if isinstance(value, str):
        return Build(_plain(value))
    if not isinstance(value, dict):
        return None
    args, _ = _environment(value.get("args"))
    context, dockerfile = (
        str(value.get(k) or d) for k, d in (("context", "."), ("dockerfile", ""))
    )
    return Build(_plain(context), dockerfile or "Dockerfile", args)


def _plain(folder: str) -> str:
    return folder.removeprefix("./").rstrip("/") or "."


def _port(service: Mapping[str, Any]) -> int | None:
    """The container's side of the first port that is published, or exposed."""
    ports = service.get("ports") or service.get("expose")
    for port in ports if isinstance(ports, list) else []:
        target = port.get("target") if isinstance(port, dict) else str(port).rpartition(":")[2]
        if match := re.match(r"\d+", str(target)):
            return int(match[0])
    return None


def _check(healthcheck: object) -> str | None:
    test = healthcheck.get("test") if isinstance(healthcheck, dict) else None
    return path_asked(" ".join(map(str, test)) if isinstance(test, list) else str(test or ""))


def _environment(value: object) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables, and the names of those whose value is the user's own environment's."""
    if isinstance(value, list):
        pairs: list[tuple[str, object]] = []
        for item in value:
            name, equals, text = str(item).partition("=")
            pairs.append((name, text if equals else None))
    else:
        pairs = list(value.items()) if isinstance(value, dict) else []
    env, needs = {}, []
    for name, given in pairs:
        text = str(given).lower() if isinstance(given, bool) else str(given)
        missing = [n for n, default in _REFERENCE.findall(text) if not default]
        if given is None or missing:
            needs.append(str(name))
        else:
            env[str(name)] = _REFERENCE.sub(lambda match: match[2] or "", text)
    return env, tuple(needs)


def _without_database(
    env: Mapping[str, str], databases: list[str]
) -> tuple[dict[str, str], list[str]]:
    """The rest of the environment: the world's database is told of by DATABASE_URL."""
    if not databases:
        return dict(env), []
    mine = {
        name
        for name, value in env.items()
        if _IN_A_URL.match(value) or value in databases or re.match(r"PG[A-Z]+$|POSTGRES_", name)
    }
    others = sorted(mine - {"DATABASE_URL"})
    notes = [
        f"{', '.join(others)}: the world's database is told of by DATABASE_URL alone; read that"
    ]
    rest = {name: value for name, value in env.items() if name not in mine}
    return rest, notes if others and "DATABASE_URL" not in mine else []


def _parts(
    services: Mapping[str, Any], taken: set[str], env: Mapping[str, str]
) -> tuple[dict[str, Part], list[str]]:
    """The other services, with the gateway's variables that lead to them."""
    parts, notes = {}, []
    for name, one in services.items():
        port = _port(one) or _known(one)
        if name in taken:
            continue
        if "image" not in one or port is None:
            notes.append(f"service `{name}` is left out: it has no image, or no port that is known")
            continue
        parts[name] = Part(str(one["image"]), port, _leading_to(name, port, env))
    return parts, notes


def _leading_to(name: str, port: int, env: Mapping[str, str]) -> dict[str, str]:
    """The variables that name a service, with $HOST and $PORT in the place of its address."""
    found = {}
    address = re.compile(rf"(^|//|@){re.escape(name)}(?::{port})?(?=$|[/?,])")
    for key, value in env.items():
        if address.search(value):
            alone = value == name  # a host without a port, which another variable has
            found[key] = address.sub(r"\1$HOST" + ("" if alone else ":$PORT"), value)
    hosts = [key for key, value in found.items() if value == "$HOST"]
    for key in hosts:
        beside = re.sub(r"HOST(NAME)?$", "PORT", key)
        if beside != key and env.get(beside) == str(port):
            found[beside] = "$PORT"
    return found
