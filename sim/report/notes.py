"""What a reader should know of how a run was made before trusting its figures."""

from __future__ import annotations

from collections import defaultdict

from sim.lens.choice import warning
from sim.observe.events import HostFound, HostLost, LinkChanged, RealTimeSeen
from sim.observe.events.mishaps import EdgeMisled, PrivateNameAsked
from sim.observe.history import History
from sim.scenario.checks.check_spec import counted, some_of
from sim.scenario.evidence import Evidence


def notes_on(evidence: Evidence) -> list[str]:
    """Each in a sentence."""
    notes = [*_own_time(evidence.history), *_early(evidence.history)]
    notes += _excused(evidence)
    notes += _elsewhere(evidence.history)
    notes += _half_silent(evidence.history)
    notes += _without_address(evidence.history)
    notes += _misled(evidence)
    stalled = [stall.real_ms for _, stall in evidence.history.stalls]
    if stalled:
        driver = evidence.scenario.load.driver
        blocked = isinstance(driver, str) and ":" in driver
        either = f", or a call in {driver} blocked it (such as `time.sleep`)" if blocked else ""
        notes.append(
            f"the simulator itself stood still {len(stalled)} times, at most"
            f" {max(stalled):.0f} ms (real): this machine was busy{either}"
        )
    return notes


def _early(history: History) -> list[str]:
    """Who had not been served yet when the first fault came, if there was one during the load."""
    first = next(((t, fault) for t, fault in history.faults if 0 <= t <= history.end), None)
    if first is None:
        return []
    t, fault = first
    served = {client for client, (first, _) in history.answered.items() if first[0] <= t}
    early = [client for client in history.resolvers if client not in served]
    if not early:
        return []
    what = f"{fault.fault} {fault.target} at {t:.1f} s"
    note = (
        f"{len(early)} of {len(history.resolvers)} clients were not served yet when the first fault"
        f" came ({what}): {some_of(early)}; what they waited before it is not its outage"
    )
    return [note]


def _excused(evidence: Evidence) -> list[str]:
    """The gaps that are the host's, in one line."""
    excused = [gap for gap in evidence.gaps if gap.excused]
    if not excused:
        return []
    history = evidence.history
    first = min(gap.from_s for gap in excused)
    last = max(gap.to_s for gap in excused)
    part, waited_s = next(iter(history.noise.by_part(first, last).items()))
    gaps = "1 gap is" if len(excused) == 1 else f"{len(excused)} gaps are"
    note = (
        f"the host kept {part} waiting for {waited_s / history.speed:.2f} s (real time) between"
        f" {first:.1f} and {last:.1f} s: {gaps} not counted"
    )
    return [note]


def _own_time(history: History) -> list[str]:
    """What machines had of the world's clock, where that is not all."""
    notes = []
    if history.run and history.run.own_speed != 1:
        notes.append(warning(history.run.why_real, history.speed))
    seen = dict.fromkeys(event for _, event in history.of(RealTimeSeen))
    return notes + [f"{event.machine} of {event.region} {event.what}" for event in seen]


def _elsewhere(history: History) -> list[str]:
    """Which machines ran on other hosts, how far these were, and which of them went away."""
    notes = [
        f"{' and '.join(found.regions)} ran at {found.host}, {found.rtt_ms:.2f} ms (real) away:"
        f" taken off the links; its clock is {found.clock_ahead_ms:+.0f} ms from ours"
        f" (± {found.within_ms:.0f}), and what that host keeps waiting is not seen"
        for _, found in history.of(HostFound)
    ]
    return notes + [
        f"the host {lost.host} went away between {t - lost.unheard_s:.1f} and {t:.1f} s"
        f" ({lost.reason}), and with it {len(lost.machines)} machines: what broke from then on is"
        " held against nobody"
        for t, lost in history.of(HostLost)
    ]


_SILENCE = {
    "connect": "connecting timed out, but what was sent on connections that stood was acknowledged"
    " (this user may not filter TCP sockets: docs/links.md)",
    "data": "connecting worked, and what was sent was acknowledged (a stock link server can do no"
    " more)",
}


def _half_silent(history: History) -> list[str]:
    """How far the silence of cut links went, where TCP noticed nothing of it."""
    silences = dict.fromkeys(change.detail.get("silence") for _, change in history.of(LinkChanged))
    return [
        f"links were silent for programs, not for TCP: {_SILENCE[silence]}, so TCP_USER_TIMEOUT and"
        " keepalives of machines and clients could not fire"
        for silence in silences
        if silence in _SILENCE
    ]


def _without_address(history: History) -> list[str]:
    """Private names that machines asked for as IPv4 alone: at Fly they would have found nobody."""
    asked = {(e.region, e.name, e.type) for _, e in history.of(PrivateNameAsked)}
    return [
        f"a machine in {region} asked for the A record of {name}, and never for AAAA: at Fly this"
        " name has no A record"
        for region, name, kind in sorted(asked)
        if kind == "A" and (region, name, "AAAA") not in asked
    ]


def _misled(evidence: Evidence) -> list[str]:
    """Which edges sent requests to machines that served no more, by what they still believed."""
    late = evidence.topology.routing.knowledge_s
    misled = defaultdict[tuple[str, str], list[float]](list)
    for t, event in evidence.history.of(EdgeMisled):
        misled[event.region, event.machine_region].append(t)
    return [
        f"the edge of {edge} sent {counted(len(times), 'request')} to machines of {region} that"
        f" took none any more, from {times[0]:.1f} to {times[-1]:.1f} s: news of them reaches it"
        f" {late:g} s late, and not while it is cut off (routing.knowledge)"
        for (edge, region), times in sorted(misled.items())
    ]
