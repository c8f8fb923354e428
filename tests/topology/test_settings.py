"""Values in place of what a topology's file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import InputError
from sim.topology.load_topology import load_topology
from sim.topology.settings import path_of, setting_of

ATLAS = Path(__file__).parents[2] / "topologies" / "atlas-voice.yaml"


def test_a_value_is_read_with_the_rest_of_the_file():
    topology = load_topology(ATLAS, {"routing.ttl": "5s", "gateway.checks[0].interval": "7s"})
    assert topology.routing.ttl_s == 5.0
    assert topology.gateway.checks[0].interval_s == 7.0
    assert topology.document["routing"]["ttl"] == "5s", "a journal has what was run"
    assert load_topology(ATLAS).routing.ttl_s == 30.0


def test_a_key_that_the_file_does_not_have_is_made():
    assert load_topology(ATLAS, {"deploy.strategy": "bluegreen"}).deploy.strategy == "bluegreen"
    assert "gru" in load_topology(ATLAS, {"regions.gru": {"machines": 1}}).regions


def test_it_wins_over_a_fly_toml(tmp_path):
    (tmp_path / "fly.toml").write_text(
        'app = "a"\nprimary_region = "iad"\n[http_service]\ninternal_port = 8080\n'
        '[[http_service.checks]]\npath = "/"\ninterval = "15s"\n'
    )
    path = tmp_path / "topology.yaml"
    gateway = "gateway: {command: [./gateway]}"
    path.write_text(f"fly_toml: fly.toml\nlocations: {{london: {{}}}}\n{gateway}\n")
    assert load_topology(path).gateway.checks[0].interval_s == 15.0
    topology = load_topology(path, {"gateway.checks[0].interval": "3s"})
    assert topology.gateway.checks[0].interval_s == 3.0


@pytest.mark.parametrize(
    ("settings", "field", "told"),
    [
        ({"routing.ttl": "5"}, "routing.ttl", "`5s`"),
        ({"routing.tll": "5s"}, "routing.tll", "did you mean `ttl`"),
        ({"gateway.checks[4].interval": "5s"}, "gateway.checks[4].interval", "no item"),
        ({"app.name": "x"}, "app.name", "no mapping"),
    ],
)
def test_what_cannot_be_set_is_told_with_its_key(settings, field, told):
    with pytest.raises(InputError) as error:
        load_topology(ATLAS, settings)
    assert [(p.field, told in p.message) for p in error.value.problems] == [(field, True)]


def test_a_setting_is_read_as_yaml_reads_it():
    assert setting_of("routing.ttl=5s") == ("routing.ttl", "5s")
    assert setting_of("gateway.command=[./gateway, -n, 3]") == (
        "gateway.command",
        ["./gateway", "-n", 3],
    )
    assert setting_of('gateway.image="1.10"') == ("gateway.image", "1.10")
    assert path_of("gateway.checks[0].interval") == ("gateway", "checks", 0, "interval")


@pytest.mark.parametrize("text", ["routing.ttl", "=5s", "a..b=1", "a[x]=1", "a=[1"])
def test_what_is_no_setting_is_told(text):
    with pytest.raises(InputError):
        setting_of(text)
