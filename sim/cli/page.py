"""`sim page`: the live page of a world, in a browser."""

from __future__ import annotations

import click

from sim.cli.options import world_option
from sim.control.choose import the_world
from sim.control.control_client import ask

open_option = click.option("--open", "opens", is_flag=True, help="Open the live page in a browser.")


@click.command()
@world_option
@open_option
def page(world: str | None, opens: bool) -> int:
    """Print an address of the world's live page. It opens in one browser, once."""
    show_page(str(ask(the_world(world), "page")["url"]), opens=opens)
    return 0


def show_page(url: str, *, opens: bool) -> None:
    """Say where the page is, and open it in the user's browser if that is asked for."""
    click.echo(url)
    if opens:
        import webbrowser

        if not webbrowser.open(url):
            click.echo("no browser could be started here; open the address yourself", err=True)
