"""Putting a program of this host into a location, by the best way that there is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from sim import trust
from sim.errors import InputError
from sim.places import proxy_variables
from sim.processes import namespace

_DNS_PORT = "53"  # programs ask nameservers nowhere else


@dataclass(frozen=True)
class Spot:
    """A location as a running world says it is. `certificate` is its authority's, in PEM."""

    location: str
    nameserver: str
    entry: str
    certificate: str
    folder: Path


def placed(
    spot: Spot, command: tuple[str, ...], say: Callable[[str], None]
) -> tuple[list[str], dict[str, str]]:
    """The command and the environment that put a program there. `say` is told which way is taken.

    Raises InputError where there is no such program.
    """
    if shutil.which(command[0]) is None:
        raise InputError(f"no program {command[0]!r}: looked for it in PATH")
    authorities = trust.bundle(spot.folder, spot.certificate, os.environ)
    environment = {**os.environ, **trust.trusting(authorities)}
    host, _, port = spot.nameserver.partition(":")
    why_not = namespace.obstacle()
    if port != _DNS_PORT:
        why_not = f"this world's nameservers are at port {port}, where no program asks"
    if why_not is not None:
        say(f"in {spot.location} by the proxy variables, through {spot.entry}: {why_not}")
        return list(command), proxy_variables.through(spot.entry, environment)
    say(f"in {spot.location} by a nameserver of its own, {host}")
    resolv = spot.folder / f"resolv-{spot.location}.conf"
    resolv.write_text(f"nameserver {host}\noptions timeout:2 attempts:2\n", encoding="ascii")
    return namespace.wrapped({namespace.RESOLV: resolv}, command), environment


def become(argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Go on as that program: its signals, its terminal and its end are this process's.

    Raises InputError where it cannot be started.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - what the user has asked for
    except OSError as error:
        raise InputError(f"{argv[0]} cannot be started: {error.strerror}") from error
