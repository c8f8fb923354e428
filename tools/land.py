"""Makes land.json from the npm package world-atlas: decoded, simplified, in twentieths of a degree.

    npm install --no-save world-atlas
    python -m tools.land node_modules/world-atlas

The package's licence is kept beside the data. Its outlines are Natural Earth's, which are in the
public domain. Each ring is a flat list: longitude and latitude of the first point, then steps from
point to point, as the drawing code reads it.
"""

from __future__ import annotations

import heapq
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1] / "sim" / "page" / "land"
STEPS_PER_DEGREE = 20
LEAST_TRIANGLE = 0.02  # square degrees: a point that bends the coast by less is left out
LEAST_ISLAND = 0.25  # square degrees of a ring's bounding box
SOUTH_END = -58.0  # nobody is served in Antarctica, and it takes a quarter of the outline

Point = tuple[float, float]


def rings(topology: dict[str, Any]) -> Iterator[list[Point]]:
    """The outer rings of the land in degrees (TopoJSON: delta-coded arcs, shared and reversed)."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs: list[list[Point]] = []
    for coded in topology["arcs"]:
        x = y = 0
        arc = []
        for dx, dy in coded:
            x, y = x + dx, y + dy
            arc.append((x * sx + tx, y * sy + ty))
        arcs.append(arc)
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            ring: list[Point] = []
            for index in polygon[0]:
                arc = arcs[index] if index >= 0 else arcs[~index][::-1]
                ring += arc[1:] if ring else arc
            yield ring


def simplified(ring: list[Point], least: float) -> list[Point]:
    """Visvalingam's algorithm: the point that bends the outline least goes, until none is small."""
    before = list(range(-1, len(ring) - 1))
    after = list(range(1, len(ring) + 1))
    gone = [False] * len(ring)

    def bend(k: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = ring[before[k]], ring[k], ring[after[k]]
        return abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2

    size = {k: bend(k) for k in range(1, len(ring) - 1)}
    heap = [(area, k) for k, area in size.items()]
    heapq.heapify(heap)
    while heap and heap[0][0] < least:
        area, k = heapq.heappop(heap)
        if gone[k] or area != size[k]:
            continue
        gone[k] = True
        left, right = before[k], after[k]
        after[left], before[right] = right, left
        for neighbour in (left, right):
            if neighbour in size:
                # Never less than what just went: else a gentle curve would vanish point by point.
                size[neighbour] = max(bend(neighbour), area)
                heapq.heappush(heap, (size[neighbour], neighbour))
    return [point for point, dropped in zip(ring, gone, strict=True) if not dropped]


def worth_drawing(ring: list[Point]) -> bool:
    """Whether a ring is large enough to be seen, and where people are."""
    longitudes, latitudes = [x for x, _ in ring], [y for _, y in ring]
    box = (max(longitudes) - min(longitudes)) * (max(latitudes) - min(latitudes))
    return box >= LEAST_ISLAND and max(latitudes) > SOUTH_END


def coded(ring: list[Point]) -> list[int]:
    """The ring as steps of whole twentieths of a degree, without those of no length."""
    out: list[int] = []
    at = (0, 0)
    for x, y in ring:
        here = (round(x * STEPS_PER_DEGREE), round(y * STEPS_PER_DEGREE))
        step = (here[0] - at[0], here[1] - at[1])
        if not out or step != (0, 0):
            out += step
            at = here
    return out


def main() -> None:
    """Write land.json and LICENSE from the folder of the package."""
    package = Path(sys.argv[1])
    topology = json.loads((package / "land-50m.json").read_text(encoding="utf-8"))
    land = [coded(simplified(r, LEAST_TRIANGLE)) for r in rings(topology) if worth_drawing(r)]
    text = json.dumps([ring for ring in land if len(ring) >= 8], separators=(",", ":"))
    (HERE / "land.json").write_text(text + "\n", encoding="utf-8")
    licence = (package / "LICENSE").read_text(encoding="utf-8")
    (HERE / "LICENSE").write_text(licence, encoding="utf-8")


if __name__ == "__main__":
    main()
