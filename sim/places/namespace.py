"""A program given a nameserver of its own: /etc/resolv.conf is another file in its mount namespace.

Root may make one. Anybody else may where user namespaces are allowed: in one of those the mount is
made as its root, then the program runs in a further one, as the user who started it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

_RESOLV = "/etc/resolv.conf"
_MOUNT = f'mount --bind "$0" {_RESOLV} && exec "$@"'


def wrapped(resolv: Path, command: tuple[str, ...]) -> list[str]:
    """The command, with `resolv` in the place of /etc/resolv.conf; where `obstacle` is None."""
    if os.geteuid() == 0:
        return [_unshare(), "--mount", "--propagation", "private", *_mounting(resolv, command)]
    back = (_unshare(), "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}")
    outer = (_unshare(), "--user", "--map-root-user", "--mount", "--propagation", "private")
    return [*outer, *_mounting(resolv, (*back, *command))]


@cache
def obstacle() -> str | None:
    """Why programs cannot be given a nameserver of their own here, or None where they can."""
    if shutil.which("unshare") is None:
        return "there is no program `unshare` (util-linux)"
    if not Path(_RESOLV).exists():
        return f"there is no {_RESOLV} to put another in the place of"
    tried = subprocess.run(
        wrapped(Path(_RESOLV), ("true",)), check=False, capture_output=True, text=True
    )
    if tried.returncode == 0:
        return None
    kind = "mount" if os.geteuid() == 0 else "user"
    said = tried.stderr.strip().rpartition("\n")[2] or f"code {tried.returncode}"
    return f"{kind} namespaces are not allowed here ({said})"


def _mounting(resolv: Path, command: tuple[str, ...]) -> tuple[str, ...]:
    return ("sh", "-c", _MOUNT, str(resolv), *command)


def _unshare() -> str:
    return shutil.which("unshare") or "unshare"
