"""A proxy: a listener, its connections, and the toxics that work on them."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sim.network.embedded import go_addresses
from sim.network.embedded.go_addresses import AddressError
from sim.network.embedded.listener import Listener
from sim.network.embedded.pipe import Engine
from sim.network.embedded.proxied_connection import Connection, Options, close_socket
from sim.network.embedded.proxy_dial import Dial
from sim.network.embedded.toxics import Context, Stage, Toxic
from sim.network.link_spec import Stream
from sim.rng import Rng

STREAMS: tuple[Stream, ...] = ("upstream", "downstream")


@dataclass
class Applied:
    """A toxic on a proxy, and its stage on each connection that it works on."""

    name: str
    stream: Stream
    stream_as_given: str
    toxicity: float
    toxic: Toxic

    def __post_init__(self) -> None:
        self.stages: dict[Connection, Stage] = {}
        self.common: dict[type, Any] = {}

    def body(self) -> dict[str, Any]:
        """Toxiproxy's JSON object."""
        return {
            "attributes": {name: getattr(self.toxic, name) for name in self.toxic.units()},
            "name": self.name,
            "type": self.toxic.kind,
            "stream": self.stream_as_given,
            "toxicity": self.toxicity,
        }


@dataclass
class Traffic:
    """Bytes of one stream: read from its sources, and written to its destinations."""

    received: int = 0
    sent: int = 0


