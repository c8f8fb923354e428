"""Looking into a container: commands run in it, and the list of its processes. Both block."""

from __future__ import annotations

from collections.abc import Sequence

from sim.docker.engine import Engine
from sim.machines.docker.container_lens import PROGRAM
from sim.machines.runtime import Executed, ProcessRow
from sim.processes.proc import Handling, children, handling_of, in_cgroup

_COLUMNS = "pid,times,etimes,rss,args"  # seconds of the CPU, seconds since its start, KiB


def execute(engine: Engine, container: str, argv: Sequence[str]) -> Executed:
    """Run a command in the container, to its end. Raises APIError."""
    made = engine.streams.exec_create(container, list(argv))
    stdout, stderr = engine.streams.exec_start(made["Id"], demux=True)
    code = engine.streams.exec_inspect(made["Id"])["ExitCode"]
    return Executed(code, _text(stdout), _text(stderr))


def processes(engine: Engine, container: str) -> list[ProcessRow]:
    """The container's processes, by the numbers that the host gives them. Raises APIError.

    Its lens is not among them, which is no part of the machine.
    """
    rows = engine.api.top(container, f"-o {_COLUMNS}")["Processes"] or ()
    return [
        ProcessRow(
            pid=int(pid),
            command=command,
            directory="",
            cpu_s=float(cpu_s),
            age_s=float(age_s),
            rss_bytes=int(rss) * 1024,
        )
        for pid, cpu_s, age_s, rss, command in rows
        if not command.startswith(f"{PROGRAM} ")
    ]


def handling(init: int, container: str) -> Handling | None:
    """How the main process takes signals: the one child that the container's init started.

    None where this host does not see it: the engine may run elsewhere, or beyond a boundary.
    """
    if not in_cgroup(init, container):
        return None
    main = children(init)
    return handling_of(main[0]) if main else None


def _text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace")
