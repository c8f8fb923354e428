"""What the measurements of the name servers say: a table, the aims, and how far to trust them."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.dns_flips import Flips
from bench.dns_load import Result
from bench.dns_peers import OURS, STOCK

Results = dict[str, dict[str, list[Result]]]
"""By server and kind of measurement (`plain`, `noisy`, `latency`), one of each round."""

_AIMS = {STOCK: 15.0, "PowerDNS geoip": 1.2, "gdnsd": 0.5}
_NOISY_AIM = 0.9
_FLIP_AIM_MS = 5.0
_QUIET = 0.05  # cores that other programs may take

median = statistics.median


def report(results: Results, flips: Flips, how: str) -> str:
    """All of it, in Markdown."""
    return "\n".join([*_table(results), "", *_aims(results, flips), "", _trust(results, how)])


def _table(results: Results) -> list[str]:
    columns = (
        "server",
        "plain, q/s (best)",
        "CPU µs/query (kernel's)",
        "noisy, q/s (best)",
        "CPU µs/query (kernel's)",
        "p50 / p99 µs at 2,000 q/s",
        "lost",
        "ours / its q/s (rounds)",
        "ours / its CPU",
    )
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    ours = results[OURS]["plain"]
    for name, kinds in results.items():
        plain, noisy, latency = kinds["plain"], kinds["noisy"], kinds["latency"]
        rates = _ratios(ours, plain)
        efforts = [mine.cpu_us / its.cpu_us for mine, its in zip(ours, plain, strict=True)]
        cells = (
            name,
            _rate(plain),
            _effort(plain),
            _rate(noisy),
            _effort(noisy),
            " / ".join(f"{median([r.percentile_us(p) for r in latency]):,.0f}" for p in (50, 99)),
            str(sum(r.lost for kind in kinds.values() for r in kind)),
            f"{median(rates):.2f} ({min(rates):.2f}-{max(rates):.2f})",
            f"{median(efforts):.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _ratios(ours: Sequence[Result], its: Sequence[Result]) -> list[float]:
    return [mine.qps / other.qps for mine, other in zip(ours, its, strict=True)]


def _rate(results: Sequence[Result]) -> str:
    rates = [result.qps for result in results]
    return f"{median(rates):,.0f} ({max(rates):,.0f})"


def _effort(results: Sequence[Result]) -> str:
    whole, kernel = ([r.cpu_us for r in results], [r.system_us for r in results])
    return f"{median(whole):.1f} ({median(kernel):.1f})"


def _aims(results: Results, flips: Flips) -> list[str]:
    ours = results[OURS]
    lines = []
    for name, aim in _AIMS.items():
        if name in results:
            what = f"times the queries per second of {name}"
            lines.append(_ratio_aim(_ratios(ours["plain"], results[name]["plain"]), what, aim))
        else:
            lines.append(f"- {name}: not installed, not measured (aim: at least {aim:g} times)")
    noisy = _ratios(ours["noisy"], ours["plain"])
    lines.append(_ratio_aim(noisy, "times the plain mix's queries per second, noisy", _NOISY_AIM))
    met = flips.median_ms < _FLIP_AIM_MS and not flips.stale
    lines.append(
        f"- first changed answer {flips.median_ms:.2f} ms after a flip at half load (median of "
        f"{len(flips.delays_ms)}; {flips.within(_FLIP_AIM_MS)} of them within {_FLIP_AIM_MS:g} ms,"
        f" worst {max(flips.delays_ms):.1f} ms), {flips.stale} stale after it: "
        f"{_verdict(met)} (aim: less than {_FLIP_AIM_MS:g} ms, none stale)"
    )
    return lines


def _ratio_aim(ratios: Sequence[float], what: str, aim: float) -> str:
    middle = median(ratios)
    return (
        f"- {middle:.2f} {what} (median; best {max(ratios):.2f}): "
        f"{_verdict(middle >= aim)} (aim: at least {aim:g})"
    )


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def _trust(results: Results, how: str) -> str:
    foreign = [r.foreign for kinds in results.values() for kind in kinds.values() for r in kind]
    usual, worst = median(foreign), max(foreign)
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    verdict = "quiet" if usual <= _QUIET else "NOISY: these figures say little about the aims"
    return (
        f"{platform.system()} {platform.machine()}, {model[1] if model else 'unknown processor'}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}; one core for the server, one "
        f"for dnsperf; medians of {how}. Meanwhile other programs and the host took "
        f"{usual:.0%} of a core (median; {worst:.0%} at worst): {verdict}."
    )
