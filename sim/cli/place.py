"""`sim exec`, `sim open`, `sim ca`: any program, in the place of a location's clients.

A container gets an /etc/resolv.conf that names the location's nameserver. So the world's names
resolve as they do there, and lead into that location's links. A program of this host gets the
same where that is allowed, else the location's entry as its proxy (see sim/programs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sim.cli.options import world_option
from sim.control.choose import the_world
from sim.control.control_client import ask
from sim.errors import InputError
from sim.registry import WorldRecord
from sim.suggestions import suggest

if TYPE_CHECKING:
    from sim.places.running import Spot


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.option("--from", "place", required=True, metavar="LOCATION", help="Location to run in.")
@click.option(
    "--image", metavar="I", help="Run a container of this image instead of a local program."
)
@world_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(place: str, image: str | None, world: str | None, command: tuple[str, ...]) -> int:
    """Run COMMAND as if it were in LOCATION.

    The exit code is that of COMMAND.
    """
    record = the_world(world)
    if image is None:
        from sim.places.running import become, placed

        become(*placed(_spot(record, place), command, _say))
    _row(record, place)
    from sim.cli.place_container import run_in_a_container

    return run_in_a_container(record, place, image, command)


@click.command("open")
@click.option("--from", "place", required=True, metavar="LOCATION", help="Location to run in.")
@click.option("--browser", metavar="NAME", help="Browser: a name in PATH, or a path.")
@world_option
@click.argument("url", required=False)
def open_browser(place: str, browser: str | None, world: str | None, url: str | None) -> int:
    """Open a browser in LOCATION, until it is closed.

    Without URL it opens the app's own.
    """
    from sim.cli.running import terminated_by_sigterm
    from sim.places.browser import find, open_at

    found = find(browser)
    record = the_world(world)
    spot = _spot(record, place)
    hostname, spki = ask(record, "status")["hostname"], ask(record, "authority")["spki"]
    with terminated_by_sigterm():
        return open_at(found, spot, url or f"https://{hostname}/", spki, _say)


@click.command()
@world_option
def ca(world: str | None) -> int:
    """Print the certificate of the world's authority (PEM).

    A client that trusts it can use TLS with the world's edges.
    """
    click.echo(ask(the_world(world), "authority")["certificate"], nl=False)
    return 0


def _say(text: str) -> None:
    click.echo(text, err=True)


def _row(record: WorldRecord, place: str) -> dict[str, Any]:
    """What the world says of a location. Raises InputError where there is none of that name."""
    rows = {row["location"]: row for row in ask(record, "status")["locations"]}
    if place not in rows:
        raise InputError(f"no location `{place}`{suggest(place, rows)}")
    row: dict[str, Any] = rows[place]
    return row


def _spot(record: WorldRecord, place: str) -> Spot:
    from sim.places.running import Spot

    row = _row(record, place)
    certificate = ask(record, "authority")["certificate"]
    return Spot(place, row["nameserver"], row["entry"], certificate, record.folder)
