"""What one file of a repository says of the program in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """Another program of a compose file, which the gateway uses: a cache, a queue."""

    image: str
    port: int
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """How an image is made. `context` is a folder, from the repository's own."""

    context: str = "."
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What a file says; what it does not say is empty.

    `command` runs in the repository's folder, with PORT and HOST in its environment; `prepare` is
    the shell line without which it cannot run, once. `check` is the path of a health check,
    `websocket` that of a WebSocket, `event` an event of socket.io's that is acknowledged. `needs`
    are the variables without which the program ends. `fixed_port` is one that it listens on
    whatever PORT says. `workspaces` says that programs are in folders below.
    """

    app: str | None = None
    command: tuple[str, ...] = ()
    prepare: str | None = None
    image: str | None = None
    build: Build | None = None
    port: int | None = None
    fixed_port: int | None = None
    check: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    database: str | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    websocket: str | None = None
    event: str | None = None
    socketio: bool = False
    workspaces: bool = False
    notes: tuple[str, ...] = ()
