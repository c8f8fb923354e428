"""Verdicts beside noise: what nothing touched must not fail, a real stall must be found.

    python -m bench.noise [--runs N] [--noise 0 2 8 compiler] [--speed S] [--only NAME …]

Each run is a `sim run` of its own. Noise is so many processes that only count, or a compiler that
compiles again and again, two at a time. It ends with each run.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.common import ROOT, machine, table

_MOST_S = 900  # whatever becomes of the bench, its noise ends by then
_UNTIL = f"import os, subprocess, time; end = time.time() + {_MOST_S}; parent = os.getppid()\n"
_UNTIL += "while time.time() < end and os.getppid() == parent: "
_COUNT = _UNTIL + "sum(range(10000))"
_COMPILE = _UNTIL + "subprocess.run(['gcc', '-O2', '-c', '-o', '/dev/null', {source!r}])"
_COMPILER = "compiler"
_SOURCE = "\n".join(
    f"int f{n}(int a, int b) {{ for (int i = 0; i < b; i++) a = a * {n + 3} + i % (b + {n + 1});"
    f" return a; }}"
    for n in range(2000)
)
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
def noise(kind: str) -> Iterator[None]:
    """So many processes that want a processor all the time, or two compilers."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "noise.c"
        source.write_text(_SOURCE)
        compiles = kind == _COMPILER
        code = _COMPILE.format(source=str(source)) if compiles else _COUNT
        count = 2 if compiles else int(kind)
        started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
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
    parser.add_argument("--noise", nargs="+", default=["0", "2", "8"], metavar="N|compiler")
    parser.add_argument("--speed", default="auto")
    parser.add_argument("--only", nargs="+", default=[])
    asked = parser.parse_args()
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        stall = Path(folder) / "stall.yaml"
        stall.write_text(_STALL)
        (Path(folder) / "stalling.yaml").write_text(_STALLING)
        topologies = ROOT / "topologies"
        scenarios = {
            "demo": topologies / "frankfurt-crash.yaml",
            "pacific": topologies / "pacific-undisturbed.yaml",
            "stall": stall,
        }
        for kind, name in itertools.product(asked.noise, asked.only or scenarios):
            seen: Counter[str] = Counter()
            alerts = 0
            for seed in range(1, asked.runs + 1):
                with noise(kind):
                    word, report = verdict(scenarios[name], asked.speed, seed)
                seen[word] += 1
                alerts += _untouched(name, report)
                print(kind, name, seed, word, _broken(report), flush=True)
            figures = [seen.pop(word, 0) for word in _WORDS.values()]
            rows.append([kind, name, *figures, dict(seen) or "-", alerts])
    head = ["noise", "scenario", *_WORDS.values(), "other", "alerts where nothing was touched"]
    table(f"Verdicts at speed {asked.speed} beside noise ({machine()})", head, rows)


def _untouched(scenario: str, report: dict[str, Any]) -> int:
    """Alerts of places that no fault touched: all of the Pacific's, New York's of the demo."""
    subjects = [alert["subject"] for alert in report.get("alerts", ())]
    return {"demo": subjects.count("new-york"), "pacific": len(subjects)}.get(scenario, 0)


if __name__ == "__main__":
    main()
