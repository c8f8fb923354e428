"""The files of `sim init`: valid together, whatever a repository holds."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from sim.cli.init import init
from sim.clients.http_declaration import HttpDeclaration
from sim.errors import InputError
from sim.init.look import look
from sim.init.starter import Starter, starter
from sim.scenario.load_scenario import load_scenario
from sim.scenario.model import Scenario
from sim.topology.geography import REGIONS, nearest_active
from sim.topology.model import Program
from sim.topology.yaml_document import load_document

SIM = Path("sim")


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def begun(files: dict[str, str]) -> tuple[Starter, Scenario]:
    """What is written for a repository of these files, and the scenario as `sim run` reads it."""
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    made = starter(look(Path()), Path(), SIM)
    for name, text in made.files.items():
        (SIM / name).parent.mkdir(parents=True, exist_ok=True)
        (SIM / name).write_text(text)
    return made, load_scenario(SIM / "crash.yaml")


def test_an_empty_folder_gets_the_reference_gateway_and_says_so() -> None:
    made, scenario = begun({})
    assert scenario.topology.gateway.command == ("python", "-m", "sim.gateway")
    assert scenario.topology.database is not None
    assert scenario.load.driver == "session"
    assert "reference gateway" in made.told[0]
    assert made.commands == ("sim run sim/crash.yaml",)


@pytest.mark.parametrize("code", REGIONS)
def test_the_files_are_valid_wherever_an_app_is_deployed(code: str) -> None:
    _, scenario = begun({"fly.toml": f'app = "voice"\nprimary_region = "{code}"\n'})
    topology, region = scenario.topology, REGIONS[code]
    assert topology.app == "voice"
    assert topology.primary.code == (code if region.active else nearest_active(region.at).code)
    assert len(topology.notes) == (1 if region.active else 2)  # there is no service
    assert len(topology.regions) == len(topology.locations) == 2


def test_the_names_of_places_are_those_of_all_documents() -> None:
    _, scenario = begun({})
    assert list(scenario.topology.locations) == ["new-york", "london"]
    assert list(scenario.topology.regions) == ["iad", "fra"]


def test_what_of_a_fly_toml_is_not_simulated_is_said_in_the_topology() -> None:
    made, _ = begun({"fly.toml": 'primary_region = "iad"\n[[mounts]]\nsource = "data"\n'})
    text = made.files["topology.yaml"]
    assert "# Not simulated: mounts: volumes are not simulated" in text
    assert "\napp: my-gateway\n" in text
    assert any("mounts: volumes are not simulated" in line for line in made.told)


def test_an_unknown_region_is_an_error_with_what_may_be_meant() -> None:
    Path("fly.toml").write_text('app = "voice"\n\nprimary_region = "frankfurt"\n')
    with pytest.raises(InputError, match=r"fly\.toml:3: .*did you mean `fra`\?"):
        look(Path())


FLY = 'app = "voice"\nprimary_region = "iad"\n[http_service]\n'


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"Dockerfile": 'FROM n\nCMD ["node", "server.js"]\n', "server.js": ""}, "node server.js"),
        (
            {"Dockerfile": 'FROM a\nCMD ["x"]\nFROM b\nENTRYPOINT ["tini", "--"]\nCMD ["run"]\n'},
            "tini -- run",
        ),
        ({"Dockerfile": "FROM a\ncmd run \\\n  --fast\n"}, "run --fast"),
        ({"Dockerfile": "FROM a\n", "package.json": '{"scripts": {"start": "x"}}'}, "npm start"),
        # files that only the image has
        (
            {"Dockerfile": 'FROM a\nCMD ["/app/server"]\n', "package.json": '{"main": "s.js"}'},
            "node s.js",
        ),
    ],
)
def test_the_users_own_command_is_found(files: dict[str, str], command: str) -> None:
    made, scenario = begun({"fly.toml": FLY, **files})
    assert scenario.topology.gateway.command == tuple(command.split())
    assert scenario.topology.gateway.build is not None
    assert f"command    {command}" in made.told[0]


def test_processes_win_over_what_lies_beside_the_fly_toml() -> None:
    fly = 'app = "voice"\n[processes]\nweb = "node mine.js"\nworker = "node w.js"\n'
    fly += '[http_service]\nprocesses = ["web"]\n'
    made, scenario = begun({"fly.toml": fly, "Dockerfile": "CMD other"})
    assert scenario.topology.gateway.command == ("node", "mine.js")
    assert "command:" not in made.files["topology.yaml"]  # it is the fly.toml's


def test_a_port_in_the_command_of_a_fly_toml_is_each_machines_own() -> None:
    fly = 'app = "voice"\n[processes]\nweb = "bin/rails s -b :: -p 3000"\n'
    fly += '[http_service]\ninternal_port = 3000\nprocesses = ["web"]\n'
    _, scenario = begun({"fly.toml": fly})
    command = ("sh", "-c", 'exec bin/rails s -b :: -p "$PORT"')
    assert scenario.topology.gateway.command == command


def test_an_image_of_the_fly_toml_runs_as_containers() -> None:
    fly = 'app = "voice"\n[build]\nimage = "me/voice:1"\n[http_service]\n'
    made, scenario = begun({"fly.toml": fly, "package.json": '{"main": "s.js"}'})
    assert scenario.topology.gateway.image == "me/voice:1"
    assert scenario.topology.gateway.command is None
    assert made.commands[-1] == "sim run sim/crash.yaml --runtime docker"


def test_the_command_runs_in_the_repository_not_beside_the_topology() -> None:
    _, scenario = begun({"package.json": '{"name": "@me/Voice_GW", "main": "s.js"}'})
    topology = scenario.topology
    assert (topology.folder / topology.gateway.folder).resolve() == Path.cwd()
    assert topology.app == "voice-gw"


def test_a_secret_that_the_code_needs_is_made_up_or_taken_from_dotenv() -> None:
    source = "http.createServer(); process.env.SIGN_SECRET; process.env.API_KEY || 'none'"
    made, scenario = begun({"server.js": source})
    assert list(scenario.topology.gateway.env) == ["SIGN_SECRET"]
    assert any("SIGN_SECRET, made up" in line for line in made.told)


def test_a_secret_of_dotenv_is_a_secret() -> None:
    files = {"server.js": "http.createServer(); process.env.SIGN_SECRET", ".env": "SIGN_SECRET=x\n"}
    made, scenario = begun(files)
    assert scenario.topology.gateway.secrets == ("SIGN_SECRET",)
    assert made.commands == ("sim run sim/crash.yaml --secrets .env",)


def test_clients_ask_for_the_health_check_where_nothing_is_known_of_the_protocol() -> None:
    source = (
        "http.createServer(); if (url === '/healthz') ok(); new WebSocketServer({path: '/live'})"
    )
    made, scenario = begun({"server.js": source})
    assert isinstance(scenario.load.driver, HttpDeclaration)
    assert scenario.topology.gateway.checks[0].path == "/healthz"
    open_ = "do not use the WebSocket yet (/live, server.js)"
    assert open_ in made.files["driver.yaml"]
    assert any(line.startswith(f"note: clients {open_}: `sim init --listen`") for line in made.told)


def test_a_gateway_without_a_health_check_is_there_whatever_it_answers() -> None:
    _, scenario = begun({"server.js": "new WebSocketServer({ port: process.env.PORT })"})
    driver = scenario.load.driver
    assert isinstance(driver, HttpDeclaration)
    assert 426 in driver.expect
    assert 503 not in driver.expect


def test_a_port_that_does_not_follow_the_environment_is_told() -> None:
    made, _ = begun({"server.js": "http.createServer(f).listen(3000)"})
    assert any("server.js listens on 3000 whatever PORT says" in line for line in made.told)


def test_an_existing_file_is_left_alone() -> None:
    SIM.mkdir()
    (SIM / "crash.yaml").write_text("mine")
    done = CliRunner().invoke(init, [])
    assert isinstance(done.exception, InputError)
    assert "there already: sim/crash.yaml" in str(done.exception)
    assert [path.name for path in SIM.iterdir()] == ["crash.yaml"]


def test_the_files_name_the_schema_that_lies_beside_them() -> None:
    made, _ = begun({"server.js": "http.createServer()"})
    for name, text in made.files.items():
        if name.endswith(".yaml"):
            schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
            checker = jsonschema.Draft7Validator(json.loads(made.files[schema]))
            assert [*checker.iter_errors(load_document(SIM / name).data)] == []


COMPOSE = """
services:
  gateway: {build: ., command: ./gateway, ports: ["80:9000"], environment: {C: "redis://cache/0"}}
  cache: {image: "redis:7"}
  queue: {image: "rabbitmq:3"}
