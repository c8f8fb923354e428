"""Plays a scenario, or only its load, on a world that is up; the page holds, resumes and stops it.

A scenario that went its own way to the end is judged as `sim run` would judge it. One that was
held or stopped is not: its times are no longer those that its file speaks of.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.errors import InputError
from sim.observe.excerpt import excerpt
from sim.observe.journal import Records
from sim.scenario import runner
from sim.scenario.load_scenario import load_scenario, scenario_from_mapping
from sim.scenario.model import Scenario
from sim.scenario.timeline import Timeline
from sim.world import World

_TOPOLOGY = re.compile(r"^topology:\s*(\S+)", re.MULTILINE)
_NAME = re.compile(r"^name:\s*(.+)", re.MULTILINE)
# For a world that nobody has written a scenario for: what any gateway answers.
_ANY = ""
_CLIENTS = {"name": "ten clients that ask over HTTP, no faults", "duration": "1s"}
_CLIENTS_LOAD = {"driver": "http", "clients": 10, "every": "1s"}
_NOT_JUDGED = "it was paused or stopped on the way, so its times are not those of its file"


@dataclass
class Play:
    """A scenario that plays, or the last one that did. `load_only`: no faults, no end."""

    scenario: Scenario
    timeline: Timeline
    load_only: bool
    verdict: dict[str, Any] | None = None
    report: str | None = None
    problem: str | None = None


class Player:
    """One scenario at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._play: Play | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Player of {self._play.scenario.name if self._play else 'nothing'}>"

    @property
    def report(self) -> str | None:
        """The page of the last scenario that was judged."""
        return self._play.report if self._play else None

    def scenarios(self) -> list[dict[str, str]]:
        """The scenarios beside the topology that are for it, and clients alone: file and name."""
        found = [{"file": file, "name": name} for file, (_, name) in self._found().items()]
        return [*found, {"file": _ANY, "name": _CLIENTS["name"]}]

    def state(self) -> dict[str, Any] | None:
        """What plays, or played last."""
        play = self._play
        if play is None:
            return None
        duration_s = play.scenario.duration_s
        now = min(play.timeline.now(), duration_s)
        following = next((e for e in play.scenario.timeline if now < e.at_s < math.inf), None)
        return {
            "name": play.scenario.name,
            "runs": self._runs,
            "paused": play.timeline.held,
            "load_only": play.load_only,
            "at_s": round(now, 1),
            "duration_s": None if math.isinf(duration_s) else duration_s,
            "next": following
            and f"{following.fault} {following.target or 'everything'} at {following.at_s:g} s",
            "verdict": play.verdict,
            "problem": play.problem,
            "report": play.report is not None,
        }

    # --- what the page asks for ---

    def start(self, file: str) -> None:
        """Play a scenario by its file, as `scenarios` names it. Raises InputError."""
        if file == _ANY:
            document = {**_CLIENTS, "load": _CLIENTS_LOAD}
            self.play(scenario_from_mapping(document, self._world.topology), load_only=True)
            return
        found = self._found().get(file)
        if found is None:
            raise InputError(f"no scenario {file!r} for this topology; there are: {self._files()}")
        self.play(replace(load_scenario(found[0]), topology=self._world.topology))

    def play(self, scenario: Scenario, *, load_only: bool = False) -> None:
        """Play a scenario, or without an end its load alone. Raises InputError while one plays."""
        if self._runs and self._play:
            raise InputError(f"{self._play.scenario.name!r} is playing; stop it first")
        if load_only:
            scenario = replace(scenario, timeline=(), expect=(), duration_s=math.inf)
        play = self._play = Play(scenario, Timeline(self._world.clock), load_only)
        self._task = asyncio.create_task(self._perform(play))

    def pause(self) -> None:
        """Hold the timeline; the load goes on. Raises InputError where nothing plays."""
        self._playing().timeline.hold()

    def resume(self) -> None:
        """Go on with the timeline. Raises InputError where nothing plays."""
        self._playing().timeline.release()

    async def stop(self) -> None:
        """End what plays, and wait until its clients are gone. What faults have done lasts."""
        self._playing().timeline.end()
        await self.finished()

    async def finished(self) -> None:
        """Wait until nothing plays."""
        if self._task:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """End at once whatever plays."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- how ---

    @property
    def _runs(self) -> bool:
        return self._task is not None and not self._task.done()

    def _playing(self) -> Play:
        if not self._runs or self._play is None:
            raise InputError("no scenario is playing")
        return self._play

    def _found(self) -> dict[str, tuple[Path, str]]:
        path = self._world.topology.path
        return dict(_scenarios_for(path.resolve())) if path else {}

    def _files(self) -> str:
        return ", ".join(self._found()) or "none"

    async def _perform(self, play: Play) -> None:
        world, first = self._world, len(self._world.journal.records)
        try:
            await runner.run(world, play.scenario, lambda text: _note(play, text), play.timeline)
        except InputError as error:
            _note(play, str(error))
            return
        if play.load_only or not play.scenario.expect:
            return
        if play.timeline.was_held or play.timeline.over:
            play.verdict = {"outcome": "unknown", "findings": [], "doubts": [_NOT_JUDGED]}
            return
        # Pure, and long for a large load: the world must not stand still for it.
        await asyncio.to_thread(_judge, play, world.journal.records.copy(), first)


def _note(play: Play, text: str) -> None:
    play.problem = text


def _judge(play: Play, told: Records, first: int) -> None:
    """Judge what was played, and make its report."""
    from sim.report import html, outcome  # noqa: PLC0415 - every `sim up` would wait for them

    records = excerpt(told, first, scenario=play.scenario.document)
    judged = outcome.judge(records, play.scenario.name)
    verdict, report = judged.verdict, judged.report
    play.verdict = {
        "outcome": verdict.outcome,
        "findings": [
            {
                "check": entry["check"],
                "held": entry["held"],
                "observed": entry["observed"],
                "why": entry["why"],
            }
            for entry in report["expectations"]
        ],
        "doubts": list(verdict.doubts),
    }
    play.report = html.render(judged.evidence, verdict, report)


def _scenarios_for(topology: Path) -> Iterator[tuple[str, tuple[Path, str]]]:
    """The scenario files in the topology's folder and those within it, which name it."""
    folder = topology.parent
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        named = _TOPOLOGY.search(text)
        if named and (path.parent / named[1].strip("\"'")).resolve() == topology:
            title = _NAME.search(text)
            name = title[1].split(" #")[0].strip().strip("\"'") if title else path.stem
            yield str(path.relative_to(folder)), (path, name)
