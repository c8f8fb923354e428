from pathlib import Path

import pytest

from sim.errors import InputError
from sim.topology.geography import REGIONS
from sim.topology.init import init_topology
from sim.topology.load_topology import load_topology


def test_the_starter_loads_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(init_topology())
    topology = load_topology(path)
    assert topology.primary.code == "iad"
    assert len(topology.regions) == len(topology.locations) == 2
    assert topology.gateway.command is not None


@pytest.mark.parametrize("code", [*REGIONS, "zzz"])
def test_the_starter_on_a_fly_toml_loads_wherever_it_is_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my fly.toml").write_text(f'app = "voice"\nprimary_region = "{code}"\n')
    Path("t.yaml").write_text(init_topology(Path("my fly.toml")))
    topology = load_topology(Path("t.yaml"))
    assert topology.app == "voice"
    assert topology.primary.code == code
    assert len(topology.regions) == len(topology.locations) == 2


def test_what_of_a_fly_toml_is_not_simulated_is_said_in_the_starter(tmp_path: Path) -> None:
    path = tmp_path / "fly.toml"
    path.write_text('primary_region = "iad"\n[[mounts]]\nsource = "data"\n')
    text = init_topology(path)
    assert "# Not simulated: mounts: volumes are not simulated" in text
    assert "\napp: my-gateway\n" in text


def test_a_fly_toml_that_cannot_be_used_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        init_topology(tmp_path / "fly.toml")
