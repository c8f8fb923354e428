"""The checks of a service, with flyctl's bounds of their times."""

from __future__ import annotations

from typing import Any

from sim.topology.fly_toml.go_text import as_text
from sim.topology.fly_toml.groups import Groups
from sim.topology.fly_toml.toml_document import Table
from sim.topology.units import format_duration

# What a service without checks gets: at Fly its machines get traffic once their port accepts.
TCP_CHECK = {"type": "tcp", "interval": "15s", "timeout": "2s", "grace_period": "1s"}

_SHORTEST_S, _LONGEST_S = 1.0, 60.0  # flyctl raises and lowers a service check's times to these
_CHECK = {
    "protocol": "the check is sent as plain HTTP",
    "tls_skip_verify": "the check is sent as plain HTTP",
    "tls_server_name": "the check is sent as plain HTTP",
    "port": "the check is sent to the service's port",
    "type": "flyctl reads no type here; the check is one of HTTP",
}
_PLAIN = {"protocol": "http", "type": "http"}  # what needs no note
_DEAD = {
    "restart_limit"
}  # of checks that restarted machines, before Machines: Fly reads it no more


def read_http_service_checks(service: Table) -> list[dict[str, Any]]:
    """The checks of `http_service`, empty where it has none."""
    return [_check(check, "http") for check in service.array("checks")]


def read_service_checks(service: Table) -> list[dict[str, Any]]:
    """The checks of one of `services`, empty where it has none."""
    return [
        *(_check(check, "http") for check in service.tables("http_checks")),
        *(_check(check, "tcp") for check in service.tables("tcp_checks")),
    ]


def _check(check: Table, kind: str) -> dict[str, Any]:
    known: dict[str, Any] = dict(TCP_CHECK) if kind == "tcp" else {"type": "http", "path": "/"}
    for key in ("interval", "timeout", "grace_period"):
        given_s = check.seconds(key, 0.001)
        if given_s is not None:
            known[key] = _bounded(check, key, given_s)
    if kind == "http":
        if path := check.get("path", str):
            known["path"] = "/" + path.lstrip("/")
        if method := check.get("method", str):
            known["method"] = method.upper()
        if headers := _headers(check):
            known["headers"] = headers
    check.asked |= {k for k, v in _PLAIN.items() if str(check.data.get(k, v)).lower() == v}
    check.asked |= _DEAD | {k for k, v in check.data.items() if v is False or v == ""}
    check.note_rest(_CHECK)
    return known


def _bounded(check: Table, key: str, given_s: float) -> str:
    bounded_s = min(max(given_s, _SHORTEST_S), _LONGEST_S)
    if key == "grace_period" and given_s == 0:
        bounded_s = 0.0
    if bounded_s != given_s:
        way = "raises" if bounded_s > given_s else "lowers"
        check.note(key, f"flyctl {way} it to {format_duration(bounded_s)}, and so it is here")
    return format_duration(bounded_s)


def _headers(check: Table) -> dict[str, str]:
    """Headers as a table, or as the array of names and values that older files have."""
    if isinstance(check.data.get("headers"), list):
        pairs = {t.any("name"): t.any("value") for t in check.tables("headers")}
    else:
        pairs = dict(check.table("headers").data)
    return {str(name): as_text(value) for name, value in pairs.items() if name is not None}


def hold_top_level_checks(root: Table, groups: Groups, group: str) -> None:
    """Hold the checks of no service to flyctl's rules, and note that they decide nothing here."""
    if isinstance(root.data.get("checks"), list):
        checks = root.tables("checks")
    else:
        table = root.table("checks")
        checks = [table.table(name) for name in table.data]
    for check in checks:
        if check.get("type", str) not in ("http", "tcp"):
            check.problem("type", "must be `http` or `tcp`")
        if (interval_s := check.seconds("interval", 0.001)) is not None and interval_s < 2:
            check.problem("interval", "is too short for flyctl; write `2s` or more")
        if (timeout_s := check.seconds("timeout", 0.001)) is not None and timeout_s > _LONGEST_S:
            check.problem("timeout", "is too long for flyctl; write `60s` or less")
    if groups.sections(checks, group):
        message = "are not made; at Fly they never affect routing, as the checks of services do"
        root.note("checks", message)
