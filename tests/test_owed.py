"""What is kept of a world that could not remove all that it had in other hosts' engines."""

from __future__ import annotations

import json

import pytest

from sim import registry
from sim.cleanup import clean_up
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


def test_a_folder_of_nothing_owed_is_removed(folder):
    registry.mark_containers(folder)
    registry.remove(folder)
    assert not folder.exists()
