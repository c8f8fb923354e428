"""What is kept of a world that could not remove all that it had in other hosts' engines."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest
from click.testing import CliRunner

from sim import registry
from sim.cleanup import clean_up
from sim.cli.worlds import down
from sim.errors import EnvironmentLacksError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A world's folder, with what a world writes there."""
    monkeypatch.setenv("SIM_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    folder = registry.make_folder("voice")
    (folder / "logs").mkdir()
    (folder / "journal.jsonl").touch()
    return folder


def test_a_folder_goes_unless_an_engine_is_owed_a_clean_up(folder):
    registry.mark_containers(folder, ["tcp://10.1.2.3:2375"])
    registry.mark_containers(folder)  # for its own engine again: the others stay known
    assert registry.other_engines_of(folder) == ["tcp://10.1.2.3:2375"]
    registry.owe(folder, "tcp://10.1.2.3:2375")
    registry.remove(folder)
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == ["containers.json", "owed.txt", "owner.json"]
    assert registry.abandoned() == []  # its owner, this process, may still end it

    owner = json.loads((folder / "owner.json").read_text())
    (folder / "owner.json").write_text(json.dumps({**owner, "pid_started": 1}))
    assert registry.abandoned() == [folder]
    with pytest.raises(EnvironmentLacksError, match="no Docker engine answers"):
        clean_up(folder)
    assert folder.exists()


def test_all_but_what_a_silent_engine_has_is_cleaned_up(folder, monkeypatch):
    """That is found again by the next clean-up; other worlds are not kept waiting for it."""
    registry.mark_containers(folder)
    other = registry.make_folder("wave")  # of no containers, and as dead
    for dead in (folder, other):
        owner = json.loads((dead / "owner.json").read_text())
        (dead / "owner.json").write_text(json.dumps({**owner, "pid_started": 1}))
    left = subprocess.Popen(["sleep", "60"], env={**os.environ, "SIM_WORLD": folder.name})
    done = CliRunner().invoke(down, standalone_mode=False)
    assert done.return_value == 3
    assert f"what {folder.name} has there stays" in done.output
    assert left.wait() == -signal.SIGKILL
    assert not other.exists()
    assert registry.abandoned() == [folder]
    assert not (folder / "journal.jsonl").exists()

    monkeypatch.setattr("sim.docker.leftovers.remove_all", lambda *_, **__: 2)
    assert clean_up(folder).startswith("2 containers and networks")
    assert not folder.exists()


def test_a_folder_of_nothing_owed_is_removed(folder):
    registry.mark_containers(folder)
    registry.remove(folder)
    assert not folder.exists()
