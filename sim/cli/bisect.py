"""`sim bisect`: which commit of the gateway broke what a scenario expects."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from sim.cli.options import EXISTING, clock_option, runtime_option, secrets_option, seed_option
from sim.cli.running import run_async


@click.command()
@click.argument("scenario", type=EXISTING)
@click.option("--good", required=True, metavar="COMMIT", help="A commit that holds SCENARIO.")
@click.option("--bad", required=True, metavar="COMMIT", help="A later one that does not.")
@seed_option
@runtime_option
@clock_option
@secrets_option
def bisect(
    scenario: Path,
    good: str,
    bad: str,
    seed: int | None,
    runtime: str,
    clock: str,
    secrets: Path | None,
) -> int:
    """Find the commit of the gateway's repository that broke SCENARIO.

    SCENARIO lies in that repository. It and its topology are used as they are now.
    """
    from sim.bisect.bisect import Bisect
    from sim.rng import fresh_seed
    from sim.scenario.load_scenario import load_scenario

    arguments = ["--runtime", runtime, "--clock", clock]
    arguments += ["--secrets", str(secrets.resolve())] if secrets else []
    chosen = fresh_seed() if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="sim-bisect-") as folder:
        going = Bisect(load_scenario(scenario), Path(folder), chosen, arguments, click.echo)
        found = run_async(going.run(good, bad))
    if len(found) == 1:
        click.echo(f"\nthe first bad one, after {going.runs} runs: {found[0]}")
        return 0
    click.echo(f"\none of these, after {going.runs} runs; those between could not be decided:")
    for line in found:
        click.echo(f"  {line}")
    return 4
