"""Which runs a campaign is made of."""

from __future__ import annotations

from itertools import combinations
from math import prod

import pytest

from sim.campaign.matrix import Campaign, cells, said, setups
from sim.campaign.shard import Shard, shard_of
from tests.campaign.conftest import TTL


def test_in_full_each_combination_has_each_seed(campaign):
    found = [*cells(campaign(seeds=3, vary=TTL))]
    assert len(found) == len({cell.id for cell in found}) == 3 * 3 * 2
    assert [cell.index for cell in found] == [*range(18)]
    assert [cell.seed for cell in found[:4]] == [1, 2, 3, 1]
    assert found[-1].settings == {"routing.ttl": "60s", "gateway.checks[0].interval": "30s"}


def test_a_cell_keeps_its_id_when_the_matrix_grows(campaign):
    before = {cell.id for cell in cells(campaign(seeds=2, vary={"routing.ttl": ["5s", "30s"]}))}
    after = {
        cell.id for cell in cells(campaign(seeds=5, vary={"routing.ttl": ["1s", "30s", "5s"]}))
    }
    assert before < after


def test_what_is_excluded_is_not_run(campaign):
    rules = [
        {"routing.ttl": ["5s", "60s"], "gateway.checks[0].interval": "30s"},
        {"seed": 2, "routing.ttl": "30s"},
    ]
    found = [
        (*cell.settings.values(), cell.seed)
        for cell in cells(campaign(seeds=2, vary=TTL, exclude=rules))
    ]
    assert found == [
        ("5s", "10s", 1),
        ("5s", "10s", 2),
        ("30s", "10s", 1),
        ("30s", "30s", 1),
        ("60s", "10s", 1),
        ("60s", "10s", 2),
    ]


def made(vary, **keys):
    """A campaign that no file is read for."""
    given = {
        "name": "made",
        "scenarios": ["a", "b"],
        "seeds": [1, 2],
        "speeds": [1.0],
        "runtimes": ["process"],
        "combine": "pairwise",
        "exclude": [],
    }
    return Campaign(**{**given, **keys}, vary=vary)


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 4, 5), (5, 5, 5, 5)])
def test_pairwise_each_pair_of_values_meets_in_far_fewer_runs(sizes):
    vary = {f"key{k}": [*range(size)] for k, size in enumerate(sizes)}
    asked = made(vary)
    found = setups(asked)
    met = {pair for setup in found for pair in combinations(setup.items(), 2)}
    full = setups(made(vary, combine="full"))
    assert met == {pair for setup in full for pair in combinations(setup.items(), 2)}
    largest = sorted(sizes)[-2:]
    assert prod(largest) <= len(found) <= 2 * prod(largest)
    assert len(found) < len(full)
    assert len([*cells(asked)]) == 2 * len(found)


def test_pairwise_what_is_excluded_stays_out_and_the_rest_still_meets():
    vary = {"one": [1, 2, 3], "two": [1, 2, 3], "three": [1, 2, 3]}
    rules = [{"one": [1], "two": [1]}]
    full = setups(made(vary, exclude=rules, combine="full"))
    found = setups(made(vary, exclude=rules))
    pairs = {pair for setup in full for pair in combinations(setup.items(), 2)}
    assert {pair for setup in found for pair in combinations(setup.items(), 2)} == pairs
    assert (("one", 1), ("two", 1)) not in pairs


def test_shards_are_all_of_it_each_cell_once(campaign):
    whole = [*cells(campaign(seeds=7, vary=TTL))]
    parts = [[*shard_of(f"{number}/8").part(whole)] for number in range(1, 9)]
    assert sorted((cell for part in parts for cell in part), key=lambda c: c.index) == whole
    assert {len(part) for part in parts} == {5, 6}


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/", "a/b", "-1/2", "1/0"])
def test_what_is_no_shard_is_said(text):
    with pytest.raises(ValueError, match="which of how many"):
        shard_of(text)


def test_a_shard_is_written_as_it_is_read():
    assert shard_of(str(Shard(3, 8))) == Shard(3, 8)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("30s", "key=30s"),
        (30, "key=30"),
        ("30", 'key="30"'),
        (True, "key=true"),
        ("true", 'key="true"'),
        (["./gateway", "-v"], 'key=["./gateway", "-v"]'),
        ("a: b", 'key="a: b"'),
    ],
)
def test_a_value_is_said_as_yaml_reads_it_again(value, text):
    assert said("key", value) == text
