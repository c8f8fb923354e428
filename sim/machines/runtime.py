"""What makes machines: the protocol that every runtime keeps, and what it is told and tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from sim.clock import Clock
from sim.errors import InputError, Problem
from sim.lens.lens import Uncovered
from sim.machines.health import Result
from sim.processes.exit import Exit
from sim.processes.proc import Handling
from sim.suggestions import suggest
from sim.topology.addresses import Endpoint
from sim.topology.model import Check

RuntimeName = Literal["process", "docker"]
RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)


def runtime_named(name: str) -> RuntimeName:
    """The runtime of that name. Raises InputError where there is none."""
    for known in RUNTIMES:
        if name == known:
            return known
    raise InputError(Problem(f"unknown runtime `{name}`{suggest(name, RUNTIMES)}", field="runtime"))


@dataclass(frozen=True)
class MachineSpec:
    """All that a runtime needs to start one machine.

    `env` holds secrets, so it is not shown. `endpoint` is where the machine must be reachable on
    this host; a process finds it in its PORT and HOST. A container listens on `port`, in an
    address of its own. `instance_id` is the machine's version. `authorities` is a file (PEM) of
    whom it is to trust; a container gets a copy.
    """

    id: str
    region: str
    command: tuple[str, ...] | None
    image: str | None
    env: Mapping[str, str] = field(repr=False)
    endpoint: Endpoint
    folder: Path
    log_path: Path
    port: int = 8080
    memory_bytes: int | None = None
    cpus: float | None = None
    instance_id: str = ""
    entrypoint: tuple[str, ...] | None = None
    authorities: Path | None = None


@dataclass(frozen=True)
class Executed:
    """How a command ended that was run in a machine; None when it was ended at its time limit."""

    exit_code: int | None
    stdout: str
    stderr: str


@dataclass(frozen=True)
class ProcessRow:
    """A process of a machine. Times are real seconds: of the CPU, and since it started."""

    pid: int
    command: str
    directory: str
    cpu_s: float
    age_s: float
    rss_bytes: int


class Instance(Protocol):
    """One run of a machine, from its start until it has exited."""

    @property
    def host_pid(self) -> int | None:
        """Its main process among this host's, where that is known."""

    async def exited(self) -> Exit:
        """Wait until it is gone, and say how it ended."""

    async def terminate(self, number: int) -> None:
        """Ask it to end: its main process alone gets the signal."""

    async def kill(self) -> Exit:
        """End it at once (SIGKILL)."""

    async def freeze(self, *, host: bool = False) -> None:
        """Let it do nothing more: its sockets accept, nothing answers.

        With its `host` nothing is accepted or acknowledged either; raises InputError where that
        cannot be done, and then it goes on.
        """

    async def thaw(self) -> None:
        """Let a frozen one go on."""

    async def disconnect(self) -> None:
        """Cut it off from every network, both ways. Raises InputError where that cannot be done."""

    async def reconnect(self) -> None:
        """Put one that was cut off back where it was."""

    async def tail(self, lines: int) -> list[str]:
        """The last lines of its output."""

    async def signal(self, number: int) -> None:
        """Send its main process a signal."""

    async def handling(self) -> Handling | None:
        """How its main process takes signals now; None where that cannot be seen."""

    async def execute(self, argv: Sequence[str], stdin: str, timeout_real_s: float) -> Executed:
        """Run a command as the machine would: its environment, its folder."""

    async def processes(self) -> list[ProcessRow]:
        """What runs in it."""


@dataclass(frozen=True)
class RealPath:
    """The way from here to another host, on which some regions' machines run.

    Both times are real. Its clock is ahead of ours by so much, give or take `within_ms`.
    """

    host: str
    regions: tuple[str, ...]
    rtt_ms: float
    clock_ahead_ms: float
    within_ms: float


class Overseer(Protocol):
    """Who wants to know what befell machines without having been asked for."""

    def befell(
        self,
        machine_id: str,
        what: str,
        *,
        frozen: bool | None = None,
        cut_off: bool | None = None,
    ) -> None:
        """Something happened to a machine that goes on; the flags are of what it changed."""

    async def returned(self, machine_id: str, instance: Instance) -> None:
        """A machine that had ended was started by somebody else."""

    async def host_lost(
        self, host: str, machine_ids: Sequence[str], reason: str, unheard_s: float
    ) -> None:
        """A host is gone, and with it these machines; returns when they are journaled as that.

        For so many simulated seconds nothing was heard of it. A kill of a machine finds it dead.
        """

    def part_failed(self, part: str, reason: str) -> None:
        """Something that machines depend on is gone."""

    def real_time(self, spec: MachineSpec, seen: Uncovered) -> None:
        """A machine uses time that it cannot be shown as the world's."""


class Runtime(Protocol):
    """A way to run machines."""

    @property
    def name(self) -> str:
        """What `--runtime` calls it."""

    async def start(self, spec: MachineSpec) -> Instance:
        """Run a machine. Returns once it runs, not once it serves. Raises StartError."""

    def port_inside(self, spec: MachineSpec) -> int:
        """The port at which the machine's program has to listen."""

    def ending(self) -> None:
        """The world ends: no machine starts again, so what is left of one may go with it."""


class WorldRuntime(Runtime, Protocol):
    """A world's runtime: what differs between runtimes beside the machines is answered here."""

    async def reach(self) -> Sequence[RealPath]:
        """Find the other hosts that machines run on; before links are opened, and before `open`.

        Raises EnvironmentLacksError, with the remedy.
        """

    async def open(self) -> None:
        """Make ready to start machines; before anything else but `reach` is asked.

        Raises EnvironmentLacksError, InputError or StartError, with the remedy.
        """

    async def close(self) -> None:
        """Remove what was made for the machines. Safe to call again, or before `open`."""

    def oversee(self, overseer: Overseer) -> None:
        """Tell this one from now on."""

    async def probe(self, check: Check, endpoint: Endpoint, clock: Clock) -> Result:
        """Run a health check of a machine once."""

    async def has_image(self, image: str) -> bool:
        """Whether machines could be of that image."""

    def private_host(self, spec: MachineSpec) -> str:
        """The address at which a machine's siblings reach it."""

    def nameserver_host(self, region: str) -> str:
        """The address of this host at which a region's machines ask for names."""

    def door(self, region: str, port: int) -> Endpoint:
        """Where on this host a region's machines reach a link to a service, at that port if free.

        The same each time.
        """
