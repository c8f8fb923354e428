"""Machines: listed, shown, created, made another version of, destroyed."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext, flag
from sim.control.machines_api.api_refusals import Refusal, no_room
from sim.control.machines_api.api_shapes import event_json
from sim.control.machines_api.bodies import LaunchGiven, parsed
from sim.control.machines_api.configs import config_from, config_json
from sim.control.machines_api.leases import new_lease
from sim.control.machines_api.regions import chosen
from sim.errors import EnvironmentLacksError
from sim.machines.config import MachineConfig
from sim.machines.lifecycle import Action, IllegalTransitionError, State, allowed
from sim.machines.machine import Machine

_METADATA = "metadata."
_DOWN = (State.CREATED, State.STOPPED, State.FAILED, State.SUSPENDED)


class Machines:
    """The endpoints below /v1/apps/{app}/machines that are of the whole machine."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def list(self, request: web.Request) -> web.Response:
        """Those of the app: of a `region`, in a `state`, with a `metadata.KEY`."""
        self._context.app(request)
        machines = [*self._context.fleet.machines.values()]
        if flag(request, "include_deleted"):
            machines += self._context.departed.values()
        found = [machine for machine in machines if _matches(machine, request)]
        return web.json_response([self._context.shown(machine) for machine in found])

    async def get(self, request: web.Request) -> web.Response:
        """One machine."""
        return web.json_response(self._context.shown(self._context.machine(request)))

    async def events(self, request: web.Request) -> web.Response:
        """What happened to a machine, the newest first."""
        machine = self._context.machine(request)
        shown = [event_json(machine.id, event, self._context.view) for event in machine.events]
        return web.json_response(shown)

    async def versions(self, request: web.Request) -> web.Response:
        """The versions of a machine, the newest first."""
        machine, view = self._context.machine(request), self._context.view
        versions = [(machine.instance_id, machine.config), *machine.before]
        return web.json_response(
            [
                {"version": name, "user_config": config_json(config, view.default, view.gateway)}
                for name, config in versions
            ]
        )

    async def create(self, request: web.Request) -> web.Response:
        """A new machine, started unless `skip_launch`; its state is waited for, not here."""
        context = self._context
        context.app(request)
        given = parsed(LaunchGiven, await request.read())
        self._demand_secrets(given)
        config = config_from(given.config, context.fleet.default)
        region = chosen(given.region, context.topology)
        if given.name and context.fleet.named(given.name):
            raise Refusal(422, f"a machine is called {given.name} already", "name_taken")
        try:
            machine = context.fleet.create(region, config, given.name)
        except EnvironmentLacksError as error:
            raise no_room(error) from None
        if given.skip_service_registration:
            context.fleet.cordon(machine)
        if given.lease_ttl:
            machine.lease = new_lease(context, given.lease_ttl)
        context.world.deploys.tell("create", machine)
        shown = self._with_nonce(machine)
        if not given.skip_launch:
            starting = context.fleet.start(machine, settled=False)
            await context.begin(context.launch(machine, starting))
        return web.json_response(shown)

    async def update(self, request: web.Request) -> web.Response:
        """Another version of a machine. It is started then, unless `skip_launch`."""
        context = self._context
        machine = context.held(request)
        given = parsed(LaunchGiven, await request.read())
        self._demand_secrets(given)
        if given.current_version not in (None, "", machine.instance_id):
            raise Refusal(
                412,
                f"current_version is {given.current_version}, and machine {machine.id} is at"
                f" {machine.instance_id}",
            )
        if given.region and machine.region not in given.region.split(","):
            raise Refusal(400, f"machine {machine.id} is in {machine.region}, and stays there")
        config = config_from(given.config, context.fleet.default)
        context.held(request)  # reading the body took time
        _demand(machine, Action.STOP if given.skip_launch and _runs(machine) else Action.UPDATE)
        if given.lease_ttl:
            machine.lease = new_lease(context, given.lease_ttl)
        context.world.deploys.tell("update", machine)
        await context.begin(self._replaced(machine, config, launch=not given.skip_launch))
        return web.json_response(self._with_nonce(machine))

    async def destroy(self, request: web.Request) -> web.Response:
        """Remove a machine. One that is up only by `force` or `kill`, which is sudden."""
        machine = self._context.held(request)
        forced = flag(request, "force") or flag(request, "kill")
        if not forced and machine.state not in _DOWN:
            raise IllegalTransitionError(
                f"cannot destroy {machine.id}: it is {machine.state}; stop it first, or say"
                " force=true"
            )
        if machine.state not in _DOWN:
            self._context.world.deploys.tell("stop", machine)
        self._context.world.deploys.tell("destroy", machine)
        await self._context.begin(self._context.fleet.destroy(machine))
        return web.json_response({"ok": True})

    async def _replaced(self, machine: Machine, config: MachineConfig, *, launch: bool) -> None:
        fleet = self._context.fleet
        if not launch and _runs(machine):
            await fleet.stop(machine)
        await self._context.launch(machine, fleet.update(machine, config, settled=False))
        if launch and machine.state in _DOWN:
            await self._context.launch(machine, fleet.start(machine, settled=False))

    def _with_nonce(self, machine: Machine) -> dict[str, Any]:
        shown = self._context.shown(machine)
        return {**shown, "nonce": machine.lease.nonce} if machine.lease else shown

    def _demand_secrets(self, given: LaunchGiven) -> None:
        version = self._context.secrets_version
        if given.min_secrets_version is not None and given.min_secrets_version > version:
            wanted = given.min_secrets_version
            raise Refusal(412, f"min_secrets_version is {wanted}; the secrets are at {version}")


def _runs(machine: Machine) -> bool:
    return machine.state in (State.STARTED, State.SUSPENDED)


def _demand(machine: Machine, action: Action) -> None:
    """Raises IllegalTransitionError where that is not possible now."""
    suspended = machine.state is State.SUSPENDED and action is Action.UPDATE
    if action not in allowed(machine.state) and not suspended:
        raise IllegalTransitionError(f"cannot {action} {machine.id}: it is {machine.state}")


def _matches(machine: Machine, request: web.Request) -> bool:
    for name, value in request.query.items():
        if name == "region" and value and machine.region != value:
            return False
        if name == "state" and value and machine.state not in value.split(","):
            return False
        key = name.removeprefix(_METADATA)
        if key != name and machine.config.metadata.get(key) != value:
            return False
    return True
