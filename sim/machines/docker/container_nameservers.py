"""Whom a container asks for names: its region's nameserver, then those that it would ask anyway."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

_PORT = "53"  # a resolver's own: it can be told of no other
# What Docker reads itself; the second holds where the first leads to systemd's on loopback.
_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def nameservers(own: str | None) -> list[str] | None:
    """The nameservers of a container, None to leave them to the engine.

    `own` is the region's, with its port. What it does not know it refuses, and Docker asks the
    next. Without a next one that a container can reach, the rest of the world has no names.
    """
    host, _, port = (own or "").partition(":")
    others = _reachable(path.read_text(errors="replace") for path in _FILES if path.is_file())
    return [host, *others] if port == _PORT and others else None


def _reachable(texts: Iterable[str]) -> list[str]:
    """The nameservers of the first file that has any besides loopback's."""
    for text in texts:
        words = (line.split() for line in text.splitlines())
        named = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
        if found := [name for name in named if _is_elsewhere(name)]:
            return found
    return []


def _is_elsewhere(name: str) -> bool:
    try:
        return not ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
