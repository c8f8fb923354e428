"""Fixtures that every test may use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from sim.clock import VirtualTimeLoop
from tests.docker.fixtures import engine, own_engine

__all__ = ["engine", "own_engine", "virtually"]

T = TypeVar("T")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under pytest-xdist: whole worlds side by side, everything else in one process.

    Worlds take addresses of their own. Other tests share fixed loopback addresses, and some measure
    against the wall clock.
    """
    for item in items:
        if item.get_closest_marker("e2e") is None:
            item.add_marker(pytest.mark.xdist_group("this process"))
        elif "library" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("outages"))


@pytest.fixture
def virtually() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Run a coroutine in virtual time: its waits cost nothing and are exact."""

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run
