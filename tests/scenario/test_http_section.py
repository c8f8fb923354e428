"""An HTTP driver in YAML: what it may say, and what is said of anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.clients.http_declaration import HttpDeclaration
from sim.errors import InputError
from sim.scenario.live import live_load
from sim.topology.load_topology import topology_from_mapping

TOPOLOGY = topology_from_mapping(
    {
        "app": "atlas",
        "gateway": {"command": ["./gateway"]},
        "regions": {"fra": {"primary": True}},
        "locations": {"london": {}},
    }
)


def read(**driver: object) -> HttpDeclaration:
    found = live_load({"driver": driver}, TOPOLOGY, Path()).driver
    assert isinstance(found, HttpDeclaration)
    return found


def test_a_path_is_all_that_it_takes() -> None:
    driver = read(http="/")
    assert (driver.request.method, driver.request.body) == ("GET", None)
    assert [s for s in (199, 200, 399, 400) if s in driver.expect] == [200, 399]


@pytest.mark.parametrize(
    ("expect", "service"),
    [(201, [201]), ("4XX", [400, 404, 499]), (["2xx", 404], [200, 201, 204, 299, 404])],
)
def test_what_is_expected_is_service(expect: object, service: list[int]) -> None:
    statuses = (200, 201, 204, 299, 302, 400, 404, 499, 500)
    assert [s for s in statuses if s in read(http="/", expect=expect).expect] == service


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("http", "orders", "write a path such as"),
        ("http", "/orders/{session}", "unknown placeholder `{session}`"),
        ("method", "BREW", "found `BREW`"),
        ("expect", "fine", "a status such as `200`, a class such as `2xx`"),
        ("expect", 1000, "a status such as `200`"),
        ("expect", [], "is empty"),
        ("timeout", "3s", "unknown key `timeout`"),
        ("websocket", "/live", "unknown key `websocket`"),
    ],
)
def test_anything_else_is_refused(key: str, value: object, said: str) -> None:
    with pytest.raises(InputError) as told:
        read(**{"http": "/", key: value})
    (problem,) = told.value.problems
    assert said in problem.message
    assert str(problem.field).startswith(f"driver.{key}")
