"""What the command says of files that are not there, and where the simulator itself is broken."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from sim import cli
from sim.cli import DEFECT, main
from sim.errors import InputError


@pytest.mark.parametrize("error", [RuntimeError("oh"), ImportError("gone"), KeyError("x")])
def test_a_defect_of_the_simulator_is_no_failed_expectation(monkeypatch, capsys, error):
    def broken(**_options):
        raise error

    monkeypatch.setattr(cli, "cli", broken)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == DEFECT == 70
    told = capsys.readouterr().err
    assert type(error).__name__ in told
    assert told.endswith("Please report it with the lines above.\n")


def test_until_a_command_runs_nothing_is_imported_that_only_some_need():
    script = "import sys, sim.cli; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"pydantic", "yaml", "aiohttp", "rich", "docker", "sim.scenario.model", "sim.world"}
    assert heavy.intersection(run.stdout.split()) == set()


def test_an_exit_that_a_driver_asks_for_is_no_verdict(monkeypatch, capsys):
    def leaves(**_options):
        sys.exit(0)

    monkeypatch.setattr(cli, "cli", leaves)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == InputError.exit_code == 2
    assert "sys.exit(0)" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "sweep", "hunt", "campaign", "up", "validate"])
def test_a_file_that_is_not_there_is_said_in_the_words_of_all_other_problems(command, tmp_path):
    (tmp_path / "crash.yaml").touch()
    for name, said in (
        ("crush.yaml", f"there is no such file; did you mean `{tmp_path / 'crash.yaml'}`?"),
        ("crash.yml", f"there is no such file; did you mean `{tmp_path / 'crash.yaml'}`?"),
        ("crash", f"there is no such file; did you mean `{tmp_path / 'crash.yaml'}`?"),
        ("", "is a folder; name a file in it"),
    ):
        asked = [command, str(tmp_path / name)]
        error = CliRunner().invoke(cli.cli, asked, standalone_mode=False).exception
        assert isinstance(error, InputError)
        assert str(error) == f"{tmp_path / name}: {said}"
