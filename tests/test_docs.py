"""The documentation is true: what it names is there, and what it shows runs."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import click
import pytest
import yaml

from sim import pytest_plugin
from sim.cli import cli
from sim.init.look import look
from sim.init.starter import starter
from sim.scenario.checks import CHECKS
from sim.scenario.faults import FAULTS
from sim.schemas.validate import validate
from sim.testing import targets
from sim.testing.expect import Expect
from sim.topology.kinds import kind_of
from sim.topology.load_topology import topology_from_mapping
from sim.topology.yaml_document import load_document, parse_document
from tools import pages

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SCENARIOS = (ROOT / "docs" / "scenarios.md").read_text()
TESTING = (ROOT / "docs" / "testing.md").read_text()


def blocks(text, language):
    """The code blocks of a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def test_every_check_that_can_be_written_is_judged():
    assert set(CHECKS) == set(CHECKS)


@pytest.mark.parametrize("name", pages.PARTS)
def test_what_pages_have_from_the_code_is_as_the_code_has_it(name):
    """`python -m tools.pages` writes them."""
    text = (ROOT / pages.PARTS[name][0]).read_text()
    assert f"<!-- {name} -->" in text
    assert pages.with_part(text, name) == text


@pytest.mark.parametrize("word", sorted({*FAULTS, *CHECKS}))
def test_every_fault_and_check_is_documented(word):
    assert re.search(rf"^\| .*`{word}`", SCENARIOS, re.MULTILINE)


@pytest.mark.parametrize("word", sorted({*FAULTS, *CHECKS}))
def test_every_parameter_is_documented(word):
    spec = FAULTS.get(word) or CHECKS[word]
    rows = [
        line for line in SCENARIOS.splitlines() if line.startswith("| `") and f"`{word}`" in line
    ]
    for param in spec.params:
        assert re.search(rf"`{param.key}:?[ `]", rows[0]), f"{param.key} of {word}"


@pytest.mark.parametrize("word", sorted(FAULTS))
def test_every_fault_is_a_method_of_what_it_is_done_to_and_documented(word):
    """`service_outage` is the `outage` of a service."""
    for kind in FAULTS[word].targets:
        name = word.removeprefix(f"{kind}_")
        method = inspect.signature(getattr(getattr(targets, kind.capitalize()), name))
        assert [*method.parameters][1:] == [param.key for param in FAULTS[word].params]
        assert re.search(rf"`\.?{name}\b", TESTING)


@pytest.mark.parametrize("word", sorted(CHECKS))
def test_every_check_is_an_expectation_with_its_parameters(word):
    given = {*inspect.signature(getattr(Expect, word)).parameters}
    asked = {param.key for param in CHECKS[word].params}
    assert given == {"self", *asked, "from_", "until"}
    assert f"`{word}`" in TESTING or f"expect.{word}(" in TESTING


def test_every_flag_and_fixture_of_the_plugin_is_documented():
    flags = re.findall(r"(--sim-[a-z]+)", inspect.getsource(pytest_plugin.plugin_options))
    assert len({*flags}) >= 7
    for flag in flags:
        assert re.search(rf"`(pytest )?{flag}\b", TESTING), flag
    for name in ("sim_world", "sim_session_world", "sim_seed"):
        assert f"| `{name}` |" in TESTING


def test_the_readmes_scenario_is_fine_beside_what_sim_init_writes(tmp_path):
    (scenario,) = [block for block in blocks(README, "yaml") if "timeline" in block]
    (tmp_path / "server.js").write_text("http.createServer()")
    for name, text in starter(look(tmp_path), tmp_path, tmp_path / "sim").files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario)
    assert validate([path]) == []


def test_the_page_for_coding_tools_names_commands_and_files_that_are_there(tmp_path):
    page = (ROOT / "AGENTS.md").read_text()
    for word in re.findall(r"^ {4}sim ([a-z-]+)", page, re.MULTILINE):
        assert word in cli.commands, word
    for target in re.findall(r"\]\(([^)#]+)\)", page):
        assert (ROOT / target).exists(), target
    (scenario,) = blocks(page, "yaml")
    (readmes,) = [block for block in blocks(README, "yaml") if "timeline" in block]
    assert yaml.safe_load(scenario).keys() == yaml.safe_load(readmes).keys()


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("path", sorted((ROOT / "topologies").glob("*.yaml")), ids=lambda p: p.name)
def test_every_file_to_copy_is_fine(path):
    assert validate([path]) == []


