"""Delta debugging of a plan that fails: what is left fails about as often, and nothing less does.

`smaller` is pure; `shrunk` asks whoever can run a plan.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

from sim.hunt.grammar import LEAD_S
from sim.hunt.sequential import decision
from sim.hunt.strike import Plan, Strike

# So many runs of a plan at once: whether each failed, None where it decided nothing.
Fails = Callable[[Plan], Awaitable[Sequence[bool | None]]]

LEAST_CLIENTS = 2
_LEAST_HOLD_S = 1.0
_LATE_S = 1.0  # by less nothing is won


def smaller(plan: Plan) -> Iterator[Plan]:
    """Plans that are a step smaller, the largest steps first."""
    strikes = plan.strikes
    if len(strikes) > 2:
        half = len(strikes) // 2
        yield replace(plan, strikes=strikes[:half])
        yield replace(plan, strikes=strikes[half:])
    for k in range(len(strikes)):
        yield replace(plan, strikes=strikes[:k] + strikes[k + 1 :])
    if (late_s := _late(plan)) > _LATE_S:
        yield replace(plan, strikes=tuple(_earlier(strike, late_s) for strike in strikes))
    for clients in sorted({LEAST_CLIENTS, plan.clients // 2}):
        if LEAST_CLIENTS <= clients < plan.clients:
            yield replace(plan, clients=clients)
    for k, strike in enumerate(strikes):
        if strike.blow.repair and strike.hold_s / 2 >= _LEAST_HOLD_S:
            shorter = replace(strike, hold_s=round(strike.hold_s / 2, 2))
            yield replace(plan, strikes=(*strikes[:k], shorter, *strikes[k + 1 :]))


def size(plan: Plan) -> tuple[int, float]:
    """By what a plan is smaller than another: strikes, and then clients, length and start."""
    held_s = sum(strike.hold_s for strike in plan.strikes if strike.blow.repair)
    return len(plan.strikes), plan.clients + held_s + _late(plan)


def _late(plan: Plan) -> float:
    """By how much everything could begin sooner; not at all where an event says when."""
    if not plan.strikes or any(strike.due.event for strike in plan.strikes):
        return 0.0
    return max(0.0, min(strike.due.at_s for strike in plan.strikes) - LEAD_S)


def _earlier(strike: Strike, by_s: float) -> Strike:
    return replace(strike, due=replace(strike.due, at_s=round(strike.due.at_s - by_s, 2)))


async def shrunk(
    plan: Plan,
    rate: float,
    fails: Fails,
    go_on: Callable[[], bool],
    smallest: Callable[[Plan], None],
) -> Plan:
    """The smallest plan found while `go_on`; each smaller one is told to `smallest` at once."""
    refused: set[str] = set()
    while True:
        for candidate in smaller(plan):
            if not go_on():
                return plan
            if repr(candidate) in refused:
                continue
            if await accepted(candidate, rate, fails, go_on):
                plan = candidate
                smallest(plan)
                break
            refused.add(repr(candidate))
        else:
            return plan


async def accepted(plan: Plan, rate: float, fails: Fails, go_on: Callable[[], bool]) -> bool:
    """Whether a plan fails about as often as `rate`. A run that decides nothing counts as held.

    What is not decided when it is no longer to `go_on` is not accepted.
    """
    runs: list[bool] = []
    while (decided := decision(runs, rate)) is None and go_on():
        runs.extend(map(bool, await fails(plan)))
    return bool(decided)
