"""What is wrong with a campaign's file: each problem, where it is, all at once."""

from __future__ import annotations

from typing import Any

import pytest

from sim.campaign.load_campaign import load_campaign
from sim.errors import InputError
from tests.campaign.conftest import TOPOLOGIES, TTL


def problems(path):
    with pytest.raises(InputError) as error:
        load_campaign(path)
    return [(p.line, p.field, p.message) for p in error.value.problems]


def test_the_example_is_fine():
    campaign = load_campaign(TOPOLOGIES / "ttl-campaign.yaml")
    assert campaign.name == "what a TTL costs"
    assert campaign.seeds == (1, 2, 3)
    assert campaign.speeds == ("auto",)


def test_every_problem_of_the_file_is_told_at_once(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "scenarios: [a.yaml]\n"
        "seeds: 0\n"
        "speeds: [fast]\n"
        "runtimes: [podman]\n"
        "vary:\n"
        "  routing..ttl: [5s]\n"
        "combine: pairs\n"
        "exlude: []\n"
    )
    found = problems(path)
    assert [line for line, _, _ in found] == [2, 3, 4, 6, 7, 8]
    told = " ".join(message for _, _, message in found)
    for part in ("1 to 10000", "`auto`", "`process`", "`pairwise`", "did you mean `exclude`"):
        assert part in told


def test_a_value_that_the_topology_does_not_take_is_told_where_it_stands(file):
    found = problems(file(vary={"routing.ttl": ["5s", "10"], "routing.tl": ["5s"]}))
    assert [(field, message.split(":")[0]) for _, field, message in found] == [
        ("vary.routing.ttl[1]", 'with `routing.ttl="10"`'),
        ("vary.routing.tl[0]", "with `routing.tl=5s`"),
    ]
    assert "did you mean `ttl`" in found[1][2]


def test_a_key_that_leads_nowhere_is_told(file):
    ((_, field, message),) = problems(file(vary={"gateway.checks[1].interval": ["5s"]}))
    assert field == "vary.gateway.checks[1].interval[0]"
    assert "no item [1]" in message


def test_values_that_do_not_go_together_are_told_and_can_be_excluded(file):
    vary = {"routing.ttl": ["5s", "60s"], "gateway.checks[0].interval": ["0s", "10s"]}
    ((_, field, _),) = problems(file(vary=vary))
    assert field == "vary.gateway.checks[0].interval[0]"
    both: dict[str, Any] = {
        "links": [[], [{"between": ["london", "gru"], "rtt": "90ms"}]],
        "regions": [{"iad": {}, "fra": {}}, {"iad": {}, "fra": {}, "gru": {}}],
    }
    # The link is to a region that only the second value has: alone it is the value's own fault.
    assert [field for _, field, _ in problems(file(vary=both))] == ["vary.links[1]"]


def test_combinations_alone_at_fault_are_told_until_they_are_excluded(file):
    vary = {
        "regions.fra.machines": [1, 0],
        "regions.iad.machines": [1, 0],
    }
    found = problems(file(vary=vary))
    assert [field for _, field, _ in found] == ["vary"]
    assert "`regions.fra.machines=0, regions.iad.machines=0`" in found[0][2]
    rule = {"regions.fra.machines": 0, "regions.iad.machines": 0}
    assert load_campaign(file(vary=vary, exclude=[rule])).exclude


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"seeds": [1, 1]}, "here twice"),
        ({"exclude": [{"routing.tll": "5s"}]}, "did you mean `routing.ttl`"),
        ({"exclude": [{"routing.ttl": "6s"}]}, "no run has"),
        ({"exclude": [{"scenario": [str(TOPOLOGIES / "frankfurt-crash.yaml")]}]}, "nothing to run"),
        ({"seeds": 10_000, "vary": {**TTL, "group": [*"abcdefgh"]}}, "too many"),
        ({"scenarios": ["frankfurt.yaml"]}, "no file"),
    ],
)
def test_what_does_not_go_together_is_told(file, keys, told):
    assert any(told in message for _, _, message in problems(file(**{"vary": TTL, **keys})))


def test_another_kind_of_file_is_named():
    with pytest.raises(InputError, match="this is a scenario, not a campaign"):
        load_campaign(TOPOLOGIES / "frankfurt-crash.yaml")
