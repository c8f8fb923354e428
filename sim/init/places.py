"""Where a first topology runs machines, and where its clients are: the same in all files."""

from __future__ import annotations

from dataclasses import dataclass

from sim.topology.cities import CITIES
from sim.topology.geography import continent, distance_km, place_named
from sim.topology.model import Coordinates

_REMOTE = {"europe": "iad"}  # the second region, by the primary's continent; elsewhere `fra`
_CITY = {"iad": "new-york", "fra": "london"}  # as in the demo and in all documents


@dataclass(frozen=True)
class Places:
    """Two regions, and the city whose clients each serves."""

    primary: str
    second: str
    near: str
    far: str


def places_for(primary: str | None) -> Places:
    """The primary region, one that is far from it, and a city of clients near each."""
    primary = primary or "iad"
    second = _REMOTE.get(continent(primary) or "", "fra")
    return Places(primary, second, _city_near(primary), _city_near(second))


def _city_near(code: str) -> str:
    """The nearest large city."""
    if code in _CITY:
        return _CITY[code]
    at = place_named(code) or Coordinates(0, 0)
    larger = (name for name in CITIES if name not in ("ashburn", "san-jose"))
    return min(larger, key=lambda name: distance_km(at, Coordinates(*CITIES[name])))
