"""`sim compare`: the outages of several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.again import report_of
from sim.cli.options import (
    EXISTING,
    clock_option,
    json_option,
    runtime_option,
    secrets_option,
    seed_option,
    speed_option,
)
from sim.cli.run import RunOptions, loaded, simulated
from sim.cli.tables import listing

if TYPE_CHECKING:
    from sim.lens.choice import ClockName
    from sim.machines.runtime import RuntimeName
    from sim.report.document import Document

_SCENARIOS = {".yaml", ".yml"}


@click.command()
@click.argument("files", metavar="A B …", type=EXISTING, nargs=-1, required=True)
@runtime_option
@speed_option
@clock_option
@seed_option
@secrets_option
@json_option
def compare(
    files: tuple[Path, ...],
    runtime: RuntimeName,
    speed: float,
    clock: ClockName,
    seed: int | None,
    secrets: Path | None,
    as_json: bool,
) -> int:
    """Show the outages of several runs side by side.

    Each is a scenario, which is run (all with the same seed), or a journal, or a report that
    --json wrote. The exit code is that of the worst verdict.
    """
    from sim.report import beside, series
    from sim.rng import fresh_seed
    from sim.scenario.verdict import EXIT_CODES

    if len(files) < 2:
        raise click.UsageError("give two files at least: scenarios, journals or reports")
    options = RunOptions(runtime, speed, clock, secrets)
    same = fresh_seed() if seed is None else seed
    reports: dict[str, Document] = {}
    for name, path in zip(beside.named([path.stem for path in files]), files, strict=True):
        if path.suffix in _SCENARIOS:
            outcome = simulated(loaded(path), same, options, err=True)
            reports[name] = outcome.report
        else:
            reports[name] = report_of(path)
    listing(beside.rows(reports), ("location", "figure", *reports), as_json=as_json)
    return EXIT_CODES[series.worst(report["verdict"] for report in reports.values())]
