"""What a deploy is asked to bring, and what it makes of a machine's config. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sim.machines.config import MachineConfig
from sim.topology.model import Strategy


@dataclass(frozen=True)
class Order:
    """A deploy as somebody asks for it: to `machines` (ids), or to all.

    What is not said is as the release before had it; `env` is added to that.
    """

    machines: tuple[str, ...] | None = None
    strategy: Strategy | None = None
    image: str | None = None
    command: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def to_all(self) -> bool:
        """Whether every machine of the app gets it, so that it is what new ones get, too."""
        return self.machines is None


def released(current: MachineConfig, order: Order, number: int) -> MachineConfig:
    """The config of a release: the current one's, and what was asked for."""
    return replace(
        current,
        image=order.image or current.image,
        command=order.command or current.command,
        env={**current.env, **order.env},
        metadata={**current.metadata, **_of(str(number))},
    )


def brought(machine: MachineConfig, release: MachineConfig) -> MachineConfig:
    """A machine's config with a release: what is the machine's own stays.

    Another process group than the release's keeps its command, its checks and its service.
    """
    same = machine.process_group == release.process_group
    return replace(
        machine,
        image=release.image,
        env=release.env,
        command=release.command if same else machine.command,
        checks=release.checks if same else machine.checks,
        metadata={**machine.metadata, **_of(release.release)},
    )


def _of(number: str) -> dict[str, str]:
    return {"fly_release_id": number, "fly_release_version": number}
