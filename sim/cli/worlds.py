"""`sim up`, `sim down` and `sim status`: worlds that stay up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from sim import registry
from sim.cleanup import clean_up
from sim.cli.options import (
    EXISTING,
    clock_option,
    journal_option,
    json_option,
    logs_option,
    runtime_option,
    secrets_option,
    seed_option,
    speed_option,
)
from sim.cli.page import open_option, show_page
from sim.cli.running import run_async, telling_of_logs
from sim.cli.tables import listing
from sim.clock import Clock
from sim.control.choose import elsewhere, the_world
from sim.control.control_client import ask
from sim.errors import EnvironmentLacksError, InputError, SimError
from sim.registry import WorldRecord

if TYPE_CHECKING:
    from sim.lens.choice import ClockName
    from sim.machines.runtime import RuntimeName
    from sim.scenario.model import Scenario
    from sim.world import World

_STOP_REAL_S = 30.0
_LOOK_REAL_S = 0.02
_MOST_SAID = 1 << 20


@click.command()
@click.argument("topology", type=EXISTING)
@runtime_option
@speed_option
@clock_option
@seed_option
@secrets_option
@journal_option
@logs_option
@click.option(
    "--detach", "-d", is_flag=True, help="Run in the background; return when the world is ready."
)
@open_option
def up(
    topology: Path,
    runtime: RuntimeName,
    speed: float,
    clock: ClockName,
    seed: int | None,
    secrets: Path | None,
    journal: Path | None,
    logs: Path | None,
    detach: bool,
    opens: bool,
) -> int:
    """Bring up a world that stays up.

    It is that of TOPOLOGY, and lasts until Ctrl-C or `sim down`.
    """
    if detach:
        own = ("--detach", "-d", "--open")
        return asyncio.run(_detached([arg for arg in sys.argv[1:] if arg not in own], opens))
    from sim.cli.coming_up import told_while_coming_up
    from sim.rng import fresh_seed
    from sim.secrets import load_secrets
    from sim.topology.load_topology import load_topology
    from sim.world import World

    loaded = load_topology(topology)
    for note in loaded.notes:
        click.echo(f"note: {note}", err=True)
    world = World(
        loaded,
        seed=fresh_seed() if seed is None else seed,
        speed=speed,
        secrets=load_secrets(loaded.gateway.secrets, secrets),
        journal_path=journal,
        runtime=runtime,
        clock=clock,
    )
    world.keep_logs_in = logs
    if warning := world.process_clock.warning(speed):
        click.echo(f"note: {warning}", err=True)
    with telling_of_logs(logs):
        run_async(told_while_coming_up(world, stay_up(world, opens=opens)))
    return 0


async def stay_up(world: World, *, opens: bool, load_of: Scenario | None = None) -> None:
    """Bring a world up and keep it until a signal ends it; with a scenario's load, if there is one.

    `opens`: open its live page in the user's browser.
    """
    from sim.control.verbs import Control

    async with world, Control(world) as control:
        # What happens in a world that stays up is rare, and somebody may be watching the file.
        world.journal.flush()
        world.journal.subscribe(lambda _: world.journal.flush())
        _welcome(await control.status({}))
        if load_of:
            control.dashboard.player.play(load_of, load_only=True)
        page = await control.page({})
        click.echo("\nthe live page, for one browser, once (`sim page` prints another address):")
        show_page(page["url"], opens=opens)
        await asyncio.Event().wait()  # until a signal ends it


def _welcome(status: dict[str, Any]) -> None:
    """Say what is up and how to reach it."""
    click.echo(f"world {status['world']} is up (seed {status['seed']}): {status['url']}\n")
    _show(status)
    example = status["locations"][0]
    click.echo(
        f"\nsim dig --from {example['location']} {status['hostname']}"
        "   what a location is answered"
        "\nsim fault crash --region …, sim status, sim heal, sim logs; sim down or Ctrl-C ends it"
    )


def _show(status: dict[str, Any]) -> None:
    click.echo(f"app {status['app']}, hostname {status['hostname']}, image {status['image']}\n")
    machine_columns = (
        *("process", "id", "version", "region", "state", "role", "checks", "last_updated_s"),
        *("name", "address"),
    )
    listing(status["machines"], machine_columns, as_json=False)
    click.echo()
    listing(status["locations"], ("location", "led_to", "nameserver", "entry"), as_json=False)
    if status["services"]:
        click.echo()
        listing(status["services"], list(status["services"][0]), as_json=False)
    if status["alerts"]:
        click.echo()
        listing(status["alerts"], ("alert", "subject", "for_s", "reason"), as_json=False)


async def _detached(arguments: list[str], opens: bool) -> int:
    """Run the same command as a process of its own, and wait until its world is up."""
    said = tempfile.TemporaryFile()  # noqa: SIM115 - the process has it
    passed_on = 0
    process = subprocess.Popen(  # noqa: ASYNC220 - it outlives this process
        [sys.executable, "-m", "sim", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,
    )
    clock = Clock()
    while process.poll() is None:
        for record in registry.running():
            if record.pid == process.pid:
                _pass_on(said, passed_on)
                end = f"`sim down {record.id}` ends it"
                click.echo(f"world {record.id} is up; {end}; its live page, once:")
                page = await asyncio.to_thread(ask, record, "page")
                show_page(page["url"], opens=opens)
                return 0
        passed_on = _pass_on(said, passed_on)
        await clock.sleep(_LOOK_REAL_S)
    _pass_on(said, passed_on)
    return process.returncode


def _pass_on(said: IO[bytes], start: int) -> int:
    """Print what the process of a detached world has said from that byte on; where that ends.

    The file's own position is the process's, which writes on from there.
    """
    new = os.pread(said.fileno(), _MOST_SAID, start)
    click.echo(new, err=True, nl=False)
    return start + len(new)


@click.command()
@click.argument("world", metavar="[WORLD]", required=False)
@click.option("--all", "every", is_flag=True, help="End every world on this machine.")
def down(world: str | None, every: bool) -> int:
    """End a world, and clean up after those that were killed.

    Without WORLD it is the one that is up.
    """
    leftovers = registry.abandoned()
    silent: list[EnvironmentLacksError] = []
    for folder in leftovers:
        try:
            click.echo(f"cleaned up after {folder.name} ({clean_up(folder)})")
        except EnvironmentLacksError as error:
            silent.append(error)
    worlds = registry.running()
    if world is not None:
        worlds = [the_world(world)]
    elif len(worlds) > 1 and not every:
        names = ", ".join(record.id for record in worlds)
        one = f"`sim down {worlds[0].id}`"
        raise InputError(f"several worlds are up: {names}; name one, as in {one}, or say --all")
    for record in worlds:
        try:
            asyncio.run(_end(record))
        except EnvironmentLacksError as error:
            silent.append(error)
        click.echo(f"ended {record.id}")
    if not worlds and not leftovers:
        _none_is_up()
    for lacking in silent:
        click.echo(f"error: {lacking}", err=True)
    return EnvironmentLacksError.exit_code if silent else 0


def _none_is_up() -> None:
    click.echo("no world is up")
    if others := elsewhere():
        click.echo(f"note:{others}", err=True)


async def _end(record: WorldRecord) -> None:
    """Have a world end itself; one that does not is killed and cleaned up after."""
    clock = Clock()
    try:
        os.kill(record.pid, signal.SIGTERM)
        async with clock.timeout(_STOP_REAL_S):
            while record.alive:
                await clock.sleep(_LOOK_REAL_S)
    except ProcessLookupError:
        pass
    except TimeoutError:
        os.kill(record.pid, signal.SIGKILL)
        while record.alive:
            await clock.sleep(_LOOK_REAL_S)
    if record.folder.exists():
        clean_up(record.folder)


@click.command()
@json_option
def status(as_json: bool) -> int:
    """Show the worlds that are up.

    Machines are shown as they are, and as health checks and DNS believe them to be.
    """
    found = []
    for record in registry.running():
        try:
            found.append(ask(record, "status"))
        except SimError as error:
            found.append({"world": record.id, "error": str(error)})
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return 0
    for world in found:
        click.echo(f"world {world['world']}: {world.get('url') or world['error']}\n")
        if "machines" in world:
            _show(world)
    for folder in registry.abandoned():
        click.echo(f"{folder.name} was killed and has left things behind; `sim down` cleans up")
    if not found:
        _none_is_up()
    return 0
