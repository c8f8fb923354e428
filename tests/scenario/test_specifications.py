from sim.scenario.checks import CHECKS
from sim.scenario.faults import FAULTS

DOCUMENTED_FAULTS = """
crash stop start freeze thaw sicken cure slow partition heal reset flap loss
dns_outage stale_dns dns_wrong service_outage scale blind unblind deploy disconnect
reconnect new_secret host half_open age_limit
"""
DOCUMENTED_CHECKS = """
served_by outage messages sessions residency latency errors dns herd deploy
machines gaps disconnects in_step cost
"""


def test_every_documented_fault_and_check_can_be_written() -> None:
    assert set(FAULTS) == set(DOCUMENTED_FAULTS.split())
    assert set(CHECKS) == set(DOCUMENTED_CHECKS.split())


def test_keys_of_an_entry_are_never_ambiguous() -> None:
    for fault in FAULTS.values():
        keys = [*fault.targets, *(param.key for param in fault.params), "at", "fault"]
        assert len(keys) == len(set(keys)), fault.name
        assert set(fault.one_of) <= set(keys), fault.name
    for check in CHECKS.values():
        keys = [*(param.key for param in check.params), "check", "from", "until"]
        assert len(keys) == len(set(keys)), check.name
        assert set(check.one_of) <= set(keys), check.name
