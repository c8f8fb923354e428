"""The name servers that are compared, each as a process on one core, all with the same answers."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.dns_world import (
    APP,
    DEFAULT,
    DOMAIN,
    HOSTNAME,
    SLOT,
    TTL_S,
    location_answers,
    subnet_answers,
)
from sim.clock import Clock

PORT = 15391
SERVER_CORE, CLIENT_CORE = "0", "1"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Peer:
    """A name server: how it is started from a folder of its own, and how it is called."""

    name: str
    program: str
    command: Callable[[Path, str], list[str]]

    @property
    def missing(self) -> bool:
        """Whether its program is not installed here."""
        return shutil.which(self.program) is None


class Running:
    """A peer's process, pinned to the servers' core."""

    def __init__(self, peer: Peer, host: str, process: asyncio.subprocess.Process) -> None:
        self.name = peer.name
        self.host = host
        self.process = process

    @classmethod
    async def start(cls, peer: Peer, folder: Path, number: int) -> Running:
        """Start a peer and wait until its port answers."""
        host = f"127.{SLOT}.24{number}.53"
        command = ["taskset", "-c", SERVER_CORE, *peer.command(folder, host)]
        log = (folder / "log").open("wb")
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=log
        )
        log.close()
        running = cls(peer, host, process)
        async with Clock().timeout(20):
            while not await running._listens():
                if process.returncode is not None:
                    raise SystemExit(f"{peer.name} ended: {(folder / 'log').read_text()}")
                await Clock().sleep(0.05)
        return running

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, PORT)
        except OSError:
            # The stock server has no TCP; it says that it is ready.
            return self.name == STOCK and await _says_ready(self.process)
        writer.close()
        return True

    def cpu_s(self) -> tuple[float, float]:
        """The processor time used so far, of all threads: by itself, and by the kernel for it."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS

    async def stop(self) -> None:
        """End the process."""
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()


def busy_s() -> float:
    """The processor time that all programs of this machine used so far, and that it was denied."""
    total = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()
    user, nice, system, steal = (int(total[i]) for i in (1, 2, 3, 8))
    return (user + nice + system + steal) / _TICKS


async def _says_ready(process: asyncio.subprocess.Process) -> bool:
    assert process.stdout is not None
    return (await process.stdout.readline()) == b"ready\n"


def _python(kind: str) -> Callable[[Path, str], list[str]]:
    return lambda _folder, host: [sys.executable, "-m", "bench.dns_world", kind, host, str(PORT)]


def _gdnsd(folder: Path, host: str) -> list[str]:
    for name in ("run", "state", "zones"):
        (folder / name).mkdir()
    nets = " ".join(f"{subnet} => [{place}]," for subnet, place, _ in subnet_answers())
    places = location_answers()
    order = [DEFAULT, *(place for place in places if place != DEFAULT)]
    centres = ", ".join(f"{place} => {address}" for place, address in places.items())
    (folder / "config").write_text(f"""
options => {{ listen => ["{host}:{PORT}"], run_dir => "{folder}/run",
  state_dir => "{folder}/state", udp_threads => 1, tcp_threads => 1 }}
plugins => {{ geoip => {{
  maps => {{ m => {{ datacenters => [{", ".join(order)}], nets => {{ {nets} }} }} }}
  resources => {{ app => {{ map => m, service_types => up, dcmap => {{ {centres} }} }} }}
}} }}
""")
    (folder / "zones" / DOMAIN).write_text(f"""
@ 5 SOA ns.{HOSTNAME}. hostmaster.{DOMAIN}. ( 1 3600 60 86400 5 )
@ 3600 NS ns.{HOSTNAME}.
ns.{APP} 3600 A {host}
{APP} {TTL_S} DYNA geoip!app
""")
    return ["gdnsd", "-c", str(folder), "start"]


def _powerdns(folder: Path, host: str) -> list[str]:
    places = location_answers()
    records = "\n".join(f"    {p}.geo.{DOMAIN}:\n      - a: {a}" for p, a in places.items())
    nets = "\n".join(f"      {s}: [{p}.geo.{DOMAIN}]" for s, p, _ in subnet_answers())
    (folder / "geo.yaml").write_text(f"""
domains:
- domain: {DOMAIN}
  ttl: {TTL_S}
  records:
    {DOMAIN}:
      - soa: ns.{HOSTNAME} hostmaster.{DOMAIN} 1 3600 60 86400 5
      - ns: ns.{HOSTNAME}
{records}
  services:
    {HOSTNAME}:
      default: [{DEFAULT}.geo.{DOMAIN}]
{nets}
""")
    (folder / "pdns.conf").write_text(f"""
launch=geoip
geoip-zones-file={folder}/geo.yaml
geoip-database-files=
edns-subnet-processing=yes
local-address={host}
local-port={PORT}
receiver-threads=1
distributor-threads=1
socket-dir={folder}
guardian=no
disable-syslog=yes
loglevel=3
""")
    return ["pdns_server", f"--config-dir={folder}"]


OURS, STOCK = "this resolver", "dnslib's DNSServer"
PEERS = (
    Peer(OURS, sys.executable, _python("ours")),
    Peer("gdnsd", "gdnsd", _gdnsd),
    Peer("PowerDNS geoip", "pdns_server", _powerdns),
    Peer(STOCK, sys.executable, _python("stock")),
)
FLIPPING = Peer("flipping", sys.executable, _python("flipping"))
