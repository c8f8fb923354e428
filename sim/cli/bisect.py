"""`sim bisect`: which release of the gateway broke what a scenario expects."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from sim.cli.options import EXISTING, clock_option, runtime_option, secrets_option, seed_option
from sim.cli.running import run_async


@click.command()
@click.argument("scenario", type=EXISTING)
@click.option("--good", required=True, metavar="COMMIT|IMAGE", help="One at which SCENARIO holds.")
@click.option(
    "--bad", required=True, metavar="COMMIT|IMAGE", help="A later one at which it does not."
)
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
    """Find the commit or image of the gateway that broke SCENARIO.

    Commits are those of the repository that SCENARIO lies in.
    Images have a tag (gateway:1.4): those of the same name that the engine has are looked at, in
    the order in which they were made. SCENARIO and its topology are used as they are now.
    """
    from sim.bisect.bisect import Bisect
    from sim.bisect.commits import Commits
    from sim.bisect.image_releases import Images, names_image
    from sim.rng import fresh_seed
    from sim.scenario.load_scenario import load_scenario

    arguments = ["--runtime", runtime, "--clock", clock]
    arguments += ["--secrets", str(secrets.resolve())] if secrets else []
    chosen = fresh_seed() if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="sim-bisect-") as folder:
        kind = Images if names_image(good) or names_image(bad) else Commits
        releases = kind(load_scenario(scenario))
        going = Bisect(releases, Path(folder), chosen, arguments, click.echo)
        found = run_async(going.run(good, bad))
    if len(found) == 1:
        click.echo(f"\nthe first bad one, after {going.runs} runs: {found[0]}")
        return 0
    click.echo(f"\none of these, after {going.runs} runs; those between could not be decided:")
    for line in found:
        click.echo(f"  {line}")
    return 4
