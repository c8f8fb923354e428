"""Worlds in tests: what the plugin's fixtures give, for use anywhere. See docs/testing.md."""

from __future__ import annotations

from sim.errors import EnvironmentLacksError, InputError, SimError, StartError
from sim.report.outcome import Outcome
from sim.testing.clients import Answer, SimClient
from sim.testing.expect import Expect
from sim.testing.failures import CutOffError, ExpectationError, NotSettledError
from sim.testing.opening import open_world
from sim.testing.running_load import RunningLoad
from sim.testing.sim_session import SimSession
from sim.testing.sim_world import SimWorld
from sim.testing.targets import Link, Location, Machine, Region, Service

__all__ = [
    "Answer",
    "CutOffError",
    "EnvironmentLacksError",
    "Expect",
    "ExpectationError",
    "InputError",
    "Link",
    "Location",
    "Machine",
    "NotSettledError",
    "Outcome",
    "Region",
    "RunningLoad",
    "Service",
    "SimClient",
    "SimError",
    "SimSession",
    "SimWorld",
    "StartError",
    "open_world",
]
