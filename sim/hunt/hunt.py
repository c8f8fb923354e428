"""The hunt: tries plans side by side, confirms what fails, makes it small, and goes on.

Plans are drawn for all jobs at once and learned from in their order, so that the same seed tries
the same timelines as long as the gateway answers alike. Each try is a line of `tries.jsonl`, from
which a hunt that was interrupted goes on.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sim.clock import Clock
from sim.errors import InputError, Problem
from sim.hunt import learned
from sim.hunt.found import Finding
from sim.hunt.grammar import FAULTS, Grammar, blows
from sim.hunt.learned import Lesson
from sim.hunt.search import Search
from sim.hunt.shrink import shrunk
from sim.hunt.strike import Plan, Strike
from sim.hunt.symptom import Symptom
from sim.hunt.trial import Trials, Tried
from sim.remaining import rough
from sim.rng import Rng
from sim.scenario.model import Scenario

_REPEATS = 5  # of a failure, until it is believed and measured
_BELIEVED = 2  # of those, with the first, have to fail: one may be chance, or this host
_SHRINK_S = 150.0  # real, for one finding, or a sixth of the budget
_LAST_RUNS = 6  # of the smallest, to say how often it fails
_BROKEN = 20  # as close as so many messages that were sent again
_TRIES = "tries.jsonl"


@dataclass
class Hunt:
    """A hunt of a scenario for so many real seconds. `tell` gets each line for a person."""

    scenario: Scenario
    out: Path
    seed: int
    budget_s: float
    jobs: int
    tell: Callable[[str], None]
    faults: Sequence[str] = FAULTS
    arguments: Sequence[str] = ()
    found: dict[int, Finding] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    decided: int = 0
    tried: int = 0

    async def run(self, *, resume: bool = False) -> None:
        """Fill `found`. Ctrl-C leaves what was found until then, and the tries to go on from."""
        before = self._begin(resume=resume)
        what = f"{self.scenario.name} (seed {self.seed}, {self.jobs} side by side)"
        going_on = f", goes on after {len(before)} tries" if before else ""
        self.tell(f"hunt: {what}{going_on}, for {rough(self.budget_s)}")
        self._clock = Clock()
        self._ends_s = self._clock.now() + self.budget_s
        self._trials = Trials(self.scenario, self.out / "runs", self.arguments)
        base = await self._trials.run(Plan((), self._clients), self.seed, "undisturbed")
        if base.report is None:
            raise InputError(Problem(f"the undisturbed run came to no verdict: {base.said}"))
        self.decided += base.verdict != "unknown"
        self.tell(f"undisturbed: {self._outcome(base)}")
        history = base.history()
        grammar = Grammar(
            blows(self.scenario.topology, self.faults),
            learned.moments(history),
            self._clients,
            learned.way_s(history),
        )
        if not grammar.blows:
            raise InputError(Problem("none of these faults can be done to this topology"))
        search = Search(
            grammar,
            learned.support(history, self.scenario.topology),
            Rng(self.seed).fork("hunt"),
        )
        search.learn(base.plan, learned.lesson(history))
        for plan, lesson in before:
            search.next()
            search.learn(plan, lesson)
        self.tried = len(before)
        for symptom in base.symptoms:
            await self._confirm(base, symptom)
        while self._time_left():
            await self._round(search)
        shutil.rmtree(self.out / "runs", ignore_errors=True)

    @property
    def _clients(self) -> int:
        return self.scenario.load.clients

    def _time_left(self) -> bool:
        return self._clock.now() < self._ends_s

    async def _round(self, search: Search) -> None:
        """As many tries as there are jobs, and whatever they found."""
        plans = [search.next() for _ in range(self.jobs)]
        tries = await self._side_by_side(
            [(plan, self.seed + self.tried + k, f"try-{k}") for k, plan in enumerate(plans)]
        )
        for tried in tries:
            self.tried += 1
            self.decided += tried.verdict != "unknown"
            lesson = learned.lesson(tried.history()) if tried.report else Lesson()
            if tried.symptoms:  # perhaps seen once and not again: it could hardly be closer
                lesson = replace(lesson, close=lesson.close + _BROKEN)
            search.learn(tried.plan, lesson)
            self._note(tried, lesson)
            self.tell(
                f"{self.tried}: {tried.plan}: {self._outcome(tried)} ({len(search.states)} states"
                f" seen, {len(self.known)} found, {self._left()} left)"
            )
        for tried in tries:
            for symptom in tried.symptoms:
                await self._confirm(tried, symptom)

    async def _confirm(self, tried: Tried, symptom: Symptom) -> None:
        """Try a failure again; where it comes back, make it small and write it."""
        if symptom.name in self.known:
            return
        kept = tried.folder.parent / f"seen-{symptom.name}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(tried.folder, kept)
        seen = Tried(tried.plan, tried.seed, kept, tried.report, tried.symptoms)
        self.tell(f"{symptom.name}: {symptom.observed}; again, {_REPEATS} times")
        seeds = range(tried.seed + 1, tried.seed + 1 + _REPEATS)
        runs = await self._repeat(tried.plan, symptom, seeds, enough=_BELIEVED - 1)
        failed = 1 + sum(run.shows(symptom) is True for run in runs)
        if failed < _BELIEVED:
            self.tell(f"{symptom.name}: not seen again in {_REPEATS} runs, so it is no finding")
            return
        self.known.add(symptom.name)
        self._write_line({"found": symptom.name})
        number = len(self.known)
        ran = [seen.seed, *seeds[: len(runs)]]
        finding = Finding(number, symptom, tried.plan, seen, ran, failed)
        self._keep(finding)
        await self._shrink(finding)

    async def _shrink(self, first: Finding) -> None:
        """Replace a finding by smaller ones, as long as the budget for it lasts."""
        most_s = min(_SHRINK_S, self.budget_s / 6)
        ends_s = self._clock.now() + most_s
        symptom, number = first.symptom, first.number
        self.tell(f"{symptom.name}: looking for a smaller timeline, {rough(most_s)} at most")
        runs: dict[str, list[Tried]] = {}
        seeds = iter(range(first.seen.seed + 100, first.seen.seed + 10_000))

        def go_on() -> bool:
            return self._time_left() and self._clock.now() < ends_s

        async def fails(plan: Plan) -> list[bool | None]:
            tries = await self._repeat(plan, symptom, [next(seeds) for _ in range(self.jobs)])
            runs.setdefault(repr(plan), []).extend(
                self._set_aside(tried, f"small-{symptom.name}") if tried.shows(symptom) else tried
                for tried in tries
            )
            return [tried.shows(symptom) for tried in tries]

        def smaller(plan: Plan) -> None:
            of = runs[repr(plan)]
            shown = [run for run in of if run.shows(symptom)]
            found = next(s for s in shown[-1].symptoms if s == symptom)
            finding = Finding(number, found, plan, shown[-1], [run.seed for run in of], len(shown))
            self._keep(finding)

        rate = first.failed / first.runs
        plan = await shrunk(first.plan, rate, fails, go_on, smaller)
        last = self.found[number]
        more = range(last.seen.seed + 20_000, last.seen.seed + 20_000 + _LAST_RUNS)
        again = await self._repeat(plan, symptom, more, enough=0)
        failed = last.failed + sum(run.shows(symptom) is True for run in again)
        ran = [*last.seeds, *more[: len(again)]]
        self._keep(Finding(number, last.symptom, plan, last.seen, ran, failed))

    def _set_aside(self, tried: Tried, name: str) -> Tried:
        """The same try with its files where no later one writes."""
        folder = tried.folder.parent / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tried.folder, folder)
        return Tried(tried.plan, tried.seed, folder, tried.report, tried.symptoms)

    async def _repeat(
        self, plan: Plan, symptom: Symptom, seeds: Sequence[int], *, enough: int | None = None
    ) -> list[Tried]:
        """A run for each seed; once the budget is over, until `enough` have failed (None: all)."""
        found: list[Tried] = []
        for k in range(0, len(seeds), self.jobs):
            shown = sum(run.shows(symptom) is True for run in found)
            if enough is not None and shown >= enough and not self._time_left():
                break
            found += await self._side_by_side(
                [(plan, seed, f"again-{n}") for n, seed in enumerate(seeds[k : k + self.jobs])],
                symptom,
            )
        return found

    async def _side_by_side(
        self, asked: Sequence[tuple[Plan, int, str]], symptom: Symptom | None = None
    ) -> list[Tried]:
        expect = [symptom.expect] if symptom else None
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._trials.run(*one, expect)) for one in asked]
        return [task.result() for task in tasks]

    def _keep(self, finding: Finding) -> None:
        self.found[finding.number] = finding
        folder = finding.write(self.out, self.scenario)
        self.tell(f"found: {finding.title}: fails {finding.failed} of {finding.runs}: {folder}")

    def _outcome(self, tried: Tried) -> str:
        if tried.report is None:
            return f"unknown ({tried.said})"
        if tried.verdict == "unknown":
            return f"unknown ({tried.doubt})"
        names = ", ".join(symptom.name for symptom in tried.symptoms)
        return f"{tried.verdict} ({names})" if names else tried.verdict

    def _left(self) -> str:
        return rough(max(0.0, self._ends_s - self._clock.now()))

    # --- what is kept of the tries ---

    def _begin(self, *, resume: bool) -> list[tuple[Plan, Lesson]]:
        """The tries to go on from; the folder is there afterwards."""
        file = self.out / _TRIES
        if file.exists() and not resume:
            message = "has a hunt already; go on with --resume, or name another folder (--out)"
            raise InputError(Problem(message, str(self.out)))
        self.out.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            about = {"seed": self.seed, "scenario": self.scenario.name}
            file.write_text(json.dumps(about) + "\n", encoding="utf-8")
            return []
        begun, *rows = _lines(file)
        if begun["scenario"] != self.scenario.name:
            message = f"has a hunt of another scenario, {begun['scenario']}; name another folder"
            raise InputError(Problem(f"{message} (--out)", str(self.out)))
        self.seed = begun["seed"]
        self.known = {row["found"] for row in rows if "found" in row}
        return [
            (
                Plan(tuple(map(Strike.read, row["strikes"])), self._clients),
                Lesson(frozenset(row["states"]), row["close"]),
            )
            for row in rows
            if "strikes" in row
        ]

    def _note(self, tried: Tried, lesson: Lesson) -> None:
        row: dict[str, Any] = {
            "strikes": [strike.plain() for strike in tried.plan.strikes],
            "verdict": tried.verdict,
            "symptoms": [symptom.name for symptom in tried.symptoms],
            "states": sorted(lesson.states),
            "close": lesson.close,
        }
        self._write_line(row)

    def _write_line(self, row: dict[str, Any]) -> None:
        with (self.out / _TRIES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines; half a line is of a process that was killed while it wrote."""
    text = file.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n")[:-1]]
