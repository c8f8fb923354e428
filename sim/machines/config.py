"""What a machine runs, and how it is checked and stopped: the topology's gateway, unless told."""

from __future__ import annotations

import signal as signals
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.machines.stopping import StopOrder
from sim.topology.model import Check, RestartPolicy, Topology

# Without `fly_platform_version: v2` flyctl takes a machine for unmanaged, and hides it.
MANAGED: Mapping[str, str] = {
    "fly_platform_version": "v2",
    "fly_process_group": "app",
    "fly_release_id": "1",
    "fly_release_version": "1",
}
MAX_RESTARTS = 10  # Fly's own default


@dataclass(frozen=True)
class MachineConfig:
    """One version of a machine. A machine that is given another config becomes a new version.

    `entrypoint` and `command` replace the image's own; the process runtime runs the one and the
    other, and has no others. `env` is all that the machine is given besides secrets and what Fly
    sets. `serves`: it has a service, so that edges send it traffic. `standbys` are the machines, by
    id, for which it starts once their host is lost. With `auto_destroy` it is gone for good once it
    has ended. `kept` is what a client of the Machines API said that is only given back.
    """

    image: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = 8080
    checks: tuple[Check, ...] = ()
    memory_bytes: int | None = None
    cpus: float | None = None
    kill_signal: str = "SIGINT"
    kill_timeout_s: float = 5.0
    restart: RestartPolicy = "never"
    max_restarts: int = MAX_RESTARTS
    metadata: Mapping[str, str] = field(default_factory=lambda: dict(MANAGED))
    serves: bool = True
    standbys: tuple[str, ...] = ()
    auto_destroy: bool = False
    kept: Mapping[str, Any] = field(default_factory=dict)

    def stop_order(self, signal: int | None = None, given_s: float | None = None) -> StopOrder:
        """How a run of it is asked to end, unless told otherwise for once."""
        return StopOrder(
            signals.Signals[self.kill_signal] if signal is None else signals.Signals(signal),
            self.kill_timeout_s if given_s is None else given_s,
        )

    @property
    def process_group(self) -> str:
        """Fly's name for machines of one kind."""
        return self.metadata.get("fly_process_group", "app")

    @property
    def managed(self) -> bool:
        """Whether it is one of the app's, which deploys and scaling are about."""
        return self.metadata.get("fly_platform_version") == MANAGED["fly_platform_version"]

    @property
    def release(self) -> str:
        """The number of the release that it is of."""
        return self.metadata.get("fly_release_version", "1")


def config_of(topology: Topology, runtime: str = "process") -> MachineConfig:
    """What the topology says of its machines. A container runs its image's own command."""
    gateway = topology.gateway
    return MachineConfig(
        image=topology.image,
        command=gateway.command if runtime == "process" else None,
        env=gateway.env,
        port=gateway.port,
        checks=gateway.checks,
        memory_bytes=gateway.memory_bytes,
        cpus=gateway.cpus,
        kill_signal=gateway.kill_signal,
        kill_timeout_s=gateway.kill_timeout_s,
        restart=gateway.restart,
        max_restarts=gateway.max_restarts,
        metadata={**MANAGED, "fly_process_group": topology.group},
    )
