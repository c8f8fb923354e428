import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.topology.cities import CITIES
from sim.topology.geography import (
    EARTH_RADIUS_KM,
    REGIONS,
    city_suggestions,
    continent,
    distance_km,
    nearest_active,
    place_named,
    region_suggestions,
    slug,
)
from sim.topology.model import Coordinates

points = st.builds(
    Coordinates,
    st.floats(min_value=-90, max_value=90),
    st.floats(min_value=-180, max_value=180),
)


# Great-circle distances as the facts have them, and of city pairs from gazetteers.
@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        ("lhr", "ewr", 5568),
        ("lhr", "iad", 5917),
        ("ams", "fra", 364),
        ("iad", "sjc", 3846),
        ("lax", "nrt", 8817),
        ("lhr", "sin", 10848),
        ("fra", "bom", 6564),
        ("jnb", "lhr", 9070),
        ("lax", "syd", 12074),
        ("new-york", "london", 5570),
        ("paris", "berlin", 878),
        ("sydney", "auckland", 2156),
        ("moscow", "vladivostok", None),
        ("cairo", "cape-town", 7240),
        ("buenos-aires", "madrid", 10050),
        ("san-francisco", "seattle", 1093),
    ],
)
def test_known_distances(a: str, b: str, km: float | None) -> None:
    start, end = place_named(a), place_named(b)
    if km is None:
        assert end is None
        return
    assert start is not None
    assert end is not None
    assert distance_km(start, end) == pytest.approx(km, rel=0.01)


@given(points, points)
def test_a_distance_is_symmetric_and_at_most_half_the_globe(a: Coordinates, b: Coordinates) -> None:
    assert distance_km(a, b) == pytest.approx(distance_km(b, a), abs=1e-6)
    assert 0 <= distance_km(a, b) <= EARTH_RADIUS_KM * 3.1416


@given(points, points, points)
def test_no_detour_is_shorter(a: Coordinates, b: Coordinates, c: Coordinates) -> None:
    assert distance_km(a, c) <= distance_km(a, b) + distance_km(b, c) + 0.01


def test_there_are_eighteen_active_regions_and_seventeen_closed_ones() -> None:
    assert sum(region.active for region in REGIONS.values()) == 18
    assert sum(not region.active for region in REGIONS.values()) == 17


def test_every_continent_of_fly_has_an_active_region() -> None:
    assert {region.continent for region in REGIONS.values() if region.active} == {
        "africa",
        "asia_pacific",
        "europe",
        "north_america",
        "south_america",
    }
    assert (continent("fra"), continent("gru"), continent("nope")) == (
        "europe",
        "south_america",
        None,
    )


def test_cities_have_the_names_that_files_use_and_lie_on_the_globe() -> None:
    assert len(CITIES) >= 150
    for name, (lat, lon) in CITIES.items():
        assert name == slug(name)
        assert -90 <= lat <= 90
        assert -180 <= lon <= 180


def test_a_region_lies_in_the_city_of_its_name() -> None:
    """Both tables are typed by hand: each catches a slip in the other."""
    checked = 0
    for region in REGIONS.values():
        if city := place_named(slug(region.city)):
            assert distance_km(region.at, city) < 30, region
            checked += 1
    assert checked >= 30


@pytest.mark.parametrize(
    ("closed", "near"), [("mia", "iad"), ("sea", "sjc"), ("waw", "arn"), ("hkg", "sin")]
)
def test_a_closed_region_has_a_nearest_active_one(closed: str, near: str) -> None:
    assert nearest_active(REGIONS[closed].at).code == near


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("frankfurt", "fra"),
        ("São Paulo", "gru"),
        ("fr", "fra"),
        ("new-york", "ewr"),
        ("lhx", "lhr"),
    ],
)
def test_a_region_is_suggested_by_city_or_by_a_similar_code(written: str, meant: str) -> None:
    assert meant in region_suggestions(written)


@pytest.mark.parametrize(
    ("written", "meant"), [("londn", "london"), ("san-fran", "san-francisco"), ("Zürich", "zurich")]
)
def test_a_city_is_suggested_by_a_similar_name(written: str, meant: str) -> None:
    assert meant in city_suggestions(written)


def test_nothing_is_suggested_for_nonsense() -> None:
    assert region_suggestions("q9q9q9") == []
    assert city_suggestions("") == []
