"""What a campaign's runs come to: verdicts, and what each varied value does. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from sim.campaign.matrix import SEED, canonical
from sim.campaign.row import Row

VERDICTS = ("held", "failed", "unknown")


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many runs have each verdict."""
    found = Counter(row["verdict"] for row in rows)
    return {verdict: found[verdict] for verdict in VERDICTS}


def varied(dimensions: Mapping[str, Sequence[Any]], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For each thing that varies, what its values do to outage, loss and cost."""
    return [
        {"key": key, "values": [_value(key, value, rows) for value in values]}
        for key, values in dimensions.items()
        if len(values) > 1
    ]


def _value(key: str, value: Any, rows: Sequence[Row]) -> dict[str, Any]:
    own = [row for row in rows if canonical(row["setup"][key]) == canonical(value)]
    return {
        "value": value,
        "runs": len(own),
        **counts(own),
        "outage_s": _over_seeds(own, lambda row: row["outage_s"]),
        "lost": _over_seeds(own, lambda row: row["lost"]),
        "cost_usd_month": _over_seeds(own, lambda row: row["cost_usd_month"]),
    }


def _over_seeds(
    rows: Iterable[Row], figure: Callable[[Row], float | None]
) -> dict[str, float | int] | None:
    """The mean of a figure, and its least and greatest over the seeds; None where no run has it.

    A seed's figure is the mean of its runs, so that the interval is chance and nothing else that
    varies beside it.
    """
    of_seed: dict[int, list[float]] = {}
    for row in rows:
        if (found := figure(row)) is not None:
            of_seed.setdefault(row[SEED], []).append(found)
    if not of_seed:
        return None
    means = [fmean(values) for values in of_seed.values()]
    return {
        "mean": round(fmean(means), 3),
        "least": round(min(means), 3),
        "greatest": round(max(means), 3),
        "seeds": len(means),
    }
