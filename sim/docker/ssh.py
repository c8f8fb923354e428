"""HTTP to a Docker engine over the program `ssh`, with its user's keys and configuration.

Each connection is an `ssh` that runs `docker system dial-stdio` there, as `docker -H ssh://…` does,
and is kept for the next call. The SDK's own adapter starts one for every call, knows no timeouts,
and keeps what `ssh` says to itself.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
from functools import partial
from typing import IO, Any, Self
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

_LOGINS_AT_ONCE = 5  # sshd refuses some beyond ten (MaxStartups)
_OPTIONS = {
    "BatchMode": "yes",  # nobody is asked for a password
    "ConnectTimeout": "5",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "2",
}


class SshAdapter(HTTPAdapter):
    """For `ssh://USER@HOST`.

    `few`: no more connections at a time than sshd takes; for calls that end.
    """

    def __init__(self, url: str, *, few: bool) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - until `close`
        self._argv, self._few = command(url), few
        super().__init__(pool_maxsize=_LOGINS_AT_ONCE, pool_block=few)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """The pool of connections, each of which is a program."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": self._pool}  # type: ignore[dict-item]

    def _pool(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        pool = HTTPConnectionPool(*args, **options)
        pool.ConnectionCls = partial(_Connection, self._argv, self._errors)  # type: ignore[assignment]
        return pool

    def said(self) -> str:
        """The last that `ssh` said: why it could not."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        """End the programs that are idle."""
        super().close()
        self._errors.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self


class _Connection(HTTPConnection):
    """One program `ssh`, while it is connected."""

    def __init__(self, argv: list[str], errors: IO[bytes], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._argv, self._errors = argv, errors
        self._program: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        """Start it, out of Ctrl-C's reach: a world removes its things through it after that."""
        self.sock, theirs = socket.socketpair()
        with theirs:
            try:
                self._program = subprocess.Popen(
                    self._argv,
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=self._errors.fileno(),
                    start_new_session=True,
                )
            except OSError as error:
                self._errors.write(f"`ssh` cannot be run: {error.strerror}".encode())
                raise

    def close(self) -> None:
        """End it."""
        super().close()
        if program := self._program:
            self._program = None
            program.terminate()
            program.wait()


def command(url: str) -> list[str]:
    """What is run for a connection to the engine there."""
    parts = urlsplit(url)
    words = [word for option in _OPTIONS.items() for word in ("-o", "=".join(option))]
    words += ["-l", parts.username] if parts.username else []
    words += ["-p", str(parts.port)] if parts.port else []
    return ["ssh", *words, "--", parts.hostname or "", "docker system dial-stdio"]
