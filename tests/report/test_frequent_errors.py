"""The errors of clients: those that a fault explains are told apart from all others."""

from __future__ import annotations

from sim.observe.events import ConnectFailed, Event, FaultBegan, LoadEnded, LoadStarted
from sim.observe.history import History
from sim.observe.journal import Record
from sim.report.frequent_errors import frequent_errors
from sim.report.mishaps_in_words import ERRORS, FAULTED, errors


def refused(t, location="london", region="fra"):
    return t, ConnectFailed(f"{location}/0", location, region, "status 503", machine=None)


CRASH = (20.0, FaultBegan("crash", "fra", {"kind": "region", "region": "fra"}))
START = (100.0, FaultBegan("start", "fra", {"kind": "region", "region": "fra"}))
CUT = (50.0, FaultBegan("partition", "london:fra", {"location": "london", "region": "fra"}))
NO_DNS = (50.0, FaultBegan("dns_outage", "london", {"kind": "location"}))


def rows(*pairs: tuple[float, Event]) -> list[tuple[object, ...]]:
    records = [Record(0.0, LoadStarted(2)), *(Record(t, event) for t, event in pairs)]
    found = frequent_errors(History([*records, Record(150.0, LoadEnded())]))
    return [(row["location"], row["region"], row["fault"], row["count"]) for row in found]


def test_what_a_fault_refuses_is_told_with_the_fault_from_its_begin_to_its_end():
    pairs = [refused(19.0), CRASH, refused(21.0), refused(99.0), START, refused(101.0)]
    assert rows(*pairs) == [("london", "fra", None, 2), ("london", "fra", "crash fra", 2)]


def test_a_fault_explains_nothing_of_other_regions_and_other_locations():
    elsewhere = [refused(60.0, region="iad"), refused(61.0, "new-york", "fra")]
    assert rows(CUT, *elsewhere, refused(62.0)) == [
        ("london", "iad", None, 1),
        ("new-york", "fra", None, 1),
        ("london", "fra", "partition london:fra", 1),
    ]
    assert rows(NO_DNS, refused(60.0, region=None), refused(61.0, "new-york", None)) == [
        ("new-york", None, None, 1),
        ("london", None, "dns_outage london", 1),
    ]


def test_each_kind_has_its_title_and_without_one_there_is_no_title():
    row = {"location": "london", "region": "fra", "reason": "status 503", "count": 3}
    only = {"frequent_errors": [{**row, "fault": "crash fra"}]}
    assert [*errors(only)] == [
        (FAULTED, ["london → fra, during crash fra: 3 \N{MULTIPLICATION SIGN} status 503"])
    ]
    both = {"frequent_errors": [{**row, "fault": None}, *only["frequent_errors"]]}
    assert [title for title, _ in errors(both)] == [ERRORS, FAULTED]