class Proxy:
    """Carries connections from `listen` to `upstream`, through its toxics."""

    def __init__(self, engine: Engine, rng: Rng, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self._options = Options()
        self.toxics: list[Applied] = []
        self.connections: set[Connection] = set()
        self._engine = engine
        self._rng = rng
        self._accepted = 0
        self._listener: Listener | None = None
        self._dials: dict[socket.socket, Dial] = {}
        self._lookups: dict[socket.socket, asyncio.Task[None]] = {}
        self._ended = {stream: Traffic() for stream in STREAMS}

    def __repr__(self) -> str:
        state = "enabled" if self.enabled else "disabled"
        return (
            f"<Proxy {self.name} {self.listen} → {self.upstream}, {state}, "
            f"{len(self.toxics)} toxics, {len(self.connections)} connections>"
        )

    @property
    def enabled(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    @property
    def options(self) -> Options:
        """What connections are like from now on."""
        return self._options

    @options.setter
    def options(self, options: Options) -> None:
        self._options = options
        if self._listener:
            self._listener.use_segments(options.segment_bytes)

    def body(self) -> dict[str, Any]:
        """Toxiproxy's JSON object; the upstream toxics come first."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            **vars(self.options),
            "toxics": [t.body() for stream in STREAMS for t in self.toxics if t.stream == stream],
        }

    def traffic(self) -> dict[Stream, Traffic]:
        """Bytes so far, those of live connections included."""
        totals = {s: Traffic(t.received, t.sent) for s, t in self._ended.items()}
        for connection in self.connections:
            _count(totals, connection)
        return totals

    # --- listening ---------------------------------------------------------------------------

    def bind(self, host: str, port: int) -> None:
        """Listen there; `listen` becomes the address that was bound. Raises AddressError."""
        self._listener = Listener(host, port, self._accept)
        self._listener.use_segments(self.options.segment_bytes)
        self.listen = self._listener.address
        self._answer_or_not()

    def unbind(self) -> None:
        """Refuse new connections; the present ones stay."""
        if self._listener:
            self._listener.close()
            self._listener = None

    def stop(self) -> None:
        """Refuse new connections and end the present ones."""
        self.unbind()
        self.drop_connections()

    def drop_connections(self, *, reset: bool = False) -> int:
        """End all connections now, with a FIN or an RST. Returns how many there were."""
        pending: dict[socket.socket, asyncio.Task[None] | Dial] = {**self._lookups, **self._dials}
        self._lookups.clear()
        self._dials.clear()
        for client, attempt in pending.items():
            attempt.cancel()
            close_socket(client, reset=reset)
        live = list(self.connections)
        for connection in live:
            connection.close(reset=reset)
        return len(live) + len(pending)

    # --- connections -------------------------------------------------------------------------

    def _accept(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accepted += 1
        try:
            host, port = go_addresses.split(self.upstream)
        except AddressError:
            client.close()
            return
        host = host or "127.0.0.1"
        if go_addresses.is_literal(host):
            self._dial(client, self._accepted, [host], port)
        else:
            lookup = self._look_up(client, self._accepted, host, port)
            self._lookups[client] = asyncio.get_running_loop().create_task(lookup)

    async def _look_up(self, client: socket.socket, number: int, host: str, port: int) -> None:
        try:
            hosts = await go_addresses.resolve(host)
        except AddressError:
            hosts = []
        if self._lookups.pop(client, None):
            self._dial(client, number, hosts, port)

    def _dial(self, client: socket.socket, number: int, hosts: list[str], port: int) -> None:
        dialled = functools.partial(self._dialled, client, number)
        dial = Dial(hosts, port, self.options.segment_bytes, dialled)
        self._dials[client] = dial
        dial.start()

    def _dialled(self, client: socket.socket, number: int, server: socket.socket | None) -> None:
        del self._dials[client]
        if server is None:
            client.close()  # as Toxiproxy does: accepted, then nothing but an end
            return
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ended, options = self._connection_ended, self.options
        connection = Connection(self._engine, client, server, number, ended, options)
        self.connections.add(connection)
        for applied in self.toxics:
            if applied.toxic.standing is None:
                self._join(applied, connection)
        connection.start()

    def _connection_ended(self, connection: Connection) -> None:
        self.connections.discard(connection)
        for applied in self.toxics:
            applied.stages.pop(connection, None)
        _count(self._ended, connection)

    # --- toxics ------------------------------------------------------------------------------

    def find_toxic(self, name: str) -> Applied | None:
        """The toxic of that name, on either stream."""
        return next((applied for applied in self.toxics if applied.name == name), None)

    def add_toxic(self, applied: Applied) -> None:
        """Put a toxic at the end of its stream, on present and future connections."""
        self.toxics.append(applied)
        self._answer_or_not()
        for connection in self._standing(applied):
            self._join(applied, connection)

    def _standing(self, applied: Applied) -> list[Connection]:
        """The present connections, or so many of them: drawn from the seed, alike for both streams.

        The second stream's toxic comes later, when other connections may stand.
        """
        count = applied.toxic.standing
        if count is None:
            return list(self.connections)
        for other in self.toxics:
            if other.toxic == applied.toxic and other.stream != applied.stream:
                return list(other.stages)

        def draw(connection: Connection) -> float:
            return self._rng.fork(f"{connection.number}/standing").random()

        return sorted(self.connections, key=draw)[:count]

    def update_toxic(self, applied: Applied, toxic: Toxic, toxicity: float) -> None:
        """Change a toxic in place; a new toxicity is rolled anew for each connection."""
        now = self._engine.now()
        applied.toxic = toxic
        rolled_anew = toxicity != applied.toxicity
        applied.toxicity = toxicity
        self._answer_or_not()
        for connection, stage in list(applied.stages.items()):
            stage.update(toxic, now)
            connection.pipes[applied.stream].changed()
        if rolled_anew and toxic.standing is None:
            for connection in list(self.connections):
                self._leave(applied, connection)
                self._join(applied, connection)

    def remove_toxics(self, toxics: Iterable[Applied]) -> None:
        """Take toxics away; what they held is delivered, unless their type closes instead."""
        for applied in toxics:
            self.toxics.remove(applied)
            for connection in list(self.connections):
                if applied.toxic.closes_on_removal:
                    connection.close()
                else:
                    self._leave(applied, connection)
        self._answer_or_not()

    def _answer_or_not(self) -> None:
        """Whichever direction of the path is cut: a SYN or its answer is lost."""
        if self._listener:
            cut = any(t.toxic.cuts and t.toxicity >= 1 for t in self.toxics)
            self._listener.be_silent(wanted=cut)

    def _join(self, applied: Applied, connection: Connection) -> None:
        chance = applied.toxicity
        draws = f"{connection.number}/{applied.name}"
        if chance <= 0 or (chance < 1 and self._rng.fork(f"{draws}/on").random() >= chance):
            return
        pipe = connection.pipes[applied.stream]
        now = self._engine.now()
        rng = functools.cache(functools.partial(self._rng.fork, draws))
        stage = applied.toxic.stage(Context(connection.opened_at, now, rng, applied.common))
        # Its place is behind the stages of the toxics that stand before it.
        before = self.toxics[: self.toxics.index(applied)]
        place = sum(t.stream == applied.stream and connection in t.stages for t in before)
        applied.stages[connection] = stage
        pipe.insert(place, stage)

    def _leave(self, applied: Applied, connection: Connection) -> None:
        stage = applied.stages.pop(connection, None)
        if stage:
            connection.pipes[applied.stream].remove(stage)


def _count(totals: dict[Stream, Traffic], connection: Connection) -> None:
    for stream, pipe in connection.pipes.items():
        totals[stream].received += pipe.received
        totals[stream].sent += pipe.sent
