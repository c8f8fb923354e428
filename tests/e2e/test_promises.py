"""`sim promises` as a person uses it."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.e2e


@pytest.mark.thorough
def test_a_gateway_that_keeps_sessions_in_memory_breaks_that_promise_alone(
    sim, topologies, tmp_path
):
    text = (topologies / "atlas-voice.yaml").read_text()
    forgets = "sim.gateway, --sessions, memory]"
    (tmp_path / "forgets.yaml").write_text(text.replace("sim.gateway]", forgets))
    words = {}
    for path in (topologies / "atlas-voice.yaml", tmp_path / "forgets.yaml"):
        page, report = tmp_path / "p.html", tmp_path / "p.json"
        done = sim("promises", path, "--seed", 7, "--html", page, "--json", report)
        assert done.returncode == 1, done.stderr
        found = json.loads(report.read_text())
        words[path.stem] = {row["name"]: row["verdict"] for row in found["promises"]}
        assert "EU data stays in the EU" in page.read_text()
        for name in ("crash", "deploy"):
            assert f'href="p-{name}.html"' in page.read_text()
            assert (tmp_path / f"p-{name}.html").exists()
    held, broken = words["atlas-voice"], words["forgets"]
    assert (held["sessions"], broken["sessions"]) == ("held", "broken")
    for name in ("nearest", "removal", "in-step", "cost"):
        assert (held[name], broken[name]) == ("held", "held"), name
    for name in ("crash", "residency-eu"):
        assert (held[name], broken[name]) == ("broken", "broken"), name
    assert "held" not in (held["deploy"], broken["deploy"])
