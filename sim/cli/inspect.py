"""`sim dig`, `sim links` and `sim logs`: looking at a running world."""

from __future__ import annotations

import asyncio
import json
import re
from ipaddress import IPv4Address
from pathlib import Path
from typing import IO

import click

from sim.cli.group import Group
from sim.cli.options import json_option, seed_option, world_option
from sim.cli.tables import listing
from sim.clock import Clock
from sim.control.choose import the_world
from sim.control.control_client import ask
from sim.errors import InputError
from sim.suggestions import suggest
from sim.topology.addresses import LINK_SERVER_PORT, Endpoint, control_of

_LOOK_REAL_S = 0.1


@click.command()
@click.argument("name")
@click.argument("rrtype", required=False, metavar="[TYPE]")
@click.option(
    "--from",
    "place",
    metavar="PLACE",
    help="Ask as a client of this location, or as a machine of this region.",
)
@click.option("--explain", is_flag=True, help="Explain how the answer came about.")
@world_option
def dig(name: str, rrtype: str | None, place: str | None, explain: bool, world: str | None) -> int:
    """Ask the world's nameservers for NAME.

    Without TYPE: A records, or AAAA for private names.
    """
    from dnslib import QTYPE, DNSRecord

    private = name.rstrip(".").lower().endswith("internal")
    rrtype = rrtype or ("AAAA" if private else "A")
    if rrtype.upper() not in QTYPE.reverse:
        raise InputError(f"no DNS type {rrtype!r}; for example A, AAAA, TXT, SOA, NS")
    record = the_world(world)
    if explain:
        click.echo("\n".join(ask(record, "explain", name=name, place=place)))
        return 0
    status = ask(record, "status")
    servers = {row["location"]: row["nameserver"] for row in status["locations"]}
    servers |= {row["region"]: row["nameserver"] for row in status["regions"]}
    if place is not None and place not in servers:
        raise InputError(f"no location or region `{place}`{suggest(place, servers)}")
    central = f"{control_of(record.slot).host}:{record.dns_port}"
    host, _, port = servers.get(place or "", central).partition(":")
    question = DNSRecord.question(name, rrtype.upper())
    try:
        answer = DNSRecord.parse(question.send(host, int(port), timeout=5))
    except OSError as error:
        raise InputError(f"the nameserver {host}:{port} does not answer: {error}") from error
    click.echo(mapped_in_dots(str(answer)))
    return 0


def mapped_in_dots(text: str) -> str:
    """Mapped IPv4 addresses as machines write them: `::ffff:127.44.150.10`."""
    return re.sub(
        r"::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\b",
        lambda match: f"::ffff:{IPv4Address(int(match[1], 16) << 16 | int(match[2], 16))}",
        text,
    )


@click.group(cls=Group, invoke_without_command=True)
@json_option
@world_option
@click.pass_context
def links(context: click.Context, as_json: bool, world: str | None) -> int:
    """List every link: round trip, state and traffic."""
    if context.invoked_subcommand:
        return 0
    rows = ask(the_world(world), "links")
    columns = list(rows[0]) if rows else ["link"]
    listing(rows, columns, as_json=as_json)
    return 0


@links.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="A", help="Address to listen at."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=LINK_SERVER_PORT,
    show_default=True,
    metavar="N",
    help="Port to listen at.",
)
@seed_option
def serve(host: str, port: int, seed: int | None) -> int:
    """Run the embedded link server by itself, for any client of Toxiproxy."""
    from sim.network.embedded.embedded_server import serve as serve_links

    asyncio.run(serve_links(Endpoint(host, port), seed))
    return 0


@click.command()
@click.option("--region", metavar="R", help="Only machines of this region.")
@click.option("--follow", "-f", is_flag=True, help="Follow: print new lines as they come.")
@json_option
@world_option
def logs(region: str | None, follow: bool, as_json: bool, world: str | None) -> int:
    """Print what the machines have printed.

    With --json each line is a JSON object.
    """
    record = the_world(world)
    folder, pattern = record.folder / "logs", f"{region or '*'}-*.log"
    if not any(folder.glob(pattern)):
        there = sorted({path.stem.rpartition("-")[0] for path in folder.glob("*.log")})
        raise InputError(f"no machine in region `{region}`{suggest(str(region), there)}")
    asyncio.run(_print_logs(folder, pattern, follow=follow, as_json=as_json))
    return 0


async def _print_logs(folder: Path, pattern: str, *, follow: bool, as_json: bool) -> None:
    """Print them; machines that are made meanwhile are followed as well."""
    clock, opened = Clock(), dict[Path, IO[str]]()
    try:
        while True:
            for path in _logs_in(folder, pattern):
                if path not in opened:
                    opened[path] = path.open(errors="replace")  # closed below
                _print_new(path.stem, opened[path], as_json=as_json)
            if not follow or not _logs_in(folder, pattern):
                return
            await clock.sleep(_LOOK_REAL_S)
    finally:
        for file in opened.values():
            file.close()


def _logs_in(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def _print_new(stem: str, file: IO[str], *, as_json: bool) -> None:
    region, _, number = stem.rpartition("-")
    for line in file:
        if as_json:
            said = {"machine": f"{region}/{number}", "region": region, "message": line.rstrip("\n")}
            click.echo(json.dumps(said, ensure_ascii=False))
        else:
            click.echo(f"{region}/{number}  {line}", nl=False)
