"""The load: clients of every location, each connecting, conversing and coming back."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import aiohttp

from sim.clients.backoff import Backoff
from sim.clients.blame import contained, foreseen, mistake_of, shown
from sim.clients.client import Client
from sim.clients.driver import Driver
from sim.clients.driver_loading import load_driver
from sim.clients.driver_run import GOES_ON, STAYS_AWAY, DriverRun, end_all
from sim.clients.ending import NO_CLOSE_FRAME
from sim.clients.http_declaration import InData
from sim.clients.load_spec import LoadSpec
from sim.clients.own_tasks import OwnTasks, hear_own_tasks
from sim.clients.own_timers import count_simulated
from sim.clients.shares import interleave, largest_remainder
from sim.clients.vantage import ClientContext, Vantage
from sim.observe.events import (
    ClientMade,
    ConnectFailed,
    Disconnected,
    DriverRaised,
    LoadEnded,
    LoadStarted,
    PartFailed,
)
from sim.observe.events.mishaps import ANSWER
from sim.observe.journal import Journal, Record, Records
from sim.rng import Rng

# How long the end of a load waits for answers on the way, and then for clients to close. Real
# seconds: networks and gateways run in real time.
_DRAIN_REAL_S = 0.5
_CLOSE_REAL_S = 2.0

# One new client each: what resolving, connecting and upgrading costs on one core, doubled.
_CONNECT_REAL_S = 0.002


class Load:
    """The clients of one run. `warn` is told, once each, what a user's driver raised unforeseen.

    `drivers` has each client's, by the client's name, once it has begun; they outlive the run.

    Raises InputError where the driver cannot be loaded.
    """

    def __init__(
        self,
        spec: LoadSpec,
        context: ClientContext,
        rng: Rng,
        warn: Callable[[str], object] = lambda _text: None,
    ) -> None:
        self.spec = spec
        self.ends_at = math.inf
        self.clients: list[Client] = []
        self._clock = context.clock
        self._journal = context.journal
        self._rng = rng
        self._warn = warn
        self._warned: set[str] = set()
        self._new_driver = load_driver(spec.driver, spec.folder)
        self._is_users = not isinstance(spec.driver, InData) and ":" in spec.driver
        self._first_record = 0
        self._over = asyncio.Event()
        self._closing = asyncio.Event()
        self._cancels = False  # whoever cancels a client before that is not this load
        self._tasks: dict[asyncio.Task[None], Client] = {}
        self.drivers: dict[str, Driver] = {}
        self._runs: dict[Client, DriverRun] = {}  # the one that is on, or was
        self._own: list[OwnTasks] = []
        places = context.topology.locations
        counts = largest_remainder(spec.clients, {name: p.share for name, p in places.items()})
        numbered = [(location, k) for location, count in counts.items() for k in range(count)]
        personalities = interleave(spec.clients, spec.resolver)
        for (location, number), personality in zip(numbered, personalities, strict=True):
            own = rng.fork(f"{location}/{number}")
            vantage = Vantage(location, number, personality, context, own.fork("dns"))
            self.clients.append(Client(vantage, spec, self, context, own))

    def __repr__(self) -> str:
        return f"<Load {len(self.clients)} clients, driver {self.spec.driver}>"

    async def closing(self) -> None:
        """Return once the load is over and clients are to close."""
        await self._closing.wait()

    def stop(self) -> None:
        """End the load now, as if its time were over; `run` then returns."""
        self.ends_at = min(self.ends_at, self._clock.now())
        self._over.set()

    async def run(self, duration_s: float = math.inf) -> None:
        """Let the clients talk for that many simulated seconds, then close them politely.

        Without a duration they talk until `stop`.
        """
        self.ends_at = self._clock.now() + duration_s
        self._first_record = len(self._journal.records)
        self._journal.write(LoadStarted(len(self.clients), self.spec.every_s, self.spec.timeout_s))
        for client in self.clients:
            resolver = client.vantage.personality
            self._journal.write(ClientMade(client.name, client.location, resolver))
        try:
            for client, phase in zip(self.clients, self._phases(), strict=True):
                task = asyncio.create_task(self._live(client, phase))
                task.add_done_callback(self._died)
                self._tasks[task] = client
            await self._until_over(duration_s)
            self._tell_of_the_missing()
            self._journal.write(LoadEnded())  # nobody owes an answer to what is not asked any more
            await self._drain()
            for client in self.clients:
                client.abandon()
            await self._close()
        finally:
            await self._end_all()

    def records(self) -> Sequence[Record]:
        """What the journal has of this load's clients since it began."""
        names = {client.name for client in self.clients}
        return Records(
            record
            for record in islice(self._journal.records, self._first_record, None)
            if getattr(record.event, "client", None) in names
        )

    async def _until_over(self, duration_s: float) -> None:
        if math.isinf(duration_s):
            await self._over.wait()
            return
        timer = self._clock.call_later(duration_s, self._over.set)
        try:
            await self._over.wait()
        finally:
            timer.cancel()

    async def _close(self) -> None:
        """Let connected clients close politely; the others have nothing to end."""
        self._closing.set()
        self._cancels = True
        for task, client in self._tasks.items():
            if not client.conversing:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_REAL_S)

    async def _end_all(self) -> None:
        """Cancel what is left; a driver that goes on in spite of it is told of, and left."""
        self._cancels = True
        await end_all({t: partial(self._leave, c) for t, c in self._tasks.items()}, _CLOSE_REAL_S)
        await asyncio.gather(*(client.vantage.close() for client in self.clients))
        own = {task: run.leave for tasks in self._own for task, run in tasks.items()}
        await end_all(own, _CLOSE_REAL_S)

    def _leave(self, client: Client) -> None:
        """Leave a client's driver, which took its end for something else."""
        self._runs[client].leave()
        self._mistaken(client, GOES_ON)
        self._warn_once(f"driver {self.spec.driver} {GOES_ON}")

    def _tell_of_the_missing(self) -> None:
        """Journal the clients whose drivers have neither returned nor connected again for long.

        That is longer than the load itself would have waited before it tried: so what they missed
        says nothing of the gateway.
        """
        for client in self.clients:
            self._tell_if_away(client)

    def _tell_if_away(self, client: Client) -> None:
        if client.ended_s is None or self._closing.is_set():
            return
        away_s = self._clock.now() - client.ended_s
        if away_s > self.spec.backoff.max_s + self.spec.timeout_s + self.spec.every_s:
            client.ended_s = None  # it is told once
            self._mistaken(client, STAYS_AWAY, away_s)
            self._warn_once(f"driver {self.spec.driver} {STAYS_AWAY}")

    def _mistaken(self, client: Client, mistake: str, away_s: float = 0.0) -> None:
        file = shown(Path(inspect.getfile(type(self.drivers[client.name]))))
        self._journal.write(
            DriverRaised(client.name, client.location, file, None, mistake, round(away_s, 3))
        )

    def _phases(self) -> list[float]:
        """When each client starts: evenly over one `every`, in an order of the seed's choice.

        Over several where so many at once would be a storm of the simulator's own making.
        """
        ramp_s = _CONNECT_REAL_S * len(self.clients) * self._clock.speed
        span_s = self.spec.every_s * max(1, math.ceil(ramp_s / self.spec.every_s))
        phases = [k * span_s / len(self.clients) for k in range(len(self.clients))]
        self._rng.fork("phases").shuffle(phases)
        return phases

    async def _drain(self) -> None:
        """Wait a moment for the answers that are on their way."""
        settled = asyncio.Event()
        for client in self.clients:
            client.on_settled = settled.set
        try:
            async with self._clock.timeout(_DRAIN_REAL_S * self._clock.speed):
                while any(client.in_flight for client in self.clients):
                    settled.clear()
                    await settled.wait()
        except TimeoutError:
            pass

    async def _live(self, client: Client, phase: float) -> None:
        """One client: connect, converse, and after every end wait and connect again."""
        await self._clock.sleep(phase)
        own = hear_own_tasks(lambda error: foreseen(error) or self._raised(error, driver, client))
        self._own.append(own)
        count_simulated(self._clock.speed)
        driver = self.drivers[client.name] = self._new_driver()
        backoff = Backoff(self.spec.backoff, client.rng.fork("backoff"))
        client.on_attempt = partial(self._tell_if_away, client)
        client.on_again = partial(self._again, client)
        jar = aiohttp.CookieJar(unsafe=True)
        while self._clock.now() < self.ends_at:
            async with client.vantage.open(jar, client.exchanges) as http:
                client.begin(http)
                try:
                    reason = await self._one_life(driver, client)
                finally:
                    client.end()
            self._write_end(client, reason)
            if client.served:
                backoff.reset()
            await self._clock.sleep(backoff.next_s())

    def _again(self, client: Client) -> None:
        """The driver connects again itself: what was until now is a connection of its own."""
        self._tell_if_away(client)
        client.end()
        if error := client.closed or client.turned_away:
            self._write_end(client, self._why_ended(error, client))
        client.begin(client.http)

    def _write_end(self, client: Client, reason: str) -> None:
        if self._is_users and client.taken and not client.answered:
            client.missed(ANSWER, client.taken, client.first_taken)
        write_end(self._journal, client, reason, expected=self._closing.is_set())

    async def _one_life(self, driver: Driver, client: Client) -> str:
        """Run the driver once; why it ended."""
        try:
            run = self._runs[client] = DriverRun(driver.run(client))
            await contained(run, lambda: self._cancels)
        except Exception as error:  # noqa: BLE001 - a user's driver must not end the load
            return self._why_ended(error, client)
        finally:
            self._tell_if_away(client)
        if client.closed:  # the driver kept it to itself
            return str(client.closed)
        return "closed by the client" if self._closing.is_set() else "the driver ended it"

    def _why_ended(self, error: Exception, client: Client) -> str:
        """Take note of what ended a client's connection; why it did, in words."""
        cause = foreseen(error)
        if cause is None:
            return self._raised(error, self.drivers[client.name], client)
        client.broken = isinstance(cause, aiohttp.ClientError | ConnectionError)
        if isinstance(cause, aiohttp.WSServerHandshakeError):
            client.turned_down(cause.headers, cause.status)
        return why_ended(cause, client)

    def _raised(self, error: Exception, driver: Driver, client: Client) -> str:
        """Take note of what a driver raised of its own; why its connection ended, in words."""
        declared = self.spec.driver if isinstance(self.spec.driver, InData) else None
        mistake = mistake_of(error, driver, declared)
        if not self._closing.is_set():  # what it does once the load is over is not judged
            self._journal.write(
                DriverRaised(
                    client.name, client.location, mistake.file, mistake.line, mistake.error
                )
            )
        self._warn_once(f"driver {self.spec.driver} raised: {mistake}")
        return f"the driver raised {mistake.error}"

    def _died(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:  # a defect of the simulator, not of the driver
            self._journal.write(PartFailed("load", f"{type(error).__name__}: {error}"))

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)


