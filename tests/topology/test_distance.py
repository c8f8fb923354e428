from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.topology.distance import (
    BACKBONE_EQUIPMENT_MS,
    FIBRE_KM_PER_RTT_MS,
    LAST_MILE_MS,
    RoundTrip,
    backbone_rtt_ms,
    internet_rtt_ms,
    round_trip,
    stated_between,
)
from sim.topology.geography import REGIONS, distance_km
from sim.topology.load_topology import topology_from_mapping
from sim.topology.model import Coordinates, LinkOverride, Topology

points = st.builds(
    Coordinates,
    st.floats(min_value=-90, max_value=90),
    st.floats(min_value=-180, max_value=180),
)


def topology(**more: Any) -> Topology:
    data: Mapping[str, Any] = {
        "app": "voice",
        "gateway": {"command": ["true"]},
        "regions": {"iad": {}, "fra": {}, "lhr": {}},
        "locations": {"new-york": {}, "london": {}},
        "services": {"database": {"region": "iad"}},
        **more,
    }
    return topology_from_mapping(data)


# 1.4 times the floor, and a millisecond: the facts' table of long-haul pairs.
@pytest.mark.parametrize(
    ("a", "b", "stretched_ms"),
    [
        ("lhr", "iad", 83),
        ("ams", "fra", 5),
        ("iad", "sjc", 54),
        ("lax", "nrt", 123),
        ("lhr", "sin", 152),
    ],
)
def test_regions_are_joined_by_a_backbone(a: str, b: str, stretched_ms: float) -> None:
    modelled = backbone_rtt_ms(REGIONS[a].at, REGIONS[b].at)
    assert modelled - BACKBONE_EQUIPMENT_MS == pytest.approx(stretched_ms, abs=0.7)


def test_clients_come_over_the_public_internet_and_a_last_mile() -> None:
    spec = round_trip(topology(), "new-york", "lhr")
    assert spec.rtt_ms == pytest.approx(117 + LAST_MILE_MS, abs=1)
    assert spec.jitter_ms == pytest.approx(spec.rtt_ms * 0.05, abs=0.01)


@given(points, points)
def test_no_round_trip_is_faster_than_light_in_fibre(a: Coordinates, b: Coordinates) -> None:
    floor = distance_km(a, b) / FIBRE_KM_PER_RTT_MS
    assert backbone_rtt_ms(a, b) > floor
    assert internet_rtt_ms(a, b) > floor


@given(points, points)
def test_the_model_is_symmetric_and_the_backbone_is_faster(a: Coordinates, b: Coordinates) -> None:
    assert backbone_rtt_ms(a, b) == pytest.approx(backbone_rtt_ms(b, a), abs=1e-6)
    assert internet_rtt_ms(a, b) == pytest.approx(internet_rtt_ms(b, a), abs=1e-6)
    assert backbone_rtt_ms(a, b) < internet_rtt_ms(a, b)


@pytest.mark.parametrize(
    ("a", "b"), [("london", "fra"), ("iad", "fra"), ("fra", "database"), ("new-york", "lhr")]
)
def test_a_link_is_the_same_in_either_direction(a: str, b: str) -> None:
    world = topology(links=[{"between": ["fra", "london"], "rtt": "15ms", "jitter": "2ms"}])
    assert round_trip(world, a, b) == round_trip(world, b, a)


def test_what_the_file_says_of_a_pair_wins_over_distance() -> None:
    world = topology(links=[{"between": ["fra", "london"], "rtt": "15ms", "jitter": "2ms"}])
    assert round_trip(world, "london", "fra") == RoundTrip(15.0, 2.0)
    assert round_trip(world, "london", "lhr") != RoundTrip(15.0, 2.0)


def test_the_database_is_where_its_region_is() -> None:
    world = topology()
    assert round_trip(world, "fra", "database") == round_trip(world, "fra", "iad")
    assert round_trip(world, "iad", "database") == RoundTrip(0.5, 0.0)
    assert round_trip(world, "fra", "fra") == RoundTrip(0.5, 0.0)


def test_the_way_to_the_database_can_be_stated_apart_from_the_way_to_its_region() -> None:
    world = topology(
        links=[
            {"between": ["fra", "database"], "rtt": "70ms"},
            {"between": ["iad", "fra"], "rtt": "90ms"},
        ]
    )
    assert round_trip(world, "fra", "database").rtt_ms == 70.0
    assert round_trip(world, "fra", "iad").rtt_ms == 90.0


def test_a_link_that_says_no_round_trip_has_that_of_its_distance() -> None:
    stated = [
        {"between": ["fra", "london"], "bandwidth": "2mbps", "shared": True, "buffer": "64KiB"}
    ]
    world = topology(links=stated)
    assert round_trip(world, "london", "fra") == round_trip(topology(), "london", "fra")
    assert stated_between(world, "london", "fra") == LinkOverride(
        ("fra", "london"), bandwidth_kbps=2000.0, shared=True, buffer_bytes=65_536
    )


def test_a_stated_way_between_regions_holds_for_the_database_there() -> None:
    world = topology(links=[{"between": ["iad", "fra"], "rtt": "90ms"}])
    assert round_trip(world, "fra", "database").rtt_ms == 90.0


def test_an_unknown_place_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        round_trip(topology(), "london", "nrt")
