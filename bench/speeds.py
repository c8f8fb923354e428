"""Whether `--speed` changes what a run shows: verdicts, outages and wall time by scenario.

    python -m bench.speeds [--jobs N] [--seed S] [SCENARIO …]

Without a scenario: the library of outages, the demo and the undisturbed Pacific.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time  # noqa: TID251 - a bench measures real time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench.common import ROOT, machine, table

SPEEDS = ("1", "5", "10", "20", "auto")
_NO_VERDICT = {2: "bad input", 3: "not run"}


class Ran(NamedTuple):
    """What a run showed: its verdict, its longest outage, and the real time that it took."""

    scenario: str
    asked: str
    speed: float
    verdict: str
    worst_s: float
    took_s: float
    alerts: int


def run(scenario: Path, asked: str, seed: int) -> Ran:
    """Run a scenario by the command."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "sim", "run", str(scenario), "--speed", asked]
        begun = time.monotonic()
        done = subprocess.run(
            [*command, "--seed", str(seed), "--json", str(report)],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        took_s = time.monotonic() - begun
        if not report.exists():
            why = _NO_VERDICT.get(done.returncode, f"exit {done.returncode}")
            return Ran(scenario.stem, asked, 0.0, why, 0.0, took_s, 0)
        found = json.loads(report.read_text())
    worst_s = max((row["seconds"] for row in found["outages"]), default=0.0)
    alerts = len(found.get("alerts", ()))
    return Ran(scenario.stem, asked, found["speed"], found["verdict"], worst_s, took_s, alerts)


def library() -> list[Path]:
    """The scenarios that come with the simulator, as far as speeds are compared by them."""
    found = sorted((ROOT / "topologies" / "outages").glob("*.yaml"))
    scenarios = [path for path in found if "\nexpect:" in path.read_text()]
    named = ("frankfurt-crash", "frankfurt-freeze", "pacific-undisturbed")
    return [*scenarios, *(ROOT / "topologies" / f"{name}.yaml" for name in named)]


def main() -> None:
    """Print a row for each scenario."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", type=Path, nargs="*")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    cells = list(itertools.product(asked.scenarios or library(), SPEEDS))
    by_scenario: dict[str, list[Ran]] = defaultdict(list)
    with ThreadPoolExecutor(asked.jobs) as side_by_side:
        for ran in side_by_side.map(lambda cell: run(cell[0], cell[1], asked.seed), cells):
            print(*ran, flush=True)
            by_scenario[ran.scenario].append(ran)
    rows: list[list[object]] = []
    for scenario, runs in by_scenario.items():
        told = [f"{r.verdict} {r.worst_s:.1f}" for r in runs]
        worst = [r.worst_s for r in runs]
        apart = max(worst) - min(worst)
        took = f"{runs[0].took_s:.0f} / {runs[-1].took_s:.0f}"
        rows.append([scenario, *told, f"{runs[-1].speed:g}", f"{apart:.1f}", took])
    head = ["scenario", *(f"at {s}" for s in SPEEDS), "auto is", "apart, s", "wall s, 1 / auto"]
    table(f"Verdict and longest outage in seconds ({machine()}, {asked.jobs} at once)", head, rows)
    whole_s = [sum(r.took_s for runs in by_scenario.values() for r in runs if r.asked == s)
               for s in ("1", "auto")]  # fmt: skip
    print(f"\nall of them: {whole_s[0]:.0f} s at speed 1, {whole_s[1]:.0f} s at auto")


if __name__ == "__main__":
    main()
