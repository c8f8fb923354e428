"""The files that `sim init` writes, what it says of them, and the commands that come next."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.init.driver_file import DriverFile, driver_file
from sim.init.look import prepared
from sim.init.places import places_for
from sim.init.repository import Repository
from sim.init.scenario_file import scenario_text
from sim.init.services_section import service_notes
from sim.init.topology_file import reference, topology_text
from sim.schemas.schemas import schema_text
from sim.topology.kinds import Kind
from sim.topology.units import parse_duration

TOPOLOGY, SCENARIO, DRIVER = "topology.yaml", "crash.yaml", "driver.yaml"
SCHEMAS = "schema"  # the folder of what editors complete and check these files by
_DETECTION_S = 35.0  # of the check that `topology_text` writes


@dataclass(frozen=True)
class Starter:
    """Texts of files by name, what was found where, and the commands to say next."""

    files: Mapping[str, str]
    told: tuple[str, ...]
    commands: tuple[str, ...]


def starter(found: Repository, folder: Path, output: Path, heard: str | None = None) -> Starter:
    """What to write into `output` for the repository at `folder`; `heard` is a driver's text.

    Both are paths from the current folder, in which the commands will be given.
    """
    up = os.path.relpath(folder.resolve(), output.resolve())
    places = places_for(found.fly.primary_region if found.fly else None)
    driver = driver_file(found, str(output / DRIVER))
    if heard:
        driver = DriverFile(heard, "clients speak as yours did")
    named = DRIVER if driver.text else "session"
    files = {
        TOPOLOGY: topology_text(found, places, up),
        SCENARIO: scenario_text(places, TOPOLOGY, named, _detection_s(found)),
    }
    if driver.text:
        files[DRIVER] = driver.text
    kinds: dict[str, Kind] = {TOPOLOGY: "topology", SCENARIO: "scenario", DRIVER: "driver"}
    for name in [*files]:
        schema = f"{SCHEMAS}/{kinds[name]}.json"
        files[name] = f"# yaml-language-server: $schema={schema}\n{files[name]}"
        files[schema] = schema_text(kinds[name])
    return Starter(files, tuple(_told(found, driver)), tuple(_commands(found, folder, output)))


def _detection_s(found: Repository) -> float:
    checks = found.fly.gateway["checks"] if found.fly else []
    times = [
        parse_duration(check.get("interval", "30s")) + parse_duration(check.get("timeout", "5s"))
        for check in checks
    ]
    return max(times, default=_DETECTION_S)


def _told(found: Repository, driver: DriverFile) -> Iterator[str]:
    """What was taken from where, one line each; then what has to be known of it."""
    if reference(found):
        yield "no file here says what to run: machines run the simulator's reference gateway"
    if program := found.program:
        yield f"command    {shlex.join(program.value)}    ({program.by})"
    if found.containers:
        by = next((said.by for said in (*found.all("build"), *found.all("image"))), "")
        yield f"image      {found.image or 'built from the Dockerfile'}    ({by})"
    for name, label in (("port", "port"), ("check", "check")):
        if said := found.first(name):
            yield f"{label:<10} {said.value}    ({said.by})"
    if env := found.first("env"):
        yield f"env        {', '.join(env.value)}    ({env.by})"
    if said := found.first("database"):
        yield f"database   the world's PostgreSQL, in DATABASE_URL    ({said.by})"
    for name, by in found.needs.items():
        value = "from .env" if name in found.dotenv else "made up"
        yield f"secret     {name}, {value}    ({by})"
    yield f"driver     {driver.means}"
    if driver.left_open:
        yield f"note: {driver.left_open}"
    yield from _notes(found)


def _notes(found: Repository) -> Iterator[str]:
    if found.fly:
        yield from (f"note: {note}" for note in found.fly.notes)
    for facts in found.files.values():
        yield from (f"note: {note}" for note in facts.notes)
    if absent := _absent(found):
        instead = ", or use --runtime docker" if found.containers else ""
        yield f"note: {absent} is not installed here: install it{instead}"
    if fixed := found.first("fixed_port"):
        yield (
            f"note: {fixed.by} listens on {fixed.value} whatever PORT says, so that two machines"
            " collide here: read PORT, or use --runtime docker"
        )
    yield from service_notes(found)


def _absent(found: Repository) -> str | None:
    """The program of the command, if it is one of PATH that this host does not have."""
    if found.program is None:
        return None
    words: Sequence[str] = found.program.value
    if tuple(words[:2]) == ("sh", "-c"):
        words = words[2].removeprefix("exec ").split()
    program = words[0]
    return None if "/" in program or "=" in program or shutil.which(program) else program


def _commands(found: Repository, folder: Path, output: Path) -> Iterator[str]:
    docker = found.containers and (
        found.program is None or any(found.all("fixed_port")) or _absent(found) is not None
    )
    line = found.prepare
    if line and not docker and not prepared(line, folder):
        yield line if folder == Path() else f"(cd {shlex.quote(str(folder))} && {line})"
    secrets = (
        f" --secrets {shlex.quote(str(folder / '.env'))}"
        if any(name in found.dotenv for name in found.needs)
        else ""
    )
    runtime = " --runtime docker" if docker else ""
    yield f"sim run {output / SCENARIO}{runtime}{secrets}"
