"""The embedded default runtime: each machine is a command of this host, in its own session.

A machine's environment is what Fly would give it, plus these of the simulator's own, without
which ordinary programs do not run; nothing else of the caller's environment gets in, because
nothing else would be there in Fly: PATH, HOME, USER, LANG, LC_*, TZ, TMPDIR, VIRTUAL_ENV,
PYTHONPATH, LD_LIBRARY_PATH, SSL_*. And PYTHONUNBUFFERED, unless the topology sets it: a machine
that is killed must not take its last words along.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal as signals
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim import trust
from sim.clock import Clock
from sim.errors import InputError, StartError
from sim.lens.lens import Lens, failed, read_notes, uncovered
from sim.machines import lost_host
from sim.machines.health import Result
from sim.machines.inside import execute, processes
from sim.machines.own_names import own_names
from sim.machines.probe import probe
from sim.machines.runtime import Executed, MachineSpec, Overseer, ProcessRow, RealPath
from sim.processes import namespace
from sim.processes.child import Child, tail
from sim.processes.exit import Exit
from sim.processes.proc import Handling, handling_of
from sim.secrets import NO_SECRETS, Redactor
from sim.topology.addresses import AddressPlan, Endpoint, private_address
from sim.topology.model import Check

_INHERITED = (
    *("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"),
    *("VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH"),
)
_INHERITED_PREFIXES = ("LC_", "SSL_")
# No two machines of this host have both of these in common.
_IDENTITY = ("SIM_WORLD", "FLY_MACHINE_ID")


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that machines are given too."""
    return {
        name: value
        for name, value in environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }


@dataclass(frozen=True)
class View:
    """How a machine sees time: through which lens, and who is to know what that noted."""

    lens: Lens
    notes: Path
    spec: MachineSpec
    overseer: Overseer | None

    def over(self) -> None:
        """The machine has ended: tell what the lens noted, before anybody asks why it ended."""
        if self.overseer is None:
            return
        told, supervised = read_notes(self.notes)
        for seen in uncovered(told):
            self.overseer.real_time(self.spec, seen)
        if not supervised:
            why = "could not do its work" if failed(told) else "was killed"
            reason = f"its supervisor {why}, and the machine died with it"
            self.overseer.part_failed(f"lens of {self.spec.region}", reason)


