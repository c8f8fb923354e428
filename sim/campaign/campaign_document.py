"""A campaign's report as one JSON document: the other forms are drawn from it. Pure.

It has no time and no place of the campaign itself: merged shards have the report of one run.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from sim.campaign.campaign_tally import counts, varied
from sim.campaign.matrix import SEED, Campaign, Cell, canonical
from sim.campaign.row import Row, badness
from sim.report.series import worst

Document = dict[str, Any]

_SHOWN = ("index", "setup")  # of a row, what the rest of the document says


def build(
    campaign: Campaign, cells: Iterable[Cell], rows: Iterable[Row], missing: Sequence[str] = ()
) -> Document:
    """The report of these cells. One without a row is unknown, and `missing` says why in words."""
    found = {row["cell"]: row for row in rows}
    setups: dict[str, Document] = {}
    known: list[Row] = []
    worst_run: tuple[Row, Cell] | None = None
    absent = 0
    for cell in cells:
        setup = setups.setdefault(
            canonical(cell.setup), {"setup": cell.setup, "verdict": "held", "runs": []}
        )
        row = found.get(cell.id)
        absent += row is None
        setup["runs"].append(_run(cell, row))
        if row:
            known.append(row)
            if worst_run is None or badness(row) > badness(worst_run[0]):
                worst_run = row, cell
    for setup in setups.values():
        setup["verdict"] = worst(run["verdict"] for run in setup["runs"])
    verdicts = [setup["verdict"] for setup in setups.values()]
    return {
        "campaign": campaign.name,
        "verdict": worst(verdicts) if verdicts else "unknown",
        "runs": len(known) + absent,
        **counts(known),
        "missing": absent,
        "missing_because": list(missing),
        "worst": worst_run and _worst(*worst_run),
        "varied": varied(campaign.dimensions, known),
        "setups": list(setups.values()),
    }


def _run(cell: Cell, row: Row | None) -> Document:
    if row is None:
        return {"cell": cell.id, SEED: cell.seed, "verdict": "unknown", "why": ["it was not run"]}
    return {key: value for key, value in row.items() if key not in _SHOWN}


def _worst(row: Row, cell: Cell) -> Document:
    """The worst run, and what a person gives to run it again, from the campaign's folder."""
    kept = ("cell", "setup", SEED, "verdict", "outage_s", "why")
    again = shlex.join(["sim", "run", cell.scenario, *cell.arguments])
    return {**{key: row[key] for key in kept}, "again": again}
