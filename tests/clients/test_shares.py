from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clients.shares import interleave, largest_remainder

shares = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 100), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("total", "given_", "counts"),
    [
        (50, {"new-york": 60, "london": 40}, {"new-york": 30, "london": 20}),
        (3, {"a": 1, "b": 1}, {"a": 2, "b": 1}),
        (10, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 3, "c": 3}),
        (1, {"a": 1, "b": 9}, {"a": 0, "b": 1}),
        (0, {"a": 1}, {"a": 0}),
    ],
)
def test_clients_are_divided_by_largest_remainder(total, given_, counts):
    assert largest_remainder(total, given_) == counts


@given(total=st.integers(0, 200), shares=shares)
def test_every_client_goes_somewhere_and_no_share_is_off_by_one(total, shares):
    counts = largest_remainder(total, shares)
    assert sum(counts.values()) == total
    whole = sum(shares.values())
    assert all(abs(counts[key] - total * share / whole) < 1 for key, share in shares.items())


@given(total=st.integers(1, 200), shares=shares)
def test_interleaving_keeps_the_counts_and_mixes_evenly(total, shares):
    order = interleave(total, shares)
    counts = largest_remainder(total, shares)
    assert {key: order.count(key) for key in counts} == counts
    for prefix in range(total + 1):
        for key, count in counts.items():
            assert abs(order[:prefix].count(key) - prefix * count / total) < len(counts)


def test_no_shares_at_all_are_an_error():
    with pytest.raises(ValueError, match="add up to nothing"):
        largest_remainder(3, {"a": 0.0})
