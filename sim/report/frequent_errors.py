"""The most frequent errors of clients, each with the fault that stood in its way then. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sim.observe.events import FaultBegan, FaultFailed
from sim.observe.history import History
from sim.observe.refusals import Refusal, RefusalKind
from sim.scenario.lasting import Fault, Lasting

_MOST = 10  # kinds of errors; the report's `errors` has the sums of all


def frequent_errors(history: History) -> list[dict[str, Any]]:
    """The ten most frequent kinds of errors without a fault, and the ten with one."""
    kinds: Counter[tuple[RefusalKind, str | None]] = Counter()
    faults = Lasting()
    later = [*history.among(FaultBegan, FaultFailed)]
    for t, refusal in history.refusals:
        while later and later[0][0] <= t:
            faults.take(*later.pop(0))
        kinds[refusal.kind, _in_the_way(faults.faults, refusal)] += 1
    ranked = [
        {**vars(kind), "fault": fault, "count": count}
        for (kind, fault), count in kinds.most_common()
    ]
    own = [row for row in ranked if row["fault"] is None]
    return own[:_MOST] + [row for row in ranked if row["fault"] is not None][:_MOST]


def _in_the_way(faults: Sequence[Fault], refusal: Refusal) -> str | None:
    """The last fault that stood where the client was or where it was led to."""
    for fault in reversed(faults):
        if fault.location in (None, refusal.location) and fault.region in (None, refusal.region):
            return f"{fault.fault} {fault.target}"
    return None
