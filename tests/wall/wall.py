"""The wall: what the verdict on each gateway must be and say, and one run of one of them."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.wall import storm
from tests.wall.faults import FAULTS
from tests.wall.storm import ROOT, SOUND

SPEED = 10


@dataclass(frozen=True)
class Reason:
    """Why a verdict must be *failed*: this check failed, and its words have `says` in them.

    In `says` an N is a number from 1 on, and … is anything. `began` bounds the simulated second
    from which on the first message, or the worst client, had to suffer. `stop` is how a machine
    took the signal to end, as the report's table of stops must say.
    """

    check: str
    says: str
    began: tuple[float, float] = (0.0, math.inf)
    stop: str | None = None

    def explains(self, row: Mapping[str, Any]) -> bool:
        """Whether an expectation of the report failed for this reason."""
        if row["check"] != self.check or row["held"] is not False:
            return False
        words = f"{row['observed']}: {row['why']}"
        pattern = re.escape(self.says).replace("…", ".*").replace("N", r"\b[1-9]\d*")
        began = re.search(r"(?:sent at|from) ([0-9.]+) s", row["why"])
        first, last = self.began
        return re.search(pattern, words) is not None and (
            began is None or first <= float(began[1]) <= last
        )


WALL: Mapping[str, Reason] = {
    "acknowledges early": Reason("messages", "N lost", (14, 95)),
    "swallows errors": Reason("messages", "N lost", (14, 95)),
    "loses the tail of a batch": Reason("messages", "N lost", (0, 15)),
    "remembers locally": Reason("sessions", "forgot: … this state lived on the machine"),
    "forgets to fence": Reason("messages", "N duplicated"),
    "retries blindly": Reason("messages", "N duplicated"),
    "dedupes in memory": Reason("messages", "N duplicated"),
    "handles messages at once": Reason("messages", "N reordered"),
    "keeps a dead pool": Reason("outage", "not over when the run ended", (78, 95)),
    "blocked, and says healthy": Reason(
        "outage", "new-york… not over when the run ended", (15, 58)
    ),
    "never lets anybody back in": Reason(
        "outage", "london… not over when the run ended", (100, 130)
    ),
    "drops at stop": Reason("disconnects", "by deploy, 1006", stop="undrained"),
    "ignores its stop signal": Reason("disconnects", "by deploy, 1006", stop="killed"),
    "cuts politely": Reason("disconnects", "by gateway, 1000 (that is enough)"),
    "leaks": Reason("machines", "killed by SIGABRT"),
    "pins to the primary region": Reason("served_by", "answered elsewhere, … by iad"),
}


@dataclass(frozen=True)
class Brick:
    """One run of one gateway over one protocol. `report` is None where there was none."""

    gateway: str
    protocol: str
    seed: int
    report: Mapping[str, Any] | None
    output: str

    @property
    def verdict(self) -> str:
        """held, failed, unknown, or none."""
        return self.report["verdict"] if self.report else "none"

    @property
    def expectations(self) -> Sequence[Mapping[str, Any]]:
        """The report's rows of checks."""
        return self.report["expectations"] if self.report else []

    @property
    def right(self) -> bool:
        """Whether the verdict is as it must be, for the reason for which it must be."""
        if self.gateway == SOUND:
            return self.verdict == "held"
        reason = WALL[self.gateway]
        stops = [stop["outcome"] for stop in self.report["stops"]] if self.report else []
        if reason.stop is not None and reason.stop not in stops:
            return False
        return any(map(reason.explains, self.expectations))

    def __str__(self) -> str:
        reasons = [
            f"{row['check']}: {row['observed']}: {row['why']}"
            for row in self.expectations
            if row["held"] is not True
        ]
        reasons += self.report["doubts"] if self.report else [self.output]
        head = f"{self.gateway}, {self.protocol}, seed {self.seed}: {self.verdict}"
        return "\n    ".join([head, *reasons])


def run(
    gateway: str, protocol: str, seed: int, *, speed: int = SPEED, keep: Path | None = None
) -> Brick:
    """Put one gateway through the storm. A wrong verdict's journal goes into the folder `keep`."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        scenario, report = folder / "scenario.yaml", folder / "report.json"
        journal = folder / "journal.jsonl"
        (folder / "topology.yaml").write_text(yaml.safe_dump(storm.topology(gateway)))
        scenario.write_text(yaml.safe_dump(storm.scenario(gateway, protocol)))
        command = [sys.executable, "-m", "sim", "run", str(scenario)]
        command += ["--speed", str(speed), "--seed", str(seed), "--json", str(report)]
        command += ["--journal", str(journal)]
        environment = {**os.environ, "SIM_HOME": str(folder / "home"), "COLUMNS": "120"}
        environment.pop("SIM_TOXIPROXY", None)
        done = subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        found = json.loads(report.read_text()) if report.exists() else None
        brick = Brick(gateway, protocol, seed, found, done.stdout + done.stderr)
        if keep and not brick.right and journal.exists():
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(journal, keep / f"{gateway}, {protocol}, {seed}.jsonl")
        return brick


def as_table() -> str:
    """The wall as docs/wall.md shows it."""
    rows = [
        f"| {name} | {_story(FAULTS[name])} | `{reason.check}`: {reason.says}"
        + (f"; a stop was *{reason.stop}* |" if reason.stop else " |")
        for name, reason in WALL.items()
    ]
    return "\n".join(
        ("| the gateway | what it does | the verdict is *failed*, by |", "|---|---|---|", *rows)
    )


def _story(fault: type) -> str:
    return (fault.__doc__ or "").splitlines()[0]