"""


@pytest.mark.parametrize("installed", [True, False])
def test_other_services_are_written_to_run_where_their_programs_are_here(
    installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if installed:
        (tmp_path / "redis-server").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    made, scenario = begun({"compose.yaml": COMPOSE})
    services = scenario.topology.services
    if installed:
        (cache,) = services.values()
        assert cache == Program(
            "cache",
            scenario.topology.primary.code,
            ("redis-server", "--port", "$PORT", "--bind", "$HOST"),
            "redis:7",
            6379,
            {"C": "redis://$HOST:$PORT/0"},
        )
    else:
        assert services == {}
        assert "note: the service `cache` (redis:7) is written as a comment: install redis" in (
            "\n".join(made.told)
        )
    (note,) = (line for line in made.told if "`queue`" in line)
    assert note.endswith("give it a command that runs it")
    assert "#     image: rabbitmq:3" in made.files["topology.yaml"]


def test_a_compose_file_whose_image_is_made_in_a_folder_of_its_own() -> None:
    compose = "services: {gw: {build: {context: src, args: {BASE: x}}, ports: ['1:9000']}}"
    made, scenario = begun({"docker-compose.yml": compose})
    build = scenario.topology.gateway.build
    assert build is not None
    assert (scenario.topology.folder / build.context).resolve() == Path.cwd() / "src"
    assert build.args == {"BASE": "x"}
    assert made.commands == ("sim run sim/crash.yaml --runtime docker",)


@pytest.mark.parametrize(
    ("dockerfile", "command"),
    [
        ("FROM oven/bun:1\n", "sim run sim/crash.yaml --runtime docker"),
        ("", "sim run sim/crash.yaml"),
    ],
)
def test_a_program_that_is_not_here_is_told_of(
    dockerfile: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    files = {"Procfile": "web: bun run s.ts\n"}
    made, _ = begun(files | ({"Dockerfile": dockerfile} if dockerfile else {}))
    assert any(line.startswith("note: bun is not installed here") for line in made.told)
    assert made.commands[-1] == command
