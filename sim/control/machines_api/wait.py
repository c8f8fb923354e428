"""Waiting for a state: a long poll, whose limit is real seconds because clients count those."""

from __future__ import annotations

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext, number
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.api_shapes import event_id
from sim.machines.lifecycle import State
from sim.machines.machine import Machine

_LONGEST_REAL_S = 60
# flyctl's word for: whatever it was about to become, it has.
_SETTLED = "settled"
_PERSISTENT = frozenset(
    (State.CREATED, State.STARTED, State.STOPPED, State.SUSPENDED, State.FAILED, State.DESTROYED)
)
_CAN_BE_AWAITED = (State.STARTED, State.STOPPED, State.SUSPENDED, State.DESTROYED)


class Waiting:
    """The endpoint /v1/apps/{app}/machines/{id}/wait."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def wait(self, request: web.Request) -> web.Response:
        """200 once the machine is in one of the states; 408 when the time is over."""
        context = self._context
        machine = context.machine(request)
        states = _states(request)
        version = request.query.get("version") or request.query.get("instance_id") or None
        if version and version not in _versions(machine):
            raise Refusal(400, f"machine {machine.id} has no version {version!r}")
        after = request.query.get("from_event_id") or None
        asked_s = number(request, "timeout")
        limit_s = min(max(_LONGEST_REAL_S if asked_s is None else asked_s, 1), _LONGEST_REAL_S)
        try:
            async with context.clock.timeout(limit_s * context.clock.speed):
                while not _reached(machine, states, version, after):
                    if machine.state is State.DESTROYED:
                        raise Refusal(404, f"machine {machine.id} was destroyed")
                    await context.fleet.news()
        except TimeoutError:
            wanted = " or ".join(sorted(states))
            raise Refusal(
                408, f"machine {machine.id} is {machine.state} after {limit_s} s, not {wanted}"
            ) from None
        return web.json_response({"ok": True, "state": str(machine.state)})


def _states(request: web.Request) -> frozenset[State]:
    named = request.query.getall("state", [])
    wanted = {name for text in named for name in text.split(",") if name} or {State.STARTED}
    if _SETTLED in wanted:
        return _PERSISTENT
    for name in wanted:
        if name not in _CAN_BE_AWAITED:
            there = ", ".join((*_CAN_BE_AWAITED, _SETTLED))
            raise Refusal(400, f"state {name!r} cannot be waited for; there are: {there}")
    return frozenset(State(name) for name in wanted)


def _versions(machine: Machine) -> list[str]:
    return [machine.instance_id, *(version for version, _ in machine.before)]


def _reached(
    machine: Machine, states: frozenset[State], version: str | None, after: str | None
) -> bool:
    """Whether it is so, or a version that is over was so: only its end can be waited for then."""
    if version and version != machine.instance_id:
        return bool(states & {State.STOPPED, State.DESTROYED})
    if after is None:
        # One that was made and not launched has come to rest, which flyctl calls stopped.
        rests = machine.state is State.CREATED and State.STOPPED in states
        return rests or machine.state in states
    latest = (event for event in machine.events if event_id(machine.id, event.number) > after)
    return any(event.status in states for event in latest)
