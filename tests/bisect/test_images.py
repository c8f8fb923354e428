"""Images of a gateway as a line of releases; the engine is made up."""

from __future__ import annotations

import pytest
import yaml

from sim.bisect import image_releases
from sim.bisect.image_releases import Images
from sim.errors import InputError
from sim.scenario.load_scenario import load_scenario
from tests.scenario.conftest import TOPOLOGY

MADE = {"app:1": 1, "app:2": 2, "app:3": 3, "app:latest": 4, "app:twin": 3}


class Engine:
    """An engine that has these images."""

    has = ("app:1", "app:2", "app:3", "app:latest")

    async def open(self):
        pass

    async def close(self):
        pass

    async def call(self, method, name):
        if method == "images":
            return [{"RepoTags": [tag]} for tag in self.has] + [{"RepoTags": None}]
        return {"Created": f"2026-01-0{MADE[name]}T00:00:00Z"}


@pytest.fixture
def releases(tmp_path, monkeypatch):
    monkeypatch.setattr(image_releases, "Engine", Engine)
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(TOPOLOGY))
    path = tmp_path / "scenario.yaml"
    path.write_text("topology: topology.yaml\nduration: 60s\n")
    return Images(load_scenario(path))


async def test_those_between_are_in_the_order_in_which_they_were_made(releases):
    assert await releases.line("app:1", "app:latest") == ["app:1", "app:2", "app:3", "app:latest"]
    assert await releases.line("app:2", "app:3") == ["app:2", "app:3"]


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("app:3", "app:1", "was not made after"),
        ("app:1", "app:1", "was not made after"),
        ("app:1", "app:9", "no image `app:9`; of app it has app:1, app:2, app:3, app:latest"),
        ("app:1", "other:2", "not tags of one repository"),
        ("v1", "app:2", "not tags of one repository"),
    ],
)
async def test_ends_that_are_none_are_told(releases, good, bad, problem):
    with pytest.raises(InputError, match=problem):
        await releases.line(good, bad)


async def test_images_of_one_instant_have_no_order(releases, monkeypatch):
    monkeypatch.setattr(Engine, "has", (*Engine.has, "app:twin"))
    with pytest.raises(InputError, match="same instant"):
        await releases.line("app:1", "app:latest")


def test_a_run_has_the_image_and_builds_none(releases, tmp_path):
    with releases.laid("app:2", tmp_path) as laid:
        assert laid.arguments == [
            *("--runtime", "docker", "--set", "gateway.image=app:2"),
            *("--set", "gateway.build=null"),
        ]
