"""A real world's alarms: journaled, standing in its status, and told."""

from __future__ import annotations

import pytest

from sim.alerts.alarm import Alarm
from sim.alerts.channels import CommandContext
from sim.clock import Clock
from sim.observe.events import (
    Acked,
    Alert,
    ClientMade,
    FaultBegan,
    LoadStarted,
    MachineChanged,
)
from sim.observe.journal import Journal, only
from sim.secrets import NO_SECRETS


def test_silence_is_told_without_any_event_and_after_its_cause(virtually, topology, tmp_path):
    async def story():
        clock = Clock()
        journal = Journal(clock)
        alarm = Alarm(topology, CommandContext("w", tmp_path, tmp_path, NO_SECRETS), clock, journal)
        journal.write(LoadStarted(1, 1.0))
        journal.write(ClientMade("london/0", "london", "strict"))
        journal.write(Acked("london/0", "s", 1, "fra", "m", 1.0))
        await clock.sleep(60.0)
        standing = [(s.alert, s.subject, s.since) for s in alarm.standing]
        journal.write(MachineChanged("aaaa", "fra", "stopped"))
        journal.write(FaultBegan("heal", "everything"))
        await clock.sleep(1.0)
        alarm.silence()
        journal.write(MachineChanged("bbbb", "fra", "stopped"))
        await clock.sleep(1.0)
        await alarm.close()
        return standing, list(only(journal.records, Alert)), [r.event.kind for r in journal.records]

    standing, alerts, kinds = virtually(story())
    assert standing == [("outage", "london", 0.0)]
    assert [(t, a.alert, a.subject) for t, a in alerts] == [
        (pytest.approx(2.1 + 0.005 + 0.25 + 0.01), "outage", "london"),
        (60.0, "machine_down", "aaaa"),
    ]
    assert kinds[-4:] == ["machine_changed", "fault_began", "alert", "machine_changed"]
