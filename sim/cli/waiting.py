"""Having a world do what may take long: what happens meanwhile is told on stderr."""

from __future__ import annotations

from typing import Any

import click

from sim.control.control_client import have_done
from sim.registry import WorldRecord


def wait_for(record: WorldRecord, verb: str, **body: Any) -> Any:
    """What the world answers once it has done that. Raises as `control_client.ask` does."""
    return have_done(record, verb, lambda line: click.echo(line, err=True), **body)
