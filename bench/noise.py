"""Verdicts beside busy processes: the demo's scenario must not fail, a real stall must be found.

    python -m bench.noise [--runs N] [--busy B …] [--speed S]

Each run is a `sim run` of its own. Busy processes only count; they end with the bench.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.common import ROOT, machine, table

_MOST_S = 900  # whatever becomes of the bench, a busy process ends by then
_BUSY = f"import os, time; end = time.time() + {_MOST_S}; parent = os.getppid()\n"
_BUSY += "while time.time() < end and os.getppid() == parent: sum(range(10000))"
_WORDS = {0: "held", 1: "failed", 4: "unknown"}

_STALLING = f"""
app: stalling
gateway:
  command: [python, {ROOT / "bench" / "stalling_gateway.py"}]
  checks: [{{type: http, path: /healthz, interval: 30s, timeout: 20s}}]
regions: {{iad: {{}}}}
locations: {{new-york: {{}}}}
"""
_STALL = """
name: a real stall of 1.5 s
topology: stalling.yaml
load: {driver: http, clients: 4, every: 1s, timeout: 20s}
timeline: []
duration: 60s
expect: [{check: outage, location: new-york, max: 0s}]
"""


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that want a processor all the time."""
    started = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def verdict(scenario: Path, speed: str, seed: int) -> tuple[str, dict[str, Any]]:
    """The verdict of a run, and its report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "sim", "run", str(scenario), "--speed", speed]
        command += ["--seed", str(seed), "--json", str(report)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        if not report.exists():
            print(done.stderr.decode(errors="replace"), file=sys.stderr)
            return f"exit {done.returncode}, no report", {}
        found: dict[str, Any] = json.loads(report.read_text())
    return _WORDS[done.returncode], found


def _broken(report: dict[str, Any]) -> str:
    rows = [row for row in report.get("expectations", ()) if row["held"] is not True]
    told = [f"{r['check']} {r.get('location', '')}: {r['held']}, {r['why'][:160]}" for r in rows]
    return "; ".join(told + report.get("doubts", []))


def main() -> None:
    """Run all of it, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 2, 8])
    parser.add_argument("--speed", default="10")
    asked = parser.parse_args()
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        stall = Path(folder) / "stall.yaml"
        stall.write_text(_STALL)
        (Path(folder) / "stalling.yaml").write_text(_STALLING)
        demo = ROOT / "topologies" / "frankfurt-crash.yaml"
        for count in asked.busy:
            for name, scenario in (("demo", demo), ("real stall", stall)):
                seen: Counter[str] = Counter()
                alerts = 0
                for seed in range(1, asked.runs + 1):
                    with busy(count):
                        word, report = verdict(scenario, asked.speed, seed)
                    seen[word] += 1
                    alerts += sum(a["subject"] == "new-york" for a in report.get("alerts", ()))
                    print(count, name, seed, word, _broken(report), flush=True)
                figures = [seen.pop(word, 0) for word in _WORDS.values()]
                rows.append([count, name, *figures, dict(seen) or "-", alerts])
    head = ["busy", "scenario", *_WORDS.values(), "other", "alerts for New York"]
    table(f"Verdicts at speed {asked.speed} beside busy processes ({machine()})", head, rows)


if __name__ == "__main__":
    main()
