from sim.scenario.checks import CHECKS
from sim.scenario.faults import FAULTS


def test_keys_of_an_entry_are_never_ambiguous() -> None:
    for fault in FAULTS.values():
        keys = [*fault.targets, *(param.key for param in fault.params), "at", "fault"]
        assert len(keys) == len(set(keys)), fault.name
        assert set(fault.one_of) <= set(keys), fault.name
    for check in CHECKS.values():
        keys = [*(param.key for param in check.params), "check", "from", "until"]
        assert len(keys) == len(set(keys)), check.name
        assert set(check.one_of) <= set(keys), check.name
