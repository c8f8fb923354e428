"""A run as its journal tells it, asked over and over."""

from __future__ import annotations

from sim.observe.events import LinkChanged, MachineChanged

LINK = LinkChanged("london:fra", "down", 15.0, 0.0, {})
MACHINE = MachineChanged("m", "fra", "stopped", "killed")


def test_events_of_some_types_are_looked_for_once(history):
    """An outage asks at each of its failures: of a long run that is the square of its length."""
    run = history((20.0, MACHINE), (10.0, LINK))
    found = run.among(LinkChanged, MachineChanged)
    assert found == [(10.0, LINK), (20.0, MACHINE)]
    assert run.among(LinkChanged, MachineChanged) is found
