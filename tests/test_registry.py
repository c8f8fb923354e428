"""What is kept of a world's folder, and how people learn of it."""

from __future__ import annotations

import pytest

from sim import registry
from sim.cli.running import telling_of_logs
from sim.errors import EnvironmentLacksError, StartError


@pytest.fixture
def world(tmp_path):
    """A world's folder with two logs, and a journal, which is none."""
    folder = tmp_path / "world"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "fra-1.log").write_text("ready\n")
    (folder / "postgres.log").write_text("up\n")
    (folder / "journal.jsonl").write_text("{}\n")
    return folder


def test_all_logs_are_kept_and_nothing_else(world, tmp_path):
    kept = tmp_path / "to" / "keep"
    registry.keep_logs(world, kept)
    assert {path.name: path.read_text() for path in kept.iterdir()} == {
        "fra-1.log": "ready\n",
        "postgres.log": "up\n",
    }


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(world):
    with pytest.raises(EnvironmentLacksError, match="--logs"):
        registry.keep_logs(world, world / "postgres.log")


@pytest.mark.parametrize("kept", [True, False])
def test_who_does_not_come_up_is_told_where_all_is_that_was_printed(kept, tmp_path):
    with (
        pytest.raises(StartError, match=str(tmp_path) if kept else "--logs DIR"),
        telling_of_logs(tmp_path if kept else None),
    ):
        raise StartError("machine fra/1 died")


def test_worlds_of_another_user_are_elsewhere(monkeypatch):
    monkeypatch.delenv("SIM_HOME", raising=False)
    mine = registry.worlds_folder()
    monkeypatch.setenv("SIM_HOME", "/somebody/else")
    assert registry.worlds_folder() != mine
    assert registry.running() == []