def write_end(journal: Journal, client: Client, reason: str, *, expected: bool) -> None:
    """Journal the end of a connection, or that there was none."""
    end: ConnectFailed | Disconnected
    if client.machine is None:
        end = ConnectFailed(
            *(client.name, client.location, client.region, reason),
            machine=client.down_by,
            status=client.down_status,
        )
    else:
        closed = client.closed
        if client.stuffed:
            reason += "; the driver had left 1 MiB of messages unread"
        end = Disconnected(
            *(client.name, client.location, *client.machine, reason, expected),
            how=_how(client),
            code=closed.code if closed else None,
            close_reason=closed.reason if closed else "",
            unanswered=client.left_unanswered,
            told_after_s=_kept_s(client),
        )
    journal.write(end)


def _kept_s(client: Client) -> float:
    """How long its driver kept an end to itself."""
    return 0.0 if client.lost_s is None else round(client.clock.now() - client.lost_s, 3)


def _how(client: Client) -> str:
    """How its connection ended, as Disconnected has it."""
    if client.closed:
        return "broken" if client.closed.code == NO_CLOSE_FRAME else "closed"
    if client.told_to_go:
        return "goodbye"
    return "broken" if client.broken else "left"


def why_ended(error: BaseException, client: Client) -> str:
    """Why a client's connection ended, in words."""
    if isinstance(error, TimeoutError):
        late = f"no answer in time, while {client.vantage.doing}"
        return str(error) or ("no answer in time" if client.machine else late)
    return explain(error)


def explain(error: BaseException) -> str:
    """Why a connection ended, in words."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"status {error.status} instead of a WebSocket"
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
