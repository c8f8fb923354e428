"""Machines and what belongs to them in the shapes that Fly's clients read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sim.control.machines_api.configs import config_json, image_ref
from sim.machines.config import MachineConfig
from sim.machines.health import CheckState
from sim.machines.lease import Lease
from sim.machines.machine import Machine, MachineEvent
from sim.machines.runtime import MachineSpec, ProcessRow
from sim.topology.geography import continent
from sim.topology.model import Gateway, Region, Topology

# Of an organization and its plan the simulator knows nothing; clients want some.
ORGANIZATION = {"name": "Personal", "slug": "personal"}
USER = {"id": "1", "email": "someone@localhost", "name": "someone"}


@dataclass(frozen=True)
class View:
    """What shapes need besides the machine. `unix_s` gives the calendar's time of an instant."""

    default: MachineConfig
    gateway: Gateway
    unix_s: Callable[[float], float]
    private_host: Callable[[MachineSpec], str]

    def date(self, instant: float) -> str:
        """An instant as Fly writes times."""
        when = datetime.fromtimestamp(self.unix_s(instant), UTC)
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def machine_json(machine: Machine, checks: Iterable[CheckState], view: View) -> dict[str, Any]:
    """A machine. Its host is reachable unless a fault has lost it."""
    shown: dict[str, Any] = {
        "id": machine.id,
        "name": machine.fly_name,
        "state": str(machine.state),
        "region": machine.region,
        "image_ref": image_ref(machine.config.image),
        "instance_id": machine.instance_id,
        "version": machine.instance_id,
        "private_ip": view.private_host(machine.spec),
        "created_at": view.date(machine.created_s),
        "updated_at": view.date(machine.updated_s),
        "config": config_json(machine.config, view.default, view.gateway),
        "events": [event_json(machine.id, event, view) for event in machine.events],
        "checks": [
            check_json(f"{number:02d}", state, machine, view) for number, state in enumerate(checks)
        ],
        "host_status": "unreachable" if machine.host_lost else "ok",
        "cordoned": machine.cordoned,
    }
    return shown


def event_id(machine_id: str, number: int) -> str:
    """An event's id: 26 characters, as a ULID has, that sort as the events happened."""
    return f"01{machine_id.upper()[:14]:0>14}{number:010d}"


def event_json(machine_id: str, event: MachineEvent, view: View) -> dict[str, Any]:
    """Something that happened to a machine; the end of a run says how it ended."""
    at_s = view.unix_s(event.at_s)
    shown: dict[str, Any] = {
        "id": event_id(machine_id, event.number),
        "type": event.type,
        "status": event.status,
        "source": event.source,
        "timestamp": round(at_s * 1000),
    }
    if event.end is not None:
        code, signal = event.end.code, event.end.signal
        shown["request"] = {
            "exit_event": {
                "exit_code": code if code is not None else 128 + (signal or 0),
                "guest_exit_code": code if code is not None else 0,
                "guest_signal": signal if signal is not None else -1,
                "signal": signal if signal is not None else -1,
                "oom_killed": event.end.oom,
                "requested_stop": event.asked,
                "restarting": False,
                "error": "",
                "guest_error": "",
                "exited_at": view.date(event.at_s),
            },
            "restart_count": event.restarts,
        }
    return shown


def check_json(number: str, state: CheckState, machine: Machine, view: View) -> dict[str, Any]:
    """What a service check found last."""
    return {
        "name": f"servicecheck-{number}-{state.check.type}-{machine.config.port}",
        "status": str(state.status),
        "output": state.output,
        "updated_at": view.date(state.changed_s),
    }


def lease_json(lease: Lease, version: str, view: View) -> dict[str, Any]:
    """A lease, for who may see its nonce."""
    return {
        "status": "success",
        "data": {
            "nonce": lease.nonce,
            "expires_at": round(view.unix_s(lease.expires_s)),
            "owner": lease.owner,
            "description": lease.description,
            "version": version,
        },
    }


def process_json(row: ProcessRow) -> dict[str, Any]:
    """A process. Times are whole seconds, as Fly's are; sockets are not looked up."""
    return {
        "pid": row.pid,
        "command": row.command,
        "directory": row.directory,
        "stime": round(row.cpu_s),
        "rtime": round(row.age_s),
        "cpu": round(100 * row.cpu_s / row.age_s) if row.age_s > 0 else 0,
        "rss": row.rss_bytes,
        "listen_sockets": [],
    }


def region_json(region: Region) -> dict[str, Any]:
    """A region of the world, as one of Fly's platform."""
    return {
        "code": region.code,
        "name": region.city,
        "latitude": region.at.lat,
        "longitude": region.at.lon,
        "gateway_available": False,
        "requires_paid_plan": False,
        "deprecated": False,
        "capacity": 1,
        "geo_region": continent(region.code) or "",
        "mpg_available": False,
    }


def app_json(topology: Topology, machines: int) -> dict[str, Any]:
    """The world's app."""
    return {
        "id": topology.app,
        "name": topology.app,
        "internal_numeric_id": 1,
        "status": "deployed" if machines else "pending",
        "machine_count": machines,
        "network": "default",
        "organization": {**ORGANIZATION, "internal_numeric_id": 1},
    }
