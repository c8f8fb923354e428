"""Scenario files as tests: one for each file and seed, which passes where the verdict is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sim.errors import SimError
from sim.lens.choice import clock_named
from sim.machines.runtime import runtime_named
from sim.pytest_plugin.plugin_options import seeds, settings
from sim.pytest_plugin.sections import Failure, section
from sim.report.asked import asked
from sim.report.outcome import Outcome
from sim.scenario.load_scenario import load_scenario
from sim.schemas.validate import is_scenario_file
from sim.secrets import load_secrets
from sim.simulate import simulate, world_for
from sim.testing.portal import Portal

_ENDING = ".scenario.yaml"
_FOLDER = "topologies"


class NotHeldError(Exception):
    """The verdict of a scenario was not held."""


def is_scenario(path: Path, root: Path) -> bool:
    """Whether a file is a test: by its ending, or because it is a scenario in `topologies/`."""
    if path.name.endswith(_ENDING):
        return True
    folders = path.parent.relative_to(root).parts if path.is_relative_to(root) else ()
    return _FOLDER in folders and is_scenario_file(path)


class ScenarioFile(pytest.File):
    """A scenario's file, with a test for each seed."""

    def collect(self) -> Iterator[ScenarioItem]:
        """Give the tests. What is wrong with the file is told when one runs."""
        numbers = seeds(self.config, settings(self.config).seed)
        for seed in numbers:
            name = "scenario" if len(numbers) == 1 else f"scenario[seed{seed}]"
            yield ScenarioItem.from_parent(self, name=name, seed=seed)


class ScenarioItem(pytest.Item):
    """One run of a scenario."""

    def __init__(self, *, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._seed = seed

    def runtest(self) -> None:
        """Run it. Raises NotHeldError, SimError."""
        given = settings(self.config)
        runtime = runtime_named(given.runtime)
        speed = given.speed
        scenario = load_scenario(self.path)
        folder = self.config._tmp_path_factory.mktemp("sim")  # type: ignore[attr-defined]  # noqa: SLF001 - an item has no fixtures
        journal = folder / "journal.jsonl"
        world = world_for(
            scenario,
            seed=self._seed,
            speed=speed,
            secrets=load_secrets(scenario.topology.gateway.secrets),
            journal_path=journal,
            runtime=runtime,
            clock=clock_named(given.clock),
        )
        with closing(Portal()) as portal:  # a loop that no other plugin knows of
            outcome = portal.wait(simulate(world, scenario, warn=self.warn_of))
        if outcome.verdict.outcome == "held":
            return
        replay = f"sim run {_shown(self.path)} --seed {self._seed} --speed {speed:g}"
        if runtime != "process":
            replay += f" --runtime {runtime}"
        if given.clock != "lens":
            replay += f" --clock {given.clock}"
        lines = journal.read_text(encoding="utf-8").splitlines()
        failure = Failure(self.nodeid, self._seed, speed, replay, outcome, lines, ())
        title, text = section(self.config, folder, failure)
        self.add_report_section("call", title, text)
        raise NotHeldError(_reasons(outcome))

    def warn_of(self, text: str) -> None:
        """Keep what a person should be told, for the report of a failure."""
        self.add_report_section("call", "notes", text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        """Show what was wrong, without a traceback where there is a message for people."""
        if isinstance(excinfo.value, NotHeldError | SimError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test is."""
        return self.path, None, f"{self.path.name}: {self.name}"


def _shown(path: Path) -> str:
    cwd = Path.cwd()
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)


def _reasons(outcome: Outcome) -> str:
    """Why a verdict is not held, in lines."""
    report = outcome.report
    lines = [f"verdict: {report['verdict']}"]
    for row in report["expectations"]:
        if row["held"] is not True:
            word = "unknown" if row["held"] is None else "FAILED"
            lines.append(f"{word}  {asked(row)} → {row['observed']}")
            if row["why"]:
                lines.append(f"  why: {row['why']}")
    return "\n".join(lines + [f"doubt: {doubt}" for doubt in report["doubts"]])
