"""Whole worlds, brought up as a user would: by the command, in a folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docker.boxed import boxed

__all__ = ["boxed", "sim", "topologies"]

ROOT = Path(__file__).parents[2]


class Sim:
    """The `sim` command with a home of its own, so that tests see no other worlds."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "SIM_HOME": str(home), "COLUMNS": "120"}
        self.environment.pop("TERM", None)
        self.environment.pop("SIM_TOXIPROXY", None)  # a test asks for the stock server by name

    def start(self, *arguments, module="sim", **options):
        """The command, running."""
        program = ("-m", module) if module else ()
        return subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            env={**self.environment, **options.pop("env", {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *arguments, timeout=120, **options):
        """The command's end: returncode, stdout, stderr."""
        process = self.start(*arguments, **options)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def python(self, *arguments, **options):
        """The end of Python itself, among this home's worlds."""
        return self(*arguments, module=None, **options)

    def json(self, *arguments):
        """What a listing prints as JSON."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def left_behind(self):
        """Processes of this home's worlds, and folders."""
        folders = list((self.home / "worlds").glob("*"))
        return processes_in(self.home) + folders


def processes_in(folder):
    """Processes that work in a folder or have its worlds' mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environ = (entry / "environ").read_bytes()
            inside = str((entry / "cwd").readlink()).startswith(str(folder))
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if inside or (f"SIM_HOME={folder}".encode() in environ) or str(folder).encode() in command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


@contextmanager
def at_home():
    """The command in a home of its own, of which nothing may be left at the end.

    Its home is in memory where that can be: a database is many small files, which some file
    systems make slowly in a folder where many others were removed.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as home:
        command = Sim(Path(home))
        yield command
        if command.left_behind():
            command("down", "--all")
        assert command.left_behind() == []


@pytest.fixture
def sim():
    """The command in a home of its own, of which nothing may be left after the test."""
    with at_home() as command:
        yield command


@pytest.fixture(scope="session")
def topologies():
    """The folder of topologies that come with the simulator."""
    return ROOT / "topologies"
