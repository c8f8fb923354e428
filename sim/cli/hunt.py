"""`sim hunt`: search for the timeline that breaks the gateway, and hand over the smallest one."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli.options import EXISTING, clock_option, runtime_option, secrets_option, seed_option
from sim.cli.running import run_async
from sim.suggestions import suggest
from sim.topology.units import parse_duration


@click.command()
@click.argument("scenario", type=EXISTING)
@click.option(
    "--budget", default="20m", show_default=True, metavar="T", help="Real time to search."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Worlds side by side.",
)
@click.option("--faults", metavar="A,B,…", help="Only these faults (default: all it knows).")
@seed_option
@click.option("--resume", is_flag=True, help="Go on with the hunt in --out.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("found"),
    show_default=True,
    metavar="DIR",
    help="Folder of the findings.",
)
@runtime_option
@clock_option
@secrets_option
def hunt(
    scenario: Path,
    budget: str,
    jobs: int,
    faults: str | None,
    seed: int | None,
    resume: bool,
    out: Path,
    runtime: str,
    clock: str,
    secrets: Path | None,
) -> int:
    """Search for the faults that break the gateway of SCENARIO.

    Its topology, its load and what must hold in any run are used; its timeline is not.
    """
    from sim.hunt.grammar import FAULTS
    from sim.hunt.hunt import Hunt
    from sim.rng import fresh_seed
    from sim.scenario.load_scenario import load_scenario

    try:
        budget_s = parse_duration(budget)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--budget") from None
    words = faults.split(",") if faults else [*FAULTS]
    for word in words:
        if word not in FAULTS:
            text = f"no fault `{word}` is hunted with{suggest(word, FAULTS)}"
            raise click.BadParameter(text, param_hint="--faults")
    arguments = ["--runtime", runtime, "--clock", clock]
    arguments += ["--secrets", str(secrets.resolve())] if secrets else []
    loaded = load_scenario(scenario)
    chosen = fresh_seed() if seed is None else seed
    going = Hunt(loaded, out, chosen, budget_s, jobs, click.echo, faults=words, arguments=arguments)
    try:
        run_async(going.run(resume=resume))
    finally:
        for finding in going.found.values():
            click.echo(f"{finding.name}: {finding.title}; fails {finding.failed} of {finding.runs}")
    click.echo(f"\n{going.tried} tries, {len(going.known)} found")
    if going.known:
        return 1
    return 0 if going.decided else 4
