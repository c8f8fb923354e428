"""disconnects: connections that ended before the load did, by where, by whom and with what code."""

from __future__ import annotations

from collections.abc import Sequence

from sim.observe.disconnects import ENDED_BY, UNKNOWN, End, fold
from sim.observe.events import Connected
from sim.scenario.checks.check_spec import Finding, Params, check, counted, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, choice, read_code, read_limit, write_limit
from sim.scenario.targets import read_location, read_region

_MOST_TOLD = 3


@check(
    "disconnects",
    (
        Param("location", "location", read_location),
        Param("region", "region", read_region),
        Param("code", "code", read_code, said="with code {}"),
        Param("by", "by", choice(*ENDED_BY), said="by the {}"),
        Param(
            "max",
            "max_ended",
            read_limit,
            required=True,
            write=write_limit,
            said="at most {} ended",
        ),
    ),
    summary="no more connections ended before the load did",
    takes="`max`: a number, or a share of those that stood, such as `5%`; `location`, "
    "`region`, `code`, and `by`: `gateway`, `machine`, `link`, `deploy` or `client`",
)
def disconnects(evidence: Evidence, params: Params) -> Finding:
    """Held where at most `max_ended` connections ended like that: a number, or a share (0 to 1).

    A share is of the connections that stood at some time in the window, at that place.
    """
    from_s, until_s = window(evidence, params)
    stood = _stood(evidence, params, from_s, until_s)
    if not stood:
        return unknown("nobody was connected there in this time")
    alike = [end for end in evidence.ends if from_s <= end.t < until_s and _fits(end, params)]
    author, most = params.get("by"), params["max_ended"]
    sure = [end for end in alike if author in (None, end.by)]
    unsure = len([end for end in alike if end.by == UNKNOWN and author])
    observed = f"{len(sure)} of {counted(stood, 'connection')} ended"
    if isinstance(most, float):
        observed += f" ({len(sure) / stood:.2%})"
        most *= stood
    if len(sure) > most:
        return Finding(held=False, observed=observed, why=_told(sure))
    if len(sure) + unsure > most:
        why = f"who ended {unsure} more is not known"
        return Finding(held=None, observed=observed, why=why)
    return Finding(held=True, observed=observed)


def _stood(evidence: Evidence, params: Params, from_s: float, until_s: float) -> int:
    """How many connections to that place stood at some time in the window."""
    wanted = (params.get("location"), params.get("region"))
    stood = [
        (t, up.client)
        for t, up in evidence.history.of(Connected)
        if t < until_s and _at((up.location, up.region), wanted)
    ]
    over = {(end.since_s, end.down.client) for end in evidence.ends if end.t < from_s}
    return sum(1 for connection in stood if connection not in over)


def _fits(end: End, params: Params) -> bool:
    place = (end.down.location, end.down.region)
    return _at(place, (params.get("location"), params.get("region"))) and params.get("code") in (
        None,
        end.down.code,
    )


def _at(place: tuple[str, str], wanted: tuple[str | None, str | None]) -> bool:
    return all(want in (None, has) for has, want in zip(place, wanted, strict=True))


def _told(ends: Sequence[End]) -> str:
    groups = fold(ends)
    words = []
    for group in groups[:_MOST_TOLD]:
        code = "" if group.code is None else f", {group.code}"
        reason = f" ({group.reason})" if group.reason else ""
        place = f"{group.location} → {group.region}"
        words.append(f"{group.count} of {place} by {group.by}{code}{reason}")
    more = sum(group.count for group in groups[_MOST_TOLD:])
    return "; ".join(words) + (f"; and {more} more" if more else "")
