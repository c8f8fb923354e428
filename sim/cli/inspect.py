"""`sim dig`, `sim links` and `sim logs`: looking at a running world."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO

import click

from sim.cli.options import json_option, seed_option, world_option
from sim.cli.tables import listing
from sim.clock import Clock
from sim.control.choose import the_world
from sim.control.client import ask
from sim.errors import InputError
from sim.topology.addresses import LINK_SERVER_PORT, Endpoint

_LOOK_REAL_S = 0.1


@click.command()
@click.argument("name")
@click.argument("rrtype", default="A", metavar="[TYPE]")
@click.option("--from", "place", metavar="LOCATION", help="Ask as that location does.")
@click.option("--explain", is_flag=True, help="Say why it is answered so.")
@world_option
def dig(name: str, rrtype: str, place: str | None, explain: bool, world: str | None) -> int:
    """Ask the world's nameservers for NAME."""
    record = the_world(world)
    if explain:
        click.echo("\n".join(ask(record, "explain", name=name, place=place)))
        return 0
    from dnslib import QTYPE, DNSRecord

    if rrtype.upper() not in QTYPE.reverse:
        raise InputError(f"no DNS type {rrtype!r}; for example A, AAAA, TXT, SOA, NS")
    servers = {row["location"]: row["nameserver"] for row in ask(record, "status")["locations"]}
    if place is not None and place not in servers:
        raise InputError(f"no location {place!r}; there are: {', '.join(servers)}")
    central = f"127.{record.slot}.0.1:{record.dns_port}"
    host, _, port = servers.get(place or "", central).partition(":")
    question = DNSRecord.question(name, rrtype.upper())
    try:
        answer = DNSRecord.parse(question.send(host, int(port), timeout=5))
    except OSError as error:
        raise InputError(f"the nameserver {host}:{port} does not answer: {error}") from error
    click.echo(str(answer))
    return 0


@click.group(invoke_without_command=True)
@json_option
@world_option
@click.pass_context
def links(context: click.Context, as_json: bool, world: str | None) -> int:
    """List every link with its round trip, its state and what crosses it."""
    if context.invoked_subcommand:
        return 0
    rows = ask(the_world(world), "links")
    columns = list(rows[0]) if rows else ["link"]
    listing(rows, columns, as_json=as_json)
    return 0


@links.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=LINK_SERVER_PORT, show_default=True)
@seed_option
def serve(host: str, port: int, seed: int | None) -> int:
    """Run the embedded link server by itself, for any client of Toxiproxy."""
    from sim.network.embedded.server import serve as serve_links

    asyncio.run(serve_links(Endpoint(host, port), seed))
    return 0


@click.command()
@click.option("--region", metavar="R", help="Only machines of that region.")
@click.option("--follow", "-f", is_flag=True, help="Go on as they print.")
@world_option
def logs(region: str | None, follow: bool, world: str | None) -> int:
    """Print what the machines have printed."""
    record = the_world(world)
    folder = record.folder / "logs"
    files = sorted(folder.glob(f"{region or '*'}-*.log"))
    if not files:
        there = sorted({path.stem.rpartition("-")[0] for path in folder.glob("*.log")})
        raise InputError(f"no machine in region {region!r}; there are: {', '.join(there)}")
    asyncio.run(_print_logs(files, follow))
    return 0


async def _print_logs(files: list[Path], follow: bool) -> None:
    clock = Clock()
    opened = [(path.stem.replace("-", "/"), path.open(errors="replace")) for path in files]
    try:
        while True:
            for name, file in opened:
                _print_new(name, file)
            if not follow or not files[0].exists():
                return
            await clock.sleep(_LOOK_REAL_S)
    finally:
        for _, file in opened:
            file.close()


def _print_new(name: str, file: IO[str]) -> None:
    for line in file:
        click.echo(f"{name}  {line}", nl=False)
