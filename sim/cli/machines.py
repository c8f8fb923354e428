"""`sim machine …`, `sim checks` and `sim regions`: the machines of a running world, one by one."""

from __future__ import annotations

import json
from typing import Any

import click

from sim import registry
from sim.cli.group import Group
from sim.cli.options import json_option, words_of, world_option
from sim.cli.tables import listing
from sim.cli.waiting import wait_for
from sim.control.choose import the_world
from sim.control.control_client import ask

_COLUMNS = (
    *("id", "name", "place", "state", "checks", "region", "role", "image", "ip_address", "volume"),
    *("created_s", "last_updated_s", "process_group", "size"),
)
_ACTIONS = {
    "start": "Boot a machine, or wake a suspended one, and wait until it passes its check.",
    "stop": "Ask a machine to end, and kill it after its kill timeout.",
    "kill": "End a machine at once (SIGKILL).",
    "restart": "Stop a machine and boot it again.",
    "suspend": "Freeze a machine with its memory, until it is started.",
    "cordon": "Lead no new traffic to a machine.",
    "uncordon": "Lead traffic to a machine again.",
}


@click.group(cls=Group)
def machine() -> None:
    """List, clone, start, stop and destroy machines. MACHINE is an id, a name, or such as fra/1."""


@machine.command("list")
@json_option
@world_option
def list_(as_json: bool, world: str | None) -> int:
    """List the machines. Times are simulated seconds since the world was made."""
    listing(ask(the_world(world), "machines"), _COLUMNS, as_json=as_json)
    return 0


def _add(name: str, text: str) -> None:
    @machine.command(name, help=text)
    @click.argument("target", metavar="MACHINE")
    @json_option
    @world_option
    def action(target: str, as_json: bool, world: str | None) -> int:
        return _act(world, as_json, action=name, machine=target)


for _name, _text in _ACTIONS.items():
    _add(_name, _text)


@machine.command()
@click.argument("target", metavar="MACHINE")
@click.option("--force", is_flag=True, help="Kill the machine if it is running.")
@json_option
@world_option
def destroy(target: str, force: bool, as_json: bool, world: str | None) -> int:
    """Remove a machine for good."""
    return _act(world, as_json, action="destroy", machine=target, force=force)


@machine.command()
@click.argument("target", metavar="MACHINE")
@click.option("--region", metavar="R", help="Region of the new machine (default: the old one's).")
@click.option("--name", metavar="NAME", help="Name of the new machine (default: a generated one).")
@click.option(
    "--command", metavar="LINE", help="Command of the new machine (default: the old one's)."
)
@click.option(
    "--standby-for",
    metavar="MACHINE",
    help="Standby: start it when the host of this machine is lost.",
)
@json_option
@world_option
def clone(
    target: str,
    region: str | None,
    name: str | None,
    command: str | None,
    standby_for: str | None,
    as_json: bool,
    world: str | None,
) -> int:
    """Make another machine with the config of MACHINE, and wait until it passes its check."""
    asked = {"machine": target, "region": region, "name": name, "command": words_of(command)}
    asked["standby_for"] = standby_for
    return _act(world, as_json, action="clone", **asked)


def _act(world: str | None, as_json: bool, **body: Any) -> int:
    row = wait_for(the_world(world), "machine", **body)
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False, indent=2))
        return 0
    checks = f", {row['checks']} checks pass" if row["state"] == "started" else ""
    click.echo(f"{row['id']} ({row['place']}) is {row['state']}{checks}")
    return 0


@click.command()
@json_option
@world_option
def checks(as_json: bool, world: str | None) -> int:
    """List the machines' health checks, and what each found."""
    columns = ("name", "status", "machine", "region", "last_updated_s", "output")
    listing(ask(the_world(world), "checks"), columns, as_json=as_json)
    return 0


@click.command()
@json_option
@world_option
def regions(as_json: bool, world: str | None) -> int:
    """List Fly's regions, and which of them the world has."""
    if world or registry.running():
        rows = ask(the_world(world), "regions")
        listing(rows, ("name", "code", "continent", "machines", "primary"), as_json=as_json)
        return 0
    from sim.control.app_verbs import fly_regions

    listing(fly_regions(), ("name", "code", "continent"), as_json=as_json)
    return 0
