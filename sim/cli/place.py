"""`sim exec`: any program, in the place of a location's clients.

The program gets a mount namespace in which /etc/resolv.conf names the location's nameserver. So
the world's names resolve as they do there, and lead into that location's links.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import click

from sim.cli.options import world_option
from sim.control.choose import the_world
from sim.control.client import ask
from sim.errors import EnvironmentLacksError, InputError

_DNS_PORT = "53"
_IN_A_CONTAINER = Path("/.dockerenv")


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.option("--from", "place", required=True, metavar="LOCATION", help="Where it is to be.")
@click.option("--image", metavar="I", help="Run a container of this image, not a local program.")
@world_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(place: str, image: str | None, world: str | None, command: tuple[str, ...]) -> int:
    """Run COMMAND as if it were in LOCATION, and exit with its code."""
    record = the_world(world)
    servers = {row["location"]: row["nameserver"] for row in ask(record, "status")["locations"]}
    if place not in servers:
        raise InputError(f"no location {place!r}; there are: {', '.join(servers)}")
    host, _, port = servers[place].partition(":")
    if port != _DNS_PORT:
        raise EnvironmentLacksError(
            f"programs ask nameservers at port {_DNS_PORT}; this world's listen at {port}",
            "bring the world up as root, or after"
            " `sudo sysctl net.ipv4.ip_unprivileged_port_start=53`",
        )
    resolv = record.folder / f"resolv-{place}.conf"
    resolv.write_text(f"nameserver {host}\noptions timeout:2 attempts:2\n", encoding="ascii")
    argv = _in_a_container(resolv, image, command) if image else _here(resolv, command)
    return subprocess.run(argv, check=False).returncode


def _here(resolv: Path, command: tuple[str, ...]) -> list[str]:
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        raise EnvironmentLacksError(
            "giving a program another nameserver takes root and the program `unshare`",
            "run `sim exec` as root, or use --image",
        )
    if shutil.which(command[0]) is None:
        raise InputError(f"no program {command[0]!r}: looked for it in PATH")
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    private = (unshare, "--mount", "--propagation", "private")
    return [*private, "sh", "-c", script, str(resolv), *command]


def _in_a_container(resolv: Path, image: str, command: tuple[str, ...]) -> list[str]:
    """In the network of this program: the host's, or that of the container it is in."""
    docker = shutil.which("docker")
    if docker is None:
        raise EnvironmentLacksError("there is no program `docker`", "install it, or drop --image")
    network = f"container:{socket.gethostname()}" if _is_contained(docker) else "host"
    mount = f"{resolv}:/etc/resolv.conf:ro"
    return [docker, "run", "--rm", "-i", "--network", network, "-v", mount, image, *command]


def _is_contained(docker: str) -> bool:
    if not _IN_A_CONTAINER.exists():
        return False
    look = [docker, "inspect", socket.gethostname()]
    return subprocess.run(look, check=False, capture_output=True).returncode == 0
