"""What the name servers are asked, and dnsperf asking it."""

from __future__ import annotations

import asyncio
import re
import resource
import statistics
from dataclasses import dataclass
from pathlib import Path

from dnslib import DNSHeader, DNSQuestion, DNSRecord

from bench.dns_peers import CLIENT_CORE, PORT, Running, busy_s
from bench.dns_world import DOMAIN, HOSTNAME, subnet_answers
from sim.clock import Clock
from sim.rng import Rng

QUERIES = 20_000
_TYPES = (("A", 60), ("AAAA", 25), ("HTTPS", 10), ("missing", 5))
_A, _AAAA, _HTTPS = 1, 28, 65
_SUBNETS = [subnet.network_address.packed[:3] for subnet, _, _ in subnet_answers()]
_OPT = bytes.fromhex("00002904d000000000")


@dataclass(frozen=True)
class Mix:
    """A mix of queries. All have EDNS, 70 % a client subnet.

    With `noise` each has a cookie of its own, and one in five a name in mixed case.
    """

    name: str
    noise: bool

    def write(self, path: Path, rng: Rng) -> Path:
        """Write the queries in dnsperf's binary form."""
        with path.open("wb") as file:
            for _ in range(QUERIES):
                packet = self.packet(rng)
                file.write(len(packet).to_bytes(2, "big") + packet)
        return path

    def packet(self, rng: Rng) -> bytes:
        """One query of the mix."""
        [kind] = rng.choices([name for name, _ in _TYPES], [share for _, share in _TYPES])
        name = HOSTNAME
        if kind == "missing":
            name = f"missing-{rng.randrange(100)}.{DOMAIN}"
        if self.noise and rng.random() < 0.2:
            name = "".join(rng.choice((c.lower(), c.upper())) for c in name)
        options = b""
        if self.noise:
            options += b"\0\x0a\0\x08" + rng.randbytes(8)
        if rng.random() < 0.7:
            options += b"\0\x08\0\x07\0\x01\x18\0" + rng.choice(_SUBNETS)
        rtype = {"AAAA": _AAAA, "HTTPS": _HTTPS}.get(kind, _A)
        header = DNSHeader(id=rng.randrange(65536), rd=0, ar=1)
        packet = bytearray(DNSRecord(header, q=DNSQuestion(name, rtype)).pack())
        packet[11] = 1  # dnslib counts the additional records it holds: none
        return bytes(packet) + _OPT + len(options).to_bytes(2, "big") + options


PLAIN = Mix("plain", noise=False)
NOISY = Mix("noisy", noise=True)


@dataclass(frozen=True)
class Result:
    """What dnsperf saw of one server for a few seconds.

    `user_us` and `system_us` are the server's processor time per query; `foreign` is what other
    programs took meanwhile, or the host, in cores.
    """

    qps: float
    lost: int
    user_us: float
    system_us: float
    foreign: float
    latencies_us: tuple[float, ...] = ()

    @property
    def cpu_us(self) -> float:
        """The server's processor time per query."""
        return self.user_us + self.system_us

    def percentile_us(self, percent: int) -> float:
        """A percentile of the latencies."""
        return statistics.quantiles(self.latencies_us, n=100)[percent - 1]


async def dnsperf(
    server: Running,
    queries: Path,
    seconds: float,
    rate: int | None = None,
    niceness: int = 0,
) -> Result:
    """Ask as fast as it goes, or at a fixed rate and then with the latency of each query."""
    command = ["nice", "-n", str(niceness), "taskset", "-c", CLIENT_CORE]
    command += ["dnsperf", "-s", server.host, "-p", str(PORT)]
    command += ["-B", "-d", str(queries), "-l", f"{seconds:g}", "-c", "4", "-T", "1", "-q", "100"]
    command += ["-v", "-Q", str(rate)] if rate else []
    (user_s, system_s), busy = server.cpu_s(), busy_s()
    own_s, start_ms = _own_s(), Clock().real_ms()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, said = await process.communicate()
    seconds_taken = (Clock().real_ms() - start_ms) / 1000
    user_s, system_s = (
        now - before for now, before in zip(server.cpu_s(), (user_s, system_s), strict=True)
    )
    foreign_s = busy_s() - busy - user_s - system_s - (_own_s() - own_s)
    text = out.decode()
    completed = _number(r"Queries completed:\s+(\d+)", text, said)
    lost = _number(r"Queries lost:\s+(\d+)", text, said)
    qps = _number(r"Queries per second:\s+([\d.]+)", text, said)
    latencies = tuple(
        1e6 * float(t) for t in re.findall(r"^> \w+ .* ([\d.]+)$", text, re.MULTILINE)
    )
    per_query = 1e6 / max(1, completed)
    return Result(
        qps,
        int(lost),
        user_s * per_query,
        system_s * per_query,
        max(0.0, foreign_s / seconds_taken),
        latencies,
    )


def _own_s() -> float:
    """The processor time of this program and of the clients that it ran."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _number(pattern: str, text: str, said: bytes) -> float:
    found = re.search(pattern, text)
    if not found:
        raise SystemExit(f"dnsperf said nothing of {pattern}:\n{text[-500:]}\n{said.decode()}")
    return float(found[1])
