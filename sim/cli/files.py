"""`sim validate` and `sim init`: commands about files, for which nothing has to run."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli.options import EXISTING
from sim.errors import InputError


@click.command()
@click.argument("files", nargs=-1, required=True, type=EXISTING, metavar="FILE…")
def validate(files: tuple[Path, ...]) -> int:
    """Check topologies and scenarios; tells every problem of every FILE."""
    from sim.scenario.validate import validate as problems_of

    problems = problems_of(files)
    if problems:
        raise InputError(*problems)
    click.echo(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} fine")
    return 0


@click.command()
@click.option(
    "--fly-toml",
    type=EXISTING,
    metavar="FILE",
    help="Begin from an app of Fly.io; a fly.toml in this folder is taken by itself.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="topology.yaml",
    show_default=True,
    metavar="FILE",
    help="Where to write; an existing file is left alone.",
)
def init(fly_toml: Path | None, output: Path) -> int:
    """Write a topology to begin with."""
    from sim.topology.init import init_topology

    beside = Path("fly.toml")
    if fly_toml is None and beside.is_file():
        fly_toml = beside
        click.echo(f"begins from {beside}", err=True)
    starter = init_topology(fly_toml)
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(starter.text)
    except FileExistsError:
        raise InputError(f"{output} is there already; name another with --output") from None
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}") from error
    for note in starter.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"wrote {output}")
    return 0
