"""What runs on a Dask worker, which need not have the simulator: its package comes along.

This module is sent as it is, by value, so it imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TO_END_S = 60.0


class BundlePlugin(WorkerPlugin):
    """Unpacks the package and the campaign's files on each worker, also on one that comes later.

    With its end the runs that are still on end as well, with their worlds.
    """

    def __init__(self, name: str, packed: bytes) -> None:
        self.name = name
        self._packed = packed

    def setup(self, worker: Worker) -> None:
        """Unpack in the worker's own folder, which Dask removes."""
        folder = _place(worker, self.name)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "running").mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(self._packed), mode="r:gz") as packed:
            # By the attribute, for Python before 3.11.4 has no filters and ignores it.
            packed.extraction_filter = getattr(tarfile, "data_filter", None)
            packed.extractall(folder)  # noqa: S202 - we have packed it

    def teardown(self, worker: Worker) -> None:
        """End what runs, and leave nothing."""
        folder = _place(worker, self.name)
        for running in (folder / "running").iterdir():
            _end(int(running.name))
        shutil.rmtree(folder, ignore_errors=True)


def run_world(
    bundle: str, at: str, arguments: Sequence[str], files: Sequence[str]
) -> tuple[int, dict[str, bytes]]:
    """The exit code of `sim run` in the folder `at` of the bundle, and the files that it wrote.

    Where `arguments` have `{out}`, the run has a folder of its own. What it said is `output.txt`.
    """
    folder = _place(get_worker(), bundle)
    out = Path(tempfile.mkdtemp(dir=folder))
    with (out / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sim", *(word.replace("{out}", str(out)) for word in arguments)],
            cwd=folder / "files" / at,
            env={**os.environ, "PYTHONPATH": str(folder / "package")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - it makes one system call
        )
    running = folder / "running" / str(process.pid)
    running.touch()
    try:
        code = process.wait()
    finally:
        running.unlink(missing_ok=True)
    written = {name: (out / name).read_bytes() for name in files if (out / name).exists()}
    shutil.rmtree(out, ignore_errors=True)
    return code, written


def _end(pid: int) -> None:
    """Ask a run to end and wait for it: it needs its files until its world is down."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGTERM)
            select.select([fd], [], [], _TO_END_S)
        finally:
            os.close(fd)


def _end_with_parent() -> None:
    """Be asked to end when the worker dies, so that no world outlives it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _place(worker: Any, name: str) -> Path:
    return Path(worker.local_directory) / name
