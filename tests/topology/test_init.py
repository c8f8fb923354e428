from pathlib import Path

import pytest

from sim.errors import InputError
from sim.topology.geography import REGIONS, nearest_active
from sim.topology.init import init_topology
from sim.topology.load_topology import load_topology


def test_the_starter_loads_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(init_topology().text)
    topology = load_topology(path)
    assert topology.primary.code == "iad"
    assert len(topology.regions) == len(topology.locations) == 2
    assert topology.gateway.command is not None


@pytest.mark.parametrize("code", REGIONS)
def test_the_starter_on_a_fly_toml_loads_wherever_it_is_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my fly.toml").write_text(f'app = "voice"\nprimary_region = "{code}"\n')
    Path("t.yaml").write_text(init_topology(Path("my fly.toml")).text)
    topology = load_topology(Path("t.yaml"))
    assert topology.app == "voice"
    region = REGIONS[code]
    assert topology.primary.code == (code if region.active else nearest_active(region.at).code)
    assert len(topology.notes) == (1 if region.active else 2)  # there is no service
    assert len(topology.regions) == len(topology.locations) == 2


def test_what_of_a_fly_toml_is_not_simulated_is_said_in_the_starter(tmp_path: Path) -> None:
    path = tmp_path / "fly.toml"
    path.write_text('primary_region = "iad"\n[[mounts]]\nsource = "data"\n')
    text = init_topology(path).text
    assert "# Not simulated: mounts: volumes are not simulated" in text
    assert "\napp: my-gateway\n" in text


def test_a_fly_toml_that_cannot_be_used_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        init_topology(tmp_path / "fly.toml")


def test_an_unknown_region_is_an_error_with_what_may_be_meant(tmp_path: Path) -> None:
    path = tmp_path / "fly.toml"
    path.write_text('app = "voice"\n\nprimary_region = "frankfurt"\n')
    with pytest.raises(InputError, match=r"fly\.toml:3: .*did you mean `fra`\?"):
        init_topology(path)


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"Dockerfile": 'FROM node\nCMD ["node", "server.js"]\n'}, ["node", "server.js"]),
        (
            {"Dockerfile": 'FROM a\nCMD ["x"]\nFROM b\nENTRYPOINT ["tini", "--"]\nCMD ["run"]\n'},
            ["tini", "--", "run"],
        ),
        ({"Dockerfile": "FROM a\ncmd exec \\\n  ./run\n"}, ["/bin/sh", "-c", "exec    ./run"]),
        (
            {"Dockerfile": "FROM a\n", "package.json": '{"scripts": {"start": "x"}}'},
            ["npm", "start"],
        ),
    ],
)
def test_the_users_own_command_is_found_beside_the_fly_toml(
    tmp_path: Path, files: dict[str, str], command: list[str]
) -> None:
    (tmp_path / "fly.toml").write_text('app = "voice"\nprimary_region = "iad"\n[http_service]\n')
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    starter = init_topology(tmp_path / "fly.toml")
    (tmp_path / "t.yaml").write_text(starter.text)
    gateway = load_topology(tmp_path / "t.yaml").gateway
    assert list(gateway.command or ()) == command
    assert gateway.build is not None
    assert len(starter.notes) == 1


def test_processes_win_over_what_lies_beside_the_fly_toml(tmp_path: Path) -> None:
    (tmp_path / "fly.toml").write_text(
        'app = "voice"\n[processes]\napp = "./mine -v"\n[http_service]\n'
    )
    (tmp_path / "Dockerfile").write_text("CMD ./other")
    (tmp_path / "t.yaml").write_text(init_topology(tmp_path / "fly.toml").text)
    assert load_topology(tmp_path / "t.yaml").gateway.command == ("./mine", "-v")


def test_the_reference_gateway_stands_in_with_a_word_and_answers_the_check(tmp_path: Path) -> None:
    checks = '[[http_service.checks]]\npath = "/live"\n'
    (tmp_path / "fly.toml").write_text(f'app = "voice"\n[http_service]\n{checks}')
    starter = init_topology(tmp_path / "fly.toml")
    (tmp_path / "t.yaml").write_text(starter.text)
    assert load_topology(tmp_path / "t.yaml").gateway.command == (
        *("python", "-m", "sim.gateway", "--check-path", "/live"),
    )
    assert "the reference gateway" in starter.notes[0]
    assert "# Neither processes nor a Dockerfile" in starter.text
