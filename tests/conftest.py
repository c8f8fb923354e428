"""Fixtures that every test may use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from sim.clock import VirtualTimeLoop
from tests.docker.fixtures import engine, own_engine

__all__ = ["engine", "own_engine", "virtually"]

T = TypeVar("T")

# How long an example takes says nothing about the code: the machine may be busy.
settings.register_profile("sim", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sim")


@pytest.fixture
def virtually() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Run a coroutine in virtual time: its waits cost nothing and are exact."""

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run
