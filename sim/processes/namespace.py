"""A program that finds files of its own in /etc, such as resolv.conf: in a mount namespace.

Root may make one. Anybody else may where user namespaces are allowed: in one of those the mounts
are made as its root, then the program runs in a further one, as the user who started it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

HOSTS, RESOLV = "/etc/hosts", "/etc/resolv.conf"
# As many pairs of files as the first word says, and then the command.
_MOUNT = (
    'n=$0; while [ "$n" -gt 0 ]; do mount --bind "$1" "$2" || exit; shift 2; n=$((n - 1)); done;'
    ' exec "$@"'
)


def wrapped(files: Mapping[str, Path], command: Sequence[str]) -> list[str]:
    """The command, with each of `files` in the place it is named by; where `obstacle` is None.

    It keeps its pid.
    """
    pairs = [word for place, file in files.items() for word in (str(file), place)]
    mounting = ("sh", "-c", _MOUNT, str(len(files)), *pairs)
    if os.geteuid() == 0:
        return [_unshare(), "--mount", "--propagation", "private", *mounting, *command]
    back = (_unshare(), "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}")
    outer = (_unshare(), "--user", "--map-root-user", "--mount", "--propagation", "private")
    return [*outer, *mounting, *back, *command]


@cache
def obstacle() -> str | None:
    """Why programs cannot be given files of their own here, or None where they can. Blocks."""
    if shutil.which("unshare") is None:
        return "there is no program `unshare` (util-linux)"
    if missing := [place for place in (RESOLV, HOSTS) if not Path(place).exists()]:
        return f"there is no {missing[0]} to put another in the place of"
    tried = subprocess.run(
        wrapped({place: Path(place) for place in (RESOLV, HOSTS)}, ("true",)),
        check=False,
        capture_output=True,
        text=True,
    )
    if tried.returncode == 0:
        return None
    kind = "mount" if os.geteuid() == 0 else "user"
    said = tried.stderr.strip().rpartition("\n")[2] or f"code {tried.returncode}"
    return f"{kind} namespaces are not allowed here ({said})"


def _unshare() -> str:
    return shutil.which("unshare") or "unshare"
