"""`sim schema`: what editors complete and check files by."""

from __future__ import annotations

from typing import get_args

import click

from sim.topology.kinds import Kind


@click.command()
@click.argument("kind", type=click.Choice(get_args(Kind)))
def schema(kind: Kind) -> int:
    """Print the JSON Schema of a kind of file."""
    from sim.schemas.schemas import schema_text

    click.echo(schema_text(kind), nl=False)
    return 0
