"""One request on its way: to a machine, to another where that is safe, until it is answered."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import h11

from sim.clock import Clock
from sim.observe.journal import Journal
from sim.routing.choice import MachineView, Wish
from sim.routing.edge import headers
from sim.routing.edge.counters import Counters
from sim.routing.edge.dispatch import Dispatcher, NoMachineError, Tries
from sim.routing.edge.exchange import BrokeOffError, Sending, answer, upload
from sim.routing.edge.headers import Visit
from sim.routing.edge.reach import UnreachableError, Way, open_way
from sim.routing.edge.request_id import RequestIds
from sim.routing.edge.side import HttpSide
from sim.routing.edge.splice import splice
from sim.routing.edge.tape import Tape

# RFC 9110 9.2.1: asking for these twice does no more than asking once.
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})


@dataclass(frozen=True)
class Desk:
    """What all connections of an edge share."""

    region: str
    dispatcher: Dispatcher
    request_ids: RequestIds
    clock: Clock
    journal: Journal
    force_https: bool = False
    counters: Counters = field(default_factory=Counters)


class GiveUpError(Exception):
    """The edge has to answer in its own name: `machine` is the one to blame, if any."""

    def __init__(
        self,
        status: int,
        text: str,
        *,
        machine: MachineView | None = None,
        outcome: str = "failed",
        close: bool = True,
    ) -> None:
        self.status = status
        self.machine = machine
        self.outcome = outcome
        self.close = close
        super().__init__(text)


class Errand:
    """Carries one request of a client, and its answer. `machine` is the one that has it now."""

    def __init__(
        self, desk: Desk, client: HttpSide, visit: Visit, request: h11.Request, request_id: bytes
    ) -> None:
        self.machine: MachineView | None = None
        self.broke_off = False
        self._desk = desk
        self._client = client
        self._visit = visit
        self._request = request
        self._request_id = request_id
        self._asked = desk.clock.real_ms()
        self._tape = Tape(client)
        self._wish = Wish()
        self._tries = Tries()

    async def run(self) -> int | None:
        """The status that the client got from a machine, once all is carried (None: it broke off).

        Raises GiveUpError where the client is owed an answer of the edge's own, ConnectionError
        where it is gone or must see the connection break.
        """
        while True:
            try:
                seat = await self._desk.dispatcher.find(self._wish, self._tries)
            except NoMachineError as error:
                self.machine = None
                raise GiveUpError(503, str(error), outcome="refused", close=False) from error
            with seat:
                self.machine = seat.machine
                try:
                    return await self._attempt(seat.machine)
                except UnreachableError as error:
                    self._try_elsewhere(seat.machine, error)

    async def _attempt(self, machine: MachineView) -> int | None:
        dispatcher, clock = self._desk.dispatcher, self._desk.clock
        way = await open_way(machine, self._desk.region, dispatcher.backbone, clock)
        self._desk.counters.reached(machine.id, clock.real_ms() - self._asked)
        side = HttpSide(h11.CLIENT, way.wire)
        try:
            status = await self._exchange(way, side, machine)
            if status == 101:
                await self._splice(side)
        finally:
            way.wire.abort()
            self._desk.counters.left(machine.id)
        return status

    async def _exchange(self, way: Way, machine: HttpSide, view: MachineView) -> int | None:
        asked, head_came = self._desk.clock.real_ms(), list[float]()

        def rewrite(fields: headers.Headers, *, upgrade: bool = False) -> list[tuple[bytes, bytes]]:
            head_came.append(self._desk.clock.real_ms())
            request_id = self._request_id
            return headers.for_client(fields, view.region, view.id, request_id, upgrade=upgrade)

        machine.send(headers.for_machine(self._request, self._visit, self._request_id))
        sending = Sending(self._tape, machine) if headers.has_body(self._request) else None
        try:
            if sending is None:
                with suppress(ConnectionError):  # a machine that is gone shows when it must answer
                    await upload(self._tape, machine)
            await way.admitted(machine, self._desk.clock)
            speaks_1_1 = self._request.http_version >= b"1.1"
            status = await answer(self._client, machine, rewrite, self._tape, speaks_1_1=speaks_1_1)
            self._desk.counters.answered(status, head_came[-1] - self._asked)
            self._desk.counters.machine_answered(view.id, status, head_came[-1] - asked)
            if sending is not None:
                await sending.finish()
        except BrokeOffError as error:
            malformed = sending.malformed if sending is not None else None
            if malformed is not None:
                text = str(malformed)
                raise GiveUpError(malformed.error_status_hint, text, outcome="closed") from error
            self._end_of(machine, view, error)
            return None
        finally:
            if sending is not None:
                await sending.cancel()
        return status

    def _end_of(self, machine: HttpSide, view: MachineView, error: BrokeOffError) -> None:
        """Let the client see that a machine broke off, or raise what is to be done instead."""
        wire = machine.wire
        if self._client.http.our_state is h11.SEND_RESPONSE:
            if wire.error is not None and self._tape.may_repeat and self._request.method in _SAFE:
                reason = f"PC03: machine {view.id} reset the connection"
                raise UnreachableError(reason) from error
            text = f"machine {view.id} broke off: {error}"
            raise GiveUpError(502, text, machine=view) from error
        self.broke_off = True
        if wire.error is not None:
            # The head is out: only the end of the connection can say that the rest will not come.
            self._client.wire.reset()
            raise ConnectionAbortedError("the machine broke off in the middle of its answer")

    def _try_elsewhere(self, machine: MachineView, error: UnreachableError) -> None:
        """Note a machine that could not be reached. Raises GiveUpError where it must end here."""
        self._tries.failed(machine.id)
        if error.silent:
            self._desk.dispatcher.unreachable(machine.region)
        if not error.refused and self._request.method not in _SAFE:
            # It may have done what it was asked to do, and nobody knows.
            raise GiveUpError(502, str(error), machine=machine) from error
        if not self._tape.may_repeat:
            text = "PA01: the request's body is too long to be sent again"
            raise GiveUpError(502, text, machine=machine) from error

    async def _splice(self, machine: HttpSide) -> None:
        client = self._client.wire
        self.broke_off |= await splice(client, machine.wire, self._client.early, machine.early)
