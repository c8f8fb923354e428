"""`sim promises`: what a team promises of its app, held against runs of its own topology."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.options import (
    EXISTING,
    OUTPUT,
    Speed,
    clock_option,
    runtime_option,
    secrets_option,
    seed_option,
)
from sim.cli.run import RunOptions, simulated, topologies
from sim.cli.tables import wide_console
from sim.errors import EnvironmentLacksError
from sim.remaining import rough

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.lens.choice import ClockName
    from sim.machines.runtime import RuntimeName
    from sim.promises.held import Tried
    from sim.report.document import Document

_SPEED = "4"  # above it a boot on a busy host is too long to tell from downtime
_STYLES = {"held": "green", "broken": "bold red", "unknown": "yellow"}


@click.command()
@click.argument("topology", type=EXISTING, required=False)
@click.option(
    "--driver",
    default="session",
    show_default=True,
    metavar="D",
    help="Driver: a built-in one, or the file of your own.",
)
@click.option(
    "--clients",
    type=click.IntRange(1, 10_000),
    default=30,
    show_default=True,
    metavar="N",
    help="Number of clients.",
)
@runtime_option
@click.option(
    "--speed",
    type=Speed(),
    default=_SPEED,
    show_default=True,
    metavar="N|auto",
    help="Simulated seconds per real second; auto: as slow as the finest promise needs.",
)
@clock_option
@seed_option
@secrets_option
@click.option("--json", "json_file", type=OUTPUT, metavar="F", help="Write the result as JSON.")
@click.option(
    "--html",
    "html_file",
    type=OUTPUT,
    metavar="F",
    help="Write a page with the result, and a page of each run beside it.",
)
def promises(
    topology: Path | None,
    driver: str,
    clients: int,
    runtime: RuntimeName,
    speed: float | None,
    clock: ClockName,
    seed: int | None,
    secrets: Path | None,
    json_file: Path | None,
    html_file: Path | None,
) -> int:
    """Check what a team promises of its app.

    Each promise is held, broken or unknown. Two runs of TOPOLOGY decide: a region crashes, and a
    release is deployed. Without TOPOLOGY it is topology.yaml here, else the example's.
    """
    from sim.promises.held import Tried, document
    from sim.promises.trials import trials
    from sim.rng import fresh_seed
    from sim.scenario.verdict import EXIT_CODES
    from sim.topology.load_topology import load_topology

    path = topology or _default()
    loaded = load_topology(path)
    for note in loaded.notes:
        click.echo(f"note: {note}", err=True)
    options = RunOptions(runtime, speed, clock, secrets)
    same = fresh_seed() if seed is None else seed
    planned = trials(loaded, driver, clients)
    takes_s = sum(trial.scenario.duration_s for trial in planned) / (speed or 1.0)
    takes = f"{len(planned)} runs, about {rough(takes_s)}"
    click.echo(f"promises of {loaded.app}, {path} (seed {same}): {takes}")
    tried = [Tried(trial, simulated(trial.scenario, same, options, err=True)) for trial in planned]
    found = document(loaded.app, tried)
    try:
        _write(found, tried, json_file, html_file)
    finally:  # a file that cannot be written costs nobody the verdict
        _show(found)
    return EXIT_CODES[found["verdict"]]


def _default() -> Path:
    own = Path("topology.yaml")
    return own if own.is_file() else topologies() / "atlas-voice.yaml"


def _write(
    found: Document, tried: Sequence[Tried], json_file: Path | None, html_file: Path | None
) -> None:
    from sim.promises import promises_page
    from sim.report import html

    texts: dict[Path, str] = {}
    if json_file:
        texts[json_file] = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    if html_file:
        beside = {
            run.trial.name: html_file.with_stem(f"{html_file.stem}-{run.trial.name}")
            for run in tried
        }
        texts[html_file] = promises_page.render(
            found, {name: path.name for name, path in beside.items()}
        )
        for run in tried:
            outcome = run.outcome
            whole = html.render(outcome.evidence, outcome.verdict, outcome.report)
            texts[beside[run.trial.name]] = whole
    for path, text in texts.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise EnvironmentLacksError(
                f"{path} cannot be written: {error.strerror}", "make room there, or name another"
            ) from error


def _show(found: Document) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("promise", "", "seen", "run"):
        table.add_column(title)
    for row in found["promises"]:
        word = Text(row["verdict"], style=_STYLES[row["verdict"]])
        table.add_row(row["says"], word, row["observed"], row["run"])
    console = wide_console()
    console.print()
    console.print(table)
    console.print(f"\nverdict: {found['verdict']}")
