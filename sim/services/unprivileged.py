"""How root runs services: as an ordinary user, which is what they are where they are hosted.

PostgreSQL and pgbouncer refuse to run as root. So root becomes an ordinary user in a user
namespace: its files still belong to root outside of it, and nothing needs to be given away.
"""

from __future__ import annotations

import os
import shutil

from sim.errors import EnvironmentLacksError

_ELSEWHERE = "run as an ordinary user, or name an existing server in services.database.url"


def as_user() -> tuple[str, ...]:
    """What goes before a service's command. Raises EnvironmentLacksError."""
    if os.geteuid() != 0:
        return ()
    unshare = shutil.which("unshare")
    if unshare is None:
        raise EnvironmentLacksError(
            "services do not run as root, and there is no `unshare`", _ELSEWHERE
        )
    return (unshare, "--user", "--map-user=1000", "--map-group=1000")


def explain_failure(what: str, output: str) -> EnvironmentLacksError | None:
    """The error to raise if it was `unshare` that failed, not the service."""
    if not output.startswith("unshare:"):
        return None
    return EnvironmentLacksError(
        f"{what}: services do not run as root, and this kernel or container does not let root"
        f" become another user ({output.splitlines()[0]})",
        _ELSEWHERE,
    )
