"""`sim run`, `sim demo` and `sim report`: a scenario, its verdict, and the verdict again.

What only a run needs is imported when one begins, so that the other commands start at once.
"""

from __future__ import annotations

import math
import os
import shlex
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.options import (
    EXISTING,
    auto_speed_option,
    clock_option,
    journal_option,
    logs_option,
    runtime_option,
    secrets_option,
    seed_option,
    set_option,
)
from sim.cli.outputs import Outputs, numbered, output_options
from sim.cli.page import open_option
from sim.cli.running import run_async, telling_of_logs
from sim.cli.tables import listing, wide_console
from sim.remaining import Remaining

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.lens.choice import ClockName
    from sim.machines.runtime import RuntimeName
    from sim.report.document import Document
    from sim.report.outcome import Outcome
    from sim.scenario.model import Scenario
    from sim.world import World


@dataclass(frozen=True)
class RunOptions:
    """How a scenario is run: what is the same for one run and for many."""

    runtime: RuntimeName
    speed: float | None
    clock: ClockName = "lens"
    secrets: Path | None = None
    journal: Path | None = None
    logs: Path | None = None
    outputs: Outputs = field(default_factory=Outputs)
    settings: tuple[str, ...] = ()


@click.command()
@click.argument("scenario", type=EXISTING)
@set_option
@runtime_option
@auto_speed_option
@clock_option
@seed_option
@click.option(
    "--repeat",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Run it N times, each with the next seed; files are numbered.",
)
@secrets_option
@output_options
@journal_option
@logs_option
def run(
    scenario: Path,
    settings: tuple[str, ...],
    runtime: RuntimeName,
    speed: float | None,
    clock: ClockName,
    seed: int | None,
    repeat: int | None,
    secrets: Path | None,
    journal: Path | None,
    logs: Path | None,
    **outputs: Path | None,
) -> int:
    """Run SCENARIO and judge it."""
    manner = RunOptions(runtime, speed, clock, secrets, journal, logs, Outputs(**outputs), settings)
    if repeat is None:
        return _run_file(scenario, seed, manner)
    return _repeat(scenario, seed, repeat, manner)


@click.command()
@runtime_option
@auto_speed_option
@clock_option
@seed_option
@click.option(
    "--live",
    is_flag=True,
    help="Run only the world and its clients, with the live page; no timeline, no verdict.",
)
@open_option
@output_options
def demo(
    runtime: RuntimeName,
    speed: float | None,
    clock: ClockName,
    seed: int | None,
    live: bool,
    opens: bool,
    **outputs: Path | None,
) -> int:
    """Kill Frankfurt under fifty clients in New York and London."""
    scenario = topologies() / "frankfurt-crash.yaml"
    manner = RunOptions(runtime, speed, clock, outputs=Outputs(**outputs))
    if not live and not opens:
        return _run_file(scenario, seed, manner)
    from sim.cli.worlds import stay_up

    read = loaded(scenario)
    manner = _at_speed(read, manner)
    run_async(stay_up(_world_for(read, seed, manner), opens=opens, load_of=read))
    return 0


@click.command()
@click.argument("journal", type=EXISTING)
@output_options
def report(journal: Path, **outputs: Path | None) -> int:
    """Make the report of JOURNAL again, without a run."""
    from sim.observe.journal import read
    from sim.report.outcome import judge

    return tell(judge(read(journal), str(journal)), Outputs(**outputs))


def topologies() -> Path:
    """The folder of topologies and scenarios that come with the simulator."""
    package = Path(__file__).parent.parent
    inside = package / "topologies"  # in an installed wheel; beside the package in a checkout
    return inside if inside.is_dir() else package.parent / "topologies"


def _run_file(path: Path, seed: int | None, manner: RunOptions) -> int:
    """Run the scenario of a file, print its report, and give the exit code of its verdict."""
    scenario = loaded(path, manner.settings)
    return tell(simulated(scenario, seed, _at_speed(scenario, manner)), manner.outputs)


