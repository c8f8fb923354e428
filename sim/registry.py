"""The worlds of this machine: a folder each, by which they are found and cleaned up after.

A world's folder (0700) holds `world.json`, the logs,
the database and the journal. Its owner is alive while the process with the recorded id *and* start
time is; ids are used again, pairs of both are not. What a dead owner left running is known by the
world's id in its environment (SIM_WORLD) or by a working directory inside the folder; PostgreSQL
overwrites the one but keeps the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import select
import shutil
import signal
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sim.errors import EnvironmentLacksError, InputError
from sim.processes.proc import pids, started_with

ENVIRONMENT_KEY = "SIM_WORLD"
TOKEN_VARIABLE = "SIM_TOKEN"  # noqa: S105 - its name, not a token
_RECORD = "world.json"
_OWNER = "owner.json"
_JOURNAL = "journal.jsonl"
_CONTAINERS = "containers.json"
_OWED = "owed.txt"
_GONE_WITHIN_S = 5.0
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - see _in_memory
_ROOM_BYTES = 1 << 30
_SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class WorldRecord:
    """What other processes need to know of a running world."""

    id: str
    pid: int
    pid_started: int
    app: str
    topology: str
    slot: int
    dns_port: int
    control_url: str
    token: str = dataclasses.field(repr=False)

    @property
    def folder(self) -> Path:
        """The world's folder."""
        return worlds_folder() / self.id

    @property
    def journal(self) -> Path:
        """The world's journal, while the world is up."""
        return self.folder / _JOURNAL

    @property
    def alive(self) -> bool:
        """Whether the process that runs this world still does."""
        return start_time(self.pid) == self.pid_started


def worlds_folder() -> Path:
    """Where the folders of all worlds are.

    $SIM_HOME/worlds if that is set; else in memory (a folder of the user's own in /dev/shm), if
    there is room for some; else in the XDG state folder. A world is gone after a restart of the
    host anyway, and its database is 1300 small files, which some file systems take a second to
    make where as many were just removed.
    """
    if home := os.environ.get("SIM_HOME"):
        return Path(home) / "worlds"
    if memory := _in_memory():
        return memory / "worlds"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "sim" / "worlds"


def _in_memory() -> Path | None:
    """The user's own folder in shared memory, or None where that is small, or not to be trusted."""
    folder = _SHARED_MEMORY / f"sim-{os.geteuid()}"
    try:
        size = os.statvfs(_SHARED_MEMORY)
        if size.f_blocks * size.f_frsize < _ROOM_BYTES:
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    # Anybody may make a folder of that name there; one that is not ours alone is not used.
    ours = found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode)
    return folder if ours and not found.st_mode & 0o077 else None


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks since boot (proc(5), field 22); None if it is gone."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The command's name may contain spaces and brackets; the fields after its last ")" do not.
    fields = line.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def make_folder(app: str) -> Path:
    """A new folder for a world; its name is the world's id."""
    root = worlds_folder()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = root / f"{app[:40]}-{secrets.token_hex(3)}"
    # The owner is on record before the folder can be found, so it is never taken for abandoned.
    unnamed = root / f".{folder.name}"
    unnamed.mkdir(mode=0o700)
    claim = {"pid": os.getpid(), "pid_started": start_time(os.getpid())}
    _write(unnamed / _OWNER, claim)
    unnamed.rename(folder)
    return folder


def new_token() -> str:
    """The token of a new world: the one that the user chose, or a fresh one.

    Raises InputError for one that could be guessed.
    """
    chosen = os.environ.get(TOKEN_VARIABLE)
    if chosen and len(chosen) < _SHORTEST_TOKEN:
        raise InputError(
            f"{TOKEN_VARIABLE} is too short; take {_SHORTEST_TOKEN} characters or more"
        )
    return chosen or secrets.token_urlsafe(24)


def save(record: WorldRecord) -> None:
    """Put a world on record; readable by its owner alone, since it holds the token."""
    _write(record.folder / _RECORD, dataclasses.asdict(record))


