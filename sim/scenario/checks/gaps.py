"""gaps: the longest silence in a stream, such as a call's: from one answer to the next."""

from __future__ import annotations

from sim.observe.sample import Sample
from sim.observe.silences import Silence, longest_silences
from sim.scenario.checks.check_spec import (
    LOCATION,
    Finding,
    Params,
    check,
    counted,
    unknown,
    window,
)
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, read_percentile, read_positive_seconds


@check(
    "gaps",
    (
        LOCATION,
        Param("max", "max_s", read_positive_seconds, required=True, said="at most {} s"),
        Param("percentile", "percentile", read_percentile, said="p{}"),
    ),
    summary="no stream of answers there was silent for longer",
    takes="`location`, `max`; `percentile` of the streams (100)",
)
def gaps(evidence: Evidence, params: Params) -> Finding:
    """Held where no stream of the location was silent for longer than `max_s`.

    With `percentile` so many of the streams are held to it, each by its longest silence. A silence
    is known to about the time between two messages: where that decides, it is unknown.
    """
    location, percent, most = params["location"], params.get("percentile") or 100.0, params["max_s"]
    from_s, until_s = window(evidence, params)
    found = longest_silences(evidence.history, location, evidence.gap_rule, from_s, until_s)
    if not found:
        return unknown(f"no client of {location} was there in this time")
    seconds = Sample(silence.seconds for silence in found).percentile(percent)
    certain = Sample(silence.certain_s for silence in found).percentile(percent)
    worst = max(found, key=lambda silence: silence.seconds)
    observed = f"longest {worst.seconds:.3g} s of {counted(len(found), 'stream')}"
    if percent < 100:
        observed = f"p{percent:g} {seconds:.3g} s, {observed}"
    if seconds <= most:
        return Finding(held=True, observed=observed, why=_story(worst))
    if certain <= most:
        why = (
            f"with a message every {evidence.gap_rule.every_s:g} s no more than {certain:.3g} s of"
            f" it is certain: have the load send more often (`every`); {_story(worst)}"
        )
        return Finding(held=None, observed=observed, why=why)
    return Finding(held=False, observed=observed, why=_story(worst))


def _story(silence: Silence) -> str:
    return f"{silence.client} heard nothing from {silence.from_s:.1f} s to {silence.to_s:.1f} s"
