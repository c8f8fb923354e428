"""A running world as tests see it: whatever loop they are on, by the words of scenarios."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from sim.clients.client import Client
from sim.clients.http_declaration import InData
from sim.clients.load_spec import LoadSpec
from sim.clients.vantage import Vantage
from sim.errors import InputError
from sim.observe.events import Event, FaultBegan
from sim.observe.excerpt import excerpt
from sim.observe.history import History
from sim.observe.journal import Record, Records, decode, encode
from sim.report.outcome import Outcome, judge
from sim.rng import Rng
from sim.scenario import runner
from sim.scenario.faults import inflict
from sim.scenario.live import live_expectation, live_fault, live_load
from sim.scenario.load_scenario import load_scenario
from sim.scenario.load_section import MAX_CLIENTS
from sim.testing import targets
from sim.testing.clients import SimClient
from sim.testing.episode import Episode, demand
from sim.testing.expect import Expect
from sim.testing.portal import Portal
from sim.testing.running_load import RunningLoad
from sim.testing.waiting import Watch, settle
from sim.topology.units import parse_duration
from sim.world import World


class SimWorld:
    """A world that is up. Every method may be awaited on any loop, of asyncio or trio.

    Durations are written as in scenarios (`30s`) and are simulated, unless they are of links.
    `notes` has what a person should be told of the loads' drivers.
    """

    def __init__(self, world: World, portal: Portal, name: str, folder: Path) -> None:
        self.world = world
        self.portal = portal
        self.watch = Watch(world.journal, world.clock)
        self.expect = Expect(self._demand)
        self.notes: list[str] = []
        self._folder = folder
        self._changed_s = 0.0
        self._guests = 0
        self._loads = 0
        self._ending = AsyncExitStack()
        self._episode = Episode(name, 0)

    def __repr__(self) -> str:
        return f"<SimWorld {self.world.topology.app}, seed {self.seed}, speed {self.speed:g}>"

    # --- what it is ---

    @property
    def seed(self) -> int:
        """The seed that decides all chance in it."""
        return self.world.seed

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self.world.speed

    @property
    def url(self) -> str:
        """The gateway's public URL, for programs that ask a location's nameserver."""
        return self.world.url

    @property
    def healthy_regions(self) -> frozenset[str]:
        """The regions that are believed to serve."""
        return self.world.steering.healthy_regions

    def led_to(self, location: str) -> tuple[str, ...]:
        """The regions that DNS leads a location to now, the preferred one first."""
        return self.world.resolver.regions(location)

    # --- what is done to it ---

    def region(self, code: str) -> targets.Region:
        """A region: its machines, and the links that end there."""
        return targets.Region(self.fault, "region", code)

    def machine(self, name: str) -> targets.Machine:
        """A machine: `fra/1`, or an id."""
        return targets.Machine(self.fault, "machine", name)

    def link(self, one: str, other: str) -> targets.Link:
        """The link between two places."""
        return targets.Link(self.fault, "link", [one, other])

    def location(self, name: str) -> targets.Location:
        """A location: its nameserver, and the links that begin there."""
        return targets.Location(self.fault, "location", name)

    def service(self, name: str) -> targets.Service:
        """A service, such as `database`."""
        return targets.Service(self.fault, "service", name)

    async def fault(self, fault: str, **entry: Any) -> None:
        """Any fault, as in a scenario's timeline. Raises InputError, or StartError of a boot.

        With `when={"event": "session_ready", "client": "london/3", "nth": 2, "after": "200ms"}` it
        is done once that has happened, counted from now. It is awaited until it is done.
        """
        await self.portal.run(self._fault({"fault": fault, **entry}))

    async def heal(self) -> None:
        """Undo every fault, and boot what is down."""
        await self.fault("heal")

    # --- what is waited for ---

    async def settled(self, within: str | None = None) -> None:
        """Wait until checks have looked at every machine since the last change.

        Then what is believed and what DNS serves follow from the world as it is. Raises
        NotSettledError, which names what has not settled, after `within`; without that, after what
        two runs of each check may take.
        """
        limit_s = None if within is None else parse_duration(within)
        await self.portal.run(settle(self.world, self._changed_s, limit_s))

    async def seen(self, wanted: Callable[[Event], bool], *, within: str = "120s") -> Event:
        """Wait for the next event of the journal that is wanted (see sim.observe.events).

        Raises TimeoutError after `within`.
        """
        try:
            return await self.portal.run(self.watch.until(wanted, parse_duration(within)))
        except TimeoutError:
            raise TimeoutError(f"no such event was seen within {within}") from None

    async def sleep(self, duration: str) -> None:
        """Let simulated time pass."""
        await self.portal.run(self.world.clock.sleep(parse_duration(duration)))

    # --- who talks to it ---

    def client(self, location: str, *, resolver: str = "strict", timeout: str = "5s") -> SimClient:
        """A client in a location, that remembers DNS as `resolver` does.

        Raises InputError for a location or a resolver that there is not.
        """
        topology = self.world.topology
        live_fault({"fault": "heal", "location": location}, topology)
        section = {"resolver": resolver, "timeout": timeout}
        asked = live_load(section, topology, self._folder)
        number = MAX_CLIENTS + self._guests  # no client of a load has such a number
        self._guests += 1
        (personality,) = asked.resolver
        rng = self.world.rng.fork(f"guest {self._guests}")
        context = runner.client_context_of(self.world)
        vantage = Vantage(location, number, personality, context, rng.fork("dns"))
        client = Client(vantage, asked, _Endless(), context, rng)
        made = SimClient(client, context, self.portal)
        self.on_end(vantage.close)
        self.on_end(lambda: made.hang_up("the world ended", expected=True))
        return made

    def load(self, **section: Any) -> RunningLoad:
        """A load with the keys of a scenario's `load:`, for an `async with` block.

        What is expected afterwards is judged by its clients. Raises InputError.
        """
        asked = live_load(section, self.world.topology, self._folder)
        return RunningLoad(self, section, asked)

    async def run(self, scenario: str | Path) -> Outcome:
        """Run a scenario of this world's topology in this world, and judge it.

        A relative path starts at the test's folder. Raises InputError for one of another topology.
        """
        return await self.portal.run(self._run(self._folder / scenario))

    # --- for the plugin and the parts of this package; the loop is the world's own ---

    def begin_test(self, name: str, folder: Path) -> None:
        """What is seen and expected from now on is of this test."""
        self._episode = Episode(name, len(self.world.journal.records))
        self._folder = folder

    def outcome(self) -> Outcome:
        """What the test has shown so far, judged as a scenario is."""
        records, episode = self.world.journal.records.copy(), self._episode
        return judge(self._told(episode.of(records)), episode.name)

    def journal_lines(self) -> list[str]:
        """The journal of the test so far, as a file that `sim report` reads; without secrets."""
        journal = self.world.journal
        journal.flush()
        lines = journal.path.read_text(encoding="utf-8").splitlines() if journal.path else []
        records = [decode(line) for line in lines]
        return [encode(record) for record in self._told(self._episode.of(records))]

    def begin_load(self, section: Mapping[str, Any], asked: LoadSpec) -> Rng:
        """A load begins; its stream of chance, which of a world's first is that of scenarios."""
        self._loads += 1
        episode = self._episode
        episode.load_from = len(self.world.journal.records)
        episode.section, episode.load, episode.expect = dict(section), asked, []
        if isinstance(asked.driver, InData):  # a journal has to be read without other files
            episode.section["driver"] = dict(asked.driver.document)
        name = "load" if self._loads == 1 else f"load {self._loads}"
        return self.world.rng.fork(name)

    def restore(self) -> None:
        """End what the test left running, undo its faults and wait for belief to follow.

        Called from a thread that is not the world's.
        """
        self.portal.wait(self._restore())

    def on_end(self, end: Callable[[], Awaitable[object]]) -> None:
        """Call that before the world ends."""
        self._ending.push_async_callback(end)

    async def end(self) -> None:
        """End every load and hang up every client."""
        await self._ending.aclose()

    def _told(self, records: Sequence[Record]) -> Records:
        """These records, with the episode in the place of a scenario."""
        return excerpt(records, 0, scenario=self._episode.document(History(records).end))

    async def _restore(self) -> None:
        await self.end()
        since = self._episode.test_from
        if any(
            isinstance(record.event, FaultBegan) for record in self.world.journal.records[since:]
        ):
            await self._fault({"fault": "heal"})
            await settle(self.world, self._changed_s, None)

    async def _fault(self, entry: Mapping[str, Any]) -> None:
        world = self.world
        found = live_fault(entry, world.topology)
        if found.when:
            event = runner.awaited(world, found.when)
            try:
                await event.came.wait()
            finally:
                event.end()
            await world.clock.sleep(found.when.after_s)
        await inflict(world, world.journal, found.fault, found.target, found.params, found.when)
        self._changed_s = world.clock.now()

    def _demand(self, entry: Mapping[str, Any]) -> None:
        __tracebackhide__ = True
        expectation = live_expectation(entry, self.world.topology)
        if entry not in self._episode.expect:
            self._episode.expect.append(entry)
        records = self.world.journal.records.copy()
        demand(self._episode.evidence(records, self.world.topology), expectation)

    async def _run(self, path: Path) -> Outcome:
        scenario = load_scenario(path)
        if scenario.topology.document != self.world.topology.document:
            raise InputError(f"{path} is of another topology than this world's")
        self.begin_load(scenario.document.get("load", {}), scenario.load)
        await runner.run(self.world, scenario, self.notes.append)
        records = self._episode.of(self.world.journal.records.copy(), scenario.document)
        return judge(records, scenario.name)


class _Endless:
    """The term of clients that a test leads: they end when it says so."""

    ends_at = math.inf

    async def closing(self) -> None:
        await asyncio.Event().wait()
