"""`sim validate`: what is wrong with files, for which nothing has to run."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli.options import EXISTING
from sim.errors import InputError


@click.command()
@click.argument("files", nargs=-1, required=True, type=EXISTING, metavar="FILE…")
def validate(files: tuple[Path, ...]) -> int:
    """Check topologies, scenarios and drivers for mistakes.

    Every problem of every FILE is told, with its line.
    """
    from sim.schemas.validate import notes
    from sim.schemas.validate import validate as problems_of

    problems = problems_of(files)
    if problems:
        raise InputError(*problems)
    for note in notes(files):
        click.echo(f"note: {note}", err=True)
    click.echo(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} fine")
    return 0
