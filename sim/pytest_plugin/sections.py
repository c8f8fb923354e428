"""What a failed test is told in a section of its own: the seed, how to replay, what went wrong."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.observe.events import FaultFailed, PartFailed
from sim.observe.sessions import count
from sim.report import html
from sim.report.outcome import Outcome
from sim.scenario.checks.outage import anatomy
from sim.testing import SimWorld

_TITLE = "sim"
_FLAGS = ("topology", "speed", "runtime", "clock")


@dataclass(frozen=True)
class Failure:
    """A failed test: what it showed, and the command that shows it again."""

    name: str
    seed: int
    speed: float
    replay: str
    outcome: Outcome
    journal: Sequence[str]
    notes: Sequence[str]


def section_of_world(item: pytest.Item, world: SimWorld) -> tuple[str, str]:
    """The section of a test that had a world."""
    config = item.config
    journal = world.world.journal.path
    folder = journal.parent if journal else config.rootpath
    replay = _replay(item, world)
    try:
        failure = Failure(
            name=item.nodeid,
            seed=world.seed,
            speed=world.speed,
            replay=replay,
            outcome=world.outcome(),
            journal=world.journal_lines(),
            notes=world.notes,
        )
        return section(config, folder, failure)
    except Exception as error:  # noqa: BLE001 - pytest would end the whole run for it
        why = f"there is no report: {type(error).__name__}: {error}"
        text = f"seed {world.seed}, speed {world.speed:g}\nreplay: {replay}\n{why}\n"
        return f"{_TITLE}: {item.nodeid}", text


def section(config: pytest.Config, folder: Path, failure: Failure) -> tuple[str, str]:
    """Title and text; the page and the journal are written to --sim-reports, or to the folder."""
    reports: Path = config.getoption("sim_reports") or folder
    name = f"{without_seed(failure.name)}-seed{failure.seed}"
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    page, journal = reports / f"{stem}.html", reports / f"{stem}.jsonl"
    reports.mkdir(parents=True, exist_ok=True)
    outcome = failure.outcome
    journal.write_text("".join(f"{line}\n" for line in failure.journal), encoding="utf-8")
    page.write_text(html.render(outcome.evidence, outcome.verdict, outcome.report), "utf-8")
    lines = [
        f"seed {failure.seed}, speed {failure.speed:g}",
        f"replay: {failure.replay}",
        f"first anomaly: {first_anomaly(outcome)}",
        f"report: {page.resolve()}",
        f"journal: {journal.resolve()}",
        *(f"note: {note}" for note in failure.notes),
    ]
    return f"{_TITLE}: {failure.name}", "\n".join(lines) + "\n"


def first_anomaly(outcome: Outcome) -> str:
    """The first thing in a run that should not have been, in words."""
    evidence = outcome.evidence
    found = [
        (t, f"{fault.fault} {fault.target} could not be done: {fault.reason}")
        for t, fault in evidence.history.of(FaultFailed)
    ]
    found += [
        (t, f"{part.part} failed: {part.reason}") for t, part in evidence.history.of(PartFailed)
    ]
    found += [
        (
            anomaly.acked_t if anomaly.acked_t is not None else evidence.history.end,
            f"{anomaly.kind}: message {anomaly.seq} of {anomaly.session}: {anomaly.text}",
        )
        for anomaly in evidence.ledger.anomalies
    ]
    found += [
        (
            t,
            f"{ready.client}: the gateway in {ready.region} forgot session {ready.session}",
        )
        for t, ready in count(evidence.history).broken
    ]
    if not found and evidence.history.load_started:
        found = [(outage.from_s, anatomy(outage)) for outage in evidence.outages]
    if not found:
        return "none was seen"
    t, text = min(found)
    return f"at {t:.1f} s: {text}"


def without_seed(nodeid: str) -> str:
    """The id of a test that was repeated over seeds, as it is without repetition."""
    name, bracket, ids = nodeid.partition("[")
    kept = [part for part in ids.removesuffix("]").split("-") if not re.fullmatch(r"seed\d+", part)]
    return f"{name}[{'-'.join(kept)}]" if bracket and kept else name


def _replay(item: pytest.Item, world: SimWorld) -> str:
    """The command that runs this test again, with this seed and no other."""
    file = os.path.relpath(item.path, item.config.invocation_params.dir)
    test = without_seed(str(item.nodeid).partition("::")[2])
    words = ["pytest", f"{file}::{test}", f"--sim-seed={world.seed}"]
    for flag in _FLAGS:
        value = item.config.getoption(f"sim_{flag}")
        if value is not None:
            words.append(f"--sim-{flag}={value}")
    return shlex.join(words)
