"""`sim run`, `sim demo` and `sim report`: a scenario, its verdict, and the verdict again.

What only a run needs is imported when one begins, so that the other commands start at once.
"""

from __future__ import annotations

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
from sim.cli.outputs import Outputs, output_options
from sim.cli.running import run_async

if TYPE_CHECKING:
    from sim.simulate import Outcome

DEMO_SPEED = 10.0


@click.command()
@click.argument("scenario", type=EXISTING)
@runtime_option
@speed_option
@seed_option
@secrets_option
@output_options
@click.option("--journal", type=OUTPUT, metavar="F", help="Keep the journal.")
def run(
    scenario: Path,
    runtime: str,
    speed: float,
    seed: int | None,
    secrets: Path | None,
    journal: Path | None,
    **outputs: Path | None,
) -> int:
    """Run SCENARIO and judge it."""
    del runtime  # there is one so far
    return _simulate(scenario, speed, seed, secrets, journal, Outputs(**outputs))


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
@output_options
def demo(speed: float, seed: int | None, **outputs: Path | None) -> int:
    """Kill Frankfurt under fifty clients in New York and London."""
    scenario = topologies() / "frankfurt-crash.yaml"
    return _simulate(scenario, speed, seed, None, None, Outputs(**outputs))


@click.command()
@click.argument("journal", type=EXISTING)
@output_options
def report(journal: Path, **outputs: Path | None) -> int:
    """Judge JOURNAL again, from nothing but itself."""
    from sim.observe.journal import read
    from sim.simulate import judge

    return _tell(judge(read(journal), str(journal)), Outputs(**outputs))


def topologies() -> Path:
    """The folder of topologies and scenarios that come with the simulator."""
    package = Path(__file__).parent.parent
    inside = package / "topologies"  # in an installed wheel; beside the package in a checkout
    return inside if inside.is_dir() else package.parent / "topologies"


def _simulate(
    path: Path,
    speed: float,
    seed: int | None,
    secrets: Path | None,
    journal: Path | None,
    outputs: Outputs,
) -> int:
    """Run the scenario of a file, print its report, and give the exit code of its verdict."""
    from sim.cli.progress import progress
    from sim.rng import fresh_seed
    from sim.scenario.load import load_scenario
    from sim.secrets import load_secrets
    from sim.simulate import simulate, world_for

    scenario = load_scenario(path)
    for note in scenario.topology.notes:
        _warn(f"note: {note}")
    world = world_for(
        scenario,
        seed=fresh_seed() if seed is None else seed,
        speed=speed,
        secrets=load_secrets(scenario.topology.gateway.secrets, secrets),
        journal_path=journal,
    )
    click.echo(f"run: {scenario.name} (seed {world.seed}, speed {speed:g}, {world.parts})")
    watch = progress(scenario.duration_s)
    return _tell(run_async(simulate(world, scenario, warn=_warn, watch=watch)), outputs)


def _warn(text: str) -> None:
    click.echo(text, err=True)


def _tell(outcome: Outcome, outputs: Outputs) -> int:
    """Write the forms of the report that were asked for, print it, and give the exit code."""
    from rich.console import Console

    from sim.report import terminal

    try:
        outputs.write(outcome)
    finally:  # a file that cannot be written costs nobody the verdict
        click.echo()
        terminal.show(Console(highlight=False), outcome.report)
    return outcome.verdict.exit_code
