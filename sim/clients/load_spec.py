"""What load a scenario asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from sim.clients.backoff import BackoffSpec
from sim.clients.http_declaration import InData

Personality = Literal[
    "strict", "browser", "jvm", "pinned", "serve_stale", "stale_first", "happy_eyeballs"
]
PERSONALITIES: tuple[Personality, ...] = get_args(Personality)


BUILT_IN_DRIVERS: Mapping[str, str] = {
    "session": "sim.clients.drivers.session:Session",
    "echo": "sim.clients.drivers.echo:Echo",
    "http": "sim.clients.drivers.http:Http",
}


@dataclass(frozen=True)
class LoadSpec:
    """Who talks to the gateway, how often, and how patiently. Seconds are simulated.

    `driver` is a built-in name, `package.module:Class`, or a declared one; `resolver`
    maps DNS personalities to their shares; a message or connection
    attempt that is unanswered after `timeout_s` is given up; `backoff` is the wait before a
    reconnect. `folder`, the scenario's, is where modules of drivers are looked for first.
    """

    driver: str | InData = "session"
    clients: int = 10
    every_s: float = 1.0
    payload_bytes: int = 320
    resolver: Mapping[Personality, float] = field(default_factory=lambda: {"strict": 1.0})
    timeout_s: float = 5.0
    backoff: BackoffSpec = field(default_factory=BackoffSpec)
    folder: Path = field(default=Path(), compare=False)
