"""`make bench-dns`: this resolver against gdnsd, PowerDNS and dnslib's own server.

    python -m bench.dns [--rounds N] [--seconds S] [--seed N] [--write docs/dns.md]

The servers share one core and dnsperf has the other; they are measured in turns within each
round, in another order every time, so that other load on the machine hits all of them alike, and
each round gives one ratio. Answers are compared first: a server that answers a client subnet
differently ends the run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import dns.asyncquery
import dns.edns
import dns.message

from bench.dns_flips import watch_flips
from bench.dns_load import NOISY, PLAIN, dnsperf
from bench.dns_peers import CLIENT_CORE, OURS, PEERS, PORT, Running
from bench.dns_report import Results, median, report
from bench.dns_world import HOSTNAME, subnet_answers
from sim.rng import Rng

LATENCY_RATE = 2_000
_CHECKED_SUBNETS = 30
_WARM_UP_S = 1.0
_FLIPS_S = 12.0
_MARKS = "<!-- bench-dns -->", "<!-- end of bench-dns -->"


async def main() -> None:
    """Measure, print the table, and write it into a page if asked to."""
    options = _options()
    if not shutil.which("dnsperf"):
        raise SystemExit(
            "dnsperf is not installed: apt-get install dnsperf gdnsd pdns-backend-geoip"
        )
    os.sched_setaffinity(0, {int(CLIENT_CORE)})
    rng = Rng(options.seed, "bench-dns")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plain = PLAIN.write(folder / "plain", rng.fork("plain"))
        noisy = NOISY.write(folder / "noisy", rng.fork("noisy"))
        servers = await _start_all(folder, stack)
        for server in servers:
            await _check_answers(server, rng.fork("check"))
            await dnsperf(server, plain, _WARM_UP_S)
            await dnsperf(server, noisy, _WARM_UP_S)
        results: Results = {server.name: {} for server in servers}
        for number in range(options.rounds):
            # The two mixes of one server follow each other, in both orders by turns.
            mixes = [("plain", plain, None), ("noisy", noisy, None)][:: -1 if number % 2 else 1]
            first = number % len(servers)
            for server in (*servers[first:], *servers[:first]):
                for kind, queries, rate in (*mixes, ("latency", plain, LATENCY_RATE)):
                    result = await dnsperf(server, queries, options.seconds, rate)
                    results[server.name].setdefault(kind, []).append(result)
            print(f"round {number + 1} of {options.rounds} done", flush=True)
        half = round(median([r.qps for r in results[OURS]["plain"]]) / 2)
        flips = await watch_flips(folder, plain, half, _FLIPS_S)
    text = report(results, flips, f"{options.rounds} interleaved rounds of {options.seconds:g} s")
    print(text)
    if options.write:
        _write(options.write, text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=13)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    return parser.parse_args()


async def _start_all(folder: Path, stack: AsyncExitStack) -> list[Running]:
    servers = []
    for number, peer in enumerate(PEERS):
        if peer.missing:
            print(f"{peer.name} is left out: {peer.program} is not installed")
            continue
        own = folder / str(number)
        own.mkdir()
        server = await Running.start(peer, own, number)
        stack.push_async_callback(server.stop)
        servers.append(server)
    return servers


async def _check_answers(server: Running, rng: Rng) -> None:
    for subnet, _, address in rng.sample(list(subnet_answers()), _CHECKED_SUBNETS):
        option: dns.edns.Option = dns.edns.ECSOption(str(subnet.network_address), subnet.prefixlen)
        query = dns.message.make_query(HOSTNAME, "A", options=[option])
        reply = await dns.asyncquery.udp(query, server.host, port=PORT, timeout=2)
        answers = [record.to_text() for rrset in reply.answer for record in rrset]
        if answers != [address]:
            raise SystemExit(f"{server.name} answers {subnet} with {answers}, not {address}")


def _write(page: Path, text: str) -> None:
    start, end = _MARKS
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
