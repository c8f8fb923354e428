"""The embedded link server against stock Toxiproxy, in one run, interleaved: `make bench-links`.

Both run as processes of their own with the same client and the same servers behind them, and take
turns. Every figure is the best of the rounds, because whatever else the machine does only adds to
it; the ratio is embedded / stock.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import selectors
import socket
import statistics
import subprocess
import sys
import time  # noqa: TID251 - a benchmark measures the wall clock
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.90.200.1"
ECHO, SINK = 9101, 9102
MIB = 1024 * 1024
INSTALL = Path(__file__).parent.parent / "tests" / "network" / "install_toxiproxy.sh"


# --- the servers behind the links -----------------------------------------------------------


def serve_echo() -> None:
    """Say everything back, on any number of connections."""
    listener = socket.create_server((HOST, ECHO), backlog=4096)
    listener.settimeout(0)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            if sock is listener:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        peer, _ = listener.accept()
                        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        peer.settimeout(0)
                        selector.register(peer, selectors.EVENT_READ)
                continue
            try:
                data = sock.recv(65536)
            except ConnectionError:
                data = b""
            if data:
                sock.send(data)
            else:
                selector.unregister(sock)
                sock.close()


def serve_sink() -> None:
    """Read as many bytes as the first eight announce, then say one back."""
    listener = socket.create_server((HOST, SINK), backlog=64)
    buffer = memoryview(bytearray(MIB))
    while True:
        peer, _ = listener.accept()
        with peer:
            left = int.from_bytes(peer.recv(8), "big")
            while left > 0:
                left -= peer.recv_into(buffer)
            peer.sendall(b"x")
            peer.recv(1)


# --- the link servers ------------------------------------------------------------------------


@dataclass
class Server:
    """A link server under test, with one proxy to each of the two servers."""

    name: str
    process: subprocess.Popen[bytes]
    port: int

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the API."""
        url = f"http://{HOST}:{self.port}/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
            text = response.read()
        return json.loads(text) if text else None

    def proxy(self, upstream: int) -> tuple[str, int]:
        """Where the proxy to that server listens."""
        name = str(upstream)
        body = {"name": name, "listen": f"{HOST}:0", "upstream": f"{HOST}:{upstream}"}
        with contextlib.suppress(urllib.error.HTTPError):
            self.call("POST", "proxies", body)
        host, _, port = self.call("GET", f"proxies/{name}")["listen"].rpartition(":")
        return host, int(port)

    @contextlib.contextmanager
    def latency(self, upstream: int, ms: int) -> Iterator[None]:
        """That much latency towards a server for the length of a block."""
        path = f"proxies/{upstream}/toxics"
        body = {"name": "l", "type": "latency", "stream": "upstream", "attributes": {"latency": ms}}
        self.call("POST", path, body)
        yield
        self.call("DELETE", f"{path}/l")

    def rss_kib(self) -> int:
        """Its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


def start(name: str, command: list[str], port: int) -> Server:
    """Start a link server and wait for its API."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(name, process, port)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            server.call("GET", "version")
            return server
        time.sleep(0.02)
    raise SystemExit(f"{name} did not start: {' '.join(command)}")


# --- what is measured ------------------------------------------------------------------------


