"""latency: a percentile of the time from a message to its answer."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.observe.events import Acked
from sim.observe.history import History, Timed
from sim.observe.sample import Sample
from sim.scenario.checks.check_spec import LOCATION, Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_milliseconds, read_percentile
from sim.scenario.targets import read_region


@check(
    "latency",
    (
        LOCATION,
        Param("region", "region", read_region),
        Param("percentile", "percentile", read_percentile, said="p{}"),
        Param("max", "max_ms", read_milliseconds, required=True, said="at most {} ms"),
    ),
    summary="a percentile of the milliseconds from message to answer",
    takes="`location`, `max`, `percentile` (99), `region`",
)
def latency(evidence: Evidence, params: Params) -> Finding:
    """Held where `percentile` of a location's answers took at most `max_ms`.

    Unknown where they did without what the host kept their path waiting, and without what relays
    and processors take, which is real and counts `speed` times.
    """
    location, percent = params["location"], params.get("percentile") or 99
    values = Sample(answer.latency_ms for _, answer in _answers(evidence, params))
    if not values:
        return unknown(f"no message of {location} was answered in this time")
    value = values.percentile(percent)
    observed = f"p{percent:g} {value:.1f} ms of {len(values)}"
    if value <= params["max_ms"]:
        return Finding(held=True, observed=observed)
    own_ms = evidence.gap_rule.floor_s * 1000
    answers = _answers(evidence, params)
    quiet = Sample(_certain_ms(evidence.history, t, answer) for t, answer in answers)
    quiet_ms = quiet.percentile(percent)
    if quiet_ms - own_ms > params["max_ms"]:
        return Finding(held=False, observed=observed)
    if quiet_ms > params["max_ms"]:
        why = _within_resolution(own_ms, quiet_ms - params["max_ms"], evidence.history.speed)
        return Finding(held=None, observed=observed, why=why)
    why = (
        f"this machine was busy: without what it may have kept the way of these messages waiting it"
        f" is {quiet_ms:.1f} ms. Run it with less beside it, slower, or with fewer clients"
    )
    return Finding(held=None, observed=observed, why=why)


def _answers(evidence: Evidence, params: Params) -> Iterator[Timed[Acked]]:
    region = params.get("region")
    for t, answer in evidence.answers([params["location"]], *window(evidence, params)):
        if region in (None, answer.region):
            yield t, answer


def _within_resolution(own_ms: float, over_ms: float, speed: float) -> str:
    """That what is real may be what is too much, and the highest speed at which that is told."""
    words = (
        f"of this up to {own_ms:.3g} ms may be what relays and processors really take,"
        f" {speed:g} times as much in simulated time"
    )
    told_at = math.ceil(over_ms / (own_ms / speed)) - 1
    return f"{words}: run it at speed {told_at}" if told_at >= 1 else f"{words}: no speed can tell"


def _certain_ms(history: History, t: float, answer: Acked) -> float:
    """What an answer took at least, whatever the host kept waiting."""
    host_s = history.noise.path_s((answer.region,), t - answer.latency_ms / 1000, t)
    return answer.latency_ms - host_s * 1000
