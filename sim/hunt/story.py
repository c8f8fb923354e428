"""What happened, in a paragraph, from the journal of a run that failed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sim.errors import InputError
from sim.hunt.hunted import KINDS
from sim.hunt.strike import Plan
from sim.hunt.symptom import Symptom
from sim.hunt.trial import Tried
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
    yield (
        f"{_sentence(symptom.observed)} {_sentence(symptom.why)}"
        if symptom.why
        else _sentence(symptom.observed)
    )
    anomalies = (seen.report or {}).get("anomalies", ())
    if symptom.name in KINDS:
        one = next((row for row in anomalies if row["kind"] == symptom.name), None)
        if one:
            yield from _message(one["session"], one["seq"], history)
    yield from _faults(history)
    if not plan.strikes:
        yield "No fault was needed."


def _message(session: str, seq: int, history: History) -> Iterator[str]:
    """The life of one message."""
    sent = [(t, e) for t, e in history.of(Sent) if (e.session, e.seq) == (session, seq)]
    acked = [(t, e) for t, e in history.of(Acked) if (e.session, e.seq) == (session, seq)]
    times = [f"{t:.2f} s" for t, _ in sent]
    yield f"Message {seq} of session {session} was sent at {_listed(times)}."
    for t, event in acked[:2]:
        near = [
            f"{t - at:.2f} s after {fault.fault} {fault.target}"
            if t >= at
            else f"{at - t:.2f} s before {fault.fault} {fault.target}"
            for at, fault in history.faults
            if abs(t - at) <= _BEFORE_S
        ]
        when = f", {_listed(near)}" if near else ""
        yield f"Machine {event.machine} in {event.region} acknowledged it at {t:.2f} s{when}."


def _faults(history: History) -> Iterator[str]:
    done = [f"{fault.fault} {fault.target} at {t:.2f} s" for t, fault in history.faults]
    if done:
        yield f"The faults were {_listed(done)}."


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _sentence(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")
