"""The engine that Docker tests run on, for every folder of tests that asks for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.private_engine import PrivateEngine, answering, make_images, why_not
from tests.docker.second_engine import SecondEngine


@pytest.fixture(scope="session")
def own_engine() -> Iterator[PrivateEngine | None]:
    """An engine of our own, named by DOCKER_HOST; None where another one answers already."""
    if answering():
        make_images()
        yield None
        return
    if reason := why_not():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="sim-engine-") as folder:
        own = PrivateEngine(Path(folder) / "engine")
        own.start()
        before = os.environ.get("DOCKER_HOST")
        os.environ["DOCKER_HOST"] = own.url
        try:
            make_images()
            yield own
        finally:
            if before is None:
                del os.environ["DOCKER_HOST"]
            else:
                os.environ["DOCKER_HOST"] = before
            own.remove()


@pytest.fixture(scope="session")
def engine(own_engine: PrivateEngine | None) -> str:
    """The URL of an engine that has the images."""
    if own_engine:
        return own_engine.url
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


@pytest.fixture(scope="session")
def second_engine(engine: str) -> Iterator[SecondEngine]:
    """An engine of our own beside `engine`, behind a network; it has no image until a world came.

    Nothing of a world may be left in it.
    """
    del engine
    if reason := why_not():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="sim-engine-") as folder:
        second = SecondEngine(Path(folder) / "second")
        try:
            second.lay()
            second.start()
            yield second
            assert second.worlds_things() == ""
        finally:
            second.remove()
