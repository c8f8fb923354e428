"""The walk through flyctl: deploy, clone, list, scale, secrets, logs, as docs/fly.md shows it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

FLY = (Path(__file__).parents[2] / "docs" / "fly.md").read_text()
WALK = FLY.partition("## The walk")[2].partition("\n## ")[0]


@pytest.fixture
def up(sim, topologies):
    """The two-region world, up in the background."""
    done = sim("up", topologies / "atlas-voice.yaml", "--detach", "--seed", "7", "--speed", "20")
    assert done.returncode == 0, done.stderr
    return sim


def commands(text):
    """The commands of a page, as words; what is said about them is cut off."""
    for line in re.findall(r"^    sim (.*)", text, re.MULTILINE):
        yield shlex.split(line, comments=True)


@pytest.mark.thorough
def test_the_walk_of_the_documentation(up):
    walked = 0
    for words in commands(WALK):
        if words[0] in ("up", "down") or "-f" in words:
            continue
        done = up(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        walked += 1
    assert walked >= 15
    assert {m["region"]: m["process_group"] for m in up.json("machine", "list")} == {
        "iad": "app",
        "fra": "app",
    }


def scale_is_a_total_and_show_says_where(up):
    rows = up.json("scale", "count", "+1", "--region", "fra")
    assert [(row["action"], row["region"]) for row in rows] == [("created", "fra")]
    (group,) = up.json("scale", "show")
    assert (group["name"], group["count"], group["regions"]) == ("app", 3, "iad,fra(2)")
    rows = up.json("scale", "count", "1", "--region", "fra")
    assert [row["action"] for row in rows] == ["destroyed"]
    assert "did you mean `fra`" in up("scale", "count", "2", "--region", "fry").stderr
    rows = {row["code"]: row["machines"] for row in up.json("regions")}
    assert (rows["fra"], rows["iad"], rows["nrt"]) == (1, 1, None)
    checks = up.json("checks")
    assert {row["status"] for row in checks} == {"passing"}
    assert all(row["last_updated_s"] > 0 for row in checks)


def test_machines_are_cloned_stopped_cordoned_destroyed_and_scaled(up):
    clone = up.json("machine", "clone", "fra/1", "--region", "iad")
    assert (clone["place"], clone["state"], clone["checks"]) == ("iad/2", "started", "1/1")
    assert up.json("machine", "stop", clone["id"])["state"] == "stopped"
    refused = up("machine", "stop", clone["id"])
    assert refused.returncode == 2
    assert "cannot stop iad/2: it is stopped" in refused.stderr
    assert up.json("machine", "start", clone["name"])["state"] == "started"
    assert up.json("machine", "suspend", "iad/2")["state"] == "suspended"
    assert up.json("machine", "start", "iad/2")["state"] == "started"
    assert up.json("machine", "cordon", "iad/2")["state"] == "started (cordoned)"
    assert up.json("machine", "uncordon", "iad/2")["state"] == "started"
    assert "--force" in up("machine", "destroy", "iad/2").stderr
    assert up.json("machine", "destroy", "iad/2", "--force")["state"] == "destroyed"
    standby = up.json("machine", "clone", "fra/1", "--standby-for", "fra/1")
    (status,) = up.json("status")
    roles = {row["id"]: row["role"] for row in status["machines"]}
    assert roles == dict.fromkeys(roles) | {standby["id"]: "standby"}
    up.json("machine", "destroy", standby["id"], "--force")
    assert [m["place"] for m in up.json("machine", "list")] == ["iad/1", "fra/1"]
    scale_is_a_total_and_show_says_where(up)
    many_machines_are_asked_for_twice(up)
    what_was_done_is_saved_as_a_scenario(up)


def many_machines_are_asked_for_twice(up):
    refused = up("scale", "count", "500")
    assert refused.returncode == 2
    assert "498 more machines" in refused.stderr
    assert "--yes" in refused.stderr
    (group,) = up.json("scale", "show")
    assert group["count"] == 2


def what_was_done_is_saved_as_a_scenario(up):
    saved = up("save-scenario").stdout
    done = re.findall(r"fault: (\w+, (?:machine|region): \S+?)[,}](?: count: (\d))?", saved)
    assert done[:3] == [
        ("scale, region: iad", "2"),
        ("stop, machine: iad/2", ""),
        ("start, machine: iad/2", ""),
    ]
    assert done[-2:] == [("scale, region: fra", "2"), ("scale, region: fra", "1")]
    left_out = re.findall("# Left out: (.*?) at", saved)
    assert left_out[:3] == ["iad/2 suspended", "cordon iad/2", "uncordon iad/2"]
    assert any("stop" in what for what in left_out[3:])  # of a machine that was stopped


def test_a_deploy_that_fails_says_why_and_one_that_does_not_brings_secrets(up):
    done = up("deploy", "--command", "python -c 'raise SystemExit(\"no such release\")'")
    assert done.returncode == 1
    assert "release 2 failed: machine iad/1 ended (exited with code 1)" in done.stderr
    assert "no such release" in done.stderr  # its last words
    states = {m["place"]: (m["state"], m["version"]) for m in up.json("machine", "list")}
    assert states == {"iad/1": ("stopped", "2"), "fra/1": ("started", "1")}
    secrets_reach_machines_with_a_deploy_and_are_never_shown(up)


def secrets_reach_machines_with_a_deploy_and_are_never_shown(up):
    assert up("secrets", "set", "API_KEY=tiger-4711", "--stage").returncode == 0
    (row,) = up.json("secrets", "list")
    assert (row["name"], row["staged"]) == ("API_KEY", True)
    done = up("deploy")
    assert done.returncode == 0, done.stderr
    assert "release 3 (rolling) for 2 machines" in done.stderr
    assert re.search(r"machine \w+ of \w+ is updated: 2 of 2; about \d+ s left", done.stderr)
    (row,) = up.json("secrets", "list")
    assert not row["staged"]
    assert re.fullmatch("[0-9a-f]{16}", row["digest"])
    assert up("secrets", "set", "LATER=lion-0815", "--stage").returncode == 0
    staged = {row["name"]: row["staged"] for row in up.json("secrets", "list")}
    assert staged == {"API_KEY": False, "LATER": True}
    assert up("secrets", "unset", "LATER", "--stage").returncode == 0
    assert "tiger" not in up("secrets", "list").stdout
    assert "did you mean `API_KEY`" in up("secrets", "unset", "API_KEEY").stderr
    (world,) = (up.home / "worlds").glob("*")
    assert "tiger" not in (world / "journal.jsonl").read_text()
    assert '"kind":"secrets_changed"' in (world / "journal.jsonl").read_text()
