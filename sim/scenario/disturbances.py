"""What may have broken an expectation without the gateway's doing, and what was broken before it.

A part of the simulator that failed, a host that went away by itself, a fault or a heal that could
not be done, a driver that raised or never recognised what it waits for, a drain that was cut short
because the machine keeps real time, a timer of TCP that could not fire: from then on the run is not
the one that was asked for. What had been broken by then stays broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.observe.doubts import never_understood
from sim.observe.events import (
    NO_ANSWER,
    DriverRaised,
    FaultBegan,
    FaultFailed,
    HostLost,
    MachineDied,
    MachineStopped,
    PartFailed,
)
from sim.observe.history import History
from sim.observe.stilled_timers import stilled_timers
from sim.observe.stops import cut_short
from sim.scenario.checks import CHECKS, Finding
from sim.scenario.evidence import Evidence
from sim.scenario.lateness import kept_late
from sim.scenario.model import Expectation

# Whatever a driver does, or a drain comes to, these speak of the world or of answers that did come.
_OF_THE_WORLD = frozenset({"dns", "machines", "residency", "served_by"})
# Less of a run fails these more easily, so a part of it cannot show that they are broken.
_LEAST = frozenset({"min_s", "min_dropped"})
_SHUTDOWN_REAL_S = 20.0


@dataclass(frozen=True)
class Disturbance:
    """One, from an instant on. `of_parts`: what is stored in the end may be wrong as well."""

    at_s: float
    reason: str
    of_parts: bool = False


def settled(evidence: Evidence, expectation: Expectation) -> Finding:
    """What a check finds; unknown instead of broken where a disturbance may have broken it."""
    judge = CHECKS[expectation.check].judge
    finding = judge(evidence, expectation.params)
    if finding.held is not False:
        return finding
    if late := kept_late(evidence, expectation):
        return late
    first = min(
        _disturbances(evidence, expectation.check),
        key=lambda found: found.at_s,
        default=None,
    )
    if first is None or _broken_before(evidence, expectation, first):
        return finding
    why = f"{first.reason}, and this may follow from it"
    return Finding(None, finding.observed, f"{why}: {finding.why}" if finding.why else why)


def _broken_before(evidence: Evidence, expectation: Expectation, first: Disturbance) -> bool:
    """Whether the run up to a disturbance shows by itself that an expectation is broken."""
    if first.at_s <= (expectation.params.get("from_s") or 0.0):
        return False
    params = {name: value for name, value in expectation.params.items() if name not in _LEAST}
    params["until_s"] = min(params.get("until_s") or first.at_s, first.at_s)
    of_before = evidence.history.until(first.at_s, audited=not first.of_parts)
    before = Evidence(of_before, evidence.scenario)
    return CHECKS[expectation.check].judge(before, params).held is False


def _disturbances(evidence: Evidence, check: str) -> Iterator[Disturbance]:
    history = evidence.history
    yield from _starved_checks(evidence)
    for t, part in history.of(PartFailed):
        yield Disturbance(t, f"{part.part} failed at {t:.1f} s", of_parts=True)
    for t, lost in history.of(HostLost):
        deaths = [at for at, died in history.of(MachineDied) if died.machine in lost.machines]
        # An engine that ends takes its containers along before anybody sees that it has.
        lately = [at for at in deaths if t - _SHUTDOWN_REAL_S * history.speed < at < t]
        heard_s = t - lost.unheard_s
        words = f"the host {lost.host} went away after {heard_s:.1f} s"
        yield Disturbance(min([heard_s, *lately]), words)
    for t, failed in history.of(FaultFailed):
        began_s = _began(history, failed, t)
        words = f"{failed.fault} {failed.target} at {began_s:.1f} s could not be done"
        yield Disturbance(began_s, words)
    for stilled in stilled_timers(history):
        yield Disturbance(stilled.due_s, stilled.words)
    if check in _OF_THE_WORLD:
        return
    for t, stopped in history.of(MachineStopped):
        if cut_short(stopped, history.own_speed):
            given_s = stopped.given_s / history.speed
            words = (
                f"{stopped.machine} was killed at {t:.1f} s after {given_s:.2g} s of real time,"
                f" where it has {stopped.given_s:g} s to drain: let it keep"
                " the world's clock (see `sim doctor`), or run it at speed 1"
            )
            yield Disturbance(t, words)
    for t, raised in history.of(DriverRaised):
        since_s = t - raised.away_s
        did = "stayed away from" if raised.away_s else "raised at"
        yield Disturbance(since_s, f"the driver {did} {since_s:.1f} s ({raised.where})")
    for words in never_understood(history):
        yield Disturbance(0.0, words)


def _starved_checks(evidence: Evidence) -> Iterator[Disturbance]:
    """Health checks that ran out of time of which the host kept one part waiting for half."""
    history = evidence.history
    allowed_s = max((check.timeout_s for check in evidence.topology.gateway.checks), default=0.0)
    for t, health in history.health:
        if health.status != "critical" or not health.output.startswith(NO_ANSWER):
            continue
        waited_s = history.noise.most_s((health.region,), t - allowed_s, t)
        if allowed_s and waited_s >= allowed_s / 2:
            words = (
                f"the health check of {health.machine} ran out of time at {t:.1f} s, of which this"
                f" machine kept a part of its way waiting for {waited_s:.1f} s (run it slower)"
            )
            yield Disturbance(t - allowed_s, words)


def _began(history: History, failed: FaultFailed, failed_s: float) -> float:
    """When it was begun to do what could not be done: a boot may take long to fail."""
    begun = [
        t
        for t, fault in history.of(FaultBegan)
        if t <= failed_s and (fault.fault, fault.target) == (failed.fault, failed.target)
    ]
    return begun[-1] if begun else failed_s