def _repeat(path: Path, seed: int | None, times: int, manner: RunOptions) -> int:
    """Run the scenario of a file with one seed after another; the worst verdict's exit code."""
    from sim.report import series
    from sim.rng import fresh_seed
    from sim.scenario.verdict import EXIT_CODES

    scenario = loaded(path, manner.settings)
    manner = _at_speed(scenario, manner)
    first = fresh_seed() if seed is None else seed
    reports: list[Document] = []
    remaining = Remaining(times)
    for number in range(1, times + 1):
        one = replace(
            manner,
            journal=numbered(manner.journal, number),
            logs=numbered(manner.logs, number),
        )
        outcome = simulated(scenario, first + number - 1, one)
        manner.outputs.numbered(number).write(outcome)
        reports.append(outcome.report)
        left = remaining.after()
        click.echo(f"{number} of {times}: {outcome.verdict.outcome}{left}\n")
    rows = [series.row(report) for report in reports]
    listing(rows, tuple(rows[0]), as_json=False)
    click.echo()
    spread = series.spread(reports)
    listing(spread, tuple(spread[0]), as_json=False)
    outcome_of_all = series.worst(row["verdict"] for row in rows)
    for row in rows:
        if row["verdict"] != "held":
            again = f"sim run {path} --runtime {manner.runtime} --speed {manner.speed:g}"
            if manner.clock != "lens":
                again += f" --clock {manner.clock}"
            again += "".join(f" --set {shlex.quote(setting)}" for setting in manner.settings)
            again += f" --seed {row['seed']}"
            click.echo(f"\nthe first that did not hold, again: {again}")
            break
    click.echo(f"\nverdict: {outcome_of_all}")
    return EXIT_CODES[outcome_of_all]


def _at_speed(scenario: Scenario, manner: RunOptions) -> RunOptions:
    """The same with the speed that the scenario allows here, where none was asked for."""
    if manner.speed is not None:
        return manner
    from sim.host.schedstat import contended
    from sim.lens.choice import choose
    from sim.machines.runtimes import tried_lens
    from sim.scenario.speed import FASTEST, fastest

    seen = choose(
        manner.clock, FASTEST, partial(tried_lens, manner.runtime, scenario.topology.hosts)
    )
    lens = seen.program is not None
    limit = fastest(scenario, os.cpu_count() or 1, contended(), lens=lens)
    click.echo(
        f"speed {limit.speed:g}, the fastest that this run can be judged at here: {limit.because}",
        err=True,
    )
    return replace(manner, speed=limit.speed)


def loaded(path: Path, settings: Sequence[str] = ()) -> Scenario:
    """The scenario of a file, with `KEY=VALUE` in its topology; the notes on that are told."""
    from sim.scenario.load_scenario import load_scenario
    from sim.topology.settings import setting_of

    scenario = load_scenario(path, dict(map(setting_of, settings)))
    for note in scenario.topology.notes:
        _warn(f"note: {note}")
    return scenario


def simulated(
    scenario: Scenario, seed: int | None, manner: RunOptions, *, err: bool = False
) -> Outcome:
    """Run a scenario in front of a person: named first, told while it happens, and judged.

    `err`: the line that names it goes to stderr, where stdout is for something else.
    """
    from sim.cli.coming_up import told_while_coming_up
    from sim.cli.progress import progress
    from sim.scenario.speed import too_fast
    from sim.simulate import simulate

    world = _world_for(scenario, seed, manner)
    named = f"run: {scenario.name} (seed {world.seed}, speed {world.speed:g}, {world.parts})"
    takes = f"about {math.ceil(scenario.duration_s / world.speed)} s"
    click.echo(f"{named}, {takes}", err=err)
    lens = world.process_clock.program is not None
    for problem in too_fast(scenario, world.speed, os.cpu_count() or 1, lens=lens):
        _warn(f"warning: {problem}")
    if note := world.process_clock.warning(world.speed):
        _warn(f"note: {note}")
    watch = progress(scenario.duration_s)
    # What there is to warn of is in the journal, and so among what the watch tells.
    run = simulate(world, scenario, warn=lambda _text: None, watch=watch)
    with telling_of_logs(manner.logs):
        return run_async(told_while_coming_up(world, run))


def _world_for(scenario: Scenario, seed: int | None, manner: RunOptions) -> World:
    """The world of a scenario, not up yet."""
    from sim.rng import fresh_seed
    from sim.secrets import load_secrets
    from sim.simulate import world_for

    world = world_for(
        scenario,
        seed=fresh_seed() if seed is None else seed,
        speed=1.0 if manner.speed is None else manner.speed,
        secrets=load_secrets(scenario.topology.gateway.secrets, manner.secrets),
        journal_path=manner.journal,
        runtime=manner.runtime,
        clock=manner.clock,
    )
    world.keep_logs_in = manner.logs
    return world


def _warn(text: str) -> None:
    click.echo(text, err=True)


def tell(outcome: Outcome, outputs: Outputs) -> int:
    """Write the forms of the report that were asked for, print it, and give the exit code."""
    from sim.report import terminal

    try:
        outputs.write(outcome)
    finally:  # a file that cannot be written costs nobody the verdict
        click.echo()
        terminal.show(wide_console(), outcome.report)
    return outcome.verdict.exit_code
