"""Where things are: Fly's regions and the larger cities of the world.

A region's coordinates are its city's, to a hundredth of a degree: about a kilometre, which is far
below what a round trip's model can tell apart.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from sim.topology.cities import CITIES
from sim.topology.model import Coordinates

EARTH_RADIUS_KM = 6371.0088  # the mean radius of the WGS 84 ellipsoid


@dataclass(frozen=True)
class FlyRegion:
    """A region of Fly.io. A deprecated one takes no machines any more."""

    code: str
    city: str
    at: Coordinates
    continent: str
    active: bool = True


def _regions(continent: str, active: str, deprecated: str = "") -> Iterable[FlyRegion]:
    for text, is_active in ((active, True), (deprecated, False)):
        for line in text.strip().splitlines():
            code, lat, lon, city = line.split(None, 3)
            yield FlyRegion(code, city, Coordinates(float(lat), float(lon)), continent, is_active)


# The 18 regions that Fly.io lists, and the 17 it closed to new machines on 2025-10-16.
REGIONS: dict[str, FlyRegion] = {
    region.code: region
    for group in (
        _regions(
            "europe",
            """
            ams  52.37    4.90  Amsterdam
            arn  59.33   18.07  Stockholm
            cdg  48.86    2.35  Paris
            fra  50.11    8.68  Frankfurt
            lhr  51.51   -0.13  London
            """,
            """
            mad  40.42   -3.70  Madrid
            otp  44.43   26.10  Bucharest
            waw  52.23   21.01  Warsaw
            """,
        ),
        _regions("africa", "jnb -26.20 28.05 Johannesburg"),
        _regions(
            "asia_pacific",
            """
            bom  19.08   72.88  Mumbai
            nrt  35.68  139.69  Tokyo
            sin   1.35  103.82  Singapore
            syd -33.87  151.21  Sydney
            """,
            "hkg 22.32 114.17 Hong Kong",
        ),
        _regions(
            "north_america",
            """
            dfw  32.78  -96.80  Dallas
            ewr  40.79  -74.06  Secaucus
            iad  39.04  -77.49  Ashburn
            lax  34.05 -118.24  Los Angeles
            ord  41.88  -87.63  Chicago
            sjc  37.34 -121.89  San Jose
            yyz  43.65  -79.38  Toronto
            """,
            """
            atl  33.75  -84.39  Atlanta
            bos  42.36  -71.06  Boston
            den  39.74 -104.99  Denver
            mia  25.76  -80.19  Miami
            phx  33.45 -112.07  Phoenix
            sea  47.61 -122.33  Seattle
            yul  45.50  -73.57  Montreal
            gdl  20.67 -103.35  Guadalajara
            qro  20.59 -100.39  Queretaro
            """,
        ),
        _regions(
            "south_america",
            "gru -23.55 -46.63 Sao Paulo",
            """
            bog   4.71  -74.07  Bogota
            eze -34.85  -58.52  Ezeiza
            gig -22.91  -43.17  Rio de Janeiro
            scl -33.45  -70.67  Santiago
            """,
        ),
    )
    for region in group
}


def distance_km(a: Coordinates, b: Coordinates) -> float:
    """The great-circle distance by the haversine formula (Sinnott, Sky & Telescope 68, 1984).

    On a sphere it is at most 0.6 % off the ellipsoid's.
    """
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    across = math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    along = math.sin((lat_b - lat_a) / 2) ** 2
    chord = along + math.cos(lat_a) * math.cos(lat_b) * across
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


def continent(region_code: str) -> str | None:
    """The continent of a Fly region (africa, asia_pacific, europe, …), or None."""
    region = REGIONS.get(region_code)
    return region.continent if region else None


def place_named(name: str) -> Coordinates | None:
    """The coordinates of a city (`new-york`) or of a Fly code (`iad`), or None."""
    if name in CITIES:
        lat, lon = CITIES[name]
        return Coordinates(lat, lon)
    return REGIONS[name].at if name in REGIONS else None


def nearest_active(at: Coordinates) -> FlyRegion:
    """The region that takes machines and is nearest to a point."""
    return min((r for r in REGIONS.values() if r.active), key=lambda r: distance_km(r.at, at))


def slug(name: str) -> str:
    """A name as places are written in files: `São Paulo` becomes `sao-paulo`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def region_suggestions(code: str) -> list[str]:
    """Up to three active regions that may be meant: by city's name, then by a similar code."""
    active = {r.code: r for r in REGIONS.values() if r.active}
    wanted = slug(code)
    by_city = [r.code for r in active.values() if wanted and wanted in slug(r.city)]
    if not by_city and wanted in CITIES:
        by_city = [nearest_active(Coordinates(*CITIES[wanted])).code]
    similar = difflib.get_close_matches(wanted, active, n=3, cutoff=0.6)
    return list(dict.fromkeys([*by_city, *similar]))[:3]


def city_suggestions(name: str) -> list[str]:
    """Up to three known cities or codes whose name is like this one."""
    wanted = slug(name)
    starts = [city for city in CITIES if len(wanted) >= 3 and city.startswith(wanted)]
    similar = difflib.get_close_matches(wanted, [*CITIES, *REGIONS], n=3, cutoff=0.7)
    return list(dict.fromkeys([*starts, *similar]))[:3]
