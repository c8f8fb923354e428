"""A world's own parts while it runs: which processes they are, and which are kept working."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sim.machines.fleet import Fleet
from sim.network import link_server
from sim.network.link_server import LinkServer
from sim.network.links import Links
from sim.routing.internal_nameserver import InternalNames
from sim.routing.resolver import Resolver
from sim.services.services import Services
from sim.upkeep import Part


def main_processes(fleet: Fleet, services: Services, server: LinkServer) -> dict[str, int]:
    """The process of each part that is a process of this host, by the part's name."""
    found = {
        machine.name: pid
        for machine in fleet.machines.values()
        if machine.instance and (pid := machine.instance.host_pid)
    }
    found |= services.pids
    return found | ({"link server": server.pid} if server.pid else {})


def kept_parts(
    server: LinkServer,
    links: Links,
    resolver: Resolver,
    names: InternalNames,
    services: Services,
) -> Iterator[Part]:
    """What may fail by itself: a run does not go on in silence without one of these."""
    carrier = (server, links)
    ping, revive = partial(link_server.ping, *carrier), partial(link_server.revive, *carrier)
    yield Part("link server", ping, revive)
    yield Part("resolver", resolver.ping, resolver.restart)
    yield Part("machines' nameserver", names.ping, names.restart)
    yield from services.parts()