def mark_containers(folder: Path, others: Iterable[str] = ()) -> None:
    """From now on the world has things in a Docker engine, at what is now $DOCKER_HOST.

    And in `others`, which are named by their addresses.
    """
    known = {*others, *other_engines_of(folder)}
    found = {"docker_host": os.environ.get("DOCKER_HOST"), "others": sorted(known)}
    _write(folder / _CONTAINERS, found)


def owe(folder: Path, *engines: str) -> None:
    """Engines that are gone may still have things of the world: its folder outlives the world.

    With none, nothing is owed any more.
    """
    owed = folder / _OWED
    if engines:
        owed.write_text("\n".join(engines), encoding="utf-8")
    else:
        owed.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove a world's folder; where something is owed, all but what finds that again."""
    if not (folder / _OWED).exists():
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in (_OWED, _CONTAINERS, _OWNER):
            path.unlink()


def other_engines_of(folder: Path) -> list[str]:
    """The Docker engines of other hosts in which the world has things."""
    try:
        found = json.loads((folder / _CONTAINERS).read_text(encoding="utf-8"))
        return [str(engine) for engine in found["others"]]
    except (OSError, ValueError, KeyError):
        return []


def keep_logs(folder: Path, kept: Path) -> None:
    """Copy all logs of a world that ends into a folder: of machines, services and its own parts.

    Raises EnvironmentLacksError where they cannot be written.
    """
    try:
        kept.mkdir(parents=True, exist_ok=True)
        for log in sorted(folder.rglob("*.log")):
            shutil.copyfile(log, kept / log.name)
    except OSError as error:
        raise EnvironmentLacksError(
            f"the logs cannot be kept in {kept}: {error.strerror}",
            "make room there, or name another folder with --logs",
        ) from error


def engine_of(folder: Path) -> dict[str, str | None] | None:
    """The environment in which the world's Docker engine is found; None for one without."""
    try:
        found = json.loads((folder / _CONTAINERS).read_text(encoding="utf-8"))
        return {"DOCKER_HOST": found["docker_host"]}
    except (OSError, ValueError, KeyError):
        return None


def _write(path: Path, data: object) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file)
    temporary.replace(path)


def running() -> list[WorldRecord]:
    """The worlds whose owner is alive and which are up."""
    found = []
    for folder in _folders():
        record = _load(folder)
        if record and record.alive:
            found.append(record)
    return found


def abandoned() -> list[Path]:
    """The folders of worlds whose owner is gone."""
    return [folder for folder in _folders() if not _owner_alive(folder)]


def _folders() -> list[Path]:
    root = worlds_folder()
    return sorted(root.glob("[!.]*/")) if root.is_dir() else []


def _load(folder: Path) -> WorldRecord | None:
    try:
        data = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return WorldRecord(**data)
    except (OSError, ValueError, TypeError):
        return None


def _owner_alive(folder: Path) -> bool:
    try:
        owner = json.loads((folder / _OWNER).read_text(encoding="utf-8"))
        return start_time(int(owner["pid"])) == int(owner["pid_started"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def reap(folder: Path) -> list[int]:
    """End every process of a world whose owner is gone; gives their ids."""
    ended: list[int] = []
    # A process may fork while the list is read, so look again until nothing is left.
    while pids := [pid for pid in _processes_of(folder) if pid not in ended]:
        for pid in pids:
            # SIGQUIT is PostgreSQL's way to end at once; killed, it would leave shared memory.
            if _name(pid) == "postgres":
                _end(pid, signal.SIGQUIT)
            _end(pid, signal.SIGKILL)
        ended += pids
    return ended


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii", errors="replace").strip()
    return ""


def _end(pid: int, number: int) -> None:
    """Signal a process and wait until it is gone, so that its files are no longer written."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, number)
        select.select([process], [], [], _GONE_WITHIN_S)
    finally:
        os.close(process)


def _processes_of(folder: Path) -> Iterator[int]:
    marker = f"{ENVIRONMENT_KEY}={folder.name}"
    home = str(folder.resolve()) + os.sep
    for pid in pids():
        if started_with(pid, marker) or _works_in(pid, home):
            yield pid


def _works_in(pid: int, home: str) -> bool:
    try:
        return f"{Path(f'/proc/{pid}/cwd').readlink()}{os.sep}".startswith(home)
    except OSError:
        return False  # gone, or somebody else's
