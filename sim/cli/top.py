"""`sim top`: a world that is up, live, for those without a browser."""

from __future__ import annotations

import sys

import click

from sim.cli.options import world_option
from sim.cli.running import Terminated, terminated_by_sigterm
from sim.control.choose import the_world
from sim.control.control_client import get, stream
from sim.errors import SimError


@click.command()
@click.option("--once", is_flag=True, help="Print one frame and end, as without a terminal.")
@world_option
def top(once: bool, world: str | None) -> int:
    """Watch a running world in this terminal.

    It shows places, machines, links, alerts and what happened last. Ctrl-C ends it; the world goes
    on.
    """
    from rich.console import Console
    from rich.live import Live

    from sim.report.screen import Screen

    record = the_world(world)
    console = Console(highlight=False, markup=False)
    screen = Screen(get(record, "live/world"))
    try:
        with terminated_by_sigterm(), stream(record, "live/frames") as frames:
            if once or not sys.stdout.isatty() or console.is_dumb_terminal:
                frame = next(frames)
                screen.take(frame)
                console.print(screen.draw(frame, console.height))
                return 0
            with Live(console=console, screen=True, auto_refresh=False) as live:
                for frame in frames:
                    screen.take(frame)
                    live.update(screen.draw(frame, console.height), refresh=True)
    except KeyboardInterrupt:
        return 0
    except Terminated:  # as an exception, so that the terminal has its own screen back
        raise
    except SimError:
        if record.alive:
            raise
    click.echo(f"world {record.id} has ended", err=True)
    return 0
