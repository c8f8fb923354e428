"""Nobody waits for a thread that a driver leaves behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, threading
from sim.cli.running import run_async
from sim.processes.threads import leave

for_ever = threading.Event().wait

async def main():
    {begins}
    await asyncio.sleep(0)
    print("done")

run_async(main())
leave(4)
"""


@pytest.mark.parametrize(
    "begins",
    [
        "pass",
        "threading.Thread(target=for_ever).start()",
        "asyncio.get_running_loop().run_in_executor(None, for_ever)",
    ],
)
def test_a_command_exits_with_its_code_whatever_threads_go_on(begins):
    command = [sys.executable, "-c", PROGRAM.format(begins=begins)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (4, "done\n", "")
