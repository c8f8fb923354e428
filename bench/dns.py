"""`make bench-dns`: this resolver against gdnsd, PowerDNS and dnslib's own server.

    python -m bench.dns [--rounds N] [--seconds S] [--seed N] [--write docs/dns.md]

The servers share one core and dnsperf has the other; they are measured in turns within each
round, so that other load on the machine hits all of them alike. Answers are compared first: a
server that answers a client subnet differently ends the run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import dns.asyncquery
import dns.edns
import dns.message

from bench.dns_flips import Flips, watch_flips
from bench.dns_load import NOISY, PLAIN, Result, dnsperf
from bench.dns_peers import CLIENT_CORE, OURS, PEERS, PORT, STOCK, Running
from bench.dns_world import HOSTNAME, subnet_answers
from sim.rng import Rng

LATENCY_RATE = 2_000
_CHECKED_SUBNETS = 30
_WARM_UP_S = 1.0
_MARKS = "<!-- bench-dns -->", "<!-- end of bench-dns -->"

Results = dict[str, dict[str, list[Result]]]


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
            for kind, queries, rate in (
                ("plain", plain, None),
                ("noisy", noisy, None),
                ("latency", plain, LATENCY_RATE),
            ):
                for server in servers:
                    result = await dnsperf(server, queries, options.seconds, rate)
                    results[server.name].setdefault(kind, []).append(result)
            print(f"round {number + 1} of {options.rounds} done", flush=True)
        half = round(_median([r.qps for r in results[OURS]["plain"]]) / 2)
        flips = await watch_flips(folder, plain, half, 2 * options.seconds)
    report = "\n".join([*_table(results), "", *_aims(results, flips), "", _machine(options)])
    print(report)
    if options.write:
        _write(options.write, report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
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


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _table(results: Results) -> list[str]:
    columns = (
        "server",
        "plain, q/s (best)",
        "CPU µs/query",
        "noisy, q/s (best)",
        "CPU µs/query",
        "p50 / p99 µs at 2,000 q/s",
        "lost",
        "ours / its q/s (rounds)",
        "ours / its CPU",
    )
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    ours = results[OURS]["plain"]
    for name, kinds in results.items():
        plain, noisy, latency = kinds["plain"], kinds["noisy"], kinds["latency"]
        rates = [mine.qps / its.qps for mine, its in zip(ours, plain, strict=True)]
        efforts = [mine.cpu_us / its.cpu_us for mine, its in zip(ours, plain, strict=True)]
        cells = (
            name,
            _rate(plain),
            f"{_median([r.cpu_us for r in plain]):.1f}",
            _rate(noisy),
            f"{_median([r.cpu_us for r in noisy]):.1f}",
            " / ".join(f"{_median([r.percentile_us(p) for r in latency]):,.0f}" for p in (50, 99)),
            str(sum(r.lost for kind in kinds.values() for r in kind)),
            f"{_median(rates):.2f} ({min(rates):.2f}-{max(rates):.2f})",
            f"{_median(efforts):.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _rate(results: list[Result]) -> str:
    rates = [result.qps for result in results]
    return f"{_median(rates):,.0f} ({max(rates):,.0f})"


def _aims(results: Results, flips: Flips) -> list[str]:
    ours = results[OURS]
    aims = {STOCK: 15.0, "PowerDNS geoip": 1.2, "gdnsd": 0.5}
    lines = []
    for name, aim in aims.items():
        if name in results:
            pairs = zip(ours["plain"], results[name]["plain"], strict=True)
            ratio = _median([mine.qps / its.qps for mine, its in pairs])
            lines.append(
                _aim(
                    f"{ratio:.2f} times the queries per second of {name}",
                    ratio >= aim,
                    f"at least {aim:g}",
                )
            )
    pairs = zip(ours["noisy"], ours["plain"], strict=True)
    ratio = _median([noisy.qps / plain.qps for noisy, plain in pairs])
    lines.append(_aim(f"noisy at {ratio:.2f} of plain", ratio >= 0.9, "at least 0.9"))
    delay_ms, stale = flips.median_ms, flips.stale
    lines.append(
        _aim(
            f"first changed answer {delay_ms:.2f} ms after a flip at half load (median of "
            f"{len(flips.delays_ms)}, worst {max(flips.delays_ms):.1f} ms), {stale} stale after it",
            delay_ms < 5 and not stale,
            "less than 5 ms, none stale",
        )
    )
    return lines


def _aim(what: str, met: bool, aim: str) -> str:
    return f"- {what}: {'met' if met else 'MISSED'} (aim: {aim})"


def _machine(options: argparse.Namespace) -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return (
        f"{platform.system()} {platform.machine()}, {model[1] if model else 'unknown processor'}, "
        f"Python {platform.python_version()}; one core for the server, one for dnsperf; medians of "
        f"{options.rounds} interleaved rounds of {options.seconds:g} s; at the end {_load()}."
    )


def _load() -> str:
    minute, five = os.getloadavg()[:2]
    return f"load average {minute:.1f} over a minute, {five:.1f} over five ({os.cpu_count()} cores)"


def _write(page: Path, report: str) -> None:
    start, end = _MARKS
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{start}\n{report}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
