"""A load in the background of a test, as a scenario's load is, audited at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from sim.clients.load import Load
from sim.clients.load_spec import LoadSpec
from sim.observe.events import Acked, ConnectFailed, Event
from sim.rng import Rng
from sim.scenario import runner
from sim.scenario.checks.check_spec import some_of
from sim.testing.portal import Portal
from sim.testing.waiting import Watch
from sim.topology.units import format_duration, parse_duration
from sim.world import World


class LoadOwner(Protocol):
    """What a load needs of the test's world."""

    world: World
    portal: Portal
    watch: Watch
    notes: list[str]

    def begin_load(self, section: Mapping[str, Any], asked: LoadSpec) -> Rng:
        """A load begins; its stream of chance."""

    def on_end(self, end: Callable[[], Awaitable[object]]) -> None:
        """Call that before the world ends."""


class RunningLoad:
    """Clients that talk until the `async with` block ends. Then it is found out what is stored."""

    def __init__(self, owner: LoadOwner, section: Mapping[str, Any], asked: LoadSpec) -> None:
        self._owner = owner
        self._section = section
        self._asked = asked
        self._load: Load | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<RunningLoad {self._load or 'not begun'}>"

    async def __aenter__(self) -> Self:
        await self._owner.portal.run(self._begin())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._owner.portal.run(self.finish())

    @property
    def clients(self) -> list[str]:
        """The names of its clients, such as `london/0`."""
        return [client.name for client in self._load.clients] if self._load else []

    async def everyone_served(self, *, within: str = "120s") -> None:
        """Wait until each client was acknowledged something, counted from now.

        Raises TimeoutError after `within` (simulated), with the clients that were not.
        """
        await self._owner.portal.run(self._everyone_served(parse_duration(within)))

    # --- on the world's own loop ---

    async def _begin(self) -> None:
        world = self._owner.world
        rng = self._owner.begin_load(self._section, self._asked)
        self._load = load = runner.make_load(world, self._asked, rng, self._owner.notes.append)
        world.health.align(world.clock.now())
        self._task = asyncio.create_task(load.run())
        self._owner.on_end(self.finish)

    async def finish(self) -> None:
        """End the load and audit it; the second time nothing happens."""
        task, self._task = self._task, None
        if task is None or self._load is None:
            return
        self._load.stop()
        await task
        await runner.audit(self._owner.world, self._load)

    async def _everyone_served(self, within_s: float) -> None:
        missing = set(self.clients)
        reasons: dict[str, str] = {}  # why each could not connect last

        def served(event: Event) -> bool:
            if isinstance(event, Acked):
                missing.discard(event.client)
            elif isinstance(event, ConnectFailed):
                reasons[event.client] = event.reason
            return not missing

        try:
            await self._owner.watch.until(served, within_s)
        except TimeoutError:
            last = next((reasons[name] for name in sorted(missing) if name in reasons), None)
            raise TimeoutError(
                f"{len(missing)} of {len(self.clients)} clients were not served within"
                f" {format_duration(within_s)}: {some_of(sorted(missing))}"
                + (f" (last answer: {last})" if last else "")
            ) from None
