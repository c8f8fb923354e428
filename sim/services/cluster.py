"""A database cluster (PostgreSQL's word for its data directory), made in a tenth of a second.

initdb takes 0.7 to 1.1 s of two cores, and always makes the same. So what it made first, for each
version of the wheel, is kept as a template in the user's cache directory; a world copies that
(60 ms) and sets a password of its own (35 ms). A template appears whole, by one rename; where
several worlds make one at once, the first rename wins. A template that does not work is removed,
and a cache directory that cannot be used is done without.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from sim.errors import StartError
from sim.processes.child import Child
from sim.services.binaries import Binaries
from sim.services.unprivileged import explain_failure
from sim.user_cache import user_cache

SUPERUSER = "sim"
DATABASE = "gateway"

_INITDB = (
    *("--no-sync", "--encoding=UTF8", "--no-locale", "--no-instructions"),
    *("--no-data-checksums", "--wal-segsize=1", "--set=timezone=UTC"),
    *("--auth=scram-sha-256", f"--username={SUPERUSER}"),
)


class ClusterMaker:
    """Makes clusters. `env` is the programs' environment, `log` takes what they say."""

    def __init__(
        self, binaries: Binaries, env: Mapping[str, str], log: Path, cache: Path | None = None
    ) -> None:
        self._binaries = binaries
        self._env = env
        self._log = log
        self._cache = cache or user_cache()

    async def make(self, data: Path, password: str) -> None:
        """Make a new cluster in `data`, which is not there yet, with this superuser password.

        Raises StartError or EnvironmentLacksError; then nothing is left in `data`.
        """
        try:
            if not await self._copied(data, password):
                await self._initdb(data)
                await self._keep(data)
                await self._set_password(data, password)
        except BaseException:
            shutil.rmtree(data, ignore_errors=True)
            raise

    @property
    def template(self) -> Path:
        """Where the template for this version and these options belongs."""
        options = hashlib.sha256(" ".join((*_INITDB, DATABASE)).encode()).hexdigest()[:12]
        return self._cache / f"postgres-{self._binaries.version}-{options}"

    async def _copied(self, data: Path, password: str) -> bool:
        """Make the cluster from the template. False where there is none that works."""
        if not (self.template / "PG_VERSION").exists():
            return False
        try:
            await self._copy(self.template, data)
            await self._set_password(data, password)
        except StartError:
            shutil.rmtree(self.template, ignore_errors=True)
            shutil.rmtree(data, ignore_errors=True)
            return False
        return True

    async def _keep(self, data: Path) -> None:
        """Make a template of a new cluster. That is for speed only, so failing costs nothing."""
        mine = self.template.with_name(f"{self.template.name}.{secrets.token_hex(4)}")
        try:
            # Whoever could write here could have the next world's database run what they like.
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            await self._copy(data, mine)
            mine.rename(self.template)
        except (OSError, StartError):
            pass  # another world was first, or the cache cannot be written
        finally:
            shutil.rmtree(mine, ignore_errors=True)

    async def _copy(self, source: Path, target: Path) -> None:
        command = ["cp", "-a", "--reflink=auto", str(source), str(target)]
        await self._run("copying the database template", command)

    async def _set_password(self, data: Path, password: str) -> None:
        # In single-user mode: there is no moment at which another password works.
        await self._single(data, f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'")

    async def _initdb(self, data: Path) -> None:
        pwfile = data.with_name(f"{data.name}.password")
        pwfile.touch(mode=0o600)
        try:
            pwfile.write_text(secrets.token_hex(16))  # replaced before the server first listens
            command = self._binaries.command(
                "initdb", *_INITDB, f"--pwfile={pwfile}", f"--pgdata={data}"
            )
            await self._run("initdb", command)
        finally:
            pwfile.unlink()
        await self._single(data, f"CREATE DATABASE {DATABASE}")

    async def _single(self, data: Path, sql: str) -> None:
        command = self._binaries.command(
            *("postgres", "--single", "-D", str(data), "-c", "fsync=off", "postgres")
        )
        said = await self._run("preparing the database", command, stdin=f"{sql}\n".encode())
        # Single-user mode reports a failed statement but exits with 0.
        if "ERROR:" in said:
            raise StartError(f"preparing the database failed: {said}")

    async def _run(self, what: str, command: list[str], stdin: bytes = b"") -> str:
        """Run a command, and return what it said. Raises StartError where it failed."""
        before = self._log.stat().st_size if self._log.exists() else 0
        child = Child(command, env=self._env, output=self._log, stdin=stdin)
        try:
            end = await child.exited()
        finally:
            await child.kill()
        with self._log.open("rb") as log:
            log.seek(before)
            said = log.read().decode(errors="replace").strip()
        if end.code != 0:
            raise explain_failure(what, said) or StartError(f"{what} {end}: {said}")
        return said
