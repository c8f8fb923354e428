"""Leases, in real seconds: flyctl renews one every few seconds of its own clock."""

from __future__ import annotations

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext, nonce_of, number
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.api_shapes import USER, lease_json
from sim.control.machines_api.bodies import LeaseRequest, parsed
from sim.machines import lease as rules
from sim.machines.lease import Lease
from sim.machines.lifecycle import State
from sim.machines.machine import Machine

_DEFAULT_TTL_REAL_S = 30
_LONGEST_REAL_S = 3600
_NONCE_DIGITS = 16


class Leases:
    """The endpoints at /v1/apps/{app}/machines/{id}/lease."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def find(self, request: web.Request) -> web.Response:
        """The lease there is; 404 where there is none."""
        machine = self._context.machine(request)
        held = rules.current(machine.lease, self._context.clock.now())
        if held is None:
            raise Refusal(404, f"machine {machine.id} has no lease")
        return self._answer(machine, held, 200)

    async def acquire(self, request: web.Request) -> web.Response:
        """A new lease; for the holder of one, its renewal."""
        given = parsed(LeaseRequest, await request.read())
        machine = self._context.machine(request)
        if machine.state is State.DESTROYED:
            raise Refusal(404, f"machine {machine.id} was destroyed")
        ttl_s = number(request, "ttl") or given.ttl or _DEFAULT_TTL_REAL_S
        if ttl_s > _LONGEST_REAL_S:
            raise Refusal(400, f"ttl is {ttl_s}; write at most {_LONGEST_REAL_S} seconds")
        nonce, now = nonce_of(request), self._context.clock.now()
        new = new_lease(self._context, ttl_s, given.description)
        if nonce is not None:
            new = rules.refreshed(machine.lease, nonce, now, new.expires_s, machine.id)
        rules.demand(machine.lease, nonce, now, machine.id)
        machine.lease = new
        return self._answer(machine, new, 201)

    async def release(self, request: web.Request) -> web.Response:
        """The end of a lease, for its holder."""
        machine = self._context.machine(request)
        rules.refreshed(
            machine.lease, nonce_of(request), self._context.clock.now(), 0.0, machine.id
        )
        machine.lease = None
        return web.json_response({"ok": True})

    def _answer(self, machine: Machine, lease: Lease, status: int) -> web.Response:
        shown = lease_json(lease, machine.instance_id, self._context.view)
        return web.json_response(shown, status=status)


def new_lease(context: ApiContext, ttl_real_s: float, description: str = "") -> Lease:
    """A lease from now on, with a nonce that nobody knows."""
    expires_s = context.clock.now() + ttl_real_s * context.clock.speed
    nonce = context.nonces.hex_id(_NONCE_DIGITS)
    return Lease(nonce, expires_s, USER["email"], description)
