"""`sim flyctl-env`: what points flyctl, or any client of Fly's Machines API, at a world."""

from __future__ import annotations

import json
import shlex

import click

from sim.cli.options import json_option, world_option
from sim.control.choose import the_world
from sim.registry import WorldRecord


@click.command("flyctl-env")
@json_option
@world_option
def flyctl_env(as_json: bool, world: str | None) -> int:
    """Print the variables that make flyctl speak to a world.

    Use them with `eval "$(sim flyctl-env)"`. They hold the world's token: whoever has it can do
    anything to the world.
    """
    variables = _variables(the_world(world))
    if as_json:
        click.echo(json.dumps(variables, indent=2))
        return 0
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    # flyctl would take it for the --region of every command.
    click.echo("unset FLY_REGION")
    return 0


def _variables(record: WorldRecord) -> dict[str, str]:
    url = record.control_url
    return {
        "FLY_FLAPS_BASE_URL": url,
        "FLY_API_BASE_URL": url,
        "FLY_UIEX_BASE_URL": url,
        "FLY_METRICS_BASE_URL": url,
        "FLY_SYNTHETICS_BASE_URL": url,
        "FLY_API_TOKEN": record.token,
        "FLY_ACCESS_TOKEN": record.token,
        "FLY_APP": record.app,
        "FLY_SEND_METRICS": "0",
        "FLY_SYNTHETICS_AGENT": "0",
        "FLY_NO_UPDATE_CHECK": "1",
        "FLY_NO_INCIDENTS_CHECK": "1",
    }
