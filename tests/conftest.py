"""Fixtures that every test may use."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from sim.clock import VirtualTimeLoop
from sim.processes.descriptors import take_descriptors
from tests.docker.fixtures import engine, own_engine, second_engine

__all__ = ["engine", "own_engine", "second_engine", "virtually"]

T = TypeVar("T")

# A shell starts what runs in its background deaf to SIGINT, and a program leaves that to its
# children. A signal that is handled here is at its default in them, so that they hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Some tests have a thousand connections, both of whose ends are here.
take_descriptors()

# How long an example takes says nothing about the code: the machine may be busy. The few examples
# of every run are for the loop of an edit; `--hypothesis-profile=thorough` draws many, as CI does.
settings.register_profile(
    "quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=20
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=200)
settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the engine of tests/docker: each process with such a test starts one."""
    for item in items:
        if "own_engine" in getattr(item, "fixturenames", ()):
            item.add_marker("docker")


@pytest.fixture
def virtually() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Run a coroutine in virtual time: its waits cost nothing and are exact."""

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run
