"""One request on its way: to a machine, to another where that is safe, until it is answered."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import h11

from sim.observe.events.mishaps import EdgeMisled
from sim.routing.edge import headers, replay
from sim.routing.edge.context import EdgeContext, GiveUpError
from sim.routing.edge.dispatch import NoMachineError
from sim.routing.edge.headers import Visit
from sim.routing.edge.replay import Directive, InvalidReplayError
from sim.routing.edge.request_routing import RequestRouting, invalid
from sim.routing.edge.upstream import UnreachableError, UpstreamConnection, connect_upstream
from sim.routing.machine_choice import MachineView
from sim.streams.http.body import RequestBody
from sim.streams.http.exchange import BrokeOffError, Upload, answer, rest_of, upload
from sim.streams.http.fields import Headers, has_body
from sim.streams.http.malformed import said_of
from sim.streams.http.peer import HttpPeer
from sim.streams.splice import splice

# RFC 9110 9.2.1: asking for these twice does no more than asking once.
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})


class ProxiedRequest:
    """Carries one request of a client, and its answer. `machine` is the one that has it now."""

    def __init__(
        self,
        context: EdgeContext,
        client: HttpPeer,
        visit: Visit,
        request: h11.Request,
        request_id: bytes,
    ) -> None:
        self.machine: MachineView | None = None
        self.broke_off = False
        self._context = context
        self._client = client
        self._visit = visit
        self._routing = RequestRouting(context, request)
        self._request_id = request_id
        self._asked = context.clock.now()
        self._speaks_1_1 = request.http_version >= b"1.1"
        self._body = RequestBody(client)

    async def run(self) -> int | None:
        """The status that the client got from a machine, once all is carried (None: it broke off).

        Raises GiveUpError where the client is owed an answer of the edge's own, ConnectionError
        where it is gone or must see the connection break.
        """
        routing = self._routing
        while True:
            try:
                slot = await self._context.dispatcher.find(
                    routing.constraints, routing.tries, routing.until_s
                )
            except NoMachineError as error:
                if routing.came_to_nothing(error.reason):
                    continue
                self.machine = None
                raise GiveUpError(503, str(error), outcome="refused", close=False) from error
            with slot:
                self.machine = slot.machine
                if slot.machine.outdated:
                    where = (self._context.region, slot.machine.id, slot.machine.region)
                    self._context.journal.write(EdgeMisled(*where))
                try:
                    result = await self._attempt(slot.machine)
                except UnreachableError as error:
                    self._try_elsewhere(slot.machine, error)
                    continue
            if not isinstance(result, Directive):
                return result
            self._demand_whole(slot.machine)
            routing.replayed(result, slot.machine)

    async def _attempt(self, machine: MachineView) -> int | Directive | None:
        dispatcher, clock = self._context.dispatcher, self._context.clock
        upstream = await connect_upstream(
            machine,
            self._context.region,
            dispatcher.backhaul,
            clock,
            self._routing.until_s,
        )
        self._context.counters.reached(machine.id, clock.now() - self._asked)
        side = HttpPeer(h11.CLIENT, upstream.stream)
        try:
            result = await self._exchange(upstream, side, machine)
            if isinstance(result, h11.Response):
                return await self._directive(result, side, machine)
            if result == 101:
                await self._splice(side, machine)
        finally:
            upstream.stream.abort()
            self._context.counters.left(machine.id)
        return result

    async def _exchange(
        self, upstream: UpstreamConnection, machine: HttpPeer, view: MachineView
    ) -> int | h11.Response | None:
        asked, head_came = self._context.clock.now(), list[float]()

        def rewrite(fields: Headers, *, upgrade: bool = False) -> list[tuple[bytes, bytes]]:
            head_came.append(self._context.clock.now())
            request_id = self._request_id
            return headers.for_client(fields, view.region, view.id, request_id, upgrade=upgrade)

        request, more = self._routing.request, self._routing.headers_for(view)
        machine.send(headers.for_machine(request, self._visit, self._request_id, more))
        sending = Upload(self._body, machine) if has_body(request) else None
        try:
            if sending is None:
                with suppress(ConnectionError):  # a machine that is gone shows when it must answer
                    await upload(self._body, machine)
            await upstream.admitted(machine, self._context.clock)
            result = await answer(
                self._client,
                machine,
                rewrite,
                self._body,
                speaks_1_1=self._speaks_1_1,
                keeps=self._is_replay,
            )
            if isinstance(result, int):
                self._context.counters.answered(result, head_came[-1] - self._asked)
                self._context.counters.machine_answered(view.id, result, head_came[-1] - asked)
            if sending is not None and isinstance(result, int):
                await sending.finish()
        except (BrokeOffError, UnreachableError) as error:
            malformed = sending.malformed if sending is not None else None
            if malformed is not None:
                status, text = said_of(malformed)
                raise GiveUpError(status, text, outcome="closed") from error
            if isinstance(error, UnreachableError):
                raise
            self._end_of(machine, view, error)
            return None
        finally:
            if sending is not None:
                await sending.cancel()
        return result

    def _is_replay(self, fields: Headers) -> bool:
        return self._context.forwards and (replay.is_header(fields) or replay.is_json(fields))

    async def _directive(
        self, response: h11.Response, machine: HttpPeer, view: MachineView
    ) -> Directive:
        """What a machine's answer asks for. Raises GiveUpError where that cannot be read."""
        fields = response.headers.raw_items()
        try:
            if replay.is_header(fields):
                return replay.in_header(fields)
            return replay.in_json(await rest_of(machine, replay.MAX_JSON))
        except (InvalidReplayError, BrokeOffError) as error:
            raise invalid(view, error) from error

    def _end_of(self, machine: HttpPeer, view: MachineView, error: BrokeOffError) -> None:
        """Let the client see that a machine broke off, or raise what is to be done instead."""
        stream = machine.stream
        if self._client.http.our_state is h11.SEND_RESPONSE:
            if (
                stream.error is not None
                and self._body.may_repeat
                and self._routing.request.method in _SAFE
            ):
                reason = f"PC03: machine {view.id} reset the connection"
                raise UnreachableError(reason) from error
            text = f"machine {view.id} broke off: {error}"
            raise GiveUpError(502, text, machine=view) from error
        self.broke_off = True
        if stream.error is not None:
            # The head is out: only the end of the connection can say that the rest will not come.
            self._client.stream.reset()
            raise ConnectionAbortedError("the machine broke off in the middle of its answer")

    def _try_elsewhere(self, machine: MachineView, error: UnreachableError) -> None:
        """Note a machine that could not be reached. Raises GiveUpError where it must end here."""
        self._routing.tries.failed(machine.id)
        if error.silent:
            self._context.dispatcher.unreachable(machine.region)
        if not error.refused and self._routing.request.method not in _SAFE:
            # It may have done what it was asked to do, and nobody knows.
            raise GiveUpError(502, str(error), machine=machine) from error
        self._demand_whole(machine)

    def _demand_whole(self, machine: MachineView) -> None:
        """A request goes out again only while all of its body is here. Raises GiveUpError."""
        if not self._body.may_repeat:
            text = "PA01: the request's body is too long to be sent again"
            raise GiveUpError(502, text, machine=machine)

    async def _splice(self, machine: HttpPeer, view: MachineView) -> None:
        loads = self._context.dispatcher.loads
        leave = partial(loads.leave_by, view.id) if loads.stops and self._is_websocket() else None
        self.broke_off |= await splice(
            self._client.stream,
            machine.stream,
            self._client.early,
            machine.early,
            on_leave=leave,
        )

    def _is_websocket(self) -> bool:
        fields = self._routing.request.headers
        return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in fields)
