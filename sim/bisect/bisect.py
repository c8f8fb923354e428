"""Runs a scenario over a gateway's releases, and finds the one that broke what it expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.apart import run_apart
from sim.bisect.first_bad import first_bad, measured, usual_runs
from sim.bisect.release_line import Releases
from sim.errors import InputError, Problem
from sim.remaining import Remaining

_MEASURED = 5  # runs of the good and of the bad end


@dataclass
class Bisect:
    """A bisection in `folder`, a scratch folder. `tell` gets each line for a person."""

    releases: Releases
    folder: Path
    seed: int
    arguments: Sequence[str]
    tell: Callable[[str], None]
    runs: int = field(default=0)

    async def run(self, good: str, bad: str) -> list[str]:
        """The first bad release in a line, or those that it may be. Raises InputError."""
        line = await self.releases.line(good, bad)
        told = [self.releases.told(release) for release in line]
        self.tell(f"{len(line)} releases, {told[0]} to the bad one")
        self._remaining = Remaining(2 * _MEASURED + usual_runs(len(line), rate=1.0))

        async def fails(number: int) -> bool | None:
            return await self._fails(line[number], told[number])

        failed, decided = await measured(0, _MEASURED, fails)
        if failed or not decided:
            why = f"failed {failed} of {decided}" if decided else "was unknown each time"
            raise InputError(Problem(f"the good one {why}: it shows no promise that was kept"))
        failed, decided = await measured(len(line) - 1, _MEASURED, fails)
        if not failed:
            raise InputError(
                Problem(f"the bad one failed 0 of {decided}: there is nothing to find")
            )
        self.tell(f"the bad one fails {failed} of {decided}")
        self._remaining.total = self.runs + usual_runs(len(line), failed / decided)
        found = await first_bad(len(line), failed / decided, fails)
        return [told[number] for number in found]

    async def _fails(self, release: str, told: str) -> bool | None:
        """One run of a release."""
        self.runs += 1
        with self.releases.laid(release, self.folder) as laid:
            arguments = ["--seed", str(self.seed + self.runs), *self.arguments, *laid.arguments]
            ran = await run_apart(
                laid.scenario, arguments, self.folder / "run", laid.scenario.parent
            )
        why = f" ({ran.why})" if ran.why else ""
        self.tell(f"{told}: {ran.verdict}{why}{self._remaining.after()}")
        return {"failed": True, "held": False}.get(ran.verdict)
