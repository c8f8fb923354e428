"""The forms of faults follow the vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.dashboard.forms import forms
from sim.scenario.faults import FAULTS
from sim.scenario.live import live_fault
from sim.topology.load_topology import load_topology

TOPOLOGY = load_topology(Path(__file__).parents[2] / "topologies" / "atlas-voice.yaml")
TARGETS = {
    "region": "fra",
    "machine": "fra/1",
    "location": "london",
    "link": ["london", "fra"],
    "service": "database",
}


def test_every_fault_has_a_form():
    assert [form["fault"] for form in forms(TOPOLOGY)] == list(FAULTS)


@pytest.mark.parametrize("form", forms(TOPOLOGY), ids=lambda form: form["fault"])
def test_what_a_form_shows_as_its_example_is_taken(form):
    """Whatever a person fills in as the form suggests, the world understands."""
    wanted = [p for p in form["params"] if p["required"] or p["key"] in form["one_of"]]
    filled = {p["key"]: p["choices"][0] if p["choices"] else p["example"] for p in wanted}
    for kind in form["targets"]:
        entry = {"fault": form["fault"], kind: TARGETS[kind], **filled}
        assert live_fault(entry, TOPOLOGY).fault == form["fault"]
    if form["everything"]:
        assert live_fault({"fault": form["fault"], **filled}, TOPOLOGY).target is None


def test_names_to_choose_from_are_the_topologys():
    (towards,) = [
        param
        for form in forms(TOPOLOGY)
        if form["fault"] == "partition"
        for param in form["params"]
        if param["key"] == "towards"
    ]
    assert towards["choices"] == ["new-york", "london", "iad", "fra", "database"]
