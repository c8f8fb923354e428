"""`sim fault` and `sim heal`: breaking a running world, and mending it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sim.cli.options import OUTPUT, world_option
from sim.control.choose import the_world
from sim.control.control_client import ask
from sim.errors import InputError

_TARGETS = (
    click.option("--region", metavar="R", help="Region: all its machines, or all its links."),
    click.option("--machine", metavar="M", help="Machine: its id, or its place such as fra/1."),
    click.option("--link", nargs=2, metavar="A B", help="Link between two places."),
    click.option("--location", metavar="L", help="Location: all its links, or its DNS."),
    click.option("--service", metavar="S", help="Service, such as database."),
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
    help="Parameter of the fault, as in scenarios: --set latency=200ms",
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


@click.command("save-scenario")
@click.argument("file", type=OUTPUT, required=False)
@click.option(
    "--since",
    type=click.Choice(["first-fault", "start"]),
    default="first-fault",
    show_default=True,
    help="Start of the file's times: ten seconds before the first fault, or the world's start.",
)
@world_option
def save_scenario(file: Path | None, since: str, world: str | None) -> int:
    """Write what was done to a running world as a scenario: to FILE, or to be seen."""
    record = the_world(world)
    folder = str((file.parent if file else Path()).resolve())
    text = ask(record, "save_scenario", since=since.replace("-", "_"), folder=folder)["text"]
    if file is None:
        click.echo(text, nl=False)
        return 0
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise InputError(f"{file} is there already; name another") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {file}; `sim validate {file}` checks it, `sim run {file}` runs it", err=True)
    return 0


def _do(name: str, settings: tuple[str, ...], world: str | None, targets: dict[str, Any]) -> int:
    entry = {key: list(v) if key == "link" else v for key, v in targets.items() if v}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: write KEY=VALUE, such as latency=200ms")
        entry[key] = value
    ask(the_world(world), "fault", fault=name, **entry)
    given = [value for value in targets.values() if value]
    aim = " ".join(v if isinstance(v, str) else " \u2013 ".join(v) for v in given) or "everything"
    click.echo(f"{name} {aim}: done", err=True)
    return 0
