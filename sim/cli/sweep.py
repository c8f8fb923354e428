"""`sim sweep`: a session, killed at each of its boundaries in turn, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from sim.cli.options import (
    EXISTING,
    OUTPUT,
    clock_option,
    runtime_option,
    secrets_option,
    seed_option,
    speed_option,
)
from sim.cli.running import run_async
from sim.cli.tables import listing, wide_console
from sim.remaining import Remaining

if TYPE_CHECKING:
    from sim.lens.choice import ClockName
    from sim.machines.runtime import RuntimeName
    from sim.sweep.sweep import BoundaryResult, Sweep

_MARKS = {"held": "held", "failed": "FAILED", "unknown": "unknown"}


@click.command()
@click.argument("scenario", type=EXISTING)
@click.option(
    "--location",
    metavar="L",
    help="Location of the client whose machine is killed (default: the farthest from the data).",
)
@runtime_option
@speed_option
@clock_option
@seed_option
@secrets_option
@click.option("--curve", is_flag=True, help="Kill at many moments of a message's life.")
@click.option(
    "--points",
    type=click.IntRange(2, 1000),
    default=20,
    show_default=True,
    metavar="N",
    help="Moments of a curve.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    metavar="N",
    help="Seeds for each moment of a curve.",
)
@click.option("--json", "report", type=OUTPUT, metavar="F", help="Write the table as JSON.")
@click.option("--html", "page", type=OUTPUT, metavar="F", help="Write a curve's page.")
def sweep(
    scenario: Path,
    location: str | None,
    runtime: RuntimeName,
    speed: float,
    clock: ClockName,
    seed: int | None,
    secrets: Path | None,
    curve: bool,
    points: int,
    seeds: int,
    report: Path | None,
    page: Path | None,
) -> int:
    """Kill a session's machine at each boundary of the session.

    SCENARIO gives the topology and the load's driver, pace and patience; its timeline and its
    expectations are not used.
    """
    from sim.rng import fresh_seed
    from sim.scenario.load_scenario import load_scenario
    from sim.scenario.targets import read_location
    from sim.secrets import load_secrets
    from sim.sweep.boundaries import boundaries
    from sim.sweep.sweep import Sweep, farthest_location

    if page and not curve:
        raise click.UsageError("--html writes the page of a curve: add --curve")
    loaded = load_scenario(scenario)
    if location is not None:
        try:
            read_location(location, loaded.topology)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--location") from None
    plan = Sweep(
        loaded,
        location or farthest_location(loaded.topology),
        fresh_seed() if seed is None else seed,
        speed,
        runtime,
        clock,
        load_secrets(loaded.topology.gateway.secrets, secrets),
        lambda text: click.echo(text, err=True),
    )
    click.echo(
        f"sweep: {loaded.name}, a session from {plan.location} (seed {plan.seed}, speed {speed:g})"
    )
    if curve:
        return _curve(plan, points, seeds, report, page)
    at = boundaries()
    results = run_async(plan.run(at, partial(_say, _remaining(len(at)))))
    rows = [_row(result) for result in results]
    if report:
        report.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    _show(rows)
    return _tell_verdict(results)


def _curve(plan: Sweep, points: int, seeds: int, report: Path | None, page: Path | None) -> int:
    """Sweep one turn of the session finely, with one seed after another, and draw the curve."""
    from sim.sweep.curve import curve_moments, points_of
    from sim.sweep.curve_page import Turn, render

    async def runs() -> list[BoundaryResult]:
        found: list[BoundaryResult] = []
        say = partial(_say, _remaining(points, seeds))
        for seed in range(plan.seed, plan.seed + seeds):
            found += await replace(plan, seed=seed).run(curve_moments(points), say)
        return found

    results = run_async(runs())
    way_s = median(p.ack_ms for p in results if p.boundary is None) / 1000
    pause_s = max(0.001, plan.scenario.load.every_s - way_s)
    found = points_of(results, way_s, pause_s)
    if report:
        rows = [{**asdict(point), "share": point.share} for point in found]
        report.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    if page:
        turn = Turn(
            plan.scenario.name,
            plan.location,
            way_s,
            pause_s,
            range(plan.seed, plan.seed + seeds),
        )
        page.write_text(render(turn, found), encoding="utf-8")
    rows = [
        {
            "ms after sending": f"{point.at_s * 1000:.0f}",
            "killed when the message was": point.name,
            "broken": f"{point.broken} of {point.runs - point.unknown}",
            "probability": f"{point.least:.0%} to {point.most:.0%}",
            "outage": f"{point.outage_s[1]:.1f} s" if point.outage_s else "",
        }
        for point in found
    ]
    listing(rows, tuple(rows[0]), as_json=False)
    return _tell_verdict(results)


def _tell_verdict(results: Sequence[BoundaryResult]) -> int:
    verdicts = [result.verdict for result in results]
    outcome = next((v for v in ("failed", "unknown") if v in verdicts), "held")
    click.echo(f"\nverdict: {outcome}")
    return {"held": 0, "failed": 1, "unknown": 4}[outcome]


def _remaining(boundaries: int, sweeps: int = 1) -> Remaining:
    from sim.sweep.sweep import SIDE_BY_SIDE

    return Remaining(sweeps * (SIDE_BY_SIDE + boundaries), SIDE_BY_SIDE)


def _say(remaining: Remaining, result: BoundaryResult) -> None:
    from sim.sweep.sweep import SIDE_BY_SIDE

    left = remaining.after(1 if result.boundary else SIDE_BY_SIDE)
    click.echo(f"{_name(result)}: {result.verdict}{left}", err=True)


def _name(result: BoundaryResult) -> str:
    return result.boundary.name if result.boundary else "undisturbed"


def _row(result: BoundaryResult) -> dict[str, Any]:
    return {
        "boundary": _name(result),
        "verdict": result.verdict,
        "killed": list(result.machines),
        "outage_s": round(result.outage_s, 3),
        "lost": result.lost,
        "duplicated": result.duplicated,
        "reordered": result.reordered,
        "forgotten": result.forgot,
        "refused": result.refused,
        "unanswered": result.unanswered,
        "came_back": result.came_back,
        "why_unknown": result.why_unknown or result.why_unstored,
    }


def _show(rows: Sequence[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("killed when the session was", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("outage", justify="right", no_wrap=True)
    table.add_column("what became of it")
    of_all = rows[0]["why_unknown"]  # what is so undisturbed is so at each boundary
    for row in rows:
        style = {"held": "green", "failed": "bold red", "unknown": "yellow"}[row["verdict"]]
        table.add_row(
            row["boundary"],
            Text(_MARKS[row["verdict"]], style=style),
            f"{row['outage_s']:.1f} s" if row["killed"] else "",
            _found(row, of_all),
        )
    console = wide_console()
    console.print()
    console.print(table)
    if of_all:
        console.print(Text(f"\n{of_all}"))


def _found(row: dict[str, Any], of_all: str) -> str:
    counted = ("lost", "duplicated", "reordered", "refused", "unanswered")
    found = [f"{row[kind]} {kind}" for kind in counted if row[kind]]
    if row["forgotten"]:
        found.append("the gateway forgot")
    if not row["came_back"]:
        found.append("never served again")
    if row["why_unknown"] not in ("", of_all):
        found.append(row["why_unknown"])
    return ", ".join(found)
