"""`sim doctor`: what this machine has for worlds, and what it lacks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from sim.cli.options import json_option
from sim.cli.tables import listing

LACKING = 3


@click.command()
@click.argument("topology", required=False, type=click.Path(path_type=Path))
@json_option
def doctor(topology: Path | None, as_json: bool) -> int:
    """Check what this machine has for worlds.

    Exits with 3 if something is missing. With a topology, its other hosts' Docker engines are asked
    too.
    """
    from sim.doctor import examine
    from sim.topology.load_topology import load_topology

    hosts = load_topology(topology).hosts if topology else {}
    findings = [dataclasses.asdict(finding) for finding in examine(hosts)]
    listing(findings, ("what", "state", "found", "remedy"), as_json=as_json)
    return LACKING if any(row["state"] == "missing" for row in findings) else 0
