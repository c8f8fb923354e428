"""The service of a fly.toml that clients reach: its port, its checks, its limits."""

from __future__ import annotations

from typing import Any

from sim.topology.fly_toml.toml_document import Table

DEFAULT_PORT = 8080
# What a service without checks gets: at Fly its machines get traffic once their port accepts.
TCP_CHECK = {"type": "tcp", "interval": "15s", "timeout": "2s", "grace_period": "1s"}

_SERVICE = {
    "protocol": "the edge speaks HTTP and WebSocket",
    "tls_options": "the edge has options of TLS of its own",
    "http_options": "the edge has options of HTTP of its own",
    "machine_checks": "checks by another machine are not made at deploys",
}
_CHECK = {
    "headers": "the check is sent without these headers",
    "protocol": "the check is sent as plain HTTP",
    "method": "the check is sent as GET",
    "tls_skip_verify": "the check is sent as plain HTTP",
    "tls_server_name": "the check is sent as plain HTTP",
    "port": "the check is sent to the service's port",
}
_PLAIN = {"method": "get", "protocol": "http", "type": "http"}  # what needs no note


def read_service(root: Table, group: str) -> dict[str, Any]:
    """The gateway's keys that a service says: http_service, else the first of services."""
    http, services = root.table("http_service"), root.tables("services")
    if services if http.data else services[1:]:
        root.note("services", "one service is simulated: http_service, else the first")
    service = http if http.data or not services else services[0]
    gateway: dict[str, Any] = {
        "port": service.get("internal_port", int) or DEFAULT_PORT,
        "checks": _checks(service),
        **_concurrency(service.table("concurrency")),
        **_autostop(service),
    }
    if service.get("force_https", bool) or _ports(service):
        gateway["force_https"] = True
    for name in service.words("processes"):
        if name != group:
            service.note("processes", f"one process group is simulated, `{group}`; not `{name}`")
    if str(service.data.get("protocol", "tcp")).lower() == "tcp":
        service.asked.add("protocol")
    service.note_rest(_SERVICE)
    return gateway


def _checks(service: Table) -> list[dict[str, Any]]:
    checks = [
        _check(check, kind)
        for key, kind in (("checks", "http"), ("http_checks", "http"), ("tcp_checks", "tcp"))
        for check in service.tables(key)
    ]
    if not checks and not service.document.problems:
        message = "has no checks; a machine counts as healthy when its port accepts"
        service.document.note(service.name, message)
    return checks or [dict(TCP_CHECK)]


def _check(check: Table, kind: str) -> dict[str, Any]:
    known: dict[str, Any] = dict(TCP_CHECK) if kind == "tcp" else {"type": "http", "path": "/"}
    for key in ("interval", "timeout", "grace_period"):
        if duration := check.duration(key, 0.001):
            known[key] = duration
    if kind == "http" and (path := check.get("path", str)):
        known["path"] = "/" + path.lstrip("/")
    check.asked |= {k for k, v in _PLAIN.items() if str(check.data.get(k, v)).lower() == v}
    check.asked |= {k for k, v in check.data.items() if v is False}
    check.note_rest(_CHECK)
    return known


def _concurrency(table: Table) -> dict[str, Any]:
    given = {
        "type": table.get("type", str),
        "soft_limit": table.get("soft_limit", int),
        "hard_limit": table.get("hard_limit", int),
    }
    table.note_rest({})
    said = {key: value for key, value in given.items() if value is not None}
    return {"concurrency": said} if said else {}


def _autostop(service: Table) -> dict[str, Any]:
    """When machines stop and start by themselves; the old spelling of it is a boolean."""
    stop = service.any("auto_stop_machines")
    if isinstance(stop, bool):
        stop = "stop" if stop else "off"
    said = {
        "auto_stop": stop,
        "auto_start": service.get("auto_start_machines", bool),
        "min_machines_running": service.get("min_machines_running", int),
    }
    return {key: value for key, value in said.items() if value is not None}


def _ports(service: Table) -> bool:
    """Whether one forces HTTPS. What is usual of ports needs no note: HTTP at 80, HTTPS at 443."""
    forces = False
    for port in service.tables("ports"):
        if {*port.words("handlers")} - {"http", "tls"} or "handlers" not in port.data:
            port.note("handlers", "the edge speaks HTTP and WebSocket")
        if port.get("port", int) not in (80, 443):
            port.note("port", "clients reach the edge at a port of its own")
        forces |= port.get("force_https", bool) is True
        port.note_rest(_SERVICE)
    return forces
