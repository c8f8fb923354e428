"""How machines are spread over regions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.deploys.scale_counts import spread, wanted
from sim.errors import InputError


@pytest.mark.parametrize(
    ("count", "have", "total"), [("3", 1, 3), ("+2", 1, 3), ("-1", 3, 2), ("-9", 3, 0), ("0", 2, 0)]
)
def test_a_count_is_a_total_or_a_change(count, have, total):
    assert wanted(count, have) == total


@pytest.mark.parametrize("count", ["", "x", "1.5", "+", "--1", "99999"])
def test_anything_else_is_refused(count):
    with pytest.raises(InputError, match=r"write a number of machines"):
        wanted(count, 1)


@pytest.mark.parametrize(
    ("have", "total", "most", "after"),
    [
        ({}, 3, None, {"iad": 2, "fra": 1}),
        ({"iad": 1, "fra": 1}, 3, None, {"iad": 2, "fra": 1}),
        ({"iad": 2, "fra": 2}, 3, None, {"iad": 2, "fra": 1}),
        ({"iad": 2, "fra": 2}, 2, None, {"iad": 1, "fra": 1}),
        ({"iad": 3, "fra": 0}, 3, 2, {"iad": 2, "fra": 1}),
        ({"iad": 1, "nrt": 5}, 2, None, {"iad": 2, "fra": 0}),  # nrt was not named
        ({"iad": 2, "fra": 1}, 0, None, {"iad": 0, "fra": 0}),
    ],
)
def test_one_region_after_another_gets_one_and_the_last_gives_first(have, total, most, after):
    assert spread(have, ["iad", "fra"], total, most) == after


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="5 machines do not fit into 2 regions of 2 at most"):
        spread({}, ["iad", "fra"], 5, 2)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)),
    st.lists(st.sampled_from("abcd"), min_size=1, unique=True),
    st.integers(0, 40),
    st.none() | st.integers(1, 9),
)
def test_the_total_is_met_and_no_region_has_too_many(have, regions, total, most):
    if most is not None and total > most * len(regions):
        return
    after = spread(have, regions, total, most)
    assert sum(after.values()) == total
    assert [*after] == regions
    assert all(count >= 0 and (most is None or count <= most) for count in after.values())
