"""`sim run --repeat`, `sim replay` and `sim diff`, on a run of a few seconds."""

from __future__ import annotations

import json

import pytest
import yaml

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

TOPOLOGY = {
    "app": "brief",
    "gateway": {"command": ["python", "-m", "sim.gateway"]},
    "regions": {"fra": {"primary": True}},
    "locations": {"london": {}},
    "services": {"database": {"kind": "postgres", "region": "fra"}},
}
SCENARIO = {
    "name": "brief",
    "topology": "topology.yaml",
    "load": {"clients": 2, "every": "500ms"},
    "duration": "4s",
    "expect": [{"check": "messages", "lost": 0}],
}


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(TOPOLOGY))
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(SCENARIO))
    return path


def test_a_run_is_repeated_over_seeds_replayed_and_compared(sim, scenario, tmp_path):
    files = ("--json", tmp_path / "report.json", "--journal", tmp_path / "run.jsonl")
    logs = ("--logs", tmp_path / "logs")
    done = sim("run", scenario, "--speed", 4, "--seed", 7, "--repeat", 2, *files, *logs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "verdict: held"
    reports = [json.loads((tmp_path / f"report-{k}.json").read_text()) for k in (1, 2)]
    assert [report["seed"] for report in reports] == [7, 8]
    for number in (1, 2):  # the worlds, and their folders, are gone
        assert "fra-1.log" in {path.name for path in (tmp_path / f"logs-{number}").iterdir()}

    done = sim("diff", tmp_path / "run-1.jsonl", tmp_path / "report-2.json")
    assert done.returncode == 0, done.stderr
    assert ["seed", "7", "8", "+1"] in [line.split() for line in done.stdout.splitlines()]
    done = sim("diff", tmp_path / "run-1.jsonl", tmp_path / "report-1.json")
    assert (done.returncode, done.stdout) == (0, "nothing differs\n")

    again = tmp_path / "again.jsonl"
    done = sim("replay", tmp_path / "run-2.jsonl", "--journal", again)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("run: brief (seed 8, speed 4,")
    assert done.stdout.splitlines()[-1] == "verdict: held"
    assert again.exists()


def test_a_failure_among_the_repeated_is_named_with_the_command_that_repeats_it(sim, scenario):
    strict = {**SCENARIO, "expect": [{"check": "latency", "location": "london", "max": "1ms"}]}
    scenario.write_text(yaml.safe_dump(strict))
    done = sim("run", scenario, "--speed", 4, "--seed", 7, "--repeat", 2)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"sim run {scenario} --runtime process --speed 4 --seed 7" in done.stdout
    assert done.stdout.splitlines()[-1] == "verdict: failed"


def test_diff_takes_journals_and_reports_and_nothing_else(sim, scenario, tmp_path):
    other = tmp_path / "other.json"
    other.write_text("[]")
    done = sim("diff", other, other)
    assert done.returncode == 2
    assert "neither a journal nor a report" in done.stderr
    done = sim("diff", scenario, scenario)
    assert done.returncode == 2
    assert "scenario.yaml:1" in done.stderr
    assert "Traceback" not in done.stderr
