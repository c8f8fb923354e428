"""What is done to one machine: up, down, asleep, out of traffic, with a signal or a command."""

from __future__ import annotations

import shlex
import signal as signals

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext, flag
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.api_shapes import process_json
from sim.control.machines_api.bodies import (
    ExecRequest,
    SignalRequest,
    StopRequest,
    checked,
    parsed,
)
from sim.machines import breaking
from sim.machines.runs import started

_OK = {"ok": True}


class Verbs:
    """The endpoints /v1/apps/{app}/machines/{id}/VERB. Each comes back once it is under way."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def start(self, request: web.Request) -> web.Response:
        """Run it, or wake it."""
        machine = self._context.held(request)
        before = str(machine.state)
        starting = self._context.fleet.start(machine, settled=False)
        await self._context.begin(self._context.launch(machine, starting))
        return web.json_response({"previous_state": before, "migrated": False, "new_host": ""})

    async def stop(self, request: web.Request) -> web.Response:
        """Its kill signal or another, and SIGKILL after a time (simulated, as kill_timeout)."""
        given = parsed(StopRequest, await request.read())
        machine = self._context.held(request)
        self._context.world.deploys.tell("stop", machine)
        stopping = self._context.fleet.stop(machine, signal=given.signal, timeout_s=given.timeout)
        await self._context.begin(stopping)
        return web.json_response(_OK)

    async def restart(self, request: web.Request) -> web.Response:
        """Stop it and run it again; at once with `force_stop`."""
        given = parsed(StopRequest, await request.read())
        query = {name: request.query.get(name) for name in ("signal", "timeout")}
        if asked := {name: value for name, value in query.items() if value}:
            given = checked(StopRequest, asked)
        timeout_s = 0.0 if flag(request, "force_stop") else given.timeout
        machine = self._context.held(request)
        restarting = self._context.fleet.restart(
            machine, signal=given.signal, timeout_s=timeout_s, settled=False
        )
        await self._context.begin(self._context.launch(machine, restarting))
        return web.json_response(_OK)

    async def suspend(self, request: web.Request) -> web.Response:
        """Freeze it with its memory."""
        machine = self._context.held(request)
        await self._context.begin(self._context.fleet.suspend(machine))
        return web.json_response(_OK)

    async def cordon(self, request: web.Request) -> web.Response:
        """Lead no new traffic to it."""
        machine = self._context.held(request)
        self._context.world.deploys.tell("cordon", machine)
        self._context.fleet.cordon(machine)
        return web.json_response(_OK)

    async def uncordon(self, request: web.Request) -> web.Response:
        """Lead traffic to it again."""
        machine = self._context.held(request)
        self._context.world.deploys.tell("uncordon", machine)
        self._context.fleet.uncordon(machine)
        return web.json_response(_OK)

    async def signal(self, request: web.Request) -> web.Response:
        """Send it a signal. One that freezes it is known to be that."""
        given = parsed(SignalRequest, await request.read())
        machine, fleet = self._context.held(request), self._context.fleet
        if given.signal in (signals.SIGSTOP, signals.SIGTSTP):
            await breaking.freeze(fleet, machine)
        elif given.signal == signals.SIGCONT:
            await breaking.thaw(machine)
        else:
            await fleet.signal(machine, given.signal)
        return web.json_response(_OK)

    async def execute(self, request: web.Request) -> web.Response:
        """Run a command in it, to its end."""
        given = parsed(ExecRequest, await request.read())
        machine = self._context.machine(request)
        argv = given.command or _split(given.cmd or "")
        if not argv or not argv[0]:
            raise Refusal(400, 'say what to run: "cmd" as a line, or "command" as a list')
        running = started(machine, "run a command in")
        done = await running.execute(argv, given.stdin, given.timeout)
        if done.exit_code is None:
            raise Refusal(408, f"the command did not end within {given.timeout} s; it was killed")
        return web.json_response(
            {"exit_code": done.exit_code, "stdout": done.stdout, "stderr": done.stderr}
        )

    async def processes(self, request: web.Request) -> web.Response:
        """What runs in it."""
        rows = await started(self._context.machine(request), "look into").processes()
        return web.json_response([process_json(row) for row in rows])


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Refusal(400, f"cmd: {error}") from None
