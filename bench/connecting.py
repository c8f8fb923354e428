"""What programs make of a first address that is cut off: in a world, and with a rule that drops.

    python -m bench.connecting          # as root; takes two and a half minutes

Both are measured side by side. A world of two regions at speed 1, in which London's link to its
first region is cut, against a network namespace with a rule of the firewall (tests/e2e/connecting).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.e2e.test_scenarios import QUICK_TOPOLOGY

PROGRAMS = Path(__file__).parents[1] / "tests" / "e2e" / "connecting"
URL = "http://quick.fly.dev:8480/healthz"
Found = dict[str, tuple[float, int, str]]


def sim(*arguments: str | Path) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "sim", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def in_a_world(folder: Path) -> Found:
    """By London's own nameserver, with Frankfurt cut."""
    topology = {**QUICK_TOPOLOGY, "routing": {"answers": 2}}
    (folder / "topology.yaml").write_text(yaml.safe_dump(topology))
    sim("up", folder / "topology.yaml", "--detach", "--seed", "7")
    try:
        sim("fault", "partition", "--link", "london", "fra")
        asked = (sys.executable, PROGRAMS / "timed.py", folder, URL, "all")
        found: Found = json.loads(sim("exec", "--from", "london", "--", *asked))
    finally:
        sim("down", "--all")
    return found


def dropped(folder: Path) -> Found:
    """With a rule that drops what is sent to the first address."""
    command = ["unshare", "--net", "--mount", str(PROGRAMS / "dropped.sh"), str(folder), "all"]
    env = {**os.environ, "PYTHON": sys.executable}
    found: Found = json.loads(subprocess.check_output(command, env=env, text=True))
    return found


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        subprocess.run(["go", "build", "-o", folder / "get", "get.go"], cwd=PROGRAMS, check=True)
        subprocess.run(["javac", "-d", folder, "Get.java"], cwd=PROGRAMS, check=True)
        world, rule = pool.map(lambda ask: ask(folder), (in_a_world, dropped))
    print("| program | in a world | with a rule that drops |\n|---|---|---|")
    for program, (took_s, code, said) in world.items():
        its_s, its_code, its_said = rule[program]
        print(f"| {program} | {_words(took_s, code, said)} | {_words(its_s, its_code, its_said)} |")


def _words(took_s: float, code: int, said: str) -> str:
    return f"served after {took_s:.1f} s" if code == 0 else f"{said[:60]} after {took_s:.1f} s"


if __name__ == "__main__":
    main()
