"""The hunt's loop over runs that are made up: what is confirmed, written, and gone on from."""

from __future__ import annotations

import asyncio
import json
import runpy
import subprocess
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sim.apart import JOURNAL, PAGE
from sim.cli import cli
from sim.errors import InputError
from sim.hunt.hunt import Hunt
from sim.hunt.symptom import symptoms
from sim.hunt.trial import Trials, Tried
from sim.observe.events import Acked, Event, FaultBegan, LoadEnded, LoadStarted, Sent
from sim.observe.journal import Record, encode
from sim.scenario.load_scenario import load_scenario
from tests.scenario.conftest import TOPOLOGY

ASKED = {"check": "messages", "lost": 0}
FEW = ("crash", "freeze", "reset")


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(TOPOLOGY))
    text = "topology: topology.yaml\nload: {clients: 8}\nduration: 60s\n"
    (tmp_path / "scenario.yaml").write_text(text)
    return load_scenario(tmp_path / "scenario.yaml")


class Gateway:
    """Loses a message wherever `breaks` says so of a plan and its seed."""

    def __init__(self, breaks, *, verdict="failed"):
        self.breaks = breaks
        self.verdict = verdict
        self.plans = []

    @property
    def ran(self):
        """In the place of `Trials.run`: a function, which becomes a method there."""

        async def run(trials, plan, seed, name, expect=None):
            return self._run(trials.folder / name, plan, seed, expect)

        return run

    def _run(self, folder, plan, seed, expect):
        self.plans.append(plan)
        folder.mkdir(parents=True, exist_ok=True)
        broken = self.breaks(plan, seed)
        row = {**ASKED, "observed": "0 lost, 0 duplicated, 0 reordered of 9", "why": ""}
        held = {"failed": False, "unknown": None}[self.verdict] if broken else True
        if broken:
            row |= {"observed": "1 lost, 0 duplicated, 0 reordered of 9", "why": "not stored"}
        events: list[tuple[float, Event]] = [
            (0.0, LoadStarted(8)),
            (9.0, Sent("london/0", "s", 1)),
            (9.1, Acked("london/0", "s", 1, "fra", "m", 100.0)),
            (9.3, FaultBegan("crash", "fra", {"kind": "region"})),
            (60.0, LoadEnded()),
        ]
        lines = [encode(Record(t, event)) for t, event in events]
        (folder / JOURNAL).write_text("\n".join(lines) + "\n")
        (folder / PAGE).write_text("<html></html>")
        report = {
            "verdict": self.verdict if broken else "held",
            "expectations": [{**row, "held": held}],
            "anomalies": [{"kind": "lost", "session": "s", "seq": 1, "text": "not stored"}],
            "faults": [],
            "deaths": [],
        }
        return Tried(plan, seed, folder, report, symptoms(report, expect or [ASKED]))


@pytest.fixture
def hunt(scenario, tmp_path, monkeypatch):
    """A hunt over a gateway that is made up, for so many tries."""

    async def hunt(
        gateway,
        tries=8,
        *,
        resume=False,
        faults=("crash", "freeze", "reset"),
        tell=str,
        of=scenario,
    ):
        monkeypatch.setattr(Trials, "run", gateway.ran)
        going = Hunt(of, tmp_path / "found", 7, 600.0, 2, tell, faults)
        monkeypatch.setattr(Hunt, "_time_left", lambda self: self.tried < tries)
        await going.run(resume=resume)
        return going

    return hunt


async def test_a_failure_is_confirmed_made_small_and_written(hunt, tmp_path):
    gateway = Gateway(lambda plan, _: "crash" in plan.words)
    going = await hunt(gateway, 12)
    (finding,) = going.found.values()
    assert (finding.symptom.name, finding.plan.words, finding.plan.clients) == (
        "lost",
        ["crash"],
        2,
    )
    assert finding.failed == finding.runs >= 8
    folder = tmp_path / "found" / "001-lost-after-crash"
    assert {path.name for path in folder.iterdir()} == {
        *("scenario.yaml", "test_found_001.py", PAGE, "story.md")
    }
    written = load_scenario(folder / "scenario.yaml")
    assert [entry.fault for entry in written.timeline if entry.at_s < 60][-1] == "heal"
    assert [dict(row) for row in written.document["expect"]] == [ASKED]
    assert "test_found_001" in runpy.run_path(str(folder / "test_found_001.py"))
    story = (folder / "story.md").read_text()
    assert "Message 1 of session s of london/0 was sent at 9.00 s." in story
    assert "acknowledged it at 9.10 s, 0.20 s before crash fra." in story
    assert f"Fails {finding.failed} of {finding.runs}." in story
    assert not (tmp_path / "found" / "runs").exists()


