"""What a failed run shows, as the kind of failure it is. Pure, of a run's report.

Two findings of one symptom are one: the same promise is broken in the same way. In one run so are
two of which one follows from the other: a session is forgotten because its messages are lost, a
client is served by nobody because the machines have died.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.hunt.hunted import KINDS

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Symptom:
    """A broken promise. `name` is its kind; `expect` is what shows it, as a scenario has it."""

    name: str
    expect: Mapping[str, Any] = field(compare=False)
    observed: str = field(default="", compare=False)
    why: str = field(default="", compare=False)


def symptoms(report: Report, asked: Sequence[Mapping[str, Any]]) -> list[Symptom]:
    """What is surely broken, in the order of what was `asked`; nothing that is unknown."""
    found: dict[str, Symptom] = {}
    for row, expect in zip(report["expectations"], asked, strict=False):
        if row["held"] is False and row["check"] == expect["check"] and _counts(row, report):
            name = _name(row, report)
            found.setdefault(name, Symptom(name, expect, row["observed"], row["why"]))
    return [symptom for symptom in found.values() if not _follows(symptom, [*found])]


def _follows(symptom: Symptom, names: Sequence[str]) -> bool:
    """Whether it follows from another one of these."""
    if symptom.name == "forgotten":
        return "lost" in names and "was lost" in symptom.why
    unserved = symptom.name in ("never-served-again", "never-resumed")
    return unserved and any(name.startswith("died") for name in names)


def _counts(row: Mapping[str, Any], report: Report) -> bool:
    """An outage is to end once all is healed: not where an event let a fault come after that."""
    faults = report["faults"]
    healed = not faults or (faults[-1]["fault"], faults[-1]["target"]) == ("heal", "everything")
    return row["check"] != "outage" or healed


def _name(row: Mapping[str, Any], report: Report) -> str:
    match row["check"]:
        case "messages":
            return next(kind for kind in KINDS if kind in row)
        case "sessions":
            return "forgotten" if "forgot" in row["why"] else "never-resumed"
        case "outage":
            return "never-served-again"
        case "machines":
            deaths = report["deaths"]
            return f"died-{deaths[0]['exit']}" if deaths else "died"
        case "disconnects":
            codes = sorted({str(d["code"]) for d in report["disconnects"] if d["by"] == row["by"]})
            return f"cut-by-{row['by']}-{codes[0] if codes else ''}"
        case check:
            return f"{check}-broken"
