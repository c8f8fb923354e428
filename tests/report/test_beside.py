from sim.report import beside

OUTAGE = {
    "location": "london",
    "region": "fra",
    "to_region": "iad",
    "clients": 3,
    "median_s": 4.0,
    "seconds": 5.0,
    "detection_s": 1.0,
    "dns_s": 3.0,
    "recovery_s": 0.0,
    "reconnect_s": 1.0,
}
MESSAGES = {"lost": 0, "duplicated": 0, "unknown": 2}


def report(*outages):
    return {"verdict": "held", "speed": 1.0, "outages": outages, "messages": MESSAGES}


def test_a_location_without_an_outage_has_zeros_beside_the_others():
    shorter = OUTAGE | {"seconds": 2.0}
    rows = beside.rows({"a": report(shorter, OUTAGE), "b": report()})
    found = {(row["location"], row["figure"].strip()): (row["a"], row["b"]) for row in rows}
    assert found["", "verdict"] == ("held", "held")
    assert found["london", "from → to"] == ("fra → iad", None)
    assert found["london", "worst, s"] == (5.0, 0)  # of several the longest
    assert found["london", "+ DNS"] == (3.0, 0)
    assert found["", "messages unknown"] == (2, 2)


def test_an_outage_that_never_ended_leads_nowhere():
    rows = beside.rows({"a": report(OUTAGE | {"to_region": None, "region": None})})
    assert {"location": "london", "figure": "from → to", "a": "nowhere → nowhere"} in rows


def test_runs_are_named_by_their_files_and_numbered_where_those_are_alike():
    assert beside.named(["x", "y", "x"]) == ["x 1", "y", "x 2"]