PARTS = {"topology", "scenario"}
FRAGMENTS = [
    pytest.param(block, id=f"{page.name}-{k}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    if page.name != "gateways.md"  # whole files, which are validated where they stand
    for k, block in enumerate(blocks(page.read_text(), "yaml"))
    if not block.startswith("- ") and kind_of(parse_document(block).data) in PARTS
]


@pytest.mark.parametrize("block", FRAGMENTS)
def test_every_part_of_a_scenario_or_topology_that_is_shown_is_fine(tmp_path, block):
    """As it stands, in a whole one. Drivers are tested where they talk."""
    shown = parse_document(block).data
    topology = load_document(ROOT / "topologies" / "atlas-voice.yaml").data
    whole = {"topology": "atlas-voice.yaml", "duration": "200s", **shown}
    if kind_of(shown) == "topology":
        topology |= {**shown, "gateway": {**topology["gateway"], **shown.get("gateway", {})}}
        whole = {"topology": "atlas-voice.yaml", "duration": "200s"}
    (tmp_path / "atlas-voice.yaml").write_text(json.dumps(topology))
    (tmp_path / "whole.yaml").write_text(json.dumps(whole))
    assert validate([tmp_path / "whole.yaml"]) == []


GATEWAYS = (ROOT / "docs" / "gateways.md").read_text()
RECIPES = ROOT / "topologies" / "gateways"


@pytest.mark.parametrize("recipe", sorted(RECIPES.iterdir()), ids=lambda p: p.name)
def test_every_recipe_of_a_gateway_is_fine_and_in_its_page(recipe):
    assert validate(sorted(recipe.glob("*.yaml"))) == []
    drivers = [path.name for path in recipe.glob("driver.*")]
    assert len(drivers) == 1
    assert f"[{recipe.name}/{drivers[0]}]" in GATEWAYS


def test_the_page_of_gateways_shows_the_recipes_as_they_stand():
    shown = re.findall(
        r"^\[([^]]+)\]\(\.\./(\S+)\):\n\n```\w+\n(.*?)^```", GATEWAYS, re.DOTALL | re.MULTILINE
    )
    assert len(shown) == GATEWAYS.count("\n```") // 2 - 1  # the rest is how one is run
    for name, path, text in shown:
        assert path == f"topologies/gateways/{name}"
        assert text == (ROOT / path).read_text(), path


def test_the_settings_of_anycast_are_as_documented():
    (block,) = blocks((ROOT / "docs" / "anycast.md").read_text(), "yaml")
    said = yaml.safe_load(block)
    said["gateway"]["command"] = ["./gateway"]
    places = {"app": "x", "regions": {"fra": None}, "locations": {"london": None}}
    topology = topology_from_mapping({**places, **said})
    assert (topology.routing.mode, topology.gateway.concurrency.hard_limit) == ("anycast", 25)
    assert topology.gateway.auto_stop == "off"


@pytest.mark.parametrize("page", ["fly.md", "deploys.md"])
def test_every_scenario_and_topology_that_a_page_runs_is_fine(page):
    text = (ROOT / "docs" / page).read_text()
    named = sorted({ROOT / path for path in re.findall(r"topologies/[\w/-]+\.yaml", text)})
    assert len(named) >= 4
    assert validate(named) == []


def test_every_listing_of_flys_walk_takes_json():
    groups = [cli.commands[name] for name in ("machine", "scale", "secrets")]
    assert all(isinstance(group, click.Group) for group in groups)
    commands = [
        command
        for group in groups
        if isinstance(group, click.Group)
        for command in group.commands.values()
    ]
    commands += [cli.commands[name] for name in ("deploy", "status", "regions", "checks", "logs")]
    assert len(commands) >= 19
    for command in commands:
        assert any("--json" in param.opts for param in command.params), command.name


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
ROOMS = re.findall(r"^\| `([\w/]+/)` \| (.+) \|$", ARCHITECTURE, re.MULTILINE)


def test_every_room_is_on_the_map():
    there = {
        f"{path.name}/" for path in (ROOT / "sim").iterdir() if (path / "__init__.py").exists()
    }
    assert there <= {room for room, _ in ROOMS}


@pytest.mark.parametrize(("room", "text"), ROOMS, ids=[room for room, _ in ROOMS])
def test_what_the_map_names_is_there(room, text):
    """A file of the room, a folder of it, or the way to a file in another room."""
    for name in re.findall(r"`([a-z_/]+)`", text):
        paths = (ROOT / "sim" / room / name, ROOT / "sim" / name, ROOT / name)
        assert any(path.with_suffix(".py").is_file() or path.is_dir() for path in paths), name
