"""A second user of the same machine: worlds that know nothing of each other, at other addresses."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim import registry, slots
from sim.control.choose import the_world
from sim.errors import InputError
from sim.topology.load_topology import load_topology

TOPOLOGY = Path(__file__).parents[1] / "topologies/atlas-voice.yaml"
# A process becomes the other user once it is loaded: that user may not be able to read this Python.
THEIRS = """
import contextlib, encodings.ascii, encodings.idna, os, sys
from pathlib import Path
from sim import registry, slots
from sim.topology.load_topology import load_topology
topology, uid, ours = load_topology(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
os.setgroups([]); os.setgid(uid); os.setuid(uid)
with contextlib.ExitStack() as stack:
    _, plan = slots.claim(topology, stack)
    folder = registry.make_folder("theirs")
    try:
        seen = os.listdir(ours)
    except PermissionError:
        seen = None
    print(plan.slot, folder, seen, len(registry.running()), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other():
    """The id of another user. Only root can become one."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    if registry._in_memory() is None:
        pytest.skip("worlds are not in memory here")
    return pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def theirs(other, monkeypatch):
    """What the other user's process says that has claimed a slot, and holds it meanwhile."""
    monkeypatch.delenv("SIM_HOME", raising=False)
    mine = registry.make_folder("ours")
    home = registry._SHARED_MEMORY / f"sim-{other}"
    was_there = home.exists()
    argv = [sys.executable, "-c", THEIRS, str(TOPOLOGY), str(other), str(mine)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    line = process.stdout.readline()
    yield line.split()
    with process:
        process.stdin.close()
    registry.remove(mine)
    shutil.rmtree(line.split()[1])
    if not was_there:
        shutil.rmtree(home)


async def test_their_world_has_other_addresses_and_a_folder_of_its_own(theirs, other):
    slot, folder, seen, running = theirs
    assert Path(folder).parent == registry._SHARED_MEMORY / f"sim-{other}" / "worlds"
    assert (seen, running) == ("None", "0")  # they may not even list ours
    assert not [path for path in registry.abandoned() if path.name.startswith("theirs")]
    assert slots.taken() >= 1
    async with contextlib.AsyncExitStack() as stack:
        _, plan = slots.claim(load_topology(TOPOLOGY), stack)
        assert str(plan.slot) != slot
        assert slots.taken() >= 2


def test_who_has_no_world_is_told_of_theirs(theirs, tmp_path, monkeypatch):
    monkeypatch.setenv("SIM_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"of this machine cannot be acted on from here: another"):
        the_world(None)
