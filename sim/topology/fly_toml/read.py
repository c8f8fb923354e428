"""From a fly.toml to the words of a topology file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import InputError, Problem
from sim.topology.fly_toml.service import read_service
from sim.topology.fly_toml.toml_document import Table, TomlDocument
from sim.topology.sizes import SIZES

# Fly's documented defaults.
_RESTART = "on-failure"
_GROUP = "app"

_UNITS = {"mb": "MiB", "gb": "GiB"}  # a fly.toml's words for them

_NOT_SIMULATED = {
    "checks": "top-level checks never affect routing at Fly; only service checks are simulated",
    "mounts": "volumes are not simulated; the machines keep nothing",
    "files": "files are not written into machines",
    "statics": "static files are not served by the edge",
    "metrics": "the machines' own metrics are not gathered",
    "experimental": "experimental settings are not simulated",
    "console_command": "there is no console",
}


@dataclass(frozen=True)
class FlyToml:
    """What a fly.toml says, `gateway` and `deploy` in the words of a topology file."""

    app: str | None
    primary_region: str | None
    gateway: Mapping[str, Any]
    deploy: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def read_fly_toml(path: Path) -> FlyToml:
    """What the file says. Raises InputError with every problem found."""
    document = TomlDocument(path)
    root = document.root
    app, primary = root.get("app", str), root.get("primary_region", str)
    gateway = _gateway(root)
    deploy = _deploy(root.table("deploy"))
    root.note_rest(_NOT_SIMULATED)
    if document.problems:
        raise InputError(*document.problems)
    notes = sorted(document.notes, key=lambda note: note.line or 0)
    return FlyToml(app, primary, gateway, deploy, tuple(notes))


def _gateway(root: Table) -> dict[str, Any]:
    group, command = _process_group(root)
    gateway: dict[str, Any] = {
        **read_service(root, group),
        **command,
        "env": _env(root.table("env")),
        "restart": _restart(root, group),
        **_vm(root, group),
    }
    if kill_signal := root.get("kill_signal", str):
        gateway["kill_signal"] = kill_signal
    if kill_timeout := root.duration("kill_timeout", 1.0):
        gateway["kill_timeout"] = kill_timeout
    build = root.table("build")
    if image := build.get("image", str):
        gateway["image"] = image
        build.note_rest({})
    elif build.data:
        message = "nothing is built from here; give gateway.image, gateway.build or gateway.command"
        root.note("build", message)
    return gateway


def _process_group(root: Table) -> tuple[str, dict[str, Any]]:
    """The one process group that is simulated, and its command: that of the http_service."""
    groups = root.table("processes")
    service = root.data.get("http_service")
    served = service.get("processes") if isinstance(service, dict) else None
    first = str(served[0]) if isinstance(served, list) and served else _GROUP
    name: str = next((n for n in (first, _GROUP, *groups.data) if n in groups.data), _GROUP)
    for other in groups.data:
        if other != name:
            groups.note(other, f"one process group is simulated, `{name}`")
    if not (command := groups.command(name)):
        return name, {}
    groups.note(name, "is the command of processes; a container runs its image's own")
    return name, {"command": command}


def _env(env: Table) -> dict[str, str]:
    for name, value in env.data.items():
        if not isinstance(value, str):
            env.problem(name, 'must be text; put it in quotes, such as "1"')
        elif name.startswith("FLY_"):
            env.problem(name, "names that begin with `FLY_` are Fly's own; rename it")
    return {name: str(value) for name, value in env.data.items()}


def _of_group(root: Table, key: str, group: str) -> Table:
    """The table of an array that is about a process group: a later one wins, as at Fly."""
    found = Table(root.document, {}, key)
    items = root.any(key)
    tables = [Table(root.document, items, key)] if isinstance(items, dict) else root.tables(key)
    for table in tables:
        if group in (table.words("processes") or [group]):
            found = table
        else:
            table.note("processes", f"one process group is simulated, `{group}`")
    return found


def _restart(root: Table, group: str) -> str:
    restart = _of_group(root, "restart", group)
    policy = restart.get("policy", str) or _RESTART
    restart.note_rest({"retries": "a machine is started again ten times at most"})
    return {"no": "never", "on-fail": "on-failure"}.get(policy, policy)


def _vm(root: Table, group: str) -> dict[str, Any]:
    """Size, memory and CPUs of the machines. A size may also be said by kind and number of CPUs."""
    vm = _of_group(root, "vm", group)
    said: dict[str, Any] = {}
    size, kind, cpus = vm.get("size", str), vm.get("cpu_kind", str), vm.get("cpus", int)
    if size is None and kind is not None:
        size = f"{'shared-cpu' if kind == 'shared' else kind}-{cpus or 1}x"
    if size is not None and size not in SIZES:
        vm.note("size" if "size" in vm.data else "cpu_kind", f"`{size}` is no size that is known")
    elif size is not None:
        said["size"] = size
    if cpus is not None:
        said["cpus"] = float(cpus)
    if memory := vm.any("memory") or vm.any("memory_mb"):
        said["memory"] = _memory(vm, memory)
    vm.note_rest({"gpu_kind": "there are no GPUs", "gpus": "there are no GPUs"})
    return said


def _memory(vm: Table, value: object) -> str:
    """Memory in the topology's words, of `512mb`, `1gb`, or a number of MiB."""
    match = re.fullmatch(r"(\d+)\s*(mb|gb|)", str(value).lower())
    if match:
        return f"{match[1]}{_UNITS.get(match[2], 'MiB')}"
    vm.problem("memory", f"found `{value}`; must be such as `512mb` or `1gb`")
    return "256MiB"


def _deploy(deploy: Table) -> dict[str, Any]:
    said: dict[str, Any] = {
        "strategy": deploy.get("strategy", str),
        "wait_timeout": deploy.duration("wait_timeout", 1.0),
        "release_command": deploy.command("release_command"),
    }
    most = deploy.any("max_unavailable")
    if isinstance(most, int | float) and not isinstance(most, bool):
        said["max_unavailable"] = int(most) if most >= 1 else f"{most:.2%}"
    elif most is not None:
        deploy.problem("max_unavailable", f"found `{most}`; must be a number such as 1 or 0.33")
    deploy.note_rest(
        {
            "release_command_timeout": "a release command has the deploy's wait_timeout",
            "release_command_vm": "a release command runs in a machine like the others",
        }
    )
    return {key: value for key, value in said.items() if value is not None}
