"""The services of a first topology: the world's PostgreSQL, and what a compose file has besides.

A service that could not run here (its program is not installed, or not known) is written as a
comment: what is written is to run as it is.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

from sim.init.facts import Part
from sim.init.repository import Repository

# The commands of well-known images, as a process of this machine.
_COMMANDS = {
    "redis": ("redis-server", "--port", "$PORT", "--bind", "$HOST"),
    "valkey": ("valkey-server", "--port", "$PORT", "--bind", "$HOST"),
    "memcached": ("memcached", "--port=$PORT", "--listen=$HOST"),
    "nats": ("nats-server", "--port", "$PORT", "--addr", "$HOST"),
}


def services_section(found: Repository, region: str, *, database: bool) -> str:
    """The section; `database` is whether the gateway uses the world's."""
    line = f"database: {{kind: postgres, region: {region}}}    # a PostgreSQL of its own"
    said = f", for {first.by}" if (first := found.first("database")) else ""
    parts = {name: _lines(part) for name, part in found.parts.items()}
    if not database and not any(_runs_here(part) for part in found.parts.values()):
        told = ["# Nothing here uses a database. With one, machines get DATABASE_URL:"]
        told += ["# services:", f"#   {line}"]
    else:
        told = ["services:", f"  {line}{said}; or url: of yours" if database else f"  # {line}"]
    for name, lines in parts.items():
        mark = "  " if _runs_here(found.parts[name]) else "#   "
        told += [f"{mark}{line}" for line in (f"{name}:", *lines)]
    return "\n".join(told) + "\n"


def service_notes(found: Repository) -> Iterator[str]:
    """What is said of each of the others."""
    for name, part in found.parts.items():
        command = _command(part)
        if _runs_here(part):
            yield f"service    {name}: {command[0]}; with --runtime docker {part.image}"
            continue
        remedy = f"install {command[0]}" if command else "give it a command that runs it"
        yield f"note: the service `{name}` ({part.image}) is written as a comment: {remedy}"


def _lines(part: Part) -> list[str]:
    command = _command(part) or ("…",)
    env = ", ".join(f"{name}: {json.dumps(value)}" for name, value in part.env.items())
    return [
        f"  command: {json.dumps(list(command), ensure_ascii=False)}",
        f"  image: {part.image}",
        f"  port: {part.port}",
        *([f"  env: {{{env}}}    # $HOST and $PORT: the region's link to it"] if env else []),
    ]


def _command(part: Part) -> tuple[str, ...]:
    """How it is run here, or nothing where that is not known."""
    name = re.split(r"[:@]", part.image.rpartition("/")[2])[0]
    return _COMMANDS.get(name, ())


def _runs_here(part: Part) -> bool:
    command = _command(part)
    return bool(command) and shutil.which(command[0]) is not None
