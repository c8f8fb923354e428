"""What links carry, from a link server's metrics page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_SAMPLE = re.compile(
    r"toxiproxy_proxy_(?P<what>connections|sent_bytes_total)\{(?P<labels>.*)\} (?P<value>\S+)"
)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class LinkStats:
    """What a link carries. A stock server counts bytes when a connection ends, and not these."""

    connections: int | None = None
    bytes_up: int = 0
    bytes_down: int = 0


def parse_metrics(text: str) -> dict[str, LinkStats]:
    """Each proxy's counters from a link server's metrics page."""
    found: dict[str, LinkStats] = {}
    for line in text.splitlines():
        sample = _SAMPLE.fullmatch(line)
        if not sample:
            continue
        labels = dict(_LABEL.findall(sample["labels"]))
        name, value = labels["proxy"], int(float(sample["value"]))
        stats = found.get(name, LinkStats())
        if sample["what"] == "connections":
            found[name] = replace(stats, connections=value)
        elif labels["direction"] == "upstream":
            found[name] = replace(stats, bytes_up=stats.bytes_up + value)
        else:
            found[name] = replace(stats, bytes_down=stats.bytes_down + value)
    return found
