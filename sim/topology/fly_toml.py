"""A fly.toml read for what a topology takes from it: app, gateway, primary region.

Keys that the simulator has no use for are passed over; those whose absence changes what is
simulated are named in `notes`, each with its place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import InputError, Problem
from sim.topology.units import format_duration, parse_duration, quoted

# Fly's documented defaults: SIGINT, then 5 s; a TCP check every 15 s.
_KILL_SIGNAL = "SIGINT"
_TCP_CHECK = {"type": "tcp", "interval": "15s", "timeout": "2s", "grace_period": "1s"}
_DEFAULT_PORT = 8080

_NOT_SIMULATED = {
    "checks": "top-level checks never affect routing at Fly; only service checks are simulated",
    "deploy": "deploys are made with `sim deploy` or the fault `deploy`",
    "mounts": "volumes are not simulated; the machines keep nothing",
    "processes": "one process group is simulated: the command or the image's own",
    "files": "files are not written into machines",
    "statics": "static files are not served by the edge",
    "experimental": "experimental settings are not simulated",
}
_SERVICE_NOT_SIMULATED = {
    "concurrency": "limits are not simulated; load never spills to another region",
    "auto_stop_machines": "machines are not stopped for lack of load",
    "processes": "one process group is simulated",
}
_CHECK_NOT_SIMULATED = {
    "headers": "the check is sent without these headers",
    "protocol": "the check is sent as plain HTTP",
    "method": "the check is sent as GET",
}


@dataclass(frozen=True)
class FlyToml:
    """What a fly.toml says, `gateway` in the words of a topology file."""

    app: str | None
    primary_region: str | None
    gateway: Mapping[str, Any]
    notes: tuple[Problem, ...] = ()


def read_fly_toml(path: Path) -> FlyToml:
    """What the file says. Raises InputError with every problem found."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"cannot be read: {error}; give a fly.toml", file)) from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        message = f"is not TOML: {error}; check the quotes and brackets there"
        raise InputError(Problem(message, file, int(line[1]) if line else None)) from error
    return _Reader(file, text).read(data)


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = text.splitlines()
        self._problems: list[Problem] = []
        self._notes: list[Problem] = []

    def read(self, data: dict[str, Any]) -> FlyToml:
        app = self._get(data, "app", str)
        primary = self._get(data, "primary_region", str)
        for key, reason in _NOT_SIMULATED.items():
            if data.get(key):
                self._note(key, reason)
        gateway = self._gateway(data)
        if self._problems:
            raise InputError(*self._problems)
        return FlyToml(app, primary, gateway, tuple(self._notes))

    def _gateway(self, data: dict[str, Any]) -> dict[str, Any]:
        build = self._get(data, "build", dict) or {}
        name, service = self._service(data)
        gateway: dict[str, Any] = {
            "port": self._get(service, f"{name}.internal_port", int) or _DEFAULT_PORT,
            "env": self._env(self._get(data, "env", dict) or {}),
            "checks": self._checks(service, name),
            "kill_signal": self._get(data, "kill_signal", str) or _KILL_SIGNAL,
        }
        ports = self._tables(service, f"{name}.ports")
        if any(table.get("force_https") is True for table in (service, *ports)):
            gateway["force_https"] = True
        if "kill_timeout" in data:
            gateway["kill_timeout"] = self._duration(data["kill_timeout"], 1.0, "kill_timeout")
        if image := self._get(build, "build.image", str):
            gateway["image"] = image
        elif build:
            self._note("build", "nothing is built here; give gateway.image or gateway.command")
        return gateway

    def _service(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The service that clients reach: http_service, else the first of services."""
        services = self._tables(data, "services")
        http = self._get(data, "http_service", dict)
        if services if http else services[1:]:
            self._note("services", "one service is simulated: http_service, else the first")
        name = "services" if services and not http else "http_service"
        service = http or (services[0] if services else {})
        for key, reason in _SERVICE_NOT_SIMULATED.items():
            if service.get(key) not in (None, "off", False):
                self._note(f"{name}.{key}", reason)
        return name, service

    def _env(self, env: dict[str, Any]) -> dict[str, str]:
        for name, value in env.items():
            if not isinstance(value, str):
                self._problem(f"env.{name}", 'must be text; put it in quotes, such as "1"')
            elif name.startswith("FLY_"):
                self._problem(
                    f"env.{name}", "names that begin with `FLY_` are Fly's own; rename it"
                )
        return {name: str(value) for name, value in env.items()}

    def _checks(self, service: dict[str, Any], name: str) -> list[dict[str, Any]]:
        checks = [
            self._check(check, kind, f"{name}.{key}")
            for key, kind in (("checks", "http"), ("http_checks", "http"), ("tcp_checks", "tcp"))
            for check in self._tables(service, f"{name}.{key}")
        ]
        if not checks and not self._problems:
            self._note(name, "has no checks; a machine counts as healthy when its port accepts")
        # At Fly a service without checks gets traffic as soon as its port accepts a connection.
        return checks or [dict(_TCP_CHECK)]

    def _check(self, check: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
        known: dict[str, Any] = dict(_TCP_CHECK) if kind == "tcp" else {"type": "http", "path": "/"}
        for key in ("interval", "timeout", "grace_period"):
            if key in check:
                known[key] = self._duration(check[key], 0.001, f"{name}.{key}")
        if kind == "http" and (path := self._get(check, f"{name}.path", str)):
            known["path"] = "/" + path.lstrip("/")
        for key, reason in _CHECK_NOT_SIMULATED.items():
            if str(check.get(key) or "").lower() not in ("", "get", "http"):
                self._note(f"{name}.{key}", reason)
        return known

    def _duration(self, value: object, bare_s: float, field: str) -> str:
        """A duration in the topology's words. `bare_s`: what a bare number counts, in seconds."""
        if isinstance(value, int) and not isinstance(value, bool):
            return format_duration(value * bare_s)
        try:
            return format_duration(parse_duration(value))
        except ValueError as error:
            self._problem(field, str(error))
            return "0s"

    def _tables(self, table: dict[str, Any], field: str) -> list[dict[str, Any]]:
        """The array of tables that is the field's last key."""
        items = self._get(table, field, list) or []
        if not all(isinstance(item, dict) for item in items):
            self._problem(field, "must be an array of tables, as `[[…]]` writes them")
        return [item for item in items if isinstance(item, dict)]

    def _get(self, table: dict[str, Any], field: str, kind: type) -> Any:
        """The value of the field's last key, or None where it is missing or of another kind."""
        value = table.get(field.rpartition(".")[2])
        if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
            return value
        names = {str: "text", int: "a whole number", dict: "a table", list: "an array of tables"}
        self._problem(field, f"found {quoted(value)}; must be {names[kind]}")
        return None

    def _problem(self, field: str, message: str) -> None:
        self._problems.append(Problem(message, self._file, self._line(field), field))

    def _note(self, field: str, message: str) -> None:
        self._notes.append(Problem(message, self._file, self._line(field), field))

    def _line(self, field: str) -> int | None:
        """The first line that opens the field's table or sets its last key (tomllib has none)."""
        table, key = re.escape(field), re.escape(field.rpartition(".")[2])
        pattern = re.compile(rf'\s*(?:\[\[?\s*{table}[\].]|"?{key}"?\s*=)')
        return next((n for n, line in enumerate(self._lines, 1) if pattern.match(line)), None)
