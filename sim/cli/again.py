"""`sim replay` and `sim diff`: a run again, and two runs held against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.options import EXISTING, journal_option, secrets_option
from sim.cli.outputs import Outputs, output_options
from sim.cli.run import RunOptions, simulated, tell
from sim.cli.tables import listing
from sim.errors import InputError, Problem

if TYPE_CHECKING:
    from sim.report.document import Document


@click.command()
@click.argument("recorded", metavar="JOURNAL", type=EXISTING)
@secrets_option
@output_options
@journal_option
def replay(
    recorded: Path, secrets: Path | None, journal: Path | None, **outputs: Path | None
) -> int:
    """Run the scenario of JOURNAL again, and say what differs.

    The seed and the speed are the same.

    Relative paths of its topology are taken from the current folder.
    """
    from sim.lens.choice import clock_named
    from sim.machines.runtime import runtime_named
    from sim.observe.journal import read
    from sim.report.outcome import judge

    before = judge(read(recorded), str(recorded))
    run = before.evidence.history.run
    assert run is not None  # noqa: S101 - a journal without it is not judged
    if run.scenario is None:
        message = "is of a world that was only brought up: there is no scenario to run again"
        raise InputError(Problem(message, str(recorded)))
    options = RunOptions(
        runtime_named(run.runtime), run.speed, clock_named(run.clock), secrets, journal
    )
    after = simulated(before.evidence.scenario, run.seed, options)
    code = tell(after, Outputs(**outputs))
    click.echo(err=True)
    _show(before.report, after.report, err=True)
    return code


@click.command()
@click.argument("first", type=EXISTING)
@click.argument("second", type=EXISTING)
def diff(first: Path, second: Path) -> int:
    """Say what differs between two runs.

    Each is a journal, or a report that --json wrote. The exit code is 1 if the second run is worse:
    something that held no longer does.
    """
    from sim.report.compare import is_worse

    before, after = report_of(first), report_of(second)
    _show(before, after)
    return 1 if is_worse(before, after) else 0


def report_of(path: Path) -> Document:
    """The report of a journal, or the one that a file holds."""
    from sim.observe.journal import read
    from sim.report.outcome import judge

    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return judge(read(path), str(path)).report
    if not isinstance(held, dict) or "expectations" not in held:
        message = "neither a journal nor a report; give what --journal or --json wrote"
        raise InputError(Problem(message, str(path)))
    return held


def _show(first: Document, second: Document, *, err: bool = False) -> None:
    from sim.report.compare import changes

    found = changes(first, second)
    if not found:
        click.echo("nothing differs", err=err)
        return
    rows: list[dict[str, Any]] = [
        {
            "what": change.what,
            "first": change.first,
            "second": change.second,
            "change": None if change.by is None else f"{change.by:+g}",
        }
        for change in found
    ]
    listing(rows, ("what", "first", "second", "change"), as_json=False, err=err)
