"""How much longer machines may have booted than in life."""

import pytest

from sim.observe.boots import Boots
from sim.observe.events import HealthChanged, MachineChanged, MachineStopped


def changed(t, state, machine="m1", region="fra"):
    return (t, MachineChanged(machine, region, state))


def passing(t, machine="m1", region="fra"):
    return (t, HealthChanged(machine, region, "passing"))


BOOT = [changed(10.0, "starting"), changed(10.5, "started"), passing(15.0)]


def test_a_boot_is_over_when_a_check_has_passed():
    assert Boots(10.0, BOOT).late_s(["fra"], 0.0, 60.0) == pytest.approx(5.0 * 0.9)


def test_only_what_lies_within_the_time_counts():
    assert Boots(10.0, BOOT).late_s(["fra"], 12.0, 14.0) == pytest.approx(2.0 * 0.9)
    assert Boots(10.0, BOOT).late_s(["fra"], 15.0, 60.0) == 0
    assert Boots(10.0, BOOT).late_s(["iad"], 0.0, 60.0) == 0


def test_at_speed_1_a_boot_takes_what_it_takes_in_life():
    assert Boots(1.0, BOOT).late_s(["fra"], 0.0, 60.0) == 0


def test_where_no_check_ever_tells_it_is_over_when_the_machine_is_started():
    assert Boots(10.0, BOOT[:2]).late_s(["fra"], 0.0, 60.0) == pytest.approx(0.5 * 0.9)


def test_one_that_is_not_over_lasts_until_now():
    boot = [passing(1.0), *BOOT[:2]]  # checks tell of it
    assert Boots(10.0, boot).late_s(["fra"], 0.0, 60.0) == pytest.approx(50.0 * 0.9)


def test_what_dies_boots_no_more():
    boot = [*BOOT[:2], passing(1.0, "m2"), changed(11.0, "stopped")]
    assert Boots(10.0, boot).late_s(["fra"], 0.0, 60.0) == pytest.approx(0.5 * 0.9)


def test_a_version_boots_when_the_one_before_has_drained():
    stopped = MachineStopped("m1", "fra", "updated", "SIGINT", 5.0, 4.0, killed=False, end="")
    boot = [changed(10.0, "updating"), (14.0, stopped), changed(14.5, "started"), passing(16.0)]
    assert Boots(10.0, boot).late_s(["fra"], 0.0, 60.0) == pytest.approx(2.0 * 0.9)


def test_machines_that_boot_side_by_side_take_the_time_once():
    beside = [changed(12.0, "starting", "m2"), passing(17.0, "m2")]
    told = sorted([*BOOT, *beside], key=lambda pair: pair[0])
    assert Boots(10.0, told).late_s(["fra"], 0.0, 60.0) == pytest.approx(7.0 * 0.9)
