"""The wall of broken gateways: each must be caught for its own reason, the sound one never accused.

python -m bench.wall --jobs 2              every fault over every protocol, the sound one 50 times
python -m bench.wall --only leaks sound    these gateways alone
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.common import machine
from tests.wall.storm import DRIVERS, SOUND
from tests.wall.wall import WALL, Brick, run

Plan = tuple[str, str, int]  # gateway, protocol, seed


def plans(only: Sequence[str], protocols: Sequence[str], seeds: int, sound: int) -> Iterator[Plan]:
    """What is to be run: the sound gateway's runs take the protocols in turns."""
    for gateway in WALL:
        if not only or gateway in only:
            for protocol in protocols:
                yield from ((gateway, protocol, seed) for seed in range(1, seeds + 1))
    if not only or SOUND in only:
        for seed in range(1, sound + 1):
            yield (SOUND, protocols[seed % len(protocols)], seed)


def matrix(bricks: Sequence[Brick], protocols: Sequence[str]) -> Iterator[str]:
    """The table: of each gateway and protocol, how many runs had the right verdict."""
    yield f"| gateway | must be | {' | '.join(protocols)} |"
    yield "| --- " * (2 + len(protocols)) + "|"
    for gateway in [*WALL, SOUND]:
        of = [brick for brick in bricks if brick.gateway == gateway]
        if not of:
            continue
        must = "held" if gateway == SOUND else f"failed: {WALL[gateway].check}"
        cells = []
        for protocol in protocols:
            runs = [brick for brick in of if brick.protocol == protocol]
            cells.append(f"{sum(brick.right for brick in runs)} of {len(runs)}")
        yield f"| {gateway} | {must} | {' | '.join(cells)} |"


def main() -> int:
    """Run the wall and print it; 0 where every verdict was right."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sound", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=[], choices=[*WALL, SOUND])
    parser.add_argument("--protocols", nargs="*", default=list(DRIVERS), choices=list(DRIVERS))
    parser.add_argument("--keep", type=Path, help="a folder for journals of wrong verdicts")
    asked = parser.parse_args()
    bricks: list[Brick] = []
    print(f"The wall, on {machine()}.", flush=True)
    with ThreadPoolExecutor(asked.jobs) as pool:
        running = pool.map(
            lambda plan: run(*plan, keep=asked.keep),
            plans(asked.only, asked.protocols, asked.seeds, asked.sound),
        )
        for brick in running:
            bricks.append(brick)
            print(brick, "" if brick.right else "\n    WRONG", flush=True)
    print("", *matrix(bricks, asked.protocols), sep="\n")
    return 0 if all(brick.right for brick in bricks) else 1


if __name__ == "__main__":
    raise SystemExit(main())
