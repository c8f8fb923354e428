"""`sim doctor`: what this machine has for worlds, and what it lacks."""

from __future__ import annotations

import dataclasses

import click

from sim.cli.options import json_option
from sim.cli.tables import listing

LACKING = 3


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check what this machine has for worlds; exit with 3 if something is missing."""
    from sim.doctor import examine

    findings = [dataclasses.asdict(finding) for finding in examine()]
    listing(findings, ("what", "state", "found", "remedy"), as_json=as_json)
    return LACKING if any(row["state"] == "missing" for row in findings) else 0
