"""How true programs' timers are under the lens, in many languages.

    python -m bench.lens [--write docs/clock.md]

With `--write` the tables in that page are replaced.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.common import machine
from sim.lens.program import find_program
from tests.lens.matrix import CALENDAR, LANGUAGES, WAYS, run

SPEEDS = (10, 50)
_START, _END = "<!-- timers -->", "<!-- end of timers -->"


def timers() -> list[str]:
    """How long each way of waiting lasted against what was asked for, in per cent of it."""
    program = find_program()
    head = ["program", "speed", *WAYS, CALENDAR]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for language in LANGUAGES:
        if not language.here:
            continue
        with tempfile.TemporaryDirectory() as folder:
            command = language.command(Path(folder))
            for speed in SPEEDS:
                found = run(program, speed, command)
                cells = [
                    f"{round((found[way] - 1) * 100, 2) + 0.0:+.2f} %" for way in (*WAYS, CALENDAR)
                ]
                lines.append(f"| {' | '.join([language.name, str(speed), *cells])} |")
                print(lines[-1], flush=True)
    return [f"Measured on {machine()}.", "", *lines]


def main() -> None:
    """Measure, print, and write it into a page if asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    page = parser.parse_args().write
    text = "\n".join(timers())
    if page:
        before, _, rest = page.read_text(encoding="utf-8").partition(_START)
        after = rest.partition(_END)[2]
        page.write_text(f"{before}{_START}\n\n{text}\n\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
