"""One run of a machine as a container, from its start until it has exited.

What the other end of a connection sees: a killed container's connections end with FIN or RST from
the engine's port forwarding, and new ones are refused; a paused one's are accepted and hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal as signals
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.clock import Clock
from sim.docker.engine import APIError, Engine, said
from sim.errors import StartError
from sim.lens.lens import Lens
from sim.machines import lost_host
from sim.machines.docker import container_inside
from sim.machines.docker.container_lens import before
from sim.machines.docker.container_log import ContainerLog
from sim.machines.runtime import Executed, MachineSpec, ProcessRow
from sim.processes.child import tail
from sim.processes.exit import Exit
from sim.processes.proc import Handling, in_cgroup

_LAST_WORDS_REAL_S = 2.0


@dataclass(frozen=True)
class ContainerAddress:
    """A container, and where it is: its network's name, and its address there."""

    container: str
    network: str
    address: str


class DockerInstance:
    """A container that runs. A paused one cannot drain: it is killed in time."""

    def __init__(
        self,
        engine: Engine,
        place: ContainerAddress,
        spec: MachineSpec,
        clock: Clock,
        log: ContainerLog,
        lens: Lens | None = None,
    ) -> None:
        self.place = place
        self.container = place.container
        self.spec = spec
        self.host_pid: int | None = None
        self.paused_by_us = False
        self.cut_off = False  # as far as is known, whoever did it
        self.ending = False  # it was asked to end, or is being killed
        self._lost = False
        self._ended_ms: float | None = None
        self._engine = engine
        self._clock = clock
        self._log = log
        self._lens = lens
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._paused = False

    def __repr__(self) -> str:
        state = self._exit.result() if self._exit.done() else "running"
        return f"<DockerInstance {self.container[:12]} {state}>"

    async def started(self) -> None:
        """Find its first process among this host's, where the engine runs on this host."""
        with contextlib.suppress(APIError, StartError):
            found = await self._engine.call("inspect_container", self.container)
            pid = int(found["State"]["Pid"])
            self.host_pid = pid if in_cgroup(pid, self.container) else None

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""
        return not self._exit.done()

    async def ended(self, state: Mapping[str, Any]) -> None:
        """The engine says that it ended, in this state: take in its last words, then tell."""
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(_LAST_WORDS_REAL_S * self._clock.speed):
                await self._log.ended()
        self._end(exit_of(state))

    def lately(self, within_real_s: float) -> bool:
        """Whether it runs, or has ended by itself since."""
        if self._ended_ms is None or self.ending:
            return self.running
        return self._clock.real_ms() - self._ended_ms < within_real_s * 1000

    def lost(self) -> None:
        """Its engine is gone: nobody can ask there any more, and a kill finds it dead."""
        self._lost = True

    def paused(self, *, now: bool) -> None:
        """The engine says that it is paused, or no longer."""
        self._paused = now

    async def exited(self) -> Exit:
        """Wait until it is gone."""
        return await asyncio.shield(self._exit)

    async def terminate(self, number: int) -> None:
        """The signal to the container's init, which hands it to the main process alone."""
        self.ending = True
        await self.signal(number)

    async def kill(self) -> Exit:
        """SIGKILL to all of the container."""
        self.ending = True
        if self._lost:
            self._end(Exit(None, signal=signals.SIGKILL))
        if self.running and self._paused:
            await self.thaw()  # no signal reaches a paused container
        await self._send("SIGKILL")
        return await self.exited()

    async def freeze(self, *, host: bool = False) -> None:
        """Pause it: the kernel still accepts connections, nothing answers.

        Its port is published by the engine, which would go on accepting where its `host` is lost.
        """
        if host:
            lost_host.silence(None)
        self.paused_by_us = self._paused = True
        await self._engine.call("pause", self.container)

    async def thaw(self) -> None:
        """Let a paused one go on."""
        self.paused_by_us = self._paused = False
        with contextlib.suppress(APIError):  # it may not be paused any more, or be gone
            await self._engine.call("unpause", self.container)

    async def disconnect(self) -> None:
        """Take it out of its network. Raises StartError with what the engine said."""
        await self._move("disconnect_container_from_network", cut_off=True)

    async def reconnect(self) -> None:
        """Put it back, at its address. Raises StartError with what the engine said."""
        await self._move(
            "connect_container_to_network", cut_off=False, ipv4_address=self.place.address
        )

    async def _move(self, method: str, *, cut_off: bool, **options: Any) -> None:
        before, self.cut_off = self.cut_off, cut_off
        try:
            await self._engine.call(method, self.container, self.place.network, **options)
        except APIError as error:
            self.cut_off = before
            raise StartError(f"the network of {self.spec.region}: {said(error)}") from error

    async def tail(self, lines: int) -> list[str]:
        """The last lines of its output."""
        return tail(self.spec.log_path, lines)

    async def signal(self, number: int) -> None:
        """The signal to the container's init, which hands it to the main process alone."""
        await self._send(signals.Signals(number).name)

    async def handling(self) -> Handling | None:
        """As this host's /proc has it, where the engine runs on this host."""
        try:
            found = await self._engine.call("inspect_container", self.container)
        except (APIError, StartError):
            return None
        return container_inside.handling(int(found["State"]["Pid"]), self.container)

    async def execute(self, argv: Sequence[str], stdin: str, timeout_real_s: float) -> Executed:
        """Run a command in the container; it gets no input there. Raises StartError."""
        if stdin:
            raise StartError("a command in a container gets no standard input here")
        if self._lens:
            argv = before(self._lens, list(argv))
        try:
            async with self._clock.timeout(timeout_real_s * self._clock.speed):
                done: Executed = await self._engine.run(
                    container_inside.execute, self._engine, self.container, argv
                )
                return done
        except TimeoutError:
            return Executed(None, "", "")
        except APIError as error:
            raise StartError(f"cannot run {argv[0]}: {said(error)}") from error

    async def processes(self) -> list[ProcessRow]:
        """What the engine lists of the container."""
        try:
            return list(
                await self._engine.run(container_inside.processes, self._engine, self.container)
            )
        except APIError as error:
            raise StartError(f"cannot list the processes: {said(error)}") from error

    def _end(self, end: Exit) -> None:
        if not self._exit.done():
            self._ended_ms = self._clock.real_ms()
            self._exit.set_result(end)

    async def _send(self, name: str) -> None:
        if self.running:
            try:
                await self._engine.call("kill", self.container, name)
            except APIError:
                pass  # it has ended meanwhile
            except StartError:
                if not self._lost:
                    raise


def exit_of(state: Mapping[str, Any]) -> Exit:
    """How a container ended. Shells and engines write the end by signal n as the code 128 + n."""
    code = int(state.get("ExitCode", 0))
    oom = bool(state.get("OOMKilled"))
    if 128 < code < 160 and code - 128 in set(signals.Signals):
        return Exit(None, signal=code - 128, oom=oom)
    return Exit(code, oom=oom)
