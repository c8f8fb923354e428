"""Running a program of this host in a location, by the best way that there is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.errors import InputError
from sim.programs import namespace, proxies, trust

_DNS_PORT = "53"  # programs ask nameservers nowhere else


@dataclass(frozen=True)
class Spot:
    """A location as a running world says it is. `certificate` is its authority's, in PEM."""

    location: str
    nameserver: str
    entry: str
    certificate: str
    folder: Path


def run(spot: Spot, command: tuple[str, ...], say: Callable[[str], None]) -> int:
    """Run it there to its end, and give its code. `say` is told which way was taken.

    Raises InputError where there is no such program.
    """
    if shutil.which(command[0]) is None:
        raise InputError(f"no program {command[0]!r}: looked for it in PATH")
    environment = {**os.environ, **trust.trusting(_authorities(spot))}
    host, _, port = spot.nameserver.partition(":")
    why_not = namespace.obstacle()
    if port != _DNS_PORT:
        why_not = f"this world's nameservers are at port {port}, where no program asks"
    if why_not is not None:
        say(f"in {spot.location} by the proxy variables, through {spot.entry}: {why_not}")
        return _run(command, proxies.through(spot.entry, environment))
    say(f"in {spot.location} by a nameserver of its own, {host}")
    resolv = spot.folder / f"resolv-{spot.location}.conf"
    resolv.write_text(f"nameserver {host}\noptions timeout:2 attempts:2\n", encoding="ascii")
    return _run(namespace.wrapped(resolv, command), environment)


def _authorities(spot: Spot) -> Path:
    return trust.bundle(spot.folder, spot.certificate, os.environ)


def _run(argv: tuple[str, ...] | list[str], environment: Mapping[str, str]) -> int:
    return subprocess.run(argv, check=False, env=environment).returncode
