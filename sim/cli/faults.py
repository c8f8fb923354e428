"""`sim fault` and `sim heal`: breaking a running world, and mending it."""

from __future__ import annotations

from typing import Any

import click

from sim.cli.options import world_option
from sim.control.choose import the_world
from sim.control.client import ask
from sim.errors import InputError

_TARGETS = (
    click.option("--region", metavar="R", help="All machines of a region, or all its links."),
    click.option("--machine", metavar="M", help="One machine: its id, or such as fra/1."),
    click.option("--link", nargs=2, metavar="A B", help="The link between two places."),
    click.option("--location", metavar="L", help="All links of a location, or its DNS."),
    click.option("--service", metavar="S", help="A service, such as database."),
)


def _targets(command: Any) -> Any:
    for option in reversed(_TARGETS):
        command = option(command)
    return command


@click.command()
@click.argument("name")
@_targets
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of the fault, as in scenarios: --set latency=200ms",
)
@world_option
def fault(name: str, settings: tuple[str, ...], world: str | None, **targets: Any) -> int:
    """Do the fault NAME (crash, freeze, partition, slow, …) to a running world."""
    return _do(name, settings, world, targets)


@click.command()
@_targets
@world_option
def heal(world: str | None, **targets: Any) -> int:
    """Undo what was done to a target; without one, undo everything and start what is down."""
    return _do("heal", (), world, targets)


def _do(name: str, settings: tuple[str, ...], world: str | None, targets: dict[str, Any]) -> int:
    entry = {key: list(v) if key == "link" else v for key, v in targets.items() if v}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: write KEY=VALUE, such as latency=200ms")
        entry[key] = value
    ask(the_world(world), "fault", fault=name, **entry)
    aim = " ".join(str(value) for value in targets.values() if value) or "everything"
    click.echo(f"{name} {aim}: done", err=True)
    return 0
