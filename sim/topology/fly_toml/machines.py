"""What a fly.toml says of machines: their command, size, restarts, and how they are stopped."""

from __future__ import annotations

import re
from typing import Any, get_args

from sim.suggestions import listed, suggest
from sim.topology.fly_toml.groups import Groups, only
from sim.topology.fly_toml.toml_document import Table
from sim.topology.model import KillSignal
from sim.topology.sizes import DEFAULT_SIZE, SIZES
from sim.topology.units import format_duration

_MEMORY = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]?)i?b?", re.IGNORECASE)
_MIB = {"": 1.0, "k": 1 / 1024, "m": 1.0, "g": 1024.0, "t": 1024.0**2}
_LONGEST_KILL_S = 300.0  # Fly's, of machines on shared hosts
_VM = {
    "gpu_kind": "there are no GPUs",
    "gpus": "there are no GPUs",
    "host_dedication_id": "all machines run on this host",
    "kernel_args": "machines have this host's kernel",
    "persist_rootfs": "a container keeps its files until it is destroyed",
}
# What Fly reads no more, since Machines.
_DEAD = ("auto_rollback", "allowed_public_ports", "private_network")
_EXPERIMENTAL = {
    "metrics_port": "the machines' own metrics are not gathered",
    "metrics_path": "the machines' own metrics are not gathered",
}


def read_command(root: Table, groups: Groups, group: str) -> dict[str, Any]:
    """The command of the group: that of processes, else what `experimental` says."""
    experimental = root.table("experimental")
    exec_, entrypoint, cmd = (_list(experimental, key) for key in ("exec", "entrypoint", "cmd"))
    others = [name for name in groups.names if name != group]
    if others:
        root.note("processes", f"{only(group)}; not {listed(others)}")
    command = exec_ or [*entrypoint, *(groups.commands.get(group) or cmd)]
    experimental.asked |= {"kill_timeout", *_DEAD}
    experimental.note_rest(_EXPERIMENTAL)
    if not command:
        return {}
    if root.table("build").data.get("image"):
        where = "processes" if group in groups.commands else "experimental"
        root.note(
            where,
            "a process runs this command; a container runs its image's own",
        )
    return {"command": command}


def _list(table: Table, key: str) -> list[str]:
    value = table.any(key)
    return [value] if isinstance(value, str) else table.words(key)


def read_stopping(root: Table) -> dict[str, str]:
    """The signal and the time to end in."""
    said = {}
    if kill_signal := root.get("kill_signal", str):
        said["kill_signal"] = name = kill_signal.upper()
        if name not in get_args(KillSignal):
            meant = suggest(name, get_args(KillSignal))
            root.problem("kill_signal", f"found `{kill_signal}`{meant}")
    owner = root if "kill_timeout" in root.data else root.table("experimental")
    if (seconds := owner.seconds("kill_timeout", 1.0)) is not None:
        if seconds > _LONGEST_KILL_S:
            owner.note("kill_timeout", "is 5m at most, as on Fly's shared machines")
        said["kill_timeout"] = format_duration(min(seconds, _LONGEST_KILL_S))
    return said


def read_restart(root: Table, groups: Groups, group: str) -> dict[str, Any]:
    """The last policy that is about the group, as at flyctl."""
    policy, retries = "on-failure", 0
    for restart in groups.sections(root.array("restart"), group):
        policy = restart.choice("policy", ("always", "never", "on-failure")) or policy
        retries = restart.get("retries", int) or retries
        restart.note_rest({})
    return {"restart": policy, **({"max_restarts": retries} if retries else {})}


def read_vm(root: Table, groups: Groups, group: str) -> dict[str, Any]:
    """Size, memory and CPUs: of the section that names the group, else of one for all groups."""
    sections = root.tables("compute", "computes", "vm")
    named = [vm for vm in sections if "processes" in vm.data]
    mine = groups.sections(named, group)[-1:] or [vm for vm in sections if vm not in named][:1]
    return _machine(mine[0]) if mine else {}


def _machine(vm: Table) -> dict[str, Any]:
    """A size may also be said by kind and number of CPUs, and is then changed by them."""
    said: dict[str, Any] = {}
    given = vm.get("size", str)
    kind, cpus = vm.get("cpu_kind", str), vm.get("cpus", int)
    if given and given not in SIZES and not _gpu(given):
        vm.problem("size", f"Fly has no machine size `{given}`{suggest(given, SIZES)}")
        return said
    size = _resized(given, kind, cpus)
    if size in SIZES:
        if given or kind:
            said["size"] = size
    else:
        key = "size" if given and not (kind or cpus) else "cpu_kind" if kind else "cpus"
        vm.note(key, f"a machine of `{size}` is simulated without its size")
    if cpus:
        said["cpus"] = float(cpus)
    for key in ("memory", "memory_mb"):
        if memory := vm.any(key):
            said["memory"] = _memory(vm, key, memory)
    vm.note_rest(_VM)
    return said


def _gpu(name: str) -> bool:
    return re.fullmatch(r"[al][0-9]+s?(-.+)?", name) is not None


def _resized(given: str | None, kind: str | None, cpus: int | None) -> str:
    base = SIZES.get(given or DEFAULT_SIZE)
    if base is None or not (kind or cpus):
        return given or DEFAULT_SIZE
    kind = kind or base.kind
    return f"{'shared-cpu' if kind == 'shared' else kind}-{cpus or (base.cpus if given else 1)}x"


def _memory(vm: Table, key: str, value: object) -> str:
    """Memory in the topology's words, of `512mb`, `1gb`, or a number of MiB."""
    match = _MEMORY.fullmatch(str(value))
    if match:
        return f"{round(float(match[1]) * _MIB[match[2].lower()])}MiB"
    vm.problem(key, f"found `{value}`; must be such as `512mb` or `1gb`")
    return "256MiB"
