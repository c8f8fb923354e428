"""`sim fault NAME --help`: a fault's own targets and parameters as options."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from sim.cli.faults import fault
from sim.scenario.faults import FAULTS


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "heal"])
def test_each_fault_shows_its_parameters_and_its_targets_alone(name):
    told = CliRunner().invoke(fault, [name, "--help"], terminal_width=200).output
    shown = {
        line.replace("-h, ", "").split()[0] for line in told.splitlines() if line.startswith("  -")
    }
    spec = FAULTS[name]
    parameters = {f"--{param.key.replace('_', '-')}" for param in spec.params}
    targets = {f"--{kind}" for kind in spec.targets}
    assert shown == parameters | targets | {"--set", "--world", "--help"}
