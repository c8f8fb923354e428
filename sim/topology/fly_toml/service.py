"""The service of a fly.toml that clients reach: its port, its checks, its limits."""

from __future__ import annotations

import re
from typing import Any

from sim.suggestions import listed
from sim.topology.fly_toml.checks import read_http_service_checks, read_service_checks
from sim.topology.fly_toml.groups import Groups, only
from sim.topology.fly_toml.toml_document import Table

DEFAULT_PORT = 8080
_SOFT_LIMIT = 20  # Fly's default

_HTTP = "the edge has options of HTTP of its own"
_TLS = "the edge has options of TLS of its own"
_OTHER_PROTOCOL = "the edge speaks HTTP and WebSocket over TCP; nothing else gets through it here"
_SERVICE = {"machine_checks": "checks by another machine are not made at deploys"}
_HTTP_OPTIONS = {
    "h2_backend": "the edge speaks HTTP/1.1 to machines; a gateway that only takes HTTP/2 (gRPC) "
    "answers nobody here",
    "headers_read_timeout": "the edge waits for headers as long as for a request, `idle_timeout`",
    "compress": "answers are passed on as the gateway sends them",
    "response": "the headers of answers are passed on as the gateway sends them",
    "replay_cache": "replays are not cached; each is decided anew",
}
_TLS_OPTIONS = {
    "alpn": "the edge speaks HTTP/1.1 to clients",
    "versions": "the edge takes TLS 1.2 and 1.3",
}
_AUTO_STOP = ("off", "stop", "suspend")


def choose_service(root: Table, groups: Groups, wanted: str | None) -> tuple[Table, str]:
    """The service that clients reach from outside, and its process group.

    It is the one at 443, else at 80, with handlers of HTTP; `http_service` is at both. A wanted
    group has it among its own. Without any the table is empty. The others are noted.
    """
    services = [service for service in root.tables("services") if service.data]
    if isinstance(root.get("http_service", dict), dict):
        services.insert(0, root.table("http_service"))
    groups_of = {id(service): groups.of(service) for service in services}
    for service in services:
        _hold_to_groups(service, groups_of[id(service)], groups)
        if groups.defined and not service.data.get("processes"):
            message = "flyctl deploys no service that does not say its `processes`; it is taken for"
            service.note("", f"{message} one of `{groups.default}`")
    candidates = [s for s in services if wanted is None or wanted in groups_of[id(s)]]
    if not candidates:
        group = wanted or groups.default
        of = f" of the process group `{group}`" if len(groups.names) > 1 else ""
        message = (
            f"there is no service{of}, and so nobody outside reaches it at Fly; "
            f"here clients reach it at port {DEFAULT_PORT}"
        )
        root.note("processes" if wanted else "app", message)
        return Table(root.document, {}, ("http_service",)), group
    service = min(candidates, key=_rank)
    group = wanted or next(iter(groups_of[id(service)]))
    for other in services:
        if other is not service:
            _note_other(other, groups_of[id(other)], service, group)
    for name in groups_of[id(service)]:
        if name != group:
            message = f"clients reach machines of `{group}` alone; at Fly those of `{name}` as well"
            service.note("processes", message)
    return service, group


def _hold_to_groups(service: Table, of: tuple[str, ...], groups: Groups) -> None:
    """Tell of groups that there are not, as flyctl does."""
    for name in of:
        if name not in groups.names:
            service.problem("processes", groups.unknown(name))


def _rank(service: Table) -> int:
    """How far a service is from being the public one: lower is nearer."""
    if _is_http(service):
        return 0
    ports = _ports_of(service)
    http = [port for port in ports if "http" in _handlers(port)]
    for rank, number in enumerate((443, 80)):
        if any(_opens(port, number) for port in http):
            return rank
    if http:
        return 2
    return 4 if _protocol(service) == "udp" else 3


def _is_http(service: Table) -> bool:
    """Whether it is `http_service`, which has keys of its own and both ports of the web."""
    return service.path == ("http_service",)


def _opens(port: Table, number: int) -> bool:
    start, end = port.data.get("start_port"), port.data.get("end_port")
    ranged = isinstance(start, int) and isinstance(end, int) and start <= number <= end
    return str(port.data.get("port")) == str(number) or ranged


def _note_other(other: Table, groups: tuple[str, ...], service: Table, group: str) -> None:
    if group not in groups:
        other.note("", f"is a service of {listed(groups)}; {only(group)}")
        return
    where = "http_service" if _is_http(service) else f"that at {_at(service)}"
    other.note("", f"one service is simulated, {where}; clients do not reach this ({_at(other)})")


def _at(service: Table) -> str:
    numbers = [str(port.data["port"]) for port in _ports_of(service) if "port" in port.data]
    kind = "UDP port" if _protocol(service) == "udp" else "port"
    return f"{kind} {', '.join(numbers)}" if numbers else f"no {kind}"


def _protocol(service: Table) -> str:
    return str(service.data.get("protocol") or "tcp").lower()


def _ports_of(service: Table) -> list[Table]:
    ports = service.data.get("ports")
    known = isinstance(ports, list | dict) and not _is_http(service)
    return service.tables("ports") if known else []


