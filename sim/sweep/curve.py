"""The curve: how likely a kill at each moment of a session's turn breaks a promise. Pure.

A turn is the life of one message: sent, on its way to its acknowledgement, acknowledged, and the
pause until the next is sent. Half of the moments are on the way, for there the races are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from sim.observe.events import Acked, Sent
from sim.sweep.boundaries import TURN, Boundary, Moment
from sim.sweep.sweep import BoundaryResult

_Z = 1.959964  # of the normal distribution: intervals of 95 %
_LAST = 0.9  # of the pause: on another machine it may be shorter


def curve_moments(points: int) -> list[Boundary]:
    """So many moments of a turn, in its order: on the way, and then in the pause."""
    on_way = (points + 1) // 2
    in_pause = points - on_way
    way = [
        Boundary(f"{k / on_way:.1%} of the way to its ack", Moment(Sent, TURN, ways=k / on_way))
        for k in range(on_way)
    ]
    shares = [_LAST * k / max(1, in_pause) for k in range(in_pause)]
    pause = [
        Boundary(f"acknowledged, {share:.1%} of the pause", Moment(Acked, TURN, pauses=share))
        for share in shares
    ]
    return way + pause


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The interval of 95 % for a probability, from so many hits of so many tries (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, _Z * _Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    # Rounding must not put the share itself outside.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


@dataclass(frozen=True)
class Point:
    """What came of the kills at one moment, `at_s` after the message was sent.

    The share and its interval are of the runs that were decided; outages are of all that had one.
    """

    name: str
    at_s: float
    runs: int
    broken: int
    unknown: int
    least: float
    most: float
    outage_s: tuple[float, float, float] | None  # the shortest, the median, the longest

    @property
    def share(self) -> float | None:
        """Broken of those decided; None where none was."""
        decided = self.runs - self.unknown
        return self.broken / decided if decided else None


def points_of(results: Sequence[BoundaryResult], way_s: float, pause_s: float) -> list[Point]:
    """The curve of all kills, in the order of the turn; `way_s` is undisturbed, as `pause_s`."""
    by_moment: dict[Boundary, list[BoundaryResult]] = {}
    for result in results:
        if result.boundary:
            by_moment.setdefault(result.boundary, []).append(result)
    found = [_point(boundary, of, way_s, pause_s) for boundary, of in by_moment.items()]
    return sorted(found, key=lambda point: point.at_s)


def _point(boundary: Boundary, of: list[BoundaryResult], way_s: float, pause_s: float) -> Point:
    verdicts = [result.verdict for result in of]
    broken, unknown = verdicts.count("failed"), verdicts.count("unknown")
    least, most = wilson(broken, len(of) - unknown)
    moment = boundary.moment
    began_s = way_s if moment.event is Acked else 0.0
    outages = sorted(result.outage_s for result in of if result.machines)
    return Point(
        boundary.name,
        round(began_s + moment.ways * way_s + moment.pauses * pause_s, 4),
        len(of),
        broken,
        unknown,
        least,
        most,
        (outages[0], median(outages), outages[-1]) if outages else None,
    )
