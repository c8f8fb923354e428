"""A service that is a program: run as a machine is, by the world's own runtime."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.clock import Clock
from sim.errors import EnvironmentLacksError, InputError, Problem, StartError
from sim.machines.process import program_of
from sim.machines.runtime import Instance, MachineSpec, WorldRuntime
from sim.processes.child import tail
from sim.processes.exit import Exit
from sim.services.unprivileged import as_user, explain_failure
from sim.topology.addresses import Endpoint
from sim.topology.model import Check, Program
from sim.topology.variables import filled

# Real seconds: a real program's speed does not depend on the simulation's.
_START_REAL_S = 30.0
_STOP_REAL_S = 5.0
_ANSWER_REAL_S = 1.0
_POLL_REAL_S = 0.01


@dataclass(frozen=True)
class Hosting:
    """Where a program runs: by which runtime, listening where, in which folders of this host.

    `folder` is its own, and goes with the world; `beside` is the topology's. `known` is what it is
    told beside its address, from when the services before it are up.
    """

    runtime: WorldRuntime
    clock: Clock
    endpoint: Endpoint
    folder: Path
    beside: Path
    log_path: Path
    known: Callable[[], Mapping[str, str]]
    authorities: Path | None = None


class ServiceProgram:
    """One program at one endpoint, ready once its port accepts connections."""

    own = True
    probe = b""  # what it answers, only its clients know

    def __init__(self, asked: Program, hosting: Hosting) -> None:
        self.name = asked.name
        self.region = asked.region
        self.endpoint = hosting.endpoint
        self._asked = asked
        self._hosting = hosting
        self._instance: Instance | None = None
        self._end: asyncio.Future[Exit] | None = None

    def __repr__(self) -> str:
        return (
            f"<ServiceProgram {self.name} {self.endpoint} {'running' if self.running else 'down'}>"
        )

    @property
    def secrets(self) -> list[str]:
        """Nothing: what it is told of the database is hidden already."""
        return []

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""
        return self._end is not None and not self._end.done()

    @property
    def pid(self) -> int | None:
        """Its main process among this host's, while it runs and where that is known."""
        return self._instance.host_pid if self._instance and self.running else None

    def variables(self, door: Endpoint, known: Mapping[str, str]) -> dict[str, str]:
        """The topology's templates of it, filled in."""
        values = {**known, "HOST": door.host, "PORT": str(door.port)}
        return {name: filled(template, values) for name, template in self._asked.env.items()}

    async def start(self) -> None:
        """Run it, and wait until its port accepts; nothing if it runs.

        Raises InputError or EnvironmentLacksError where it cannot run here, StartError where it did
        not.
        """
        if self.running:
            return
        clock = self._hosting.clock
        spec = await self._spec()
        spec.folder.mkdir(parents=True, exist_ok=True)
        self._instance = await self._hosting.runtime.start(spec)
        self._end = asyncio.ensure_future(self._instance.exited())
        ready = False
        try:
            async with clock.timeout(_START_REAL_S * clock.speed):
                while not (ready := await self._accepts()):
                    await self.ping()
                    await clock.sleep(_POLL_REAL_S * clock.speed)
        except TimeoutError:
            problem = f"accepts no connections at {self.endpoint}"
            raise StartError(self._post_mortem(problem)) from None
        finally:
            if not ready:
                await self._instance.kill()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL to what still runs a while later. Nothing if it is down."""
        if not (self._instance and self._end and self.running):
            return
        clock = self._hosting.clock
        await self._instance.terminate(signal.SIGTERM)
        try:
            async with clock.timeout(_STOP_REAL_S * clock.speed):
                await asyncio.shield(self._end)
        except TimeoutError:
            await self._instance.kill()

    async def ping(self) -> None:
        """Raises StartError, with its last log lines, where it does not run."""
        if self._end and self._end.done():
            said = "\n".join(tail(self._hosting.log_path, 1))
            problem = self._post_mortem(f"has ended ({self._end.result()})")
            raise explain_failure(self.name, said) or StartError(problem)

    async def _accepts(self) -> bool:
        clock = self._hosting.clock
        check = Check("tcp", timeout_s=_ANSWER_REAL_S * clock.speed)
        return (await self._hosting.runtime.probe(check, self.endpoint, clock)).passed

    async def _spec(self) -> MachineSpec:
        """What the runtime is asked for: as a machine, its name for an id."""
        hosting, asked = self._hosting, self._asked
        env = {
            **hosting.known(),
            "HOST": self.endpoint.host,
            "PORT": str(self.endpoint.port),
            "FLY_MACHINE_ID": self.name,
            "FLY_REGION": self.region,
        }
        if hosting.runtime.name == "docker":
            await self._demand_image()
        return MachineSpec(
            id=self.name,
            region=self.region,
            command=self._command(env) if hosting.runtime.name == "process" else None,
            image=asked.image,
            env=env,
            endpoint=self.endpoint,
            folder=hosting.folder,
            log_path=hosting.log_path,
            port=asked.port,
            authorities=hosting.authorities,
        )

    def _command(self, env: Mapping[str, str]) -> tuple[str, ...]:
        """Its command with variables filled in, and files beside the topology found."""
        field = f"services.{self.name}.command"
        if not self._asked.command:
            message = "is missing: the process runtime runs a command (or use --runtime docker)"
            raise InputError(Problem(message, field=field))
        beside, path = self._hosting.beside, os.environ.get("PATH", os.defpath)
        words = [filled(word, env) for word in self._asked.command]
        program, *arguments = program_of(words, beside, path, field)
        found = (str(beside / word) if (beside / word).is_file() else word for word in arguments)
        return (*as_user(), program, *found)

    async def _demand_image(self) -> None:
        image = self._asked.image
        if not image:
            message = "is missing: the docker runtime runs an image (or use --runtime process)"
            raise InputError(Problem(message, field=f"services.{self.name}.image"))
        if not await self._hosting.runtime.has_image(image):
            raise EnvironmentLacksError(
                f"the Docker engine has no image {image!r}", f"`docker pull {image}`"
            )

    def _post_mortem(self, problem: str) -> str:
        words = [f"service {self.name} {problem}; its last log lines:"]
        said = tail(self._hosting.log_path, 20)
        return "\n".join([*words, *(f"  {line}" for line in said)])
