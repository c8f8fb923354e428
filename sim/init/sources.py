"""What source code says in passing: paths of checks and WebSockets, and variables it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CHECK_NAMES = ("healthz", "health", "livez", "readyz", "ready", "live", "ping", "status", "up")
_CHECKS = re.compile(
    r"""["'`](?:GET )?(/(?:[\w-]+/){0,2}(?:health[\w-]*|livez?|readyz?|ping|status|up))["'`]"""
)
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|_KEY$|^KEY$|SALT|PEPPER")
_WORLDS = re.compile(r"PORT|HOST|DATABASE_URL|PRIMARY_REGION|FLY_\w+|PATH|HOME|NODE_ENV|TMPDIR")


def check_path(text: str) -> str | None:
    """The path that looks most like a health check's."""
    found = _CHECKS.findall(text)
    ranked = sorted(found, key=lambda path: _rank(path.rpartition("/")[2]))
    return ranked[0] if ranked else None


def _rank(name: str) -> int:
    return _CHECK_NAMES.index(name) if name in _CHECK_NAMES else len(_CHECK_NAMES)


def secrets_among(names: Iterable[str]) -> tuple[str, ...]:
    """The variables that look like secrets and that no machine has by itself, each once."""
    return tuple(dict.fromkeys(n for n in names if _SECRET.search(n) and not _WORLDS.fullmatch(n)))


def first(pattern: str, text: str) -> str | None:
    """The first group of a pattern's first match."""
    match = re.search(pattern, text)
    return match[1] if match else None


def label(name: str) -> str | None:
    """A package's name as a label of a host name."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.rpartition("/")[2].lower()).strip("-")
    return plain[:63].strip("-") or None
