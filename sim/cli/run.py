"""`sim run`, `sim demo` and `sim report`: a scenario, its verdict, and the verdict again.

What only a run needs is imported when one begins, so that the other commands start at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.options import (
    EXISTING,
    OUTPUT,
    runtime_option,
    secrets_option,
    seed_option,
    speed_option,
)
from sim.cli.running import run_async
from sim.errors import InputError, Problem

if TYPE_CHECKING:
    from sim.observe.journal import Record

DEMO_SPEED = 10.0

report_option = click.option(
    "--json", "report_path", type=OUTPUT, metavar="F", help="Write the report as JSON."
)


@dataclass(frozen=True)
class Outputs:
    """The files that a run is asked to write."""

    report: Path | None = None
    journal: Path | None = None


@click.command()
@click.argument("scenario", type=EXISTING)
@runtime_option
@speed_option
@seed_option
@secrets_option
@report_option
@click.option("--journal", type=OUTPUT, metavar="F", help="Keep the journal.")
def run(
    scenario: Path,
    runtime: str,
    speed: float,
    seed: int | None,
    secrets: Path | None,
    report_path: Path | None,
    journal: Path | None,
) -> int:
    """Run SCENARIO and judge it."""
    del runtime  # there is one so far
    return simulate(scenario, speed, seed, secrets, Outputs(report_path, journal))


@click.command()
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 1000),
    default=DEMO_SPEED,
    show_default=True,
    metavar="N",
    help="Simulated seconds per real second.",
)
@seed_option
@report_option
def demo(speed: float, seed: int | None, report_path: Path | None) -> int:
    """Kill Frankfurt under fifty clients in New York and London."""
    scenario = topologies() / "frankfurt-crash.yaml"
    return simulate(scenario, speed, seed, None, Outputs(report_path))


@click.command()
@click.argument("journal", type=EXISTING)
@report_option
def report(journal: Path, report_path: Path | None) -> int:
    """Judge JOURNAL again, from nothing but itself."""
    from sim.observe.journal import read

    return judge(read(journal), report_path, journal)


def topologies() -> Path:
    """The folder of topologies and scenarios that come with the simulator."""
    package = Path(__file__).parent.parent
    inside = package / "topologies"  # in an installed wheel; beside the package in a checkout
    return inside if inside.is_dir() else package.parent / "topologies"


def simulate(
    path: Path, speed: float, seed: int | None, secrets: Path | None, outputs: Outputs
) -> int:
    """Run the scenario of a file, print its report, and give the exit code of its verdict."""
    from sim.cli.progress import progress
    from sim.control.verbs import Control
    from sim.rng import fresh_seed
    from sim.scenario import runner
    from sim.scenario.load import load_scenario
    from sim.secrets import load_secrets
    from sim.world import World

    scenario = load_scenario(path)
    for note in scenario.topology.notes:
        click.echo(f"note: {note}", err=True)
    world = World(
        scenario.topology,
        seed=fresh_seed() if seed is None else seed,
        speed=speed,
        secrets=load_secrets(scenario.topology.gateway.secrets, secrets),
        journal_path=outputs.journal,
        scenario=scenario.document,
    )
    click.echo(f"run: {scenario.name} (seed {world.seed}, speed {speed:g}, {world.parts})")

    async def live() -> None:
        with progress(scenario.duration_s) as tell:
            async with world, Control(world):
                world.journal.subscribe(tell)
                await runner.run(world, scenario, lambda text: click.echo(text, err=True))

    run_async(live())
    return judge(world.journal.records, outputs.report, path)


def judge(records: Sequence[Record], report_path: Path | None, source: Path) -> int:
    """Print the report of a journal, write it where asked, and give the verdict's exit code."""
    from rich.console import Console

    from sim.observe.history import History
    from sim.report import document, terminal
    from sim.scenario.evidence import Evidence
    from sim.scenario.load import scenario_from_mapping
    from sim.scenario.verdict import judge as verdict_of
    from sim.topology.load import topology_from_mapping

    history = History(records)
    if not history.run or history.run.scenario is None:
        message = "the journal is of no scenario, so there is nothing to judge"
        raise InputError(Problem(message, file=str(source)))
    topology = topology_from_mapping(history.run.topology)
    evidence = Evidence(history, scenario_from_mapping(history.run.scenario, topology))
    verdict = verdict_of(evidence)
    built = document.build(evidence, verdict)
    if report_path:
        text = json.dumps(built, ensure_ascii=False, indent=2)
        report_path.write_text(text + "\n", encoding="utf-8")
    click.echo()
    terminal.show(Console(highlight=False), built)
    return verdict.exit_code
