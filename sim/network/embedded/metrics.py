"""What has flowed, in Prometheus's text format, under Toxiproxy's names.

Unlike there, a live connection's bytes count as they flow and not when it ends, and
`toxiproxy_proxy_connections` says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sim.network.embedded.proxy import Proxy

_RECEIVED = "toxiproxy_proxy_received_bytes_total"
_SENT = "toxiproxy_proxy_sent_bytes_total"
_CONNECTIONS = "toxiproxy_proxy_connections"


def text(proxies: Iterable[Proxy]) -> str:
    """The page of all proxies' counters."""
    proxies = list(proxies)
    return "".join(f"{line}\n" for line in _lines(proxies))


def _lines(proxies: list[Proxy]) -> Iterator[str]:
    yield f"# HELP {_CONNECTIONS} Connections that are open now."
    yield f"# TYPE {_CONNECTIONS} gauge"
    for proxy in proxies:
        yield f"{_CONNECTIONS}{{{_labels(proxy)}}} {len(proxy.connections)}"
    for name, word in ((_RECEIVED, "received"), (_SENT, "sent")):
        yield f"# HELP {name} Bytes {word} so far."
        yield f"# TYPE {name} counter"
        for proxy in proxies:
            for stream, traffic in proxy.traffic().items():
                labels = f'direction="{stream}",{_labels(proxy)}'
                yield f"{name}{{{labels}}} {getattr(traffic, word)}"


def _labels(proxy: Proxy) -> str:
    values = {"listener": proxy.listen, "proxy": proxy.name, "upstream": proxy.upstream}
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
