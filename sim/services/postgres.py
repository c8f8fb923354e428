"""The shared database: a real PostgreSQL of the world's own, on TCP, so that its links can fail."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Mapping
from pathlib import Path

from sim.clock import Clock
from sim.errors import StartError
from sim.lens.lens import Lens
from sim.processes.child import Child, tail
from sim.services.binaries import find_binaries
from sim.services.cluster import DATABASE, SUPERUSER, ClusterMaker
from sim.services.unprivileged import explain_failure
from sim.topology.addresses import Endpoint

_SETTINGS = {
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # In files of the cluster, so that a server that was killed leaves nothing elsewhere.
    "dynamic_shared_memory_type": "mmap",
    # That the host crashes is not simulated, so nothing has to reach the disk. That this server
    # is killed is: so a commit is still written out before it is confirmed (synchronous_commit
    # stays on; with fsync off it costs a write to the page cache).
    "fsync": "off",
    "full_page_writes": "off",
}

# Real seconds: a real program's speed does not depend on the simulation's.
_START_REAL_S = 30.0
_STOP_REAL_S = 5.0
_POLL_REAL_S = 0.005


class Postgres:
    """One server, at one endpoint. `env` is put into its environment (the mark of the world).

    A server that was stopped or killed can be started again, and holds what it had committed.
    Through `lens` its calendar is the world's.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        folder: Path,
        clock: Clock,
        env: Mapping[str, str],
        lens: Lens | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.log_path = folder / "postgres.log"
        self._data = folder / "data"
        self._clock = clock
        self._lens = lens
        self._env = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin", **env}
        # A secret, so not from the seed: who knows the seed must not know the password.
        self._password = secrets.token_hex(16)
        self._child: Child | None = None

    def __repr__(self) -> str:
        state = "running" if self.pid else "down"
        return f"<Postgres {self.endpoint} {state}>"

    @property
    def pid(self) -> int | None:
        """The process id of the server while it runs."""
        return self._child.pid if self._child and self._child.running else None

    @property
    def password(self) -> str:
        """The superuser's password, for whoever has to keep it out of what is printed."""
        return self._password

    def url(self, endpoint: Endpoint | None = None) -> str:
        """How to reach the database: at its own endpoint, or through a link's."""
        where = f"{SUPERUSER}:{self._password}@{endpoint or self.endpoint}/{DATABASE}"
        # As Fly's `postgres attach` writes it: asking for TLS first would cost a round trip.
        return f"postgresql://{where}?sslmode=disable"

    async def start(self) -> None:
        """Make the cluster if there is none yet, run the server, wait until it accepts.

        Nothing if it runs.
        Raises EnvironmentLacksError where PostgreSQL cannot run, StartError where it did not.
        """
        if self.pid:
            return
        binaries = find_binaries()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if not self._data.exists():
            maker = ClusterMaker(binaries, self._env, self.log_path)
            await maker.make(self._data, self._password)
        settings = {
            **_SETTINGS,
            "listen_addresses": self.endpoint.host,
            "port": str(self.endpoint.port),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = binaries.command("postgres", "-D", str(self._data), *options)
        if self._lens:
            command = self._lens.through(command)
        self._child = Child(command, env=self._env, output=self.log_path)
        try:
            async with self._clock.timeout(_START_REAL_S * self._clock.speed):
                while not self._accepts():
                    self._demand_running()
                    await self._clock.sleep(_POLL_REAL_S * self._clock.speed)
        except TimeoutError:
            raise StartError(self._post_mortem("did not come up in time")) from None
        finally:
            if not self._accepts():
                await self.kill()

    async def stop(self) -> None:
        """Fast shutdown: connections are ended, committed data stays. Nothing if it is down."""
        if self._child:
            await self._child.stop(self._clock, _STOP_REAL_S * self._clock.speed, signal.SIGINT)

    async def kill(self) -> None:
        """PostgreSQL's immediate shutdown: a crash, whose traces the next start recovers from.

        Not SIGKILL: its helper processes, each in a session of its own, would go on for a moment,
        and its shared memory for good.
        """
        if self._child:
            await self._child.stop(self._clock, _STOP_REAL_S * self._clock.speed, signal.SIGQUIT)

    async def ping(self) -> None:
        """Raises StartError, with its last log lines, where it does not run."""
        if not self.pid:
            raise StartError(self._post_mortem("has ended"))

    def _accepts(self) -> bool:
        """Whether the server says in its pid file that it is ready (as pg_ctl finds out).

        The file begins with the process id, and the state is in its 8th line: so neither another
        server that has the port nor one that was killed is mistaken for this one.
        """
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _demand_running(self) -> None:
        if not self.pid:
            said = "\n".join(tail(self.log_path, 1))
            raise explain_failure("the database", said) or StartError(
                self._post_mortem(f"did not start at {self.endpoint}")
            )

    def _post_mortem(self, problem: str) -> str:
        words = [f"the database {problem}; its last log lines:"]
        return "\n".join([*words, *(f"  {line}" for line in tail(self.log_path, 20))])