class ProcessInstance:
    """One run of a machine: a main process, and all that descends from it.

    Signals go to the main process, as Fly's init sends them: what it started is its own to end.
    With its end the rest is killed, as a machine's memory goes with it. A frozen one cannot drain.
    """

    def __init__(
        self,
        child: Child,
        spec: MachineSpec,
        clock: Clock,
        env: Mapping[str, str],
        view: View | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> None:
        self._view = view
        self._files = files
        self._child = child
        self._spec = spec
        self._clock = clock
        self._env = env
        self._host_is_silent = False

    def __repr__(self) -> str:
        return f"<ProcessInstance {self._child!r}>"

    @property
    def pid(self) -> int:
        """The process id of the main process."""
        return self._child.pid

    @property
    def host_pid(self) -> int | None:
        """The same."""
        return self.pid

    async def exited(self) -> Exit:
        """Wait for the end of the main process; what is left of the machine is killed then."""
        end = await self._child.exited()
        view, self._view = self._view, None
        if view:
            view.over()
        return end

    async def terminate(self, number: int) -> None:
        """The signal to the main process; the rest of it is the main process's to end."""
        self._child.send(number)

    async def kill(self) -> Exit:
        """SIGKILL to all of it."""
        return await self._child.kill()

    async def freeze(self, *, host: bool = False) -> None:
        """SIGSTOP to all of it."""
        self._child.send_all(signals.SIGSTOP)
        if host:
            try:
                lost_host.silence(self.pid)
                self._host_is_silent = True
            except InputError:
                await self.thaw()
                raise

    async def thaw(self) -> None:
        """SIGCONT to all of it."""
        if self._host_is_silent:
            self._host_is_silent = False
            lost_host.unsilence(self.pid)
        self._child.send_all(signals.SIGCONT)

    async def disconnect(self) -> None:
        """Raises InputError: its network is this host's."""
        raise InputError(
            "a process cannot be cut off: its network is this host's. Use `partition` on the"
            " region's links, `freeze` or `blind`, or run containers (--runtime docker)"
        )

    async def reconnect(self) -> None:
        """Nothing: it is never cut off."""

    async def tail(self, lines: int) -> list[str]:
        """The last lines of its output."""
        return tail(self._spec.log_path, lines)

    async def signal(self, number: int) -> None:
        """The signal to the main process."""
        self._child.send(number)

    async def handling(self) -> Handling | None:
        """As /proc has it."""
        return handling_of(self.pid)

    async def execute(self, argv: Sequence[str], stdin: str, timeout_real_s: float) -> Executed:
        """Run a command as the machine sees the world: its environment, its folder, its time."""
        if self._view and shutil.which(argv[0], path=self._env.get("PATH")):
            argv = self._view.lens.through(argv)
        return await execute(
            namespace.wrapped(self._files, argv) if self._files else argv,
            env=self._env,
            folder=self._spec.folder,
            stdin=stdin,
            timeout_real_s=timeout_real_s,
            clock=self._clock,
        )

    async def processes(self) -> list[ProcessRow]:
        """The session's processes."""
        return processes(self.pid)


class ProcessRuntime:
    """Runs machines as processes. `environ` is the simulator's own environment.

    `redact` is applied to each line that a machine prints, before it is written to its log. Through
    `lens` machines see the world's time.
    """

    name = "process"

    def __init__(
        self,
        clock: Clock,
        plan: AddressPlan,
        environ: Mapping[str, str] | None = None,
        redact: Redactor = NO_SECRETS,
        lens: Lens | None = None,
    ) -> None:
        self._clock = clock
        self._plan = plan
        self._redact = redact
        self._lens = lens
        self._overseer: Overseer | None = None
        self._named = False
        self._base = {
            "PYTHONUNBUFFERED": "1",
            **inherited(os.environ if environ is None else environ),
        }

    def oversee(self, overseer: Overseer) -> None:
        """Tell this one what the lens cannot show, and of a lens that failed."""
        self._overseer = overseer

    async def open(self) -> None:
        """Find out whether processes can have names of their own here."""
        self._named = await asyncio.to_thread(namespace.obstacle) is None

    async def close(self) -> None:
        """Nothing was made."""

    def ending(self) -> None:
        """Nothing is left of a process."""

    async def probe(self, check: Check, endpoint: Endpoint, clock: Clock) -> Result:
        """Run a health check of a machine once."""
        return await probe(check, endpoint, clock)

    async def has_image(self, image: str) -> bool:
        """An image is but a name here, which a machine is told."""
        return bool(image)

    def port_inside(self, spec: MachineSpec) -> int:
        """That of its endpoint: a process has no network of its own."""
        return spec.endpoint.port

    def private_host(self, spec: MachineSpec) -> str:
        """Its address on loopback, which all processes share, as IPv6."""
        return private_address(spec.endpoint.host)

    def nameserver_host(self, region: str) -> str:
        """The region's own address on loopback."""
        return self._plan.internal_nameserver(region)

    def door(self, region: str, port: int) -> Endpoint:
        """The region's own address on loopback."""
        return Endpoint(self._plan.door(region), port)

    async def reach(self) -> Sequence[RealPath]:
        """All of them run on this host."""
        return ()

    async def start(self, spec: MachineSpec) -> ProcessInstance:
        """Run the machine's command in its folder. Raises StartError where there is none."""
        trusting = trust.trusting(spec.authorities) if spec.authorities else {}
        env = {**self._base, **trusting, **spec.env}
        argv = _resolve(spec, env.get("PATH", os.defpath))
        spec.log_path.parent.mkdir(parents=True, exist_ok=True)
        notes = spec.log_path.with_suffix(".lens")
        notes.unlink(missing_ok=True)
        files = own_names(spec) if self._named else {}
        try:
            seen = self._lens.through(argv, notes) if self._lens else argv
            child = Child(
                namespace.wrapped(files, seen) if files else seen,
                env=env,
                output=spec.log_path,
                folder=spec.folder,
                redact=self._redact,
                marks=_IDENTITY,
            )
        except OSError as error:
            raise StartError(f"cannot run {argv[0]} in {spec.folder}: {error.strerror}") from error
        return ProcessInstance(child, spec, self._clock, env, self._view(spec, notes), files)

    def _view(self, spec: MachineSpec, notes: Path) -> View | None:
        return View(self._lens, notes, spec, self._overseer) if self._lens else None


def _resolve(spec: MachineSpec, path: str) -> list[str]:
    argv = (*(spec.entrypoint or ()), *(spec.command or ()))
    if not argv:
        raise StartError(
            "gateway.command is missing: the process runtime needs a command to run"
            " (or use --runtime docker with gateway.image)"
        )
    return program_of(argv, spec.folder, path, "gateway.command")


def program_of(command: Sequence[str], folder: Path, path: str, field: str) -> list[str]:
    """A topology's command with its program found. A name with a slash is relative to the folder.

    `python` is the interpreter that runs us. Raises StartError, which names the field.
    """
    program, *arguments = command
    if program == "python":
        return [sys.executable, *arguments]
    if "/" in program:
        found = shutil.which(str(folder / program))  # of a Path it gives a Path
        where = os.path.normpath(folder / program)
        looked = f"{where} is not there or not executable; build it, or correct the path"
    else:
        found = shutil.which(program, path=path)
        looked = "it is in no folder of PATH; install it, or write its path"
    if found is None:
        raise StartError(f"{field}: no program {program!r}: {looked}")
    return [found, *arguments]