@pytest.mark.parametrize(("code", "said"), [(0, None), (1, "lost"), (4, "could not tell: lost")])
async def test_a_found_test_passes_where_its_run_held_and_nowhere_else(
    hunt, tmp_path, monkeypatch, code, said
):
    await hunt(Gateway(lambda plan, _: "crash" in plan.words), 12)
    (written,) = (tmp_path / "found").glob("*/test_found_001.py")
    ended = subprocess.CompletedProcess([], code, "lost", "")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: ended)
    test = runpy.run_path(str(written))["test_found_001"]
    with pytest.raises(AssertionError, match=f"^{said}") if said else nullcontext():
        test(7)


async def test_what_is_seen_once_is_no_finding_and_nor_is_what_is_unknown(hunt):
    seen: set[object] = set()

    def once(plan, _):
        first = bool(plan.strikes) and not seen
        seen.add(first and plan)
        return first

    assert not (await hunt(Gateway(once))).found
    unknown = Gateway(lambda *_: True, verdict="unknown")
    going = await hunt(unknown, 16, resume=True)
    assert (going.found, going.decided) == ({}, 0)


async def test_a_hunt_goes_on_and_finds_nothing_twice(hunt, scenario, tmp_path):
    gateway = Gateway(lambda plan, _: "crash" in plan.words)
    first = await hunt(gateway, 12)
    with pytest.raises(InputError, match="--resume"):
        await hunt(gateway, 12)
    again = Gateway(gateway.breaks)
    told: list[str] = []
    going = await hunt(again, 20, resume=True, tell=told.append)
    start = f"hunt: {scenario.name} (seed 7, 2 side by side), goes on after 12 tries, for "
    assert told[0].startswith(start)
    assert "1 found" in told[-1]
    assert len(first.found) == 1
    assert not going.found
    rows = [
        json.loads(line)
        for line in (tmp_path / "found" / "tries.jsonl").read_text().split("\n")[1:-1]
    ]
    assert sum("strikes" in row for row in rows) == 20
    assert sum("found" in row for row in rows) == 1
    with pytest.raises(InputError, match="of another scenario, "):
        await hunt(again, 20, resume=True, of=replace(scenario, name="another"))


async def test_a_budget_that_is_over_leaves_time_to_confirm_alone(hunt, monkeypatch):
    gateway = Gateway(lambda plan, _: "crash" in plan.words)
    going = await hunt(gateway, 1)
    (finding,) = going.found.values()
    assert (finding.failed, finding.runs) == (3, 3)  # the try, and those of one round that sufficed
    assert len(gateway.plans) == 1 + 2 + 2  # undisturbed, a round of two tries, a round of repeats


async def test_an_interrupted_hunt_leaves_what_it_found(hunt, tmp_path):
    tried = 0

    def breaks(plan, _):
        nonlocal tried
        tried += 1
        if (tmp_path / "found" / "001-lost-after-crash").exists():
            raise asyncio.CancelledError
        return "crash" in plan.words

    with pytest.raises(asyncio.CancelledError):
        await hunt(Gateway(breaks), 50)
    assert (tmp_path / "found" / "001-lost-after-crash" / "scenario.yaml").exists()


def test_a_fault_that_is_not_hunted_with_is_told(scenario):
    ran = CliRunner().invoke(cli, ["hunt", str(scenario.path), "--faults", "crush"])
    assert (ran.exit_code, "did you mean `crash`" in ran.output) == (2, True)


def test_a_topology_in_memory_cannot_be_hunted(scenario, tmp_path):
    assert Trials(scenario, tmp_path, ()).topology() == str(Path(tmp_path / "topology.yaml"))