def _handlers(port: Table) -> list[str]:
    handlers = port.data.get("handlers")
    return [str(handler) for handler in handlers] if isinstance(handlers, list) else []


def read_service(service: Table) -> dict[str, Any]:
    """The gateway's keys that a service says. An empty one says Fly's defaults."""
    gateway = {
        "port": service.number("internal_port") or DEFAULT_PORT,
        **(_of_http_service if _is_http(service) else _of_a_service)(service),
        **_concurrency(service),
        **_autostop(service),
    }
    service.note_rest(_SERVICE)
    return gateway


def _of_http_service(service: Table) -> dict[str, Any]:
    """What only `http_service` has: it opens the ports of the web by itself."""
    forces, idle_s = service.get("force_https", bool), _options(service)
    return _said(read_http_service_checks(service), forces=forces, idle_s=idle_s)


def _of_a_service(service: Table) -> dict[str, Any]:
    """What only one of `services` has: a protocol, and ports with what is said of each."""
    service.asked.add("protocol")
    if _protocol(service) != "tcp":
        service.note("protocol", _OTHER_PROTOCOL)
    ports = service.tables("ports")
    if service.data and not ports:
        service.note("", "opens no port: nobody outside reaches it at Fly, clients do here")
    idle_s = {id(port): _port(port) for port in ports}
    # The port that clients of HTTPS reach says how long, else any.
    by_rank = sorted(ports, key=lambda port: not _opens(port, 443))
    return _said(
        read_service_checks(service),
        forces=any(port.data.get("force_https") is True for port in ports),
        idle_s=next((idle_s[id(port)] for port in by_rank if idle_s[id(port)]), None),
    )


def _said(
    checks: list[dict[str, Any]], *, forces: bool | None, idle_s: int | None
) -> dict[str, Any]:
    return {
        **({"checks": checks} if checks else {}),
        **({"force_https": True} if forces else {}),
        **({"idle_timeout": f"{idle_s}s"} if idle_s else {}),
    }


def _port(port: Table) -> int | None:
    """Its idle timeout. What is usual of ports needs no note: HTTP at 80, HTTPS at 443."""
    unusual = set(port.words("handlers")) - {"http", "tls"}
    if unusual or "http" not in _handlers(port):
        port.note("handlers", _OTHER_PROTOCOL)
    if port.number("port") not in (None, 80, 443):
        port.note("port", "clients reach the edge at a port of its own, not at this one")
    if port.get("start_port", int) is not None:
        port.note("start_port", "clients reach the edge at a port of its own, not at these")
        port.asked.add("end_port")
    port.get("force_https", bool)
    idle_s = _options(port)
    port.note_rest({"proxy_proto_options": "machines are told of a client by headers alone"})
    return idle_s


def _concurrency(service: Table) -> dict[str, Any]:
    if isinstance(text := service.data.get("concurrency"), str):
        service.asked.add("concurrency")
        match = re.fullmatch(r"(\d+),(\d+)", text)
        if match is None:
            message = "must be a table, or the soft and the hard limit, such as `20,25`"
            service.problem("concurrency", message)
            return {}
        given: dict[str, Any] = {"type": "requests"}
        soft, hard = int(match[1]), int(match[2])
        table = service
    else:
        table = service.table("concurrency")
        kind = table.choice("type", ("connections", "requests"))
        given = {"type": kind} if kind else {}
        soft, hard = table.get("soft_limit", int) or 0, table.get("hard_limit", int) or 0
        table.note_rest({})
    if hard:
        given["hard_limit"] = hard
        soft = min(soft or _SOFT_LIMIT, hard)  # above the hard limit no other decides
    if soft:
        given["soft_limit"] = soft
    return {"concurrency": given} if given else {}


def _autostop(service: Table) -> dict[str, Any]:
    """When machines stop and start by themselves; the old spelling of it is a boolean."""
    stop: object = service.any("auto_stop_machines")
    if isinstance(stop, bool):
        stop = "stop" if stop else "off"
    elif stop is not None:
        stop = service.choice("auto_stop_machines", _AUTO_STOP)
    said = {
        "auto_stop": stop,
        "auto_start": service.get("auto_start_machines", bool),
        "min_machines_running": service.get("min_machines_running", int),
    }
    return {key: value for key, value in said.items() if value is not None}


def _options(table: Table) -> int | None:
    """The idle timeout, in seconds, of the options of HTTP; all other options are noted."""
    http, tls = table.table("http_options"), table.table("tls_options")
    if (idle_s := http.number("idle_timeout")) == 0:
        message = "what 0 means at Fly is not documented; it is taken as not set"
        http.note("idle_timeout", message)
    for options, reasons, otherwise in ((http, _HTTP_OPTIONS, _HTTP), (tls, _TLS_OPTIONS, _TLS)):
        options.asked |= {name for name, value in options.data.items() if value is False}
        options.note_rest({**dict.fromkeys(options.data, otherwise), **reasons})
    if table.get("h2_backend", bool):
        table.note("h2_backend", _HTTP_OPTIONS["h2_backend"])
    return idle_s
