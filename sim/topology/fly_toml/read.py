"""From a fly.toml to the words of a topology file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import InputError, Problem
from sim.suggestions import listed
from sim.topology.fly_toml.checks import TCP_CHECK, hold_top_level_checks
from sim.topology.fly_toml.go_text import as_text
from sim.topology.fly_toml.groups import Groups, UnknownGroupError, read_groups
from sim.topology.fly_toml.machines import read_command, read_restart, read_stopping, read_vm
from sim.topology.fly_toml.service import choose_service, read_service
from sim.topology.fly_toml.toml_document import Table, TomlDocument
from sim.topology.geography import REGIONS, nearest_active, region_suggestions

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRATEGIES = ("rolling", "immediate", "canary", "bluegreen")

_SECTIONS = {  # each of the process groups that it names
    ("mount", "mounts"): "volumes are not simulated; the machines keep nothing",
    ("files",): "files are not written into machines",
    ("metric", "metrics"): "the machines' own metrics are not gathered",
}
_NOT_SIMULATED = {
    "statics": "static files are not served by the edge; the gateway is asked for them",
    "console_command": "there is no console",
    "machine_checks": "checks by another machine are not made at deploys",
    "swap_size_mb": "machines have the memory and the swap of this host",
    "host_dedication_id": "all machines run on this host",
    "machine_config": "a machine runs one container, that of the gateway",
    "container": "a machine runs one container, that of the gateway",
}
_DEPLOY = {
    "release_command_timeout": "a release command has the deploy's wait_timeout",
    "release_command_vm": "a release command runs in a machine like the others",
    "seed_command": "no deploy is an app's first here, and so it is not run",
}


@dataclass(frozen=True)
class FlyToml:
    """What a fly.toml says, `gateway` and `deploy` in the words of a topology file.

    `dockerfile` is what flyctl would build the image from, by its place beside the file.
    """

    app: str | None
    primary_region: str | None
    group: str
    gateway: Mapping[str, Any]
    deploy: Mapping[str, Any] = field(default_factory=dict)
    dockerfile: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def read_fly_toml(path: Path, group: str | None = None, regions: Collection[str] = ()) -> FlyToml:
    """What the file says of a process group: the one that clients reach, where none is named.

    `regions` are places the topology has of its own, which need not be Fly's. Raises InputError
    with every problem found.
    """
    document = TomlDocument(path)
    root = document.root
    app, primary = root.get("app", str), _primary(root, regions)
    groups = read_groups(root)
    if group is not None and group not in groups.names:
        raise UnknownGroupError(Problem(groups.unknown(group), str(path)))
    service, group = choose_service(root, groups, group)
    gateway = _gateway(root, groups, service, group)
    deploy = _deploy(root.table("deploy"), _refused(root, gateway))
    gateway.setdefault("checks", [TCP_CHECK])
    dockerfile, build_args = _build(root, path.parent, gateway)
    hold_top_level_checks(root, groups, group)
    _note_sections(root, groups, group)
    root.note_rest(_NOT_SIMULATED)
    if problems := dict.fromkeys(document.problems):  # once each: some sections are read twice
        raise InputError(*sorted(problems, key=lambda problem: problem.line or 0))
    notes = tuple(sorted(document.notes, key=lambda note: note.line or 0))
    return FlyToml(app, primary, group, gateway, deploy, dockerfile, build_args, notes)


def _primary(root: Table, regions: Collection[str]) -> str | None:
    """The primary region. One that takes no machines any more is led to the nearest that does."""
    code: str | None = root.get("primary_region", str)
    if not code or code in regions:
        return code or None
    if code not in REGIONS:
        similar = region_suggestions(code)
        active = listed((region.code for region in REGIONS.values() if region.active), "or")
        meant = f"did you mean {listed(similar, 'or')}?" if similar else f"allowed: {active}"
        root.problem("primary_region", f"`{code}` is not a region of Fly; {meant}")
    elif not REGIONS[code].active:
        near = nearest_active(REGIONS[code].at)
        message = (
            f"Fly runs no machines in `{code}` ({REGIONS[code].city}) any more; "
            f"they run in the nearest region that is open, `{near.code}` ({near.city})"
        )
        root.note("primary_region", message)
        return near.code
    return code


def _gateway(root: Table, groups: Groups, service: Table, group: str) -> dict[str, Any]:
    return {
        **read_service(service),
        **read_command(root, groups, group),
        "env": _env(root),
        **read_stopping(root),
        **read_restart(root, groups, group),
        **read_vm(root, groups, group),
    }


def _note_sections(root: Table, groups: Groups, group: str) -> None:
    """Note what of the group's sections is not simulated, once for each kind of them."""
    for keys, reason in _SECTIONS.items():
        if sections := groups.sections(root.tables(*keys), group):
            sections[0].note("", reason)


def _env(root: Table) -> dict[str, str]:
    """The environment; of several tables a later one wins, as at flyctl."""
    said = {}
    for env in root.tables("env"):
        for name, value in env.data.items():
            if name.startswith("FLY_"):
                env.note(name, "is left out: names that begin with `FLY_` are Fly's own")
            elif not _VARIABLE.fullmatch(name):
                env.note(name, "is left out: a variable's name has letters, digits and `_`")
            else:
                said[name] = as_text(value)
    return said


def _build(root: Table, folder: Path, gateway: dict[str, Any]) -> tuple[str | None, dict[str, str]]:
    """The image goes into the gateway; returns the Dockerfile where there is none, and its args."""
    build = root.table("build")
    if image := build.get("image", str):
        gateway["image"] = image
        build.note_rest({})
        return None, {}
    given = build.get("dockerfile", str)
    given_args = build.table("args")
    args = {name: str(given_args.get(name, str)) for name in given_args.data}
    dockerfile = given or "Dockerfile"
    if (folder / dockerfile).is_file():
        build.note_rest({"ignorefile": "Docker reads the .dockerignore beside the Dockerfile"})
        return dockerfile, args
    if given:
        build.note("dockerfile", f"there is no file `{folder / given}`")
    elif build.data:
        message = "nothing is built from this; the topology says what machines run"
        root.note("build", message)
    return None, {}


def _refused(root: Table, gateway: Mapping[str, Any]) -> dict[str, str]:
    """Why flyctl makes no deploy by some strategies, of this app."""
    return {
        **({} if "checks" in gateway else {"bluegreen": "of a service without checks"}),
        **({"canary": "of an app with mounts"} if root.tables("mount", "mounts") else {}),
    }


def _deploy(deploy: Table, refused: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "strategy": deploy.choice("strategy", _STRATEGIES),
        "wait_timeout": deploy.duration("wait_timeout", 1.0),
        "release_command": deploy.command("release_command"),
    }
    most = deploy.any("max_unavailable")
    number = isinstance(most, int | float) and not isinstance(most, bool)
    if number and most >= 1:
        said["max_unavailable"] = int(most)
    elif number and most >= 0.0001:
        said["max_unavailable"] = f"{most:.2%}"
    elif most is not None:
        deploy.problem("max_unavailable", f"found `{most}`; must be a number such as 1 or 0.33")
    if (strategy := str(said["strategy"])) in refused:
        deploy.note("strategy", f"flyctl makes no {strategy} deploy {refused[strategy]}")
    deploy.note_rest(_DEPLOY)
    return {key: value for key, value in said.items() if value is not None}
