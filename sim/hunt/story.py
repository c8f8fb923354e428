"""What happened, in a paragraph, from the journal of a run that failed. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import InputError
from sim.hunt import mechanism
from sim.hunt.strike import Plan
from sim.hunt.symptom import Symptom
from sim.hunt.trial import Tried
from sim.hunt.words import listed, sentence
from sim.observe.events import Acked, Sent
from sim.observe.history import History

_BEFORE_S = 5.0  # faults so long before are told as the ones at work


def story(symptom: Symptom, plan: Plan, seen: Tried) -> str:
    """Which message or client, who acknowledged it, what is wrong, and which fault was when."""
    try:
        history = seen.history()
    except InputError:
        return f"{symptom.observed}: {symptom.why}"
    return " ".join(_sentences(symptom, plan, seen, history))


def _sentences(symptom: Symptom, plan: Plan, seen: Tried, history: History) -> Iterator[str]:
    report = seen.report or {}
    anomalies = report.get("anomalies", ())
    one = next((row for row in anomalies if row["kind"] == symptom.name), None)
    yield sentence(symptom.observed)
    if one:
        yield from _message(one["session"], one["seq"], history)
        yield from mechanism.of_message(
            symptom.name, one["session"], one["seq"], one["text"], history
        )
    elif symptom.why:
        yield sentence(symptom.why)
    match symptom.expect["check"]:
        case "sessions":
            yield from mechanism.of_forgotten(history)
        case "outage":
            rows = [row for row in report.get("outages", ()) if not row["ended"]]
            here = [row for row in rows if row["location"] == symptom.expect["location"]]
            for row in here[:1]:
                yield from mechanism.of_unserved(row["worst_client"], row["from_s"], history)
        case "machines":
            for death in [row for row in report.get("deaths", ()) if row["error_line"]][:1]:
                yield sentence(f"it said last: {death['error_line']}")
    yield from _faults(history)
    if not plan.strikes:
        yield "No fault was needed."


def _message(session: str, seq: int, history: History) -> Iterator[str]:
    """The life of one message."""
    sent = [(t, e) for t, e in history.of(Sent) if (e.session, e.seq) == (session, seq)]
    acked = [(t, e) for t, e in history.of(Acked) if (e.session, e.seq) == (session, seq)]
    times = [f"{t:.2f} s" for t, _ in sent]
    of = f" of {sent[0][1].client}" if sent else ""
    yield f"Message {seq} of session {session}{of} was sent at {listed(times)}."
    for t, event in acked[:2]:
        near = [
            f"{t - at:.2f} s after {fault.fault} {fault.target}"
            if t >= at
            else f"{at - t:.2f} s before {fault.fault} {fault.target}"
            for at, fault in history.faults
            if abs(t - at) <= _BEFORE_S
        ]
        when = f", {listed(near)}" if near else ""
        yield f"Machine {event.machine} in {event.region} acknowledged it at {t:.2f} s{when}."


def _faults(history: History) -> Iterator[str]:
    done = [f"{fault.fault} {fault.target} at {t:.2f} s" for t, fault in history.faults]
    if done:
        yield f"The faults were {listed(done)}."
