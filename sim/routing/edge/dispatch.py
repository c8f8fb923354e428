"""Finding a machine for a request: choosing, taking a place at it, and waiting while there is none.

What cannot be had is waited for as Fly's proxy does: it looks again whenever anything changes, and
gives up after 90 tries. With geodns a region without a healthy machine refuses at once, because
there DNS and not the edge leads clients elsewhere; only a full one makes its clients wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from sim.clock import Clock
from sim.errors import SimError
from sim.routing.edge.backhaul import Network
from sim.routing.edge.loads import Loads
from sim.routing.machine_choice import Constraints, MachineView, Rules, WhyNone, choose

MAX_TRIES = 90
# Fly does not publish how far apart its tries are: so far, 90 of them take half a minute.
PACE_S = 1 / 3


class NoMachineError(Exception):
    """No machine could be had: Fly's code and words for that.

    `reason` is the word for it in fly-replay-failed.
    """

    def __init__(self, text: str, reason: str = "no_candidate") -> None:
        self.reason = reason
        super().__init__(text)


@dataclass
class Tries:
    """What one request has tried so far. `refused` are not tried again before the next pause."""

    count: int = 0
    refused: set[str] = field(default_factory=set)

    def failed(self, machine: str) -> None:
        """A machine could not be reached, and has seen nothing of the request."""
        self.count += 1
        self.refused.add(machine)


class LoadSlot:
    """A place at a machine: it counts as the machine's load until it is left."""

    def __init__(self, machine: MachineView, loads: Loads) -> None:
        self.machine = machine
        self._loads = loads
        loads.enter(machine.id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loads.leave(self.machine.id)


class Dispatcher:
    """Finds machines for the requests that arrive at one region's edge."""

    def __init__(
        self,
        region: str,
        machines: Callable[[], Sequence[MachineView]],
        rules: Rules,
        network: Network,
        clock: Clock,
    ) -> None:
        self.region = region
        self.machines = machines
        self.backhaul = network.backhaul
        self.loads = loads = network.loads
        self._rules = replace(rules, auto_start=rules.auto_start and loads.wake is not None)
        self._clock = clock
        self._turn = 0
        self._unreachable: set[str] = set()

    def unreachable(self, region: str) -> None:
        """Nothing came back from a region: others come first until its link is up again."""
        self._unreachable.add(region)

    async def find(
        self, constraints: Constraints, tries: Tries, until_s: float | None = None
    ) -> LoadSlot:
        """A place at the best machine there is, as soon as there is one, until an instant.

        Raises NoMachineError.
        """
        if until_s is None:
            return await self._find(constraints, tries)
        try:
            async with self._clock.timeout(until_s - self._clock.now()):
                return await self._find(constraints, tries)
        except TimeoutError:
            text = "PR03: no good candidate before the replay's timeout"
            raise NoMachineError(text, "timeout") from None

    async def _find(self, constraints: Constraints, tries: Tries) -> LoadSlot:
        self._turn += 1
        turn, arrival = self._turn, self.loads.arrive()
        look_again_at = self._clock.now() + PACE_S
        while True:
            found = self._look(constraints, tries, turn)
            if isinstance(found, MachineView):
                slot = LoadSlot(found, self.loads)
                if awake := (await self._woken(slot) if found.asleep else slot):
                    return awake
                tries.failed(found.id)
                continue
            self._give_up_where_due(found, tries)
            with suppress(TimeoutError):
                async with self._clock.timeout(look_again_at - self._clock.now()):
                    await self.loads.news(arrival)
                continue
            tries.count += 1
            tries.refused.clear()
            look_again_at = self._clock.now() + PACE_S

    def _look(self, constraints: Constraints, tries: Tries, turn: int) -> MachineView | WhyNone:
        choice = choose(
            self.machines(),
            replace(constraints, never=constraints.never | tries.refused),
            self._rules,
            load=self.loads.by_machine,
            rtt_ms=self._rtt_ms,
            turn=turn,
        )
        if choice.wake or choice.machines:
            return choice.wake or choice.machines[0]
        refused = choice.why_none == "absent" and tries.refused
        return "unhealthy" if refused or not choice.why_none else choice.why_none

    def _give_up_where_due(self, why: WhyNone, tries: Tries) -> None:
        if self.backhaul is None and why != "full":
            raise NoMachineError(f"no healthy machine in {self.region}")
        if why == "absent":
            raise NoMachineError("PR01: no known machine for this route")
        if tries.count >= MAX_TRIES:
            state = "has room (hard_limit)" if why == "full" else "is healthy and reachable"
            raise NoMachineError(
                f"PR03: no good candidate within {MAX_TRIES} attempts at load balancing: "
                f"no machine {state}",
                "retries_exhausted",
            )

    async def _woken(self, slot: LoadSlot) -> LoadSlot | None:
        """The same place once its machine is awake; None, and the place left, where it is not.

        Who has woken it knows that it is awake, whatever its edge has heard of it so far.
        """
        assert self.loads.wake is not None  # noqa: S101 - a type checker's aid: rules ask for none else
        try:
            await self.loads.wake(slot.machine.id)
        except SimError:
            slot.__exit__(None, None, None)
            return None
        except BaseException:
            slot.__exit__(None, None, None)
            raise
        slot.__exit__(None, None, None)
        return LoadSlot(replace(slot.machine, asleep=False), self.loads)

    def _rtt_ms(self, region: str) -> float:
        if self.backhaul is None:
            return 0.0
        if region in self._unreachable:
            if not self.backhaul.is_up(region):
                return float("inf")
            self._unreachable.discard(region)
        return self.backhaul.rtt_ms(region)
