"""`sim deploy`, `sim scale` and `sim secrets`: the app of a running world as a whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import click

from sim.cli.group import Group
from sim.cli.options import json_option, words_of, world_option
from sim.cli.tables import listing
from sim.cli.waiting import wait_for
from sim.control.choose import the_world
from sim.control.control_client import ask
from sim.deploys.scale_counts import wanted
from sim.errors import InputError
from sim.topology.model import Strategy

FAILED = 1
MANY = 20  # machines at once: more are a slip more often than meant, and this host runs each


@click.command()
@click.option(
    "--region",
    metavar="R",
    help="Deploy to the machines of this region only (default: all, the primary region's first).",
)
@click.option("--image", metavar="I", help="Image to deploy (default: the previous release's).")
@click.option(
    "--command",
    metavar="LINE",
    help="Command that the machines run (default: the previous release's).",
)
@click.option(
    "--strategy",
    type=click.Choice(get_args(Strategy)),
    help="Deploy strategy (default: the topology's).",
)
@click.option(
    "--env",
    "-e",
    multiple=True,
    metavar="K=V",
    help="Environment variable NAME=value; may be repeated.",
)
@json_option
@world_option
def deploy(
    region: str | None,
    image: str | None,
    command: str | None,
    strategy: str | None,
    env: tuple[str, ...],
    as_json: bool,
    world: str | None,
) -> int:
    """Deploy a release, and wait until that is over.

    Exits with 1 if it fails.
    """
    given = {
        "region": region,
        "image": image,
        "command": words_of(command),
        "strategy": strategy,
        "env": _pairs(env) or None,
    }
    asked = {key: value for key, value in given.items() if value is not None}
    return _tell(wait_for(the_world(world), "deploy", **asked), as_json)


@click.group(cls=Group)
def scale() -> None:
    """Show and change how many machines there are."""


@scale.command("count", context_settings={"ignore_unknown_options": True})
@click.argument("count", metavar="N")
@click.option(
    "--region", metavar="R[,R]", help="Region to scale (default: every region that has machines)."
)
@click.option(
    "--max-per-region",
    type=click.IntRange(0),
    metavar="N",
    help="Maximum number of machines in each region.",
)
@click.option(
    "--yes", "-y", is_flag=True, help=f"Do not ask before more than {MANY} machines are added."
)
@json_option
@world_option
def count_(
    count: str,
    region: str | None,
    max_per_region: int | None,
    yes: bool,
    as_json: bool,
    world: str | None,
) -> int:
    """Have N machines in all of the regions together; +N and -N are more and fewer."""
    wanted(count, 0)  # what is no number is told without a world too
    record = the_world(world)
    regions = region.split(",") if region else None
    if not yes:
        there = [row for row in ask(record, "machines") if not regions or row["region"] in regions]
        _sure_of(wanted(count, len(there)) - len(there))
    rows = wait_for(record, "scale", count=count, regions=regions, max_per_region=max_per_region)
    listing(rows, ("action", "machine", "region"), as_json=as_json)
    return 0


def _sure_of(more: int) -> None:
    """Ask a person whether so many machines are meant. Raises InputError where nobody answers."""
    if more <= MANY:
        return
    told = f"{more} more machines, each a program of this host"
    if not sys.stdin.isatty():
        raise InputError(f"that is {told}; say --yes if that is meant")
    click.confirm(f"That is {told}. Go on?", abort=True, err=True)


@scale.command()
@json_option
@world_option
def show(as_json: bool, world: str | None) -> int:
    """Show how many machines each process group has."""
    columns = ("name", "count", "kind", "cpus", "memory", "regions")
    listing(ask(the_world(world), "scaled"), columns, as_json=as_json)
    return 0


@click.group(cls=Group)
def secrets() -> None:
    """Set, list and remove the app's secrets. Values are never shown."""


_stage = click.option(
    "--stage",
    is_flag=True,
    help="Only store the secrets; running machines get them at the next deploy.",
)


@secrets.command("set")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
@_stage
@json_option
@world_option
def set_(values: tuple[str, ...], stage: bool, as_json: bool, world: str | None) -> int:
    """Set secrets, and deploy all machines anew, as Fly does. NAME=- takes the value from stdin."""
    given = {
        name: sys.stdin.read().rstrip("\n") if value == "-" else value
        for name, value in _pairs(values).items()
    }
    return _change(given, stage, as_json, world)


@secrets.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@_stage
@json_option
@world_option
def unset(names: tuple[str, ...], stage: bool, as_json: bool, world: str | None) -> int:
    """Remove secrets, and deploy all machines anew."""
    return _change(dict.fromkeys(names), stage, as_json, world)


@secrets.command("list")
@json_option
@world_option
def list_(as_json: bool, world: str | None) -> int:
    """List the secrets with their digests; staged are those that a machine does not have yet."""
    listing(ask(the_world(world), "secrets"), ("name", "digest", "staged"), as_json=as_json)
    return 0


def _change(values: Mapping[str, str | None], stage: bool, as_json: bool, world: str | None) -> int:
    done = wait_for(the_world(world), "set_secrets", values=values, stage=stage)
    if done:
        return _tell(done, as_json)
    if as_json:
        click.echo(json.dumps({"staged": [*values]}))
        return 0
    click.echo("staged: machines get it when they boot next, or with `sim deploy`")
    return 0


def _tell(done: Mapping[str, Any], as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(done, ensure_ascii=False, indent=2))
    elif done["error"]:
        click.echo(f"error: release {done['release']} failed: {done['error']}", err=True)
    else:
        click.echo(f"release {done['release']} is deployed ({done['strategy']})")
    return FAILED if done["error"] else 0


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError("write NAME=VALUE; one has no name or no `=`")
        found[name] = value
    return found
