"""What the command's exit codes say where the simulator itself is broken."""

from __future__ import annotations

import pytest

from sim import cli
from sim.cli import DEFECT, main


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
