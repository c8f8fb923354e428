"""The documentation is true: what it names is there, and what it shows runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sim.scenario.checks import CHECKS
from sim.scenario.faults import FAULTS
from sim.scenario.validate import validate
from sim.scenario.vocabulary import CHECKS as CHECK_WORDS
from sim.scenario.vocabulary import FAULTS as FAULT_WORDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SCENARIOS = (ROOT / "docs" / "scenarios.md").read_text()


def blocks(text, language):
    """The code blocks of a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def test_every_fault_that_can_be_written_can_be_done():
    assert set(FAULT_WORDS) == set(FAULTS)


def test_every_check_that_can_be_written_is_judged():
    assert set(CHECK_WORDS) == set(CHECKS)


@pytest.mark.parametrize("word", sorted({*FAULT_WORDS, *CHECK_WORDS}))
def test_every_fault_and_check_is_documented(word):
    assert re.search(rf"^\| .*`{word}`", SCENARIOS, re.MULTILINE)


@pytest.mark.parametrize("word", sorted({*FAULT_WORDS, *CHECK_WORDS}))
def test_every_parameter_is_documented(word):
    spec = FAULT_WORDS.get(word) or CHECK_WORDS[word]
    rows = [
        line for line in SCENARIOS.splitlines() if line.startswith("| `") and f"`{word}`" in line
    ]
    for param in spec.params:
        assert re.search(rf"`{param.key}:?[ `]", rows[0]), f"{param.key} of {word}"


def test_the_readmes_scenario_is_fine(tmp_path):
    (scenario,) = [block for block in blocks(README, "yaml") if "timeline" in block]
    (tmp_path / "topology.yaml").write_text(
        yaml.safe_dump(
            {
                "app": "mine",
                "gateway": {"command": ["./gateway"]},
                "regions": {"iad": {}, "fra": {}},
                "locations": {"new-york": {}, "london": {}},
            }
        )
    )
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario)
    assert validate([path]) == []


def test_every_link_of_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("path", sorted((ROOT / "topologies").glob("*.yaml")), ids=lambda p: p.name)
def test_every_file_to_copy_is_fine(path):
    assert validate([path]) == []
