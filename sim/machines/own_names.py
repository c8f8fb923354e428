"""The names that a process machine finds by itself: a hosts file and a resolv.conf of its own.

As on Fly `fly-local-6pn` is its private address. And where its region's nameserver listens at the
port at which programs ask, their own resolver asks that one first; what it does not know it
refuses, and they ask those of this host.
"""

from __future__ import annotations

from pathlib import Path

from sim.machines.runtime import MachineSpec
from sim.processes.namespace import HOSTS, RESOLV

OWN_NAME = "fly-local-6pn"
_DNS_PORT = "53"


def own_names(spec: MachineSpec) -> dict[str, Path]:
    """The files that it finds in these places; written beside its log."""
    said = {}
    if own := spec.env.get("FLY_PRIVATE_IP"):
        said[HOSTS] = _text(HOSTS) + f"\n{own} {OWN_NAME}\n"
    host, _, port = spec.env.get("SIM_NAMESERVER", "").partition(":")
    if port == _DNS_PORT:
        said[RESOLV] = f"nameserver {host}\n" + _text(RESOLV)
    files = {place: spec.log_path.with_suffix(f".{Path(place).stem}") for place in said}
    for place, file in files.items():
        file.write_text(said[place], encoding="utf-8")
    return files


def _text(place: str) -> str:
    return Path(place).read_text(encoding="utf-8", errors="replace")
