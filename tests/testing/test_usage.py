"""The typed usage runs, and the package says that it is typed."""

from __future__ import annotations

import importlib.resources
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

import sim.testing
from sim.testing import open_world

HERE = Path(__file__).parent
TOPOLOGY = HERE.parents[1] / "topologies" / "outages" / "two-regions.yaml"


@pytest.fixture(scope="module")
def usage():
    return SimpleNamespace(**runpy.run_path(str(HERE / "usage.py")))


@pytest.mark.e2e
async def test_typed_code_runs(usage):
    async with open_world(TOPOLOGY, seed=5, speed=10) as world:
        session = await usage.crash_and_resume(world)
        assert (session.region, session.resumed, session.acked) == ("iad", True, 1)
        await usage.break_everything(world)


def test_the_package_says_that_it_is_typed():
    assert (importlib.resources.files("sim") / "py.typed").is_file()


def test_everything_public_is_documented():
    for name in sim.testing.__all__:
        assert getattr(sim.testing, name).__doc__, name
