"""Where else the control server listens: for a browser or a program outside a container.

SIM_CONTROL names an address and a port beside the world's own, as in `0.0.0.0:8471`. Whoever can
reach it and has the token can do anything to the world, and run commands by it; so beyond loopback
the token must have been chosen (SIM_TOKEN), to be handed to those who may.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from ipaddress import ip_address

from sim.errors import EnvironmentLacksError, InputError
from sim.registry import TOKEN_VARIABLE

VARIABLE = "SIM_CONTROL"


def further_listeners(environment: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """A listening socket for the address that SIM_CONTROL names, if it names one.

    Raises InputError where it is no address, or lies beyond loopback with no token chosen, and
    EnvironmentLacksError where nothing can listen there.
    """
    named = environment.get(VARIABLE)
    if not named:
        return []
    host, _, port = named.rpartition(":")
    try:
        address, number = ip_address(host.strip("[]")), int(port)
    except ValueError:
        raise InputError(
            f"{VARIABLE} is {named!r}; write an address and a port, as in `0.0.0.0:8471`"
        ) from None
    if not address.is_loopback and not environment.get(TOKEN_VARIABLE):
        raise InputError(
            f"{VARIABLE} is {named!r}, which others can reach, and there is no token that you"
            f" chose: set {TOKEN_VARIABLE}, or listen on 127.0.0.1"
        )
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        return [socket.create_server((str(address), number), family=family)]
    except (OSError, OverflowError) as error:
        raise EnvironmentLacksError(
            f"the control server cannot listen at {named}: {error}",
            f"end what listens there, or let {VARIABLE} name another port",
        ) from error
