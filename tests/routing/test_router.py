"""Which regions serve a location, in which order."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.routing.router import (
    Router,
    allowed_regions,
    order_machines,
    preferred_regions,
    round_trip_ms,
    route,
)
from sim.topology.geography import REGIONS, place_named
from sim.topology.model import (
    Coordinates,
    Gateway,
    LinkOverride,
    Location,
    Region,
    ResidencyPolicy,
    Routing,
    Topology,
)


def at(place: str) -> Coordinates:
    found = place_named(place)
    assert found
    return found


def world(
    *codes: str, places: tuple[str, ...] = ("london", "new-york", "tokyo"), **parts: Any
) -> Topology:
    regions = {code: Region(code, code, at(code), primary=i == 0) for i, code in enumerate(codes)}
    locations = {name: Location(name, at(name)) for name in places}
    return Topology("app", "test", Gateway(), regions, locations, **parts)


REFUSE = Routing(when_none_local="refuse")


@pytest.mark.parametrize(
    ("location", "order"),
    [
        ("london", ("fra", "iad", "nrt")),
        ("new-york", ("iad", "fra", "nrt")),
        ("tokyo", ("nrt", "fra", "iad")),
        (None, ("iad", "fra", "nrt")),
    ],
)
def test_regions_are_preferred_by_round_trip(location: str | None, order: tuple[str, ...]) -> None:
    assert preferred_regions(world("iad", "fra", "nrt"), location) == order


def test_a_stated_round_trip_overrules_distance() -> None:
    topology = world("iad", "fra", links=(LinkOverride(("london", "iad"), 1.0),))
    assert preferred_regions(topology, "london") == ("iad", "fra")


def test_equally_near_regions_keep_the_order_of_the_file() -> None:
    topology = world(
        "iad",
        "fra",
        "cdg",
        links=tuple(LinkOverride(("london", code), 20.0) for code in ("iad", "fra", "cdg")),
    )
    assert preferred_regions(topology, "london") == ("iad", "fra", "cdg")


def test_someone_in_no_location_is_at_no_distance_from_the_primary_region() -> None:
    assert round_trip_ms(world("fra", "iad"), None, "fra") == 0.0


@pytest.mark.parametrize(
    ("healthy", "order"),
    [
        ({"iad", "fra", "nrt"}, ("fra", "iad", "nrt")),
        ({"iad", "nrt"}, ("iad", "nrt")),
        ({"nrt"}, ("nrt",)),
        (set(), ("fra", "iad", "nrt")),
    ],
)
def test_unhealthy_regions_are_left_out_unless_that_leaves_none(
    healthy: set[str], order: tuple[str, ...]
) -> None:
    assert route(world("iad", "fra", "nrt"), healthy, "london") == order


def test_refusing_keeps_a_location_on_the_continent_of_its_nearest_region() -> None:
    topology = world("iad", "fra", "cdg", "nrt", routing=REFUSE)
    assert allowed_regions(topology, "london") == ("cdg", "fra")
    assert route(topology, {"fra", "iad"}, "london") == ("fra",)
    assert route(topology, {"fra", "iad"}, None) == ("iad",)


def test_refusing_fails_open_inside_the_group_only() -> None:
    topology = world("iad", "fra", routing=REFUSE)
    assert route(topology, {"iad"}, "london") == ("fra",)


def test_residency_policies_that_name_a_location_are_its_group() -> None:
    policies = (
        ResidencyPolicy("eu", ("london",), ("iad", "fra")),
        ResidencyPolicy("gdpr", ("london",), ("fra", "cdg")),
    )
    topology = world("iad", "fra", "cdg", routing=REFUSE, residency=policies)
    assert allowed_regions(topology, "london") == ("fra",)
    assert allowed_regions(topology, "new-york") == ("iad",)


def test_residency_restricts_nobody_while_the_nearest_region_is_wanted() -> None:
    topology = world("iad", "fra", residency=(ResidencyPolicy("eu", ("london",), ("fra",)),))
    assert route(topology, {"iad"}, "london") == ("iad",)


def test_a_region_on_no_known_continent_is_a_group_of_its_own() -> None:
    lab = {
        code: Region(code, code, Coordinates(51.0, lon)) for code, lon in (("aaa", 0), ("bbb", 1))
    }
    topology = Topology("app", "test", Gateway(), lab, {"x": Location("x", Coordinates(51, 0))})
    refusing = Topology("app", "test", Gateway(), lab, topology.locations, routing=REFUSE)
    assert allowed_regions(refusing, "x") == ("aaa",)


@pytest.mark.parametrize("all_down", ["last_good", "none", "servfail"])
def test_only_the_policy_all_fails_open(all_down: Any) -> None:
    assert route(world("iad", "fra", routing=Routing(all_down=all_down)), set(), "london") == ()


@given(
    codes=st.lists(st.sampled_from(sorted(REGIONS)), min_size=1, max_size=8, unique=True),
    healthy=st.sets(st.sampled_from(sorted(REGIONS))),
    refuse=st.booleans(),
)
def test_a_route_is_the_healthy_part_of_the_preference_and_never_empty(
    codes: list[str], healthy: set[str], refuse: bool
) -> None:
    topology = world(*codes, routing=REFUSE if refuse else Routing())
    router = Router(topology)
    for location in (None, *topology.locations):
        preferred = preferred_regions(topology, location)
        routed = router.route(healthy, location)
        distances = [round_trip_ms(topology, location, code) for code in routed]
        assert routed
        assert distances == sorted(distances)
        assert preferred[0] in router.allowed[location]
        assert set(routed) <= healthy or not healthy.intersection(router.allowed[location])


def test_the_precomputed_table_cannot_be_changed() -> None:
    allowed: Mapping[str | None, tuple[str, ...]] = Router(world("iad")).allowed
    with pytest.raises(TypeError):
        allowed["london"] = ()  # type: ignore[index]


def test_machines_take_turns() -> None:
    assert [order_machines("abc", turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]
    assert order_machines("abc", 1) == ["b", "c", "a"]
    assert order_machines((), 3) == []
