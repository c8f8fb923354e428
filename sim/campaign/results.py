"""A campaign's results on disk: what was asked, a line for each finished run, and files of some.

    campaign.json    the campaign, the shard, and a digest of the files that it runs
    results.jsonl    a line for each run, written as it ends; of a cell's lines the last counts
    cells/ID/        report, page, journal and output of the runs that did not hold, and of the
                     longest outage among those that did

So a campaign that was interrupted can go on, and shards can be merged, from folders alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim import __version__
from sim.campaign.matrix import Campaign, canonical
from sim.campaign.row import Row, badness
from sim.campaign.shard import Shard, shard_of
from sim.errors import EnvironmentLacksError, InputError, Problem
from sim.scenario.load_scenario import load_scenario

_ABOUT, _ROWS, _CELLS = "campaign.json", "results.jsonl", "cells"


@dataclass(frozen=True)
class About:
    """What a folder's results are of. `inputs` is a digest of the scenarios and topologies."""

    campaign: Campaign
    shard: Shard
    inputs: str
    version: str = __version__

    def differs(self, other: About) -> str | None:
        """Why the results of both do not belong together, or None."""
        if canonical(asdict(self.campaign)) != canonical(asdict(other.campaign)):
            return "another campaign"
        if self.inputs != other.inputs:
            return "other scenarios or topologies, which have changed since"
        if self.version != other.version:
            return f"another version of the simulator, {other.version}"
        return None


class Results:
    """A folder of results. What is done to it is on disk at once."""

    def __init__(self, folder: Path, about: About) -> None:
        self.folder = folder
        self.about = about
        self._worst_held: Row | None = None

    @classmethod
    def begin(cls, folder: Path, about: About) -> Results:
        """A new folder. Raises InputError where it has results already."""
        if (folder / _ABOUT).exists():
            message = "has results already; go on with --resume, or name another folder (--out)"
            raise InputError(Problem(message, str(folder)))
        folder.mkdir(parents=True, exist_ok=True)
        shard = str(about.shard)
        plain = {**asdict(about), "shard": shard}
        text = json.dumps(plain, ensure_ascii=False, indent=2)
        (folder / _ABOUT).write_text(text + "\n", encoding="utf-8")
        return cls(folder, about)

    @classmethod
    def read(cls, folder: Path) -> Results:
        """The results of a folder. Raises InputError where it has none."""
        file = folder / _ABOUT
        try:
            plain = json.loads(file.read_text(encoding="utf-8"))
            about = About(
                Campaign(**plain["campaign"]),
                shard_of(plain["shard"]),
                plain["inputs"],
                plain["version"],
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            message = (
                f"is no folder of results: {_ABOUT} is missing there, or not as it was written"
            )
            raise InputError(Problem(message, str(folder))) from error
        return cls(folder, about)

    @classmethod
    def resume(cls, folder: Path, about: About) -> Results:
        """The results so far, to go on with. Raises InputError where they are of something else."""
        if not (folder / _ABOUT).exists():
            return cls.begin(folder, about)
        found = cls.read(folder)
        found.go_on_as(about)
        return found

    def go_on_as(self, about: About) -> None:
        """Take in what is here already. Raises InputError where it is of something else."""
        if why := about.differs(self.about):
            raise InputError(
                Problem(f"has the results of {why}; begin anew (--out)", str(self.folder))
            )
        if about.shard != self.about.shard:
            message = f"has the results of shard {self.about.shard}, not of {about.shard}"
            raise InputError(Problem(message, str(self.folder)))
        self._forget_half_a_line()
        for row in self.rows():
            self._notice(row)

    def cell(self, name: str) -> Path:
        """The folder of a run's files, by the id of its cell."""
        return self.folder / _CELLS / name

    def keep(self, row: Row) -> None:
        """Write the line of a run that has ended, and drop what files nobody will ask for."""
        try:
            with (self.folder / _ROWS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise EnvironmentLacksError(
                f"{self.folder} cannot be written: {error.strerror}",
                "make room there, and go on with --resume",
            ) from error
        self._notice(row)

    def rows(self) -> Iterator[Row]:
        """The line of each finished cell, in no order: the last one where there are several."""
        last: dict[str, Row] = {}
        for line in self._lines():
            row = json.loads(line)
            last[row["cell"]] = row
        return iter(last.values())

    def _lines(self) -> Iterator[str]:
        file = self.folder / _ROWS
        if file.exists():
            with file.open(encoding="utf-8") as lines:
                yield from (line for line in lines if line.endswith("\n"))

    def _forget_half_a_line(self) -> None:
        """A process that was killed while it wrote has left one."""
        file = self.folder / _ROWS
        if file.exists():
            whole = file.read_bytes().rpartition(b"\n")
            file.write_bytes(whole[0] + whole[1])

    def _notice(self, row: Row) -> None:
        if row["verdict"] != "held":
            return
        best = self._worst_held
        if best is None or badness(row) > badness(best):
            row, self._worst_held = best or {}, row
        if row:
            shutil.rmtree(self.cell(row["cell"]), ignore_errors=True)


def inputs_of(campaign: Campaign, folder: Path) -> str:
    """A digest of what the scenarios and their topologies say, drivers in YAML included."""
    said: list[Any] = []
    for name in campaign.scenarios:
        scenario = load_scenario(folder / name)
        said.append([name, scenario.document, scenario.topology.document])
    return hashlib.sha256(canonical(said).encode()).hexdigest()