def connect(address: tuple[str, int]) -> socket.socket:
    """A connected socket without Nagle's delay."""
    sock = socket.create_connection(address)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def round_trip_us(address: tuple[str, int], count: int = 1000) -> float:
    """Median round trip of 64 bytes on one connection."""
    message, times = b"x" * 64, []
    with connect(address) as sock:
        for _ in range(count):
            begun = time.perf_counter()
            sock.sendall(message)
            sock.recv(64)
            times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def bulk_mb_s(address: tuple[str, int], size: int = 512 * MIB) -> float:
    """Bytes one way on one connection."""
    block = b"x" * MIB
    with connect(address) as sock:
        begun = time.perf_counter()
        sock.sendall(size.to_bytes(8, "big"))
        for _ in range(size // MIB):
            sock.sendall(block)
        sock.recv(1)
        return size / (time.perf_counter() - begun) / 1e6


def connections_s(address: tuple[str, int], count: int = 300) -> float:
    """Connect, one byte there and back, close: one after the other."""
    begun = time.perf_counter()
    for _ in range(count):
        with connect(address) as sock:
            sock.sendall(b"x")
            sock.recv(1)
    return count / (time.perf_counter() - begun)


def hold(address: tuple[str, int], count: int) -> list[socket.socket]:
    """That many connections, each of which has carried a byte there and back."""
    held = [connect(address) for _ in range(count)]
    for sock in held:
        sock.sendall(b"x")
    for sock in held:
        if sock.recv(1) != b"x":
            raise SystemExit(f"{address} did not hold {count} connections")
    return held


def idle_kib(server: Server, address: tuple[str, int], count: int) -> float:
    """Memory of the link server for one idle connection. Only a fresh server tells."""
    before = server.rss_kib()
    held = hold(address, count)
    after = server.rss_kib()
    for sock in held:
        sock.close()
    time.sleep(0.5)
    return (after - before) / count


def latency_errors_ms(
    address: tuple[str, int], latency_ms: float, connections: int, rounds: int
) -> list[float]:
    """How much later than asked each answer came, with all connections in use at once.

    Their messages are spread over one interval, so that what is measured is the link and not
    the queue in front of this client.
    """
    interval = max(0.3, 2 * latency_ms / 1000) if connections > 1 else latency_ms / 1000 + 0.003
    held = hold(address, connections)
    selector = selectors.DefaultSelector()
    sent = [0.0] * connections
    for number, sock in enumerate(held):
        sock.settimeout(0)
        selector.register(sock, selectors.EVENT_READ, number)
    origin = time.perf_counter() + 0.05
    plan = [
        (origin + (turn + number / connections) * interval, number)
        for turn in range(rounds)
        for number in range(connections)
    ]
    errors: list[float] = []
    position = 0
    while len(errors) < len(plan):
        now = time.perf_counter()
        while position < len(plan) and plan[position][0] <= now:
            number = plan[position][1]
            sent[number] = time.perf_counter()
            held[number].send(b"x" * 64)
            position += 1
        wait = plan[position][0] - time.perf_counter() if position < len(plan) else 5.0
        # Wait in full milliseconds only, and for the rest by asking again: no wake-up is late.
        ready = selector.select(max(0.0, wait - 0.001) if wait > 0.001 else 0)
        now = time.perf_counter()
        for key, _ in ready:
            held[key.data].recv(64)
            errors.append((now - sent[key.data]) * 1000 - latency_ms)
    for sock in held:
        sock.close()
    return errors


# --- the run ---------------------------------------------------------------------------------


class Table:
    """Samples by row and server."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        self.samples: dict[str, dict[str, list[float]]] = {}

    def add(self, row: str, server: Server, value: float) -> None:
        """One sample."""
        self.samples.setdefault(row, {}).setdefault(server.name, []).append(value)

    def turns(self, rounds: int) -> Iterator[Server]:
        """The servers, taking turns."""
        for turn in range(rounds):
            yield from self.servers if turn % 2 == 0 else self.servers[::-1]

    def each(self, row: str, rounds: int, sample: Callable[[Server], float]) -> None:
        """Samples of a row."""
        for server in self.turns(rounds):
            self.add(row, server, sample(server))

    def print(self) -> None:
        """A Markdown table of the best samples and their ratios."""
        names = [server.name for server in self.servers]
        print(f"\n| | {' | '.join(names)} | ratio |\n|---|{'---|' * (len(names) + 1)}")
        for row, samples in self.samples.items():
            best = max if row.endswith(("MB/s)", "a second")) else min
            values = [best(samples[name]) for name in names]
            ratio = f"{values[0] / values[1]:.2f}" if len(values) > 1 and values[1] else ""
            print(f"| {row} | {' | '.join(f'{value:,.2f}' for value in values)} | {ratio} |")


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def run(table: Table, rounds: int, held: int) -> None:
    """Every measurement."""
    table.each(f"idle connection, {held} held (KiB)", 1, lambda s: idle_kib(s, s.proxy(ECHO), held))
    direct: list[float] = []
    trips: list[tuple[Server, float]] = []
    for server in table.turns(4 * rounds):
        direct.append(round_trip_us((HOST, ECHO)))
        trips.append((server, round_trip_us(server.proxy(ECHO))))
    print(f"direct round trip {min(direct):.1f} us, bulk {bulk_mb_s((HOST, SINK)):.0f} MB/s")
    for server, trip in trips:
        table.add("added round trip, 64 B (us)", server, trip - min(direct))
    table.each("bulk, no toxic (MB/s)", rounds, lambda s: bulk_mb_s(s.proxy(SINK)))

    def bulk_under_latency(server: Server) -> float:
        with server.latency(SINK, 100):
            return bulk_mb_s(server.proxy(SINK))

    table.each("bulk, 100 ms latency (MB/s)", rounds, bulk_under_latency)
    table.each("connections a second", rounds, lambda s: connections_s(s.proxy(ECHO)))
    for latency_ms in (5, 50, 250):
        for connections in (1, 500):
            for server in table.turns(rounds):
                count = (100 if latency_ms < 250 else 10) if connections == 1 else 3
                with server.latency(ECHO, latency_ms):
                    errors = latency_errors_ms(server.proxy(ECHO), latency_ms, connections, count)
                row = f"error of {latency_ms} ms, {connections} at once (ms)"
                table.add(f"{row}, p50", server, percentile(errors, 0.5))
                table.add(f"{row}, p99", server, percentile(errors, 0.99))


def stock_binary() -> str | None:
    """The stock server that the tests use too."""
    done = subprocess.run([str(INSTALL)], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or None


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--serve", choices=("echo", "sink"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        {"echo": serve_echo, "sink": serve_sink}[options.serve]()
    me = [sys.executable, __file__, "--serve"]
    behind = [subprocess.Popen([*me, name]) for name in ("echo", "sink")]
    servers: list[Server] = []
    try:
        ours = [sys.executable, "-m", "sim.network.embedded", "--host", HOST, "--port", "9201"]
        servers.append(start("embedded", ours, 9201))
        stock = stock_binary()
        if stock:
            servers.append(start("stock", [stock, "-host", HOST, "-port", "9202"], 9202))
        system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
        print(f"{os.cpu_count()} cores, {system}, {options.rounds} rounds, best of each")
        table = Table(servers)
        run(table, options.rounds, options.connections)
        table.print()
    finally:
        for process in [*behind, *(server.process for server in servers)]:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
