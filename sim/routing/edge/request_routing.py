"""Where a request is bound: as its own headers say, then as the machines that replay it say."""

from __future__ import annotations

import h11

from sim.routing.edge import replay
from sim.routing.edge.constraints import constraints_of
from sim.routing.edge.context import EdgeContext, GiveUpError
from sim.routing.edge.dispatch import Tries
from sim.routing.edge.replay import Attempt, Directive, InvalidReplayError
from sim.routing.machine_choice import Constraints, MachineView

_UNAVAILABLE = b"fly-preferred-instance-unavailable"


class RequestRouting:
    """Where one request goes: `request` is what the next machine gets, `tries` how that is found.

    `until_s` is the instant at which a replay's time is up.
    """

    def __init__(self, context: EdgeContext, request: h11.Request) -> None:
        self.request = request
        self.tries = Tries()
        self.until_s: float | None = None
        self.constraints = Constraints()
        if context.forwards:
            self.constraints = constraints_of(request.headers.raw_items(), context.regions)
        self._context = context
        self._told: list[tuple[bytes, bytes]] = []
        self._replays = 0
        self._attempt: Attempt | None = None
        self._may_replay = True

    def headers_for(self, machine: MachineView) -> list[tuple[bytes, bytes]]:
        """What the edge tells a machine of the way that the request took."""
        missed = self.constraints.preferred
        if missed is None or missed == machine.id:
            return self._told
        return [*self._told, (_UNAVAILABLE, missed.encode())]

    def replayed(self, directive: Directive, origin: MachineView) -> None:
        """Go where a machine sends the request. Raises GiveUpError with Fly's code."""
        now_s = self._context.clock.now()
        self._replays += 1
        if self._replays > replay.MAX_REPLAYS:
            text = f"PA02: fly-replay was answered more than {replay.MAX_REPLAYS} times"
            raise GiveUpError(502, text, machine=origin)
        if not self._may_replay:
            text = "PA02: what came back from a failed replay cannot be replayed again"
            raise GiveUpError(502, text, machine=origin)
        if directive.app not in {None, self._context.app}:
            text = f"PA04: there is no app {directive.app} here to replay to"
            raise GiveUpError(502, text, machine=origin)
        try:
            self.request = directive.transformed(self.request)
        except InvalidReplayError as error:
            raise invalid(origin, error) from error
        self.constraints = directive.constraints(origin, self._context.regions)
        self.tries = Tries()
        self.until_s = None if directive.timeout_s is None else now_s + directive.timeout_s
        self._told = [replay.source(origin, now_s, directive.state)]
        self._attempt = Attempt(directive, origin, now_s)

    def came_to_nothing(self, reason: str) -> bool:
        """Send a request whose replay found nobody back to who asked. False: not wanted."""
        attempt, self._attempt = self._attempt, None
        if attempt is None or attempt.directive.fallback is None:
            return False
        self.constraints = attempt.back()
        self.tries = Tries()
        self.until_s = None
        self._told = [attempt.failed(self._context.app, reason, self._context.clock.now())]
        self._may_replay = False
        return True


def invalid(machine: MachineView, error: Exception) -> GiveUpError:
    """The answer where a machine's fly-replay cannot be read."""
    return GiveUpError(502, f"PA03: invalid fly-replay: {error}", machine=machine)
