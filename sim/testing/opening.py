"""Bringing a world up for tests, and down again, with `with` or with `async with`."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from sim.control.verbs import Control
from sim.errors import InputError, Problem
from sim.lens.choice import clock_named
from sim.machines.runtime import runtime_named
from sim.secrets import load_secrets
from sim.testing.portal import Portal
from sim.testing.sim_world import SimWorld
from sim.topology.load_topology import load_topology
from sim.world import World

DEFAULT_SEED = 1


class open_world:  # noqa: N801 - used as a function that gives a context, as `open` is
    """A world of a topology's file, up within the block: `with open_world(file) as world`.

    `name` is what reports call it; `journal` a file to keep the journal in. Secrets come from the
    environment. Raises InputError where the topology cannot be used, StartError where something
    does not come up; whatever was started is ended on every path.
    """

    def __init__(
        self,
        topology: str | Path,
        *,
        seed: int = DEFAULT_SEED,
        speed: float = 1.0,
        runtime: str = "process",
        clock: str = "lens",
        name: str | None = None,
        journal: Path | None = None,
    ) -> None:
        self._runtime = runtime_named(runtime)
        self._clock = clock_named(clock)
        if not 0.1 <= speed <= 1000:
            raise InputError(Problem(f"found {speed:g}; must be 0.1 to 1000", field="speed"))
        self._topology = Path(topology)
        self._seed = seed
        self._speed = speed
        self._name = name
        self._journal = journal
        self._portal: Portal
        self._stack: AsyncExitStack

    def __enter__(self) -> SimWorld:
        self._portal = Portal()
        try:
            return self._portal.wait(self._start())
        except BaseException:
            self._portal.close()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._portal.wait(self._stack.aclose())
        finally:
            self._portal.close()

    async def __aenter__(self) -> SimWorld:
        self._portal = Portal()
        try:
            return await self._portal.run(self._start())
        except BaseException:
            self._portal.close()
            raise

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._portal.run(self._stack.aclose())
        finally:
            self._portal.close()

    async def _start(self) -> SimWorld:
        if not self._topology.is_file():
            raise InputError(Problem("there is no such topology", file=str(self._topology)))
        topology = load_topology(self._topology)
        async with AsyncExitStack() as stack:
            journal = self._journal
            if journal is None:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sim-"))
                journal = Path(folder) / "journal.jsonl"
            world = World(
                topology,
                seed=self._seed,
                speed=self._speed,
                secrets=load_secrets(topology.gateway.secrets),
                journal_path=journal,
                runtime=self._runtime,
                clock=self._clock,
            )
            await stack.enter_async_context(world)
            await stack.enter_async_context(Control(world))
            name = self._name or topology.app
            shown = SimWorld(world, self._portal, name, self._topology.parent)
            stack.push_async_callback(shown.end)
            self._stack = stack.pop_all()
        return shown
